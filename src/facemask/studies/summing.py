"""From the runs of a study to its answer."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

from facemask.report.study_facts import StudyFacts, StudyRow, StudyRunRow
from facemask.studies.estimates import SeedMean, mean_accuracy, mean_difference
from facemask.studies.plan import run_folder
from facemask.studies.results import StudyComparison, StudyResult, StudyRun
from facemask.studies.runs import Answered, read_answers
from facemask.studies.study import Study
from facemask.studies.verdict import difference_sentence, study_sentences

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
