"""One run of a study: trained once, measured once, and found again."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from facemask.data.arrays import Dataset
from facemask.errors import RunError
from facemask.evaluation.evaluate import evaluate
from facemask.evaluation.evaluation import Evaluation
from facemask.files import written_file
from facemask.inference.classifier import Classifier
from facemask.studies.photos import Photos
from facemask.studies.plan import PlannedRun
from facemask.studies.results import StudyRun
from facemask.training.fit import RunResult, fit

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
