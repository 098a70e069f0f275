"""A run: its folder, what it says of itself, and whether it may be gone on with."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from facecover.documents import read_document, reading, write_document
from facecover.errors import OutputError, RunError
from facecover.files import check_replaceable, written_file
from facecover.inference.model_file import MODEL_NAME
from facecover.inference.model_info import LAST_EPOCH, ModelInfo
from facecover.locks import locked
from facecover.training.config import Experiment
from facecover.training.detector_config import AnyExperiment
from facecover.training.experiments import experiment_to_yaml, load_any_experiment

CONFIG_NAME = "config.yaml"
METRICS_NAME = "metrics.csv"
BOARD_NAME = "tensorboard"
LAST_NAME = "last.ckpt"
BEST_NAME = "best.ckpt"
RECORD_NAME = "run.json"


class RunFolder:
    """Where the files of a run lie."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / CONFIG_NAME  # the complete experiment
        self.metrics = folder / METRICS_NAME  # one row an epoch
        self.board = folder / BOARD_NAME
        self.last = folder / LAST_NAME  # the state after the last finished epoch
        self.best = folder / BEST_NAME  # the weights that are kept, see `TrainingConfig.monitor`
        self.record = folder / RECORD_NAME
        self.model = folder / MODEL_NAME


@dataclass(frozen=True)
class RunRecord:
    """What a run says of itself.

    Attributes:
        data_digest: of the manifest that it saw.
        device: what it was trained on, in words.
        versions: of the packages that the weights depend on.
        monitor: the measure that chose the weights; the part before the first underscore is
            the split. Or ``last_epoch``.
        epochs: finished epochs.
        seconds: of all of them together.
        best_epoch: the epoch whose weights were kept, from 1 on.
        best_value: the measure's value there; with ``last_epoch`` the validation loss.
        stopped_early: whether it ended before the epochs it was given.
        is_finished: whether the model file stands.
    """

    data_digest: str
    device: str
    versions: dict[str, str]
    monitor: str
    epochs: int = 0
    seconds: float = 0.0
    best_epoch: int = 0
    best_value: float | None = None
    stopped_early: bool = False
    is_finished: bool = False

    @property
    def chosen_by(self) -> str:
        """Which measure of which split and epoch chose the weights; see `ModelInfo.chosen_by`."""
        measure = LAST_EPOCH if self.monitor == "last_epoch" else self.monitor
        return f"{measure}, epoch {self.best_epoch}"


def read_curves(folder: Path, record: RunRecord) -> pd.DataFrame:
    """A run's `metrics.csv`: a row for each epoch, every column a number.

    Raises:
        RunError: if it cannot be read, or holds something else.
    """
    path = RunFolder(folder).metrics
    with reading(path, "curves", RunError, "train again into a new folder"):
        curves: pd.DataFrame = pd.read_csv(path).apply(pd.to_numeric)
        epochs = record.epochs if record.is_finished else len(curves)
        if curves["epoch"].tolist() != list(range(1, epochs + 1)):
            raise ValueError(f"expected the epochs 1 to {epochs}, each in a row")
        if not path.read_bytes().endswith(b"\n"):
            raise ValueError("its last row is cut off")
        return curves


def load_record(run: Path) -> RunRecord:
    """What a run says of itself.

    Raises:
        RunError: if the folder is no run, or its record is broken.
    """
    path = RunFolder(run).record
    if not os.path.exists(path):  # noqa: PTH110  (pathlib's raises where nobody may look)
        raise RunError(
            f"{run}: expected a run folder with a {RECORD_NAME}, found none; make one with "
            "'facecover train'"
        )
    return read_document(path, RunRecord, RunError, "train again into a new folder")


@contextmanager
def locked_run(run: RunFolder) -> Iterator[None]:
    """The run folder, made if need be, for this training alone.

    Raises:
        OutputError: if it holds somebody's files or cannot be written, or another training is at
            work in it.
    """
    check_replaceable(run.folder, replace_if=RECORD_NAME)
    with locked(run.folder):
        yield


def begin_run(run: RunFolder, experiment: AnyExperiment, record: RunRecord) -> None:
    """Write down in a locked run folder what is about to happen.

    Raises:
        OutputError: if it holds a run already, or cannot be written.
    """
    if run.record.is_file():
        raise OutputError(
            f"{run.folder}: expected an empty or new folder for the run, found a run; go on with "
            "it with --resume, or name another folder with -o"
        )
    write_document(run.record, record)
    save_experiment(run, experiment)


def save_experiment(run: RunFolder, experiment: AnyExperiment) -> None:
    """Write the complete experiment.

    Raises:
        OutputError: if the file cannot be written.
    """
    with written_file(run.config) as beside:
        beside.write_text(experiment_to_yaml(experiment), "utf-8")


def check_resumable(run: RunFolder, experiment: AnyExperiment, data_digest: str) -> RunRecord:
    """The record of a run that may be gone on with.

    Raises:
        RunError: if the folder is no run, or the run was begun with another experiment or on
            other data.
        ConfigError: if its experiment cannot be read.
    """
    record = load_record(run.folder)
    if record.data_digest != data_digest:
        raise RunError(
            f"{run.folder}: the run was begun on another dataset: expected the digest "
            f"{record.data_digest[:12]}, found {data_digest[:12]}; name that dataset with --data, "
            "or another folder with -o"
        )
    begun = load_any_experiment(run.config) if run.config.is_file() else experiment
    if type(begun) is not type(experiment):
        raise RunError(
            f"{run.folder}: the run was begun with {begun.name}, found {experiment.name}, which is "
            "for another task; name another folder with -o"
        )
    if _is_augmented(begun) != _is_augmented(experiment):
        had, has = ("with" if _is_augmented(one) else "without" for one in (begun, experiment))
        raise RunError(
            f"{run.folder}: the run was begun {had} augmentation, found an experiment {has} it; "
            f"go on with {run.config} as the experiment, or name another folder with -o"
        )
    before, now = _flat(begun.model_dump()), _flat(experiment.model_dump())
    # A run may be given more epochs than it was begun with, and nothing else; a schedule over all
    # epochs was another one from the first step on, had there been more.
    may_differ = "training.epochs" if begun.optimizer.schedule == "constant" else None
    for key, value in before.items():
        if now[key] != value and key != may_differ:
            raise RunError(
                f"{run.folder}: the run was begun with {key} {_in_yaml(value)}, found "
                f"{_in_yaml(now[key])}; set it back with --set {key}={_in_yaml(value)}, or name "
                "another folder with -o"
            )
    return record


def _is_augmented(experiment: AnyExperiment) -> bool:
    return not isinstance(experiment, Experiment) or experiment.augmentation is not None


def _flat(document: dict[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{above}{key}.")
        else:
            flat[f"{above}{key}"] = value
    return flat


def _in_yaml(value: str | float | bool | None) -> str:
    return value if isinstance(value, str) else json.dumps(value)


_NOT_WHAT_IS_LEARNED = ("refit", "precision", "compile")
"""Keys of `TrainingConfig` in which twins may differ."""


def difference_of_twin(info: ModelInfo, twin: ModelInfo) -> str:
    """The first thing in which two models differ that twins have in common; empty if they do.

    Args:
        info: of a model that learned from the test split, too.
        twin: of one that should be the same experiment on the same data without it.
    """
    if twin.is_refit:
        return "model that learned from the test images"
    if twin.data.digest != info.data.digest:
        return "dataset"
    if twin.precision != info.precision:
        return "precision of the file"
    one, other = (Experiment.model_validate(each.config).model_dump() for each in (info, twin))
    for key in _NOT_WHAT_IS_LEARNED:
        other["training"][key] = one["training"][key]
    return next((key for key, value in one.items() if other[key] != value), "")
