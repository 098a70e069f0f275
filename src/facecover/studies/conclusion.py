"""The answer to a study's question: means over seeds, and a sentence written by rule from them.

A claim says that a variant is better than another, or that an accuracy is reached. Where the 95%
interval lies wholly on the claim's side, the data bears it out; where it lies wholly on the other
side, it does not; in between it cannot be told.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

import numpy as np
import numpy.typing as npt

from facecover.errors import DatasetError
from facecover.evaluation.formatting import joined, points, signed_points
from facecover.evaluation.intervals import (
    Interval,
    interval_of,
    proportion_interval,
    resample_weights,
    units_of,
)
from facecover.studies.definition import DIVISION_TITLES, Expectation, Study, place_title
from facecover.studies.results import StudyComparison
from facecover.studies.runs import RunAnswers
from facecover.text import percent

RESAMPLES = 1000


@dataclass(frozen=True)
class SeedMean:
    """A mean over seeds.

    Attributes:
        ci95: its 95% interval; None where every resample gives the same value.
        n: images.
        n_units: groups of images that were drawn.
        by_seed: the value of each seed.
    """

    value: float
    ci95: Interval | None
    n: int
    n_units: int
    by_seed: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One variant on one part of a division, over its seeds.

    Attributes:
        source: the source it is about, or ``all``.
        accuracy: 0..1.
        n_train: training images, the mean over the seeds.
        balanced: the mean balanced accuracy; None where one class is missing.
        to_baseline: compared with the baseline; None for the baseline itself.
    """

    division: str
    source: str
    variant: str
    accuracy: SeedMean
    n_train: int
    epochs: int
    parameters: int
    balanced: float | None = None
    to_baseline: StudyComparison | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Division and source."""
        return self.division, self.source


def mean_accuracy(answers: Mapping[int, RunAnswers]) -> SeedMean:
    """The accuracy of a variant over its seeds, whose answers are on the same images.

    Raises:
        DatasetError: if the images differ.
    """
    groups = _same_images(list(answers.values()))
    right = np.stack([one.is_right for one in answers.values()]).astype(np.float64)
    mean = _seed_mean(right, groups, list(answers))
    if mean.ci95 is not None:
        return mean
    exact = proportion_interval(mean.value, mean.n_units)
    return SeedMean(mean.value, exact, mean.n, mean.n_units, mean.by_seed)


def mean_difference(
    variant: Mapping[int, RunAnswers], baseline: Mapping[int, RunAnswers]
) -> SeedMean | None:
    """How much more accuracy a variant has, over the seeds that both have; None without one.

    Raises:
        DatasetError: if the images differ.
    """
    seeds = [seed for seed in variant if seed in baseline]
    if not seeds:
        return None
    groups = _same_images([one[seed] for seed in seeds for one in (variant, baseline)])
    more = np.stack(
        [
            variant[seed].is_right.astype(np.float64) - baseline[seed].is_right.astype(np.float64)
            for seed in seeds
        ]
    )
    return _seed_mean(more, groups, seeds)


def _seed_mean(
    values: npt.NDArray[np.float64], groups: npt.NDArray[np.int64], seeds: list[int]
) -> SeedMean:
    """The mean of ``float64 (S, n)`` over seeds and images."""
    n = values.shape[1]
    units = units_of(n, groups)
    return SeedMean(
        value=float(values.mean()),
        ci95=interval_of(_resampled(values, units)),
        n=n,
        n_units=int(units.max()) + 1,
        by_seed=dict(zip(seeds, map(float, values.mean(axis=1)), strict=True)),
    )


def _resampled(
    values: npt.NDArray[np.float64], units: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """The mean on each resample of seeds and units: ``float64 (R,)``."""
    chunks = [
        (weights @ values.T) / weights.sum(axis=1, keepdims=True)
        for weights in resample_weights(units, resamples=RESAMPLES, seed=0)
    ]
    by_seed = np.concatenate(chunks)  # (R, S)
    count = by_seed.shape[1]
    drawn = np.random.default_rng(1).integers(count, size=by_seed.shape)
    means: npt.NDArray[np.float64] = np.take_along_axis(by_seed, drawn, axis=1).mean(axis=1)
    return means


def _same_images(answers: list[RunAnswers]) -> npt.NDArray[np.int64]:
    """The groups of the images, which all answers share."""
    first = answers[0]
    for other in answers[1:]:
        if not np.array_equal(first.rows, other.rows):
            raise DatasetError(
                f"expected answers on the same images, found {len(first.rows):,} and "
                f"{len(other.rows):,} others; remove the study's runs folder and run it again"
            )
        if not np.array_equal(first.labels, other.labels):
            raise DatasetError(
                "expected answers on the same images, found the same row numbers with other "
                "labels: they are answers on other photos"
            )
    return first.groups


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
