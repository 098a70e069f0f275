from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facecover.evaluation.intervals import Interval
from facecover.studies.conclusion import (
    difference_sentence,
    judge,
    naive_and_honest,
    study_sentences,
)
from facecover.studies.definition import Study
from facecover.studies.estimates import SeedMean, StudyRow
from facecover.studies.results import StudyComparison


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
