"""A run folder: what it holds, what it says of itself, and whether it may be gone on with."""

import dataclasses
import hashlib
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facecover.errors import OutputError, RunError
from facecover.files import check_replaceable, written_file
from facecover.inference.model_file import MODEL_NAME
from facecover.inference.model_info import LAST_EPOCH, ModelInfo
from facecover.training.config import Experiment
from facecover.training.experiments import experiment_to_yaml, load_experiment

_PREFIX = "network."


def load_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint, read without running any code that it may hold.

    Raises:
        RunError: if there is none, it is broken, or holds no weights.
    """
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise RunError(f"{path}: no such checkpoint; train again into a new folder") from None
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(
            f"{path}: broken checkpoint: {reason}; train again into a new folder"
        ) from error
    if not isinstance(checkpoint, dict) or "state_dict" not in checkpoint:
        raise RunError(
            f"{path}: expected a checkpoint of this package, found one without weights; train "
            "again into a new folder"
        )
    return checkpoint


def network_weights(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights of the network in a checkpoint, by the network's own names."""
    state: dict[str, Tensor] = checkpoint["state_dict"]
    return {name.removeprefix(_PREFIX): value for name, value in state.items()}


def hash_weights(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 over every tensor's name, type, shape and values, in the order of the names."""
    digest = hashlib.sha256()
    for name, value in sorted(weights.items()):
        array = value.detach().cpu().contiguous().numpy()
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


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


CONFIG_NAME = "config.yaml"
METRICS_NAME = "metrics.csv"
BOARD_NAME = "tensorboard"
LAST_NAME = "last.ckpt"
BEST_NAME = "best.ckpt"
RECORD_NAME = "run.json"

# A run may be gone on with for more epochs than it was begun with, unless its learning rate
# follows a schedule over them; nothing else may differ.
_MAY_DIFFER = "training.epochs"


@dataclass(frozen=True)
class RunFolder:
    """The files of a run.

    Attributes:
        folder: where they lie.
    """

    folder: Path

    @property
    def config(self) -> Path:
        """The complete experiment."""
        return self.folder / CONFIG_NAME

    @property
    def metrics(self) -> Path:
        """One row an epoch."""
        return self.folder / METRICS_NAME

    @property
    def board(self) -> Path:
        """TensorBoard's events."""
        return self.folder / BOARD_NAME

    @property
    def last(self) -> Path:
        """The state after the last finished epoch."""
        return self.folder / LAST_NAME

    @property
    def best(self) -> Path:
        """The weights that are kept, see `TrainingConfig.monitor`."""
        return self.folder / BEST_NAME

    @property
    def record(self) -> Path:
        """What the run says of itself."""
        return self.folder / RECORD_NAME

    @property
    def model(self) -> Path:
        """The model file."""
        return self.folder / MODEL_NAME


@dataclass(frozen=True)
class RunRecord:
    """What a run says of itself.

    Attributes:
        data_digest: of the manifest that it saw.
        device: what it was trained on, in words.
        versions: of the packages that the weights depend on.
        epochs: finished epochs.
        seconds: of all of them together.
        monitor: the measure that chose the weights; the part before the first underscore is
            the split. Or ``last_epoch``.
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

    def save(self, path: Path) -> None:
        """Write it as JSON.

        Raises:
            OutputError: if the file cannot be written.
        """
        with written_file(path) as beside:
            beside.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n", "utf-8")


def load_record(run: Path) -> RunRecord:
    """What a run says of itself.

    Raises:
        RunError: if the folder is no run, or its record is broken.
    """
    path = RunFolder(run).record
    try:
        document = json.loads(path.read_text("utf-8"))
        return RunRecord(**document)
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(
            f"{run}: expected a run folder with a {RECORD_NAME}, found none; make one with "
            "'facecover train'"
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"{path}: broken record: {error}; train again into a new folder") from error


def begin_run(run: RunFolder, experiment: Experiment, record: RunRecord) -> None:
    """Make a run folder and write down what is about to happen.

    Raises:
        OutputError: if the folder holds something already, or cannot be written.
    """
    check_replaceable(run.folder, replace_if=RECORD_NAME)
    if run.record.is_file():
        raise OutputError(
            f"{run.folder}: expected an empty or new folder for the run, found a run; go on with "
            "it with --resume, or name another folder with -o"
        )
    record.save(run.record)
    save_experiment(run, experiment)


def save_experiment(run: RunFolder, experiment: Experiment) -> None:
    """Write the complete experiment.

    Raises:
        OutputError: if the file cannot be written.
    """
    with written_file(run.config) as beside:
        beside.write_text(experiment_to_yaml(experiment), "utf-8")


def check_resumable(run: RunFolder, experiment: Experiment, data_digest: str) -> RunRecord:
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
    begun = load_experiment(run.config) if run.config.is_file() else experiment
    if (begun.augmentation is None) != (experiment.augmentation is None):
        had, has = (
            "without" if one.augmentation is None else "with" for one in (begun, experiment)
        )
        raise RunError(
            f"{run.folder}: the run was begun {had} augmentation, found an experiment {has} it; "
            f"go on with {run.config} as the experiment, or name another folder with -o"
        )
    before, now = _flat(begun.model_dump()), _flat(experiment.model_dump())
    # A schedule over all epochs was another one from the first step on, had there been more.
    may_differ = _MAY_DIFFER if begun.optimizer.schedule == "constant" else None
    for key, value in before.items():
        if now[key] != value and key != may_differ:
            raise RunError(
                f"{run.folder}: the run was begun with {key} {_in_yaml(value)}, found "
                f"{_in_yaml(now[key])}; set it back with --set {key}={_in_yaml(value)}, or name "
                "another folder with -o"
            )
    return record


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
