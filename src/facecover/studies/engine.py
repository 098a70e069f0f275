"""A study from its question to its answer: divide, train what is missing, measure, sum up."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from facecover.dataset.arrays import Dataset
from facecover.errors import DatasetError
from facecover.studies.conclusion import sum_up
from facecover.studies.definition import Study
from facecover.studies.divisions import Part, Photos, Skipped, divide, limited, with_splits
from facecover.studies.plan import PlannedRun, plan_runs
from facecover.studies.results import StudyResult, StudyRun, do_run, finished_run
from facecover.training.network import describe_network


@dataclass(frozen=True)
class Step:
    """Where a study stands before a run is trained.

    Attributes:
        number: of the run among those that are trained now, from 1 on.
        total: how many those are.
        title: what is trained.
        seconds_left: an estimate for all that is left; None before the first run is done.
    """

    number: int
    total: int
    title: str
    seconds_left: float | None


def run_study(
    study: Study,
    dataset: Dataset,
    photos: Photos,
    out: Path,
    *,
    overrides: Sequence[str] = (),
    only: Collection[str] = (),
    device: str = "auto",
    show_progress: bool = False,
    on_step: Callable[[Step], None] | None = None,
) -> StudyResult:
    """Do all that is left to do of a study, and write its ``study.json``.

    A run that was finished with the same experiment and data is not trained again, and one
    that was interrupted goes on. The file is written anew after every run.

    Args:
        study: the question.
        dataset: the photos, decoded.
        photos: what is known of them.
        out: the study's folder.
        overrides: values to change in every variant, each as ``section.key=value``.
        only: names of the variants to train now; others count where they are finished. All of
            them by default.
        device: see `fit`.
        show_progress: whether to show the epochs on standard error.
        on_step: told of every run before it is trained.

    Raises:
        ConfigError: if a variant is wrong, a source to leave out or the device is not there.
        DatasetError: if no part of a division can be made, or the data cannot be learned from.
        OutputError: if something cannot be written.
        RunError: if a run in the folder was begun with another experiment or on other data.
    """
    parts, skipped = _parts(study, photos)
    runs = plan_runs(study, parts, out, overrides)
    views = _Views(dataset, photos)
    found = {run.folder: finished_run(run, views.of(run), study.judged_on) for run in runs}
    missing = [
        run for run in runs if found[run.folder] is None and (not only or run.variant.name in only)
    ]

    def result_so_far() -> StudyResult:
        done = [one for run in runs if (one := found[run.folder]) is not None]
        return _result(study, dataset, photos, done, skipped)

    clock = _Clock([_cost(run) for run in missing])
    for number, run in enumerate(missing):
        if on_step:
            on_step(Step(number + 1, len(missing), run.title, clock.seconds_left(number)))
        found[run.folder] = do_run(
            run, views.of(run), photos, study.judged_on, device=device, show_progress=show_progress
        )
        result_so_far().save(out)
    summed_up = sum_up(study, result_so_far(), out)
    summed_up.save(out)
    return summed_up


def _parts(study: Study, photos: Photos) -> tuple[list[Part], list[Skipped]]:
    parts: list[Part] = []
    skipped: list[Skipped] = []
    for division in study.divisions:
        made, left = divide(photos, division, study.leave_out)
        parts += made
        skipped += left
    if not parts:
        reasons = "; ".join(f"{one.division} {one.source}: {one.reason}" for one in skipped)
        raise DatasetError(f"study {study.name}: the photos cannot be divided: {reasons}")
    return parts, skipped


def _result(
    study: Study,
    dataset: Dataset,
    photos: Photos,
    runs: Sequence[StudyRun],
    skipped: Sequence[Skipped],
) -> StudyResult:
    return StudyResult(
        name=study.name,
        question=study.question,
        claim=study.claim,
        judged_on=study.judged_on,
        sources=photos.sources,
        digest=dataset.manifest.info.digest,
        results=tuple(runs),
        skipped=tuple(vars(one) for one in skipped),
    )


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


class _Clock:
    """How long it will take, by what was done since it was started."""

    def __init__(self, costs: Sequence[float]) -> None:
        self._costs = costs
        self._start = time.monotonic()

    def seconds_left(self, done: int) -> float | None:
        """For what is left once the first `done` are; None before any is."""
        spent = sum(self._costs[:done])
        if not spent:
            return None
        return (time.monotonic() - self._start) / spent * sum(self._costs[done:])
