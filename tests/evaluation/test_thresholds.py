import dataclasses
import json

import numpy as np
import pytest
from scipy.special import expit
from tests.evaluation.synthetic import (
    FakeClassifier,
    evaluation_of,
    fake_images,
    three_class_answers,
)

from facecover.errors import ConfigError
from facecover.evaluation.answers import check_answers
from facecover.evaluation.performance import Evaluation, evaluate_images
from facecover.evaluation.thresholds import (
    Costs,
    at_threshold,
    cheapest_threshold,
    choose_threshold,
    cost_at,
)
from facecover.evaluation.uncertain_band import band_reaching, choose_band, is_uncertain
from facecover.labels import MASK
from facecover.report.confidence_section import SAME_IMAGES, band_sentences, threshold_sentences


def _others(evaluation: Evaluation, split: str = "val") -> Evaluation:
    """The same answers on images that count as others."""
    return dataclasses.replace(evaluation, rows=evaluation.rows + 10_000, split=split)


@pytest.mark.parametrize(("miss", "alarm"), [(1, 1), (5, 1), (1, 20), (0.3, 0.1)])
def test_no_threshold_is_cheaper_than_the_one_chosen(miss: float, alarm: float) -> None:
    costs = Costs(miss, alarm)
    evaluation = evaluation_of("net", 200)
    chosen = cost_at(evaluation, cheapest_threshold(evaluation.answers, costs), costs).cost
    for threshold in np.linspace(0.001, 0.999, 150):
        assert chosen <= cost_at(evaluation, float(threshold), costs).cost + 1e-12


def test_a_dearer_miss_lowers_the_threshold_and_the_formula_breaks_ties() -> None:
    answers = evaluation_of("net", 300).answers
    found = [cheapest_threshold(answers, Costs(miss, 1)) for miss in (0.1, 1, 10)]
    assert found == sorted(found, reverse=True)
    labels = np.array([0, 1])
    apart = check_answers(labels, np.array([[0.99, 0.01], [0.01, 0.99]]))
    assert cheapest_threshold(apart, Costs(3, 1)) == 0.25 == Costs(3, 1).break_even


def test_costs_by_hand() -> None:
    mask = np.array([0.2, 0.6, 0.8, 0.4])
    images = fake_images(np.column_stack([1 - mask, mask]))
    evaluation = evaluate_images(FakeClassifier(), images, np.array([1, 0, 1, 0]), resamples=200)
    found = cost_at(evaluation, 0.5, Costs(5, 1))
    assert (found.misses, found.alarms, found.n) == (1, 1, 4)
    assert found.cost == pytest.approx(6 / 4)
    assert found.ci95 is not None


def test_no_mistake_still_has_an_upper_bound() -> None:
    labels = np.arange(40) % 2
    images = fake_images(np.eye(2)[labels])
    perfect = evaluate_images(FakeClassifier(), images, labels, resamples=200)
    found = cost_at(perfect, 0.5, Costs(5, 1))
    assert found.cost == 0
    assert found.ci95 is not None
    assert found.ci95[0] == 0
    assert 0 < found.ci95[1] < 5


def test_a_threshold_is_chosen_on_other_images_or_by_the_formula() -> None:
    evaluation, costs = evaluation_of("net", 300), Costs(10, 1)
    chooser = _others(evaluation_of("net", 300, seed=5))
    chosen = choose_threshold(evaluation, costs, chooser)
    assert chosen.threshold == cheapest_threshold(chooser.answers, costs)
    assert not chosen.same_images
    assert chosen.difference == pytest.approx(chosen.measured.cost - chosen.at_half.cost)
    formula = choose_threshold(evaluation, costs, None)
    assert formula.threshold == pytest.approx(1 / 11)
    for choice, word in ((chosen, "300 validation images"), (formula, "formula")):
        assert word in threshold_sentences(choice, "test images")[0]
        json.dumps(choice.to_json(), allow_nan=False)


def test_choosing_and_measuring_on_the_same_images_is_said() -> None:
    evaluation = evaluation_of("net", 200)
    assert SAME_IMAGES in threshold_sentences(
        choose_threshold(evaluation, Costs(5, 1), evaluation), "images"
    )
    assert SAME_IMAGES in band_sentences(choose_band(evaluation, 0.95, evaluation), "images")


@pytest.mark.parametrize("target", [0.9, 0.95, 0.97])
def test_the_band_reaches_the_target_and_none_narrower_does(target: float) -> None:
    evaluation = evaluation_of("net", 500)
    answers = evaluation.answers
    band = band_reaching(answers, target)
    assert band is not None
    assert band[0] < 0.5 < band[1]
    answered = ~is_uncertain(answers, band)
    assert answers.is_right[answered].mean() >= target
    for share in (0.5, 0.9, 0.98):
        width = share * np.log(band[1] / (1 - band[1]))
        narrower = (1 / (1 + np.exp(width)), 1 / (1 + np.exp(-width)))
        more = ~is_uncertain(answers, narrower)
        assert more.sum() == answered.sum() or answers.is_right[more].mean() < target


def test_a_target_that_is_met_anyway_needs_no_band() -> None:
    evaluation = evaluation_of("net", 200)
    choice = choose_band(evaluation, 0.5, _others(evaluation))
    assert choice.band is None
    assert choice.is_reached
    assert choice.unanswered.value == 0
    assert "Every image can be answered" in band_sentences(choice, "images")[0]


def test_a_target_out_of_reach_gets_the_best_there_is() -> None:
    # The surest 40 are half wrong; staying silent makes nothing better.
    labels = np.arange(60) % 2
    mask = np.where(np.arange(60) < 40, 0.98, np.where(labels == 1, 0.7, 0.3))
    images = fake_images(np.column_stack([1 - mask, mask]))
    evaluation = evaluate_images(FakeClassifier(), images, labels, resamples=200)
    choice = choose_band(evaluation, 0.999, _others(evaluation))
    assert not choice.is_reached
    assert choice.band is None
    assert choice.chosen_accuracy == pytest.approx(40 / 60)
    assert "cannot reach an accuracy of 99.9%" in band_sentences(choice, "images")[0]
    json.dumps(choice.to_json(), allow_nan=False)


def test_a_band_that_answers_nothing_elsewhere_gives_no_number_that_is_none() -> None:
    chooser = _others(evaluation_of("net", 300))
    unsure = np.full(20, 0.5)
    images = fake_images(np.column_stack([1 - unsure, unsure]))
    evaluation = evaluate_images(FakeClassifier(), images, np.arange(20) % 2, resamples=200)
    choice = choose_band(evaluation, 0.97, chooser)
    assert choice.accuracy.value is None
    assert choice.unanswered.value == 1
    document = json.loads(json.dumps(choice.to_json(), allow_nan=False))
    assert document["measured"]["undefined"] == "no image is answered"
    assert "leaves every one of 20" in " ".join(band_sentences(choice, "images"))


def test_the_band_lies_around_the_threshold_in_use() -> None:
    evaluation = at_threshold(evaluation_of("net", 400), 0.2)
    band = band_reaching(evaluation.answers, 0.97)
    assert band is not None
    assert band[0] <= 0.2 < band[1]
    assert (evaluation.answers.predicted == (evaluation.answers.probabilities[:, 1] >= 0.2)).all()


@pytest.mark.parametrize("threshold", [0.02, 0.2, 0.8, 0.98])
def test_a_moved_threshold_leaves_the_least_likely_answers_out(threshold: float) -> None:
    answers = at_threshold(evaluation_of("net", 600), threshold).answers
    band = band_reaching(answers, 0.97)
    assert band is not None
    assert band[0] <= threshold <= band[1]
    unsure = is_uncertain(answers, band)
    assert answers.is_right[~unsure].mean() >= 0.97
    assert answers.confidence[unsure].max() < answers.confidence[~unsure].min()


def test_a_printed_threshold_and_band_can_be_answered_with() -> None:
    evaluation = at_threshold(evaluation_of("net", 400), 0.2)
    choice = choose_band(evaluation, 0.97, _others(evaluation))
    for band in ((3e-17, 1 - 1e-12), (0.06613, 0.9999974), (0.2, 0.7)):
        words = band_sentences(dataclasses.replace(choice, band=band), "images")[0]
        low, high = (float(word.rstrip(":,")) for word in words.split(" ", 5)[2:5:2])
        assert 0 < low < high < 1
        assert low == pytest.approx(band[0], rel=1e-3)
    words = threshold_sentences(choose_threshold(evaluation, Costs(1e-7, 1), None), "images")[0]
    assert float(words.split()[1].rstrip(",")) < 1


def test_a_difference_without_an_interval_is_named() -> None:
    mask = np.full(40, 0.4)
    images = fake_images(np.column_stack([1 - mask, mask]))
    evaluation = evaluate_images(
        FakeClassifier(), images, np.ones(40, dtype=np.int64), resamples=200
    )
    words = threshold_sentences(choose_threshold(evaluation, Costs(5, 1), None), "images")[1]
    assert words.endswith("It costs 5 less an image; these images give no interval.")
    words = threshold_sentences(choose_threshold(evaluation, Costs(1, 1), None), "images")[1]
    assert words.endswith("Both cost the same.")


@pytest.mark.parametrize("costs", [(0, 1), (1, -1), (float("nan"), 1), (1, float("inf"))])
def test_costs_are_positive_numbers(costs: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match="expected a number greater than 0"):
        Costs(*costs)


def test_what_cannot_be_chosen_is_refused() -> None:
    evaluation = evaluation_of("net", 60)
    with pytest.raises(ConfigError, match="expected a share of 0 to 1"):
        choose_band(evaluation, 99.5, evaluation)
    few = evaluation_of("net", 60, rows=np.arange(10), split="val")
    with pytest.raises(ConfigError, match=r"30 images or more .* found 10 validation images"):
        choose_band(evaluation, 0.9, few)
    three = dataclasses.replace(evaluation, answers=check_answers(*three_class_answers(60)))
    with pytest.raises(ConfigError, match="a model of two classes, found no_mask, mask, incorr"):
        choose_threshold(three, Costs(1, 1), None)
    with pytest.raises(ConfigError, match="a model of two classes"):
        choose_band(three, 0.9, three)


def _evaluated(n: int, seed: int) -> Evaluation:
    """Images whose masks are missed at 0.5 twice as often as bare faces are called one."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    scores = expit(rng.normal(np.where(labels == MASK, 0.8, -1.6), 1))
    images = fake_images(np.column_stack([1 - scores, scores]))
    return evaluate_images(FakeClassifier(), images, labels, resamples=200)


def test_what_few_mistakes_chose_is_said_to_be_chance_and_what_many_did_is_not() -> None:
    few, many = _evaluated(40, 0), _evaluated(2000, 0)
    for images, expected in ((few, True), (many, False)):
        threshold = choose_threshold(images, Costs(5, 1), images)
        assert threshold.gain is not None
        assert threshold.may_be_chance is expected
        assert threshold.to_json()["gain"]["may_be_chance"] is expected  # type: ignore[index,call-overload]
        words = " ".join(threshold_sentences(threshold, "images"))
        assert ("Too few mistakes chose it" in words) is expected
    band = choose_band(many, 0.95, many)
    assert not band.may_be_chance
    assert band.gain.value == pytest.approx(0.95 - many.answers.is_right.mean(), abs=0.02)
    assert choose_band(few, 0.99, few).may_be_chance
