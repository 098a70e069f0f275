"""The answer to a study's question in plain words, written by rule from the numbers.

A claim says that a variant is better than another, or that an accuracy is reached. Where the 95%
interval lies wholly on the claim's side, the data bears it out; where it lies wholly on the other
side, it does not; in between it cannot be told.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal

import numpy as np
import numpy.typing as npt

from facecover.errors import DatasetError
from facecover.evaluation.formatting import joined, points
from facecover.evaluation.intervals import (
    Interval,
    percentile_interval,
    proportion_interval,
    resample_weights,
    units_of,
)
from facecover.report.study_page import (
    DIVISION_TITLES,
    StudyFacts,
    StudyRow,
    StudyRunRow,
    place_title,
)
from facecover.studies.definition import Expectation, Study
from facecover.studies.plan import run_folder
from facecover.studies.results import Answered, StudyComparison, StudyResult, StudyRun, read_answers
from facecover.text import percent

RESAMPLES = 1000

_NO_WIDTH = 1e-12
"""Intervals narrower than this are rounding."""


@dataclass(frozen=True)
class SeedMean:
    """A mean over seeds.

    Attributes:
        value: the mean.
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


def mean_accuracy(answers: Mapping[int, Answered]) -> SeedMean:
    """The accuracy of a variant over its seeds.

    Args:
        answers: by seed, on the same images.

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
    variant: Mapping[int, Answered], baseline: Mapping[int, Answered]
) -> SeedMean | None:
    """How much more accuracy a variant has, over the seeds that both have; None without one.

    Args:
        variant: by seed, on the same images.
        baseline: likewise.

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
    low, high = percentile_interval(_resampled(values, units))
    return SeedMean(
        value=float(values.mean()),
        ci95=(low, high) if high - low > _NO_WIDTH else None,
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


def _same_images(answers: list[Answered]) -> npt.NDArray[np.int64]:
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

_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Judged:
    """One expectation judged at one place.

    Attributes:
        division: how the photos were divided.
        place: the division and source, in words.
        verdict: what the interval says.
        evidence: the numbers, as a sentence without its full stop.
    """

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
        low, high = (_signed(bound) for bound in bounds)
        interval = f"(95% interval of the difference {low} to {high})"
    if not difference:
        return f"{variant} and {baseline} have the same accuracy {interval}"
    more = "more" if difference > 0 else "less"
    return f"{variant} has {points(difference)} {more} accuracy than {baseline} {interval}"


def study_sentences(
    study: Study, rows: Sequence[StudyRow], comparisons: Sequence[StudyComparison]
) -> tuple[str, ...]:
    """The answer: question, claim and verdict first, and then what it rests on.

    Args:
        study: the question.
        rows: every variant at every place.
        comparisons: the differences.
    """
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
            verdict = judge(row.accuracy, row.ci95, expected.at_least)
            low, high = row.ci95 or (row.accuracy, row.accuracy)
            interval = f"{percent(low, unit=False)} to {percent(high, unit=False)}"
            evidence = f"{row.variant} reaches {percent(row.accuracy)} (95% interval {interval})"
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
        yield f"{_capital(DIVISION_TITLES[division])}: it {told} of {len(inside)}."


_FEW_CASES = 4
"""More are summed up by division; the table has each."""


def naive_and_honest(rows: Sequence[StudyRow]) -> Iterator[str]:
    """For each variant its mean accuracy by kind of division, over the sources that have all.

    Args:
        rows: every variant at every place.
    """
    kinds = {kind: [row for row in rows if _kind(row) == kind] for kind in _KINDS}
    kinds = {kind: inside for kind, inside in kinds.items() if inside}
    if len(kinds) < 2:
        return
    for variant in dict.fromkeys(row.variant for row in rows):
        found = {
            kind: {row.source: row.accuracy for row in inside if row.variant == variant}
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
    return (
        "; ".join(
            f"{place_title(row.division, row.source)}: {row.variant} {percent(row.accuracy)}"
            for row in rows
        )
        + "."
    )


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _signed(share: float) -> str:
    text = f"{100 * share:.1f}"
    return "0.0" if text == "-0.0" else text.replace("-", _MINUS)


Place = tuple[str, str]
"""A division and a source."""

_BySeed = dict[int, Answered]


def sum_up(study: Study, result: StudyResult, out: Path) -> StudyResult:
    """The study with its comparisons and its answer in words.

    Args:
        study: the question.
        result: its runs.
        out: the study's folder, where the answers lie.

    Raises:
        DatasetError: if two variants were not judged on the same images.
        RunError: if the answers of a run are broken or missing.
    """
    answers = _answers(result, out)
    comparisons = tuple(
        comparison
        for place in _places(result)
        for variant, baseline in study.pairs
        if (comparison := _compared(study, place, variant, baseline, answers)) is not None
    )
    facts = _facts(study, result, comparisons, answers)
    sentences = study_sentences(study, facts.rows, comparisons)
    return dataclasses.replace(result, comparisons=comparisons, sentences=sentences)


def study_facts(study: Study, result: StudyResult, out: Path, *, photos: int) -> StudyFacts:
    """What a report shows of a study that was summed up.

    Args:
        study: the question.
        result: from `sum_up`.
        out: the study's folder.
        photos: how many photos there are.

    Raises:
        RunError: if the answers of a run are broken or missing.
    """
    facts = _facts(study, result, result.comparisons, _answers(result, out))
    return dataclasses.replace(facts, photos=photos)


def _facts(
    study: Study,
    result: StudyResult,
    comparisons: tuple[StudyComparison, ...],
    answers: Mapping[tuple[str, str, str], _BySeed],
) -> StudyFacts:
    rows = []
    for key, by_seed in answers.items():
        runs = [run for run in result.results if _key(run) == key]
        rows.append(_row(runs, mean_accuracy(by_seed), _to_baseline(study, comparisons, key)))
    return StudyFacts(
        name=result.name,
        question=result.question,
        claim=result.claim,
        judged_on=result.judged_on,
        baseline=study.baseline,
        sentences=result.sentences,
        rows=tuple(rows),
        runs=tuple(_run_row(run) for run in result.results),
        skipped=tuple((one["division"], one["source"], one["reason"]) for one in result.skipped),
        sources=result.sources,
        photos=0,
    )


def _row(runs: list[StudyRun], accuracy: SeedMean, gap: StudyComparison | None) -> StudyRow:
    first = runs[0]
    balanced = [run.metrics["balanced_accuracy"] for run in runs]
    return StudyRow(
        division=first.division,
        source=first.source,
        variant=first.variant,
        accuracy=accuracy.value,
        ci95=accuracy.ci95,
        by_seed=tuple(accuracy.by_seed.values()),
        n=accuracy.n,
        n_units=accuracy.n_units,
        n_train=round(fmean(run.n_train for run in runs)),
        epochs=first.epochs,
        parameters=first.parameters,
        balanced=None if None in balanced else fmean(balanced),
        difference=None if gap is None else gap.difference,
        difference_ci95=None if gap is None else gap.ci95,
    )


def _run_row(run: StudyRun) -> StudyRunRow:
    bounds = run.metrics["ci95"]["accuracy"]
    return StudyRunRow(
        division=run.division,
        source=run.source,
        variant=run.variant,
        seed=run.seed,
        accuracy=run.metrics["accuracy"],
        ci95=None if bounds is None else tuple(bounds),
        n_train=run.n_train,
        n_val=run.n_val,
        n=run.metrics["n"],
        epochs=run.epochs,
        best_epoch=run.best_epoch,
        seconds=run.seconds,
    )


def _to_baseline(
    study: Study, comparisons: tuple[StudyComparison, ...], key: tuple[str, str, str]
) -> StudyComparison | None:
    for one in comparisons:
        if (one.division, one.source, one.variant) == key and one.baseline == study.baseline:
            return one
    return None


def _compared(
    study: Study,
    place: Place,
    variant: str,
    baseline: str,
    answers: Mapping[tuple[str, str, str], _BySeed],
) -> StudyComparison | None:
    ours, theirs = answers.get((*place, variant)), answers.get((*place, baseline))
    gap = mean_difference(ours, theirs) if ours and theirs else None
    if gap is None:
        return None
    seeds = len(gap.by_seed)
    words = difference_sentence(variant, baseline, gap.value, gap.ci95)
    where = f"on {gap.n:,} {_WORDS[study.judged_on]} images, {seeds} seed{'s' * (seeds > 1)}"
    return StudyComparison(
        *place, variant, baseline, gap.n, seeds, gap.value, gap.ci95, f"{words} {where}."
    )


_WORDS = {"test": "test", "val": "validation"}


def _answers(result: StudyResult, out: Path) -> dict[tuple[str, str, str], _BySeed]:
    """What was answered, by division, source and variant, and then by seed."""
    answers: dict[tuple[str, str, str], _BySeed] = {}
    for run in result.results:
        folder = run_folder(out, run.division, run.source, run.variant, run.seed)
        answers.setdefault(_key(run), {})[run.seed] = read_answers(folder)
    return answers


def _key(run: StudyRun) -> tuple[str, str, str]:
    return run.division, run.source, run.variant


def _places(result: StudyResult) -> list[Place]:
    return list(dict.fromkeys((run.division, run.source) for run in result.results))
