"""What a study found, run by run, as it stands in its ``study.json``.

| key | value |
| --- | --- |
| ``format_version`` | of this layout; 1 |
| ``name``, ``question``, ``claim`` | of the study |
| ``version`` | of the package |
| ``judged_on`` | the split that was measured |
| ``data`` | ``sources``, their names, and ``digest``, the identity of all photos |
| ``results`` | a `StudyRun` for each variant, seed and part of a division |
| ``comparisons`` | a `StudyComparison` for each pair of variants and part, over all seeds |
| ``skipped`` | parts that cannot be made of these photos: ``division``, ``source``, ``reason`` |
| ``sentences`` | the answer in plain words, the first one first |
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import facecover
from facecover.dataset.arrays import Dataset
from facecover.errors import RunError
from facecover.evaluation.performance import Evaluation, evaluate
from facecover.files import written_file
from facecover.inference.classifier import Classifier
from facecover.studies.divisions import Photos
from facecover.studies.plan import PlannedRun
from facecover.text import plain_json
from facecover.training.fit import RunResult, fit

STUDY_NAME = "study.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class StudyRun:
    """One variant trained with one seed on one part of a division, and measured.

    Attributes:
        division: how the photos were divided.
        source: the source it is about, or ``all``.
        variant: the variant's name.
        seed: of the training.
        n_train: training images.
        n_val: validation images.
        n_test: test images.
        groups_test: groups of test images that are not independent of each other.
        data_digest: the identity of the divided data.
        epochs: trained.
        best_epoch: whose weights were kept.
        seconds: of training.
        parameters: of the network.
        macs: its multiply-accumulates for one image.
        metrics: `Evaluation.to_json` on the images judged.
    """

    division: str
    source: str
    variant: str
    seed: int
    n_train: int
    n_val: int
    n_test: int
    groups_test: int
    data_digest: str
    epochs: int
    best_epoch: int
    seconds: float
    parameters: int
    macs: int
    metrics: Mapping[str, Any]


@dataclass(frozen=True)
class StudyComparison:
    """Two variants on the same images, over the seeds that both have.

    Attributes:
        division: how the photos were divided.
        source: the source it is about, or ``all``.
        variant: the one,
        baseline: and what it is compared with.
        n: images.
        seeds: how many seeds both have.
        difference: of the mean accuracies, the variant's minus the baseline's.
        ci95: its 95% interval; None where every resample gives the same.
        sentence: it in plain words.
    """

    division: str
    source: str
    variant: str
    baseline: str
    n: int
    seeds: int
    difference: float
    ci95: tuple[float, float] | None
    sentence: str


@dataclass(frozen=True)
class StudyResult:
    """All that a study found; see the module's table."""

    name: str
    question: str
    claim: str
    judged_on: str
    sources: tuple[str, ...]
    digest: str
    results: tuple[StudyRun, ...]
    comparisons: tuple[StudyComparison, ...] = ()
    skipped: tuple[Mapping[str, str], ...] = ()
    sentences: tuple[str, ...] = ()
    version: str = facecover.__version__
    format_version: int = FORMAT_VERSION

    def to_json(self) -> dict[str, Any]:
        """The study with the keys of the module's table."""
        document = dataclasses.asdict(self)
        document["data"] = {"sources": document.pop("sources"), "digest": document.pop("digest")}
        return {key: plain_json(value) for key, value in document.items()}

    def save(self, folder: Path) -> None:
        """Write ``study.json`` into a folder.

        Raises:
            OutputError: if it cannot be written.
        """
        text = json.dumps(self.to_json(), indent=2, allow_nan=False)
        with written_file(folder / STUDY_NAME) as beside:
            beside.write_text(text + "\n", "utf-8")


def load_study(path: Path) -> StudyResult:
    """What a study found.

    Args:
        path: its folder, or the ``study.json`` in it.

    Raises:
        RunError: if there is none, or it is broken or from a newer version.
    """
    file = path / STUDY_NAME if path.is_dir() else path
    try:
        document = json.loads(file.read_text("utf-8"))
        version = document["format_version"]
        if version != FORMAT_VERSION:
            raise RunError(
                f"{file}: expected study format {FORMAT_VERSION}, found {version}, written by "
                f"facecover {document.get('version')}; run the study again"
            )
        data = document.pop("data")
        return StudyResult(
            sources=tuple(data["sources"]),
            digest=data["digest"],
            results=tuple(StudyRun(**run) for run in document.pop("results")),
            comparisons=tuple(_comparison(one) for one in document.pop("comparisons")),
            skipped=tuple(document.pop("skipped", ())),
            sentences=tuple(document.pop("sentences", ())),
            **document,
        )
    except FileNotFoundError:
        raise RunError(
            f"{path}: expected a folder with a {STUDY_NAME}, found none; make one with "
            "'facecover study'"
        ) from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, RunError):
            raise
        raise RunError(f"{file}: broken study: {error!r}; run the study again") from error


def _comparison(document: Mapping[str, Any]) -> StudyComparison:
    bounds = document["ci95"]
    return StudyComparison(**{**document, "ci95": None if bounds is None else tuple(bounds)})


RESULT_NAME = "result.json"
ANSWERS_NAME = "answers.npz"


@dataclass(frozen=True)
class Answered:
    """What a model of a study answered.

    Attributes:
        rows: ``int64 (n,)``, the images, as rows of all photos.
        labels: ``int64 (n,)``.
        probabilities: ``float32 (n, C)``, 0..1.
        is_right: ``bool (n,)``.
        groups: ``int64 (n,)``, which images are not independent.
    """

    rows: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]
    is_right: npt.NDArray[np.bool_]
    groups: npt.NDArray[np.int64]


def finished_run(planned: PlannedRun, view: Dataset, judged_on: str) -> StudyRun | None:
    """What a run found that was finished before with the same experiment and data, or None."""
    path = planned.folder / RESULT_NAME
    try:
        document = json.loads(path.read_text("utf-8"))
        is_same = document["key"] == _key(planned, view, judged_on)
        has_answers = (planned.folder / ANSWERS_NAME).is_file()
        return StudyRun(**document["result"]) if is_same and has_answers else None
    except (OSError, ValueError, TypeError, KeyError):  # not finished, whatever it is
        return None


def do_run(
    planned: PlannedRun,
    view: Dataset,
    photos: Photos,
    judged_on: str,
    *,
    device: str = "auto",
    show_progress: bool = False,
) -> StudyRun:
    """Train a run, or go on with it, and measure its model file.

    Args:
        planned: the run.
        view: the data of its part.
        photos: all photos, for their groups.
        judged_on: the split to measure on.
        device: see `fit`.
        show_progress: whether to show the epochs on standard error.

    Raises:
        ConfigError: if the network is over its budget, or the device is not there.
        DatasetError: if the data cannot be learned from.
        OutputError: if something cannot be written.
        RunError: if the run in the folder was begun with another experiment or on other data.
    """
    trained = fit(
        planned.experiment,
        view,
        planned.folder,
        resume=True,
        device=device,
        show_progress=show_progress,
    )
    classifier = Classifier(planned.folder)
    evaluation = evaluate(
        classifier,
        view.images(classifier.info.input_size_px),
        view.labels,
        name=planned.variant.name,
        split=judged_on,
        data_digest=view.manifest.info.digest,
        rows=view.rows_of(judged_on),
        groups=photos.group,
    )
    result = _result(planned, view, photos, trained, evaluation)
    _save_answers(planned.folder / ANSWERS_NAME, evaluation)
    document = {"key": _key(planned, view, judged_on), "result": dataclasses.asdict(result)}
    with written_file(planned.folder / RESULT_NAME) as beside:
        beside.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", "utf-8")
    return result


def read_answers(folder: Path) -> Answered:
    """What the model in a run's folder answered.

    Raises:
        RunError: if that was not kept, or is broken.
    """
    path = folder / ANSWERS_NAME
    try:
        with np.load(path, allow_pickle=False) as stored:
            return Answered(**{field.name: stored[field.name] for field in _FIELDS})
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise RunError(
            f"{path}: broken or missing answers: {error}; remove {folder / RESULT_NAME} and run "
            "the study again"
        ) from error


_FIELDS = dataclasses.fields(Answered)


def _key(planned: PlannedRun, view: Dataset, judged_on: str) -> str:
    """Changes with the experiment, the data and what is measured."""
    parts = (planned.experiment.model_dump_json(), view.manifest.info.digest, judged_on)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _result(
    planned: PlannedRun, view: Dataset, photos: Photos, trained: RunResult, evaluation: Evaluation
) -> StudyRun:
    record, network = trained.record, trained.info.network
    test = view.rows_of("test")
    return StudyRun(
        division=planned.part.division,
        source=planned.part.source,
        variant=planned.variant.name,
        seed=planned.experiment.seed,
        n_train=len(view.rows_of("train")),
        n_val=len(view.rows_of("val")),
        n_test=len(test),
        groups_test=len(np.unique(photos.group[test])),
        data_digest=view.manifest.info.digest,
        epochs=record.epochs,
        best_epoch=record.best_epoch,
        seconds=record.seconds,
        parameters=network.parameters,
        macs=network.macs,
        metrics=evaluation.to_json(),
    )


def _save_answers(path: Path, evaluation: Evaluation) -> None:
    answers = evaluation.answers
    groups = np.arange(len(answers)) if evaluation.groups is None else evaluation.groups
    with written_file(path) as beside, beside.open("wb") as stream:
        np.savez_compressed(
            stream,
            rows=evaluation.rows,
            labels=answers.labels,
            probabilities=answers.probabilities.astype(np.float32),
            is_right=answers.is_right,
            groups=groups,
        )
