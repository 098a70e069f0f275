import dataclasses
import json

import numpy as np
import pytest
from tests.evaluation.synthetic import (
    FakeClassifier,
    binary_answers,
    evaluation_of,
    fake_images,
    model_info,
    three_class_answers,
)

from facecover.evaluation.answers import check_answers
from facecover.evaluation.performance import (
    Evaluation,
    evaluate_images,
    measure_calibration,
    uncalibrated,
)
from facecover.evaluation.uncertain_band import certainty, risk_coverage


def _scored(scores: list[float], labels: list[int]) -> Evaluation:
    """Answers of these probabilities of a mask, to the nearest 255th."""
    mask = np.array(scores)
    images = fake_images(np.column_stack([1 - mask, mask]))
    return evaluate_images(FakeClassifier(), images, np.array(labels), resamples=200)


def test_a_small_curve_by_hand() -> None:
    # From the surest on: right, right, wrong, right.
    risk = risk_coverage(_scored([1.0, 0.1, 0.8, 0.4], [1, 0, 0, 0]))
    assert risk.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk.risk.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 4])
    assert risk.aurc == pytest.approx((1 / 3 + 1 / 4) / 4)
    assert risk.risk_at(0.5) == 0
    assert risk.risk_at(0.51) == pytest.approx(1 / 3)


def test_images_of_one_certainty_share_their_mistakes() -> None:
    forth = risk_coverage(_scored([0.8, 0.8, 0.8, 0.8], [0, 1, 1, 1]))
    back = risk_coverage(_scored([0.8, 0.8, 0.8, 0.8], [1, 1, 1, 0]))
    assert forth.risk.tolist() == back.risk.tolist() == [0.25] * 4


def test_the_area_is_within_its_interval_and_certainty_beats_chance() -> None:
    evaluation = evaluation_of("net", 400)
    risk = risk_coverage(evaluation)
    assert risk.ci95 is not None
    assert risk.ci95[0] < risk.aurc < risk.ci95[1]
    assert risk.aurc < 1 - (evaluation.metrics.values["accuracy"] or 0)
    json.dumps(risk.to_json(), allow_nan=False)


def test_without_a_mistake_there_is_no_risk_and_no_interval() -> None:
    risk = risk_coverage(_scored([1.0, 0.0, 0.9], [1, 0, 1]))
    assert risk.aurc == 0
    assert risk.ci95 is None


@pytest.mark.parametrize("threshold", [0.03, 0.5, 0.994])
def test_certainty_orders_as_the_probability_of_the_answer_does(threshold: float) -> None:
    labels, probabilities = binary_answers(60)
    answers = check_answers(labels, probabilities, threshold=threshold)
    assert np.isfinite(certainty(answers)).all()
    by_certainty = np.argsort(certainty(answers), kind="stable")
    assert (np.diff(answers.confidence[by_certainty]) > -1e-9).all()


def test_certainty_of_three_classes_is_the_confidence() -> None:
    three = check_answers(*three_class_answers(20))
    assert certainty(three).tolist() == three.confidence.tolist()


def test_before_the_temperature_the_logits_are_larger_and_the_answers_the_same() -> None:
    labels, probabilities = three_class_answers(50)
    temperature = 1.7
    logits = temperature * np.log(probabilities)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    answers = check_answers(labels, probabilities)
    before = uncalibrated(answers, temperature)
    assert before.probabilities == pytest.approx(expected)
    assert before.predicted.tolist() == answers.predicted.tolist()
    assert (before.confidence > answers.confidence - 1e-12).all()


def test_calibration_is_measured_before_and_after() -> None:
    evaluation = evaluation_of("net", 200)
    warm = dataclasses.replace(evaluation, model=model_info(temperature=2.0))
    found = measure_calibration(warm)
    assert found.after is warm
    assert found.before.metrics.values["ece"] != warm.metrics.values["ece"]
    assert found.before.metrics.values["accuracy"] == warm.metrics.values["accuracy"]
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert document["temperature"] == 2
    assert set(document["before"]) == set(document["after"])
    plain = measure_calibration(evaluation)
    assert plain.before is plain.after is evaluation
