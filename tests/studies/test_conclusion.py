from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facecover.errors import DatasetError
from facecover.evaluation.intervals import Interval
from facecover.studies.conclusion import (
    SeedMean,
    StudyRow,
    difference_sentence,
    judge,
    mean_accuracy,
    mean_difference,
    naive_and_honest,
    study_sentences,
)
from facecover.studies.definition import Study
from facecover.studies.results import StudyComparison
from facecover.studies.runs import RunAnswers


def _study(claim: str = "b is better", **changes: Any) -> Study:  # noqa: ANN401
    document: dict[str, Any] = {
        "name": "s",
        "question": "Is b better?",
        "claim": claim,
        "expects": [{"better": "b"}],
        "variants": [{"name": "a", "experiment": "net1"}, {"name": "b", "experiment": "net1"}],
        "divisions": ["merged-group"],
    }
    return Study.model_validate({**document, **changes})


def _gap(difference: float, ci95: Interval | None, source: str = "all") -> StudyComparison:
    division = "merged-group" if source == "all" else "left-out"
    words = f"b and a differ by {difference}."
    return StudyComparison(division, source, "b", "a", 100, 3, difference, ci95, words)


def _row(division: str, source: str, variant: str, accuracy: float) -> StudyRow:
    bounds = (accuracy - 0.01, accuracy + 0.01)
    mean = SeedMean(accuracy, bounds, 9, 9, {0: accuracy})
    return StudyRow(division, source, variant, mean, 9, 1, 10)


@given(st.floats(-1, 1), st.floats(0, 0.5), st.floats(-0.5, 0.5))
def test_a_verdict_needs_the_whole_interval(value: float, half: float, wanted: float) -> None:
    verdict = judge(value, (value - half, value + half), wanted)
    assert (verdict == "not borne out") == (value + half < wanted)
    if verdict == "borne out":
        assert value - half >= wanted
    if value - half > wanted:
        assert verdict == "borne out"


def test_no_interval_is_no_verdict() -> None:
    assert judge(0.0, None, 0) == "cannot be told"
    assert judge(0.0, (0.0, 0.0), 0) == "cannot be told"


def test_a_difference_without_an_interval_is_still_told() -> None:
    assert difference_sentence("b", "a", 1.0, None).startswith("b has 100.0 points more accuracy")
    for difference in (0.0, 1.0):
        assert "no interval can be given" in difference_sentence("b", "a", difference, None)


@pytest.mark.parametrize(
    ("difference", "ci95", "claim", "words"),
    [
        (0.02, (0.01, 0.03), "b is better", "The claim: b is better. This data bears it out: b"),
        (-0.02, (-0.03, -0.01), "b is better", "This data does not bear it out: b and a"),
        (0.02, (-0.01, 0.03), "b is better", "Whether it is so cannot be told from this data: b"),
        (0.02, (0.01, 0.03), "", "Is b better? Yes: b and a"),
        (-0.02, (-0.03, -0.01), "", "Is b better? No: b and a"),
        (0.0, None, "", "Is b better? That cannot be told from this data: b and a"),
    ],
)
def test_the_sentence_follows_from_the_numbers(
    difference: float, ci95: Interval | None, claim: str, words: str
) -> None:
    (sentence,) = study_sentences(_study(claim), [], [_gap(difference, ci95)])
    assert sentence.startswith("Is b better? ")
    assert words in sentence


def test_an_expectation_may_ask_the_other_way_round() -> None:
    study = _study(expects=[{"better": "a", "than": "b"}])
    (sentence,) = study_sentences(study, [], [_gap(-0.02, (-0.03, -0.01))])
    assert "This data bears it out" in sentence


def test_several_places_are_counted() -> None:
    gaps = [_gap(0.1, (0.05, 0.2), "x"), _gap(-0.1, (-0.2, -0.05), "y"), _gap(0.1, (-1, 1), "z")]
    lead, *reasons = study_sentences(_study(), [], gaps)
    assert (
        "Of 3 cases, it is borne out in 1, it is not borne out in 1 and it cannot be told in 1."
        in lead
    )
    assert len(reasons) == 3
    assert reasons[0].startswith("x, left out: ")
    assert reasons[0].endswith("; borne out.")


def test_an_accuracy_that_is_claimed_is_judged_everywhere() -> None:
    study = _study(expects=[{"at_least": 0.98}], divisions=["each-random", "left-out"])
    accuracies = {"each-random": 0.995, "left-out": 0.9}
    rows = [
        _row(division, source, variant, accuracy)
        for division, accuracy in accuracies.items()
        for source in ("x", "y")
        for variant in ("a", "b")
    ]
    lead, *reasons = study_sentences(study, rows, [])
    assert "Of 8 cases, it is borne out in 4 and it is not borne out in 4." in lead
    assert (
        "a: 99.5% divided at random and 90.0% on a source left out of training (means over 2"
        in (reasons[0])
    )
    assert (
        reasons[-1]
        == "Tested on a source that was left out of training: it is not borne out in 4 of 4."
    )


def test_means_are_over_sources_that_have_all_kinds() -> None:
    rows = [
        _row("each-random", "x", "a", 0.9), _row("each-group", "x", "a", 0.8),
        _row("each-random", "y", "a", 0.1), _row("merged-group", "all", "a", 0.2),
    ]  # fmt: skip
    assert list(naive_and_honest(rows)) == [
        "a: 90.0% divided at random and 80.0% divided by group."
    ]
    assert not list(naive_and_honest(rows[:1]))


def test_without_an_expectation_nothing_is_judged() -> None:
    study = _study("", expects=[])
    lead, reason = study_sentences(study, [], [_gap(0.1, (0.05, 0.2))])
    assert lead == "Is b better?"
    assert reason == "all sources, grouped: b and a differ by 0.1."
    (lead,) = study_sentences(study, [_row("merged-group", "all", "a", 0.91)], [])
    assert lead == "Is b better? all sources, grouped: a 91.0%."


def _answered(is_right: object, groups: object = None) -> RunAnswers:
    right = np.asarray(is_right, dtype=bool)
    n = len(right)
    owned = np.arange(n) if groups is None else np.asarray(groups)
    return RunAnswers(np.arange(n), np.zeros(n, int), np.zeros((n, 2), np.float32), right, owned)


def _random(accuracy: float, seeds: int, n: int = 400, start: int = 0) -> Mapping[int, RunAnswers]:
    return {
        seed: _answered(np.random.default_rng(start + seed).random(n) < accuracy)
        for seed in range(seeds)
    }


def test_the_value_is_the_mean_of_the_seeds_and_never_the_best() -> None:
    mean = mean_accuracy({0: _answered([1, 1, 1, 1]), 1: _answered([1, 0, 0, 1])})
    assert mean.value == 0.75
    assert mean.by_seed == {0: 1.0, 1: 0.5}
    assert mean.ci95 is not None
    assert mean.ci95[0] <= 0.75 <= mean.ci95[1]


def test_seeds_that_differ_make_the_interval_wider() -> None:
    right = np.random.default_rng(0).random(400) < 0.9
    alike = mean_accuracy({seed: _answered(right) for seed in range(3)})
    spread = mean_accuracy(
        {seed: _answered(right & (np.arange(400) >= 60 * seed)) for seed in range(3)}
    )
    assert alike.ci95 is not None
    assert spread.ci95 is not None
    assert spread.ci95[1] - spread.ci95[0] > 1.5 * (alike.ci95[1] - alike.ci95[0])


def test_images_of_one_group_count_together() -> None:
    right = np.repeat(np.random.default_rng(0).random(40) < 0.8, 10)
    alone = mean_accuracy({0: _answered(right)})
    together = mean_accuracy({0: _answered(right, np.repeat(np.arange(40), 10))})
    assert (alone.n_units, together.n_units) == (400, 40)
    assert alone.ci95 is not None
    assert together.ci95 is not None
    assert together.ci95[1] - together.ci95[0] > 2 * (alone.ci95[1] - alone.ci95[0])


def test_answers_on_other_photos_are_not_compared() -> None:
    ours, theirs = _answered([1, 1]), _answered([1, 1])
    other = RunAnswers(
        theirs.rows, 1 - theirs.labels, theirs.probabilities, theirs.is_right, theirs.groups
    )
    with pytest.raises(DatasetError, match="the same row numbers with other labels"):
        mean_difference({0: ours}, {0: other})


def test_all_right_is_no_certainty() -> None:
    mean = mean_accuracy({0: _answered(np.ones(50))})
    assert mean.ci95 is not None
    assert mean.ci95[0] == pytest.approx(0.9289, abs=1e-3)  # Clopper and Pearson
    assert mean.ci95[1] == 1


def test_a_difference_is_paired_on_images_and_seeds() -> None:
    worse = _random(0.7, 3)
    # Right on one image in ten more: far less uncertain than the two accuracies are.
    better = {
        seed: _answered(one.is_right | (np.arange(400) % 10 == 0)) for seed, one in worse.items()
    }
    gap = mean_difference(better, worse)
    assert gap is not None
    assert gap.ci95 is not None
    assert gap.value == pytest.approx(np.mean([g for g in gap.by_seed.values()]))
    assert 0 < gap.ci95[0] < gap.value < gap.ci95[1] < 0.06
    back = mean_difference(worse, better)
    assert back is not None
    assert back.value == -gap.value


def test_only_seeds_that_both_have_are_compared() -> None:
    ours, theirs = _random(0.8, 3), _random(0.8, 2, start=50)
    gap = mean_difference(ours, theirs)
    assert gap is not None
    assert list(gap.by_seed) == [0, 1]
    assert mean_difference({9: ours[0]}, theirs) is None


def test_the_same_answers_have_no_interval() -> None:
    gap = mean_difference(_random(0.8, 2), _random(0.8, 2))
    assert gap is not None
    assert (gap.value, gap.ci95) == (0, None)


def test_other_images_are_refused() -> None:
    with pytest.raises(DatasetError, match="expected answers on the same images"):
        mean_difference({0: _answered([1, 0])}, {0: _answered([1, 0, 1])})
