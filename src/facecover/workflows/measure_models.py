"""Models and labelled images, opened together and measured: what `evaluate` and `compare` share."""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.copies.duplicates import group_copies
from facecover.dataset import MEASURE_SIZE_PX
from facecover.dataset.manifest import pixel_digests
from facecover.dataset.opened import LabelledImages, SourceOptions, is_dataset, labelled_images
from facecover.evaluation import RESAMPLES
from facecover.evaluation.corruptions import BASE_PX
from facecover.evaluation.metrics import METRICS
from facecover.evaluation.performance import Evaluation, evaluate_images
from facecover.evaluation.slices import Slices, measure_slices
from facecover.inference.classifier import Classifier
from facecover.inference.model_file import MODELS_FOLDER
from facecover.inference.seen_photos import seen_in_training
from facecover.progress import SILENT, Progress
from facecover.report.run_figures import RunReport, mistakes_of
from facecover.training.run_folder import RECORD_NAME, RunRecord, load_record, read_curves


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to answer.

    Attributes:
        name: for people: the experiment's name, with the place where two would be the same.
        classifier: answers.
        record: what its run says of itself; None where the model is no run folder.
        curves: the run's `metrics.csv`; None likewise.
    """

    name: str
    classifier: Classifier
    record: RunRecord | None
    curves: pd.DataFrame | None

    @property
    def input_size_px(self) -> int:
        """The side of the square images that it takes."""
        return self.classifier.info.input_size_px


def load_models(paths: Sequence[Path]) -> list[LoadedModel]:
    """Load models, each with a name of its own.

    Raises:
        ModelFileError: if there is no such file, or it is not one of ours.
        RunError: if a run's record is broken.
    """
    classifiers = [Classifier(path) for path in paths]
    names = [classifier.info.name for classifier in classifiers]
    unique = [
        name if names.count(name) == 1 else f"{name} ({_place(path)})"
        for name, path in zip(names, paths, strict=True)
    ]
    return [_loaded(*parts) for parts in zip(unique, classifiers, paths, strict=True)]


def _place(path: Path) -> str:
    """Where a model lies, for people; where the package lies says nothing to them."""
    return f"{path.stem} of the package" if path.parent == MODELS_FOLDER else str(path)


def _loaded(name: str, classifier: Classifier, path: Path) -> LoadedModel:
    record = load_record(path) if (path / RECORD_NAME).is_file() else None
    curves = None if record is None else read_curves(path, record)
    return LoadedModel(name, classifier, record, curves)


@contextmanager
def measured_images(
    models: Sequence[LoadedModel],
    data: Sequence[Path],
    split: str | None,
    options: SourceOptions,
    *,
    corrupted: bool = False,
    progress: Progress = SILENT,
) -> Iterator[LabelledImages]:
    """Images of every size that the models take, and of one that is fit to be corrupted.

    Copies and the like among photos that no command prepared are found and kept together, beside
    the groups that the data names: taken for independent they make every interval too narrow.
    """
    sizes = {model.input_size_px for model in models}
    if corrupted and not any(is_dataset(path) for path in data):
        sizes.add(BASE_PX)  # a dataset has the sizes that it was prepared with
    n_classes = min(model.classifier.info.classes for model in models)
    with labelled_images(
        data, sorted(sizes), split, options, n_classes=n_classes, progress=progress
    ) as images:
        yield _grouped(images, options, progress) if images.manifest is None else images


def _grouped(images: LabelledImages, options: SourceOptions, progress: Progress) -> LabelledImages:
    progress.note(f"looking for copies among {len(images.labels):,} images")
    pixels = images.images[MEASURE_SIZE_PX]
    groups = group_copies(images.table, pixels, workers=options.workers)
    dependent = len(images.rows) - len(np.unique(groups[images.rows]))
    if not dependent:
        return images
    progress.note(
        f"{dependent:,} of {len(images.rows):,} images show what others show (a copy, an edit, "
        "one photo or person): intervals keep them together"
    )
    return dataclasses.replace(images, groups=groups)


def measure(
    model: LoadedModel,
    data: LabelledImages,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    progress: Progress = SILENT,
) -> Evaluation:
    """One model on the chosen rows, at the threshold that stands in its file."""
    with progress.bar(f"evaluating {model.name}", len(data.rows)) as advance:
        return evaluate_images(
            model.classifier,
            data.images[model.input_size_px],
            data.labels,
            name=model.name,
            split=data.split,
            data_digest=data.digest,
            rows=data.rows,
            groups=data.groups,
            threshold=model.classifier.info.threshold,
            seen=_seen(model, data),
            seed=seed,
            resamples=resamples,
            on_batch=advance,
        )


def _seen(model: LoadedModel, data: LabelledImages) -> npt.NDArray[np.bool_] | None:
    """Which images the model learned from, of those to measure on: ``bool (N,)``, or None."""
    info = model.classifier.info
    if info.seen_photos is None or MEASURE_SIZE_PX not in data.images:
        return None
    digests = pixel_digests(data.images[MEASURE_SIZE_PX], data.rows)
    seen = np.zeros(len(data.labels), dtype=bool)
    seen[data.rows] = seen_in_training(info, digests)
    return seen


def as_run(
    model: LoadedModel, evaluation: Evaluation, data: LabelledImages, position: int = 0
) -> RunReport:
    """A model with what was measured of it, for a report."""
    largest = data.images[max(data.images)]
    return RunReport(
        name=model.name,
        info=model.classifier.info,
        evaluations=(evaluation,),
        curves=model.curves,
        mistakes=mistakes_of(evaluation, largest, data.names),
        training_seconds=model.record.seconds if model.record else None,
        device=model.record.device if model.record else "",
        position=position,
    )


def as_runs(
    models: Sequence[LoadedModel], evaluations: Sequence[Evaluation], data: LabelledImages
) -> list[RunReport]:
    """A run for each model, each with a colour of its own."""
    pairs = enumerate(zip(models, evaluations, strict=True))
    return [as_run(model, evaluation, data, place) for place, (model, evaluation) in pairs]


def metrics_table(evaluations: Sequence[Evaluation]) -> pd.DataFrame:
    """One row a model and metric: ``model``, ``metric``, ``value``, ``low``, ``high``, ``n``.

    Shares are in 0..1, and ``low`` and ``high`` the bounds of the 95% interval.
    """
    rows = [
        (one.name, kind.key, one.metrics.values[kind.key],
         *(one.metrics.ci95[kind.key] or (None, None)), one.metrics.n)
        for one in evaluations
        for kind in METRICS
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["model", "metric", "value", "low", "high", "n"])


def sliced(
    evaluation: Evaluation, images: LabelledImages, min_slice: int, progress: Progress
) -> Slices:
    """An evaluation by slice; slices of fewer images are too few to judge."""
    with progress.bar("slicing", None) as advance:
        return measure_slices(evaluation, images.table, min_n=min_slice, on_images=advance)
