"""The answer to a study's question in plain words, written by rule from the numbers.

A claim says that a variant is better than another, or that an accuracy is reached. Where the 95%
interval lies wholly on the claim's side, the data bears it out; where it lies wholly on the other
side, it does not; in between it cannot be told.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from facecover.evaluation.formatting import joined, points, signed_points
from facecover.evaluation.intervals import Interval
from facecover.studies.definition import DIVISION_TITLES, Expectation, Study, place_title
from facecover.studies.estimates import StudyRow
from facecover.studies.results import StudyComparison
from facecover.text import percent

Verdict = Literal["borne out", "not borne out", "cannot be told"]


@dataclass(frozen=True)
class Judged:
    """One expectation judged at one place, with the numbers as a sentence without its full stop."""

    division: str
    place: str
    verdict: Verdict
    evidence: str


def judge(value: float, bounds: Interval | None, wanted: float) -> Verdict:
    """Whether a value is over the wanted one, given its interval."""
    if bounds is None:
        return "cannot be told"
    low, high = bounds
    # A difference of exactly zero is none; an accuracy that is reached is reached.
    if low > wanted or (low == wanted and wanted > 0):
        return "borne out"
    return "not borne out" if high < wanted else "cannot be told"


def difference_sentence(
    variant: str, baseline: str, difference: float, bounds: Interval | None
) -> str:
    """``net2 has 2.3 points more accuracy than net1 (95% interval 1.1 to 3.5)``."""
    interval = "(no interval can be given: every resample gives the same difference)"
    if bounds is not None:
        low, high = (signed_points(bound) for bound in bounds)
        interval = f"(95% interval of the difference {low} to {high})"
    if not difference:
        return f"{variant} and {baseline} have the same accuracy {interval}"
    more = "more" if difference > 0 else "less"
    return f"{variant} has {points(difference)} {more} accuracy than {baseline} {interval}"


def study_sentences(
    study: Study, rows: Sequence[StudyRow], comparisons: Sequence[StudyComparison]
) -> tuple[str, ...]:
    """The answer: question, claim and verdict first, and then what it rests on."""
    judged = [
        one for expected in study.expects for one in _judged(study, expected, rows, comparisons)
    ]
    lead = study.question
    if study.claim:
        lead += f" The claim: {study.claim.rstrip('.')}."
    if judged:
        return (
            f"{lead} {_overall(judged, has_claim=bool(study.claim))}",
            *naive_and_honest(rows),
            *_reasons(judged),
        )
    if not comparisons:
        return (f"{lead} {_accuracies(rows)}",)
    return (lead, *(f"{_placed(one)}: {one.sentence}" for one in comparisons))


def _judged(
    study: Study,
    expected: Expectation,
    rows: Sequence[StudyRow],
    comparisons: Sequence[StudyComparison],
) -> Iterator[Judged]:
    if expected.at_least is not None:
        for row in rows:
            value, bounds = row.accuracy.value, row.accuracy.ci95
            verdict = judge(value, bounds, expected.at_least)
            low, high = (percent(bound, unit=False) for bound in bounds or (value, value))
            evidence = f"{row.variant} reaches {percent(value)} (95% interval {low} to {high})"
            yield Judged(row.division, place_title(row.division, row.source), verdict, evidence)
        return
    pair = (expected.better, expected.than or study.baseline)
    for one in comparisons:
        if (one.variant, one.baseline) == pair:
            verdict = judge(one.difference, one.ci95, 0)
        elif (one.baseline, one.variant) == pair:
            bounds = None if one.ci95 is None else (-one.ci95[1], -one.ci95[0])
            verdict = judge(-one.difference, bounds, 0)
        else:
            continue
        yield Judged(one.division, _placed(one), verdict, one.sentence.removesuffix("."))


def _placed(one: StudyComparison) -> str:
    return place_title(one.division, one.source)


def _overall(judged: Sequence[Judged], *, has_claim: bool) -> str:
    counts = Counter(one.verdict for one in judged)
    if len(counts) == 1:
        (verdict,) = counts
        said = (_OF_CLAIM if has_claim else _OF_QUESTION)[verdict]
        where = (
            f" (in each of {len(judged)} cases)" if len(judged) > 1 else f": {judged[0].evidence}"
        )
        return f"{said}{where}."
    parts = [f"it {words} in {counts[one]}" for one, words in _AS_PART.items() if counts[one]]
    return f"Of {len(judged)} cases, {joined(parts)}."


_OF_CLAIM: dict[Verdict, str] = {
    "borne out": "This data bears it out",
    "not borne out": "This data does not bear it out",
    "cannot be told": "Whether it is so cannot be told from this data",
}

_OF_QUESTION: dict[Verdict, str] = {
    "borne out": "Yes",
    "not borne out": "No",
    "cannot be told": "That cannot be told from this data",
}

_AS_PART: dict[Verdict, str] = {
    "borne out": "is borne out",
    "not borne out": "is not borne out",
    "cannot be told": "cannot be told",
}


def _reasons(judged: Sequence[Judged]) -> Iterator[str]:
    """What the verdict rests on: each case, or each division where there are many."""
    if len(judged) == 1:
        return
    if len(judged) <= _FEW_CASES:
        for one in judged:
            yield f"{one.place}: {one.evidence}; {one.verdict}."
        return
    if len({one.verdict for one in judged}) == 1:
        return  # the first sentence has said it
    for division in dict.fromkeys(one.division for one in judged):
        inside = [one for one in judged if one.division == division]
        counts = Counter(one.verdict for one in inside)
        told = joined(f"{words} in {counts[key]}" for key, words in _AS_PART.items() if counts[key])
        title = DIVISION_TITLES[division]
        yield f"{title[0].upper()}{title[1:]}: it {told} of {len(inside)}."


_FEW_CASES = 4
"""More are summed up by division; the table has each."""


def naive_and_honest(rows: Sequence[StudyRow]) -> Iterator[str]:
    """For each variant its mean accuracy by kind of division, over the sources that have all."""
    kinds = {kind: [row for row in rows if _kind(row) == kind] for kind in _KINDS}
    kinds = {kind: inside for kind, inside in kinds.items() if inside}
    if len(kinds) < 2:
        return
    for variant in dict.fromkeys(row.variant for row in rows):
        found = {
            kind: {row.source: row.accuracy.value for row in inside if row.variant == variant}
            for kind, inside in kinds.items()
        }
        common = set.intersection(*(set(one) for one in found.values()))
        if common:
            means = [
                f"{percent(fmean(one[source] for source in common))} {_KINDS[kind]}"
                for kind, one in found.items()
            ]
            over = f" (means over {len(common)} sources)" if len(common) > 1 else ""
            yield f"{variant}: {joined(means)}{over}."


_KINDS = {
    "random": "divided at random",
    "group": "divided by group",
    "out": "on a source left out of training",
}


def _kind(row: StudyRow) -> str:
    # Merged sources have no figure of a source left out, and would leave nothing in common.
    return "" if row.division.startswith("merged") else row.division.rpartition("-")[2]


def _accuracies(rows: Sequence[StudyRow]) -> str:
    found = [
        f"{place_title(row.division, row.source)}: {row.variant} {percent(row.accuracy.value)}"
        for row in rows
    ]
    return f"{'; '.join(found)}."
