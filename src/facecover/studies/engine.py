"""A study from its question to its answer: divide, train what is missing, measure, sum up."""

import dataclasses
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from facecover.dataset.arrays import Dataset
from facecover.errors import DatasetError
from facecover.progress import SILENT, Progress
from facecover.studies.conclusion import (
    StudyRow,
    difference_sentence,
    mean_accuracy,
    mean_difference,
    study_sentences,
)
from facecover.studies.definition import Study
from facecover.studies.divisions import Photos, StudyPart, divide, limited, with_splits
from facecover.studies.results import (
    SkippedPart,
    StudyComparison,
    StudyData,
    StudyDocument,
    StudyRun,
)
from facecover.studies.runs import (
    PlannedRun,
    RunAnswers,
    do_run,
    finished_run,
    plan_runs,
    read_answers,
    run_folder,
)
from facecover.text import counted, duration
from facecover.training.network import describe_network


@dataclass(frozen=True)
class StudySummary:
    """A study that was run, with a row for each variant at each place.

    Attributes:
        n_photos: copies included.
    """

    study: Study
    result: StudyDocument
    rows: tuple[StudyRow, ...]
    n_photos: int

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants that have a row, in order."""
        return tuple(dict.fromkeys(row.variant for row in self.rows))

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """Each division with a source, in order."""
        return tuple(dict.fromkeys(row.place for row in self.rows))


def run_study(
    study: Study,
    dataset: Dataset,
    photos: Photos,
    out: Path,
    *,
    overrides: Sequence[str] = (),
    only: Collection[str] = (),
    device: str = "auto",
    progress: Progress = SILENT,
) -> StudySummary:
    """Do all that is left to do of a study, and write its ``study.json`` after every run.

    A run that was finished with the same experiment and data is not trained again, and one
    that was interrupted goes on.

    Args:
        study: the question.
        dataset: the photos, decoded.
        photos: what is known of them.
        out: the study's folder.
        overrides: values to change in every variant, each as ``section.key=value``.
        only: names of the variants to train now; others count where they are finished. All of
            them by default.
        device: see `fit`.
        progress: told of every run before it is trained.

    Raises:
        ConfigError: if a variant is wrong, a source to leave out or the device is not there.
        DatasetError: if no part of a division can be made, or the data cannot be learned from.
        OutputError: if something cannot be written.
        RunError: if a run in the folder was begun with another experiment, on other data or by
            another version.
    """
    parts, skipped = _parts(study, photos)
    runs = plan_runs(study, parts, out, overrides)
    views = _Views(dataset, photos)
    found = {run.folder: finished_run(run, views.of(run), study.judged_on) for run in runs}
    missing = [
        run for run in runs if found[run.folder] is None and (not only or run.variant.name in only)
    ]

    def result_so_far() -> StudyDocument:
        return StudyDocument(
            name=study.name,
            question=study.question,
            claim=study.claim,
            judged_on=study.judged_on,
            results=tuple(one for run in runs if (one := found[run.folder]) is not None),
            data=StudyData(photos.sources, dataset.manifest.info.digest),
            skipped=tuple(skipped),
        )

    costs, start = [_cost(run) for run in missing], time.monotonic()
    for number, run in enumerate(missing):
        left = ""
        if spent := sum(costs[:number]):
            seconds = (time.monotonic() - start) / spent * sum(costs[number:])
            left = f"; about {duration(seconds)} left"
        progress.note(f"run {number + 1} of {len(missing)}: {run.title}{left}")
        found[run.folder] = do_run(run, views.of(run), study.judged_on, device=device)
        result_so_far().save(out)
    summary = summarize(study, result_so_far(), out, n_photos=len(photos))
    summary.result.save(out)
    return summary


def _parts(study: Study, photos: Photos) -> tuple[list[StudyPart], list[SkippedPart]]:
    parts: list[StudyPart] = []
    skipped: list[SkippedPart] = []
    for division in study.divisions:
        made, left = divide(photos, division, study.leave_out)
        parts += made
        skipped += left
    if not parts:
        reasons = "; ".join(f"{one.division} {one.source}: {one.reason}" for one in skipped)
        raise DatasetError(f"study {study.name}: the photos cannot be divided: {reasons}")
    return parts, skipped


class _Views:
    """The data of each run; runs on the same data share it."""

    def __init__(self, dataset: Dataset, photos: Photos) -> None:
        self._dataset = dataset
        self._photos = photos
        self._made: dict[tuple[str, str, float, int], Dataset] = {}

    def of(self, run: PlannedRun) -> Dataset:
        share = run.variant.data_share
        seed = run.experiment.seed if share < 1 else 0
        key = (run.part.division, run.part.source, share, seed)
        if key not in self._made:
            splits = limited(run.part.splits, self._photos, share, seed=seed)
            self._made[key] = with_splits(self._dataset, self._photos, splits, run.part.division)
        return self._made[key]


def _cost(run: PlannedRun) -> float:
    """What a run's time grows with: epochs, images and multiply-accumulates."""
    images = float((run.part.splits == "train").sum()) * run.variant.data_share
    macs = describe_network(run.experiment.network).macs
    return run.experiment.training.epochs * images * macs


def summarize(study: Study, result: StudyDocument, out: Path, *, n_photos: int) -> StudySummary:
    """A study's runs as rows, comparisons and the answer in words.

    Raises:
        DatasetError: if two variants were not judged on the same images.
        RunError: if the answers of a run are broken or missing.
    """
    runs: dict[tuple[str, str, str], list[StudyRun]] = {}
    answers: dict[tuple[str, str, str], dict[int, RunAnswers]] = {}
    for run in result.results:
        key = (run.division, run.source, run.variant)
        runs.setdefault(key, []).append(run)
        folder = run_folder(out, run.division, run.source, run.variant, run.seed)
        answers.setdefault(key, {})[run.seed] = read_answers(folder)
    comparisons = tuple(
        comparison
        for place in dict.fromkeys(key[:2] for key in answers)
        for pair in study.pairs
        if (comparison := _compared(study, place, pair, answers)) is not None
    )
    to_baseline = {
        (one.division, one.source, one.variant): one
        for one in reversed(comparisons)
        if one.baseline == study.baseline
    }
    rows = tuple(_row(same, answers[key], to_baseline.get(key)) for key, same in runs.items())
    sentences = study_sentences(study, rows, comparisons)
    result = dataclasses.replace(result, comparisons=comparisons, sentences=sentences)
    return StudySummary(study, result, rows, n_photos)


def _compared(
    study: Study,
    place: tuple[str, str],
    pair: tuple[str, str],
    answers: dict[tuple[str, str, str], dict[int, RunAnswers]],
) -> StudyComparison | None:
    variant, baseline = pair
    gap = mean_difference(answers.get((*place, variant), {}), answers.get((*place, baseline), {}))
    if gap is None:
        return None
    words = difference_sentence(variant, baseline, gap.value, gap.ci95)
    images = f"{gap.n:,} {study.judged_on_images}"
    seeds = len(gap.by_seed)
    sentence = f"{words} on {images}, {counted(seeds, 'seed')}."
    return StudyComparison(*place, *pair, gap.n, seeds, gap.value, gap.ci95, sentence)


def _row(
    runs: list[StudyRun], answers: dict[int, RunAnswers], to_baseline: StudyComparison | None
) -> StudyRow:
    first = runs[0]
    balanced = [run.metrics["balanced_accuracy"] for run in runs]
    return StudyRow(
        division=first.division,
        source=first.source,
        variant=first.variant,
        accuracy=mean_accuracy(answers),
        n_train=round(fmean(run.n_train for run in runs)),
        epochs=first.epochs,
        parameters=first.parameters,
        balanced=None if None in balanced else fmean(balanced),
        to_baseline=to_baseline,
    )
