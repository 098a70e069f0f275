"""What is written after every epoch: checkpoints, the table of measures, TensorBoard's events."""

import csv
import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any
from zipfile import ZipFile

import msgspec
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from facecover.documents import reading
from facecover.errors import RunError
from facecover.files import written_file
from facecover.progress import OnProgress, Progress
from facecover.text import percent
from facecover.training.config import TrainingConfig
from facecover.training.detector_config import DetectorTrainingConfig
from facecover.training.lightning_module import measured_by

_PREFIX = "network."


class Weights(msgspec.Struct):
    """What every checkpoint holds; a part is named as the file has it."""

    state_dict: dict[str, Tensor]


class _Rows(msgspec.Struct):
    rows: Annotated[list[dict[str, float]], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        columns = self.rows[0].keys()
        if {"epoch", "seconds"} - columns or any(row.keys() != columns for row in self.rows):
            raise ValueError("expected rows of the same columns, epoch and seconds among them")


class _Best(msgspec.Struct):
    best_epoch: int
    best_value: float


class _Callbacks(msgspec.Struct):
    History: _Rows
    Checkpoints: _Best


class _Loops(msgspec.Struct):
    fit_loop: dict[str, Any]


class FullState(Weights):
    """What a run needs to go on."""

    epoch: int
    global_step: int
    loops: _Loops
    optimizer_states: list[dict[str, Any]]
    lr_schedulers: list[dict[str, Any]]
    callbacks: _Callbacks

    def __post_init__(self) -> None:
        epochs = len(self.callbacks.History.rows)
        if self.epoch + 1 != epochs or not 0 <= self.callbacks.Checkpoints.best_epoch <= epochs:
            raise ValueError(f"it is of epoch {self.epoch + 1}, and {epochs} are written down")


def load_checkpoint(path: Path, kind: type[Weights] = Weights) -> dict[str, Any]:
    """A checkpoint, read without running any code that it may hold.

    Raises:
        RunError: if there is none, it is broken, or does not hold what its kind says.
    """
    with reading(path, "checkpoint", RunError, "train again into a new folder"):
        _check_whole(path)
        try:
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        except Exception:  # noqa: BLE001  (whatever it is, its advice is to read it all the same)
            raise ValueError("it holds something else than weights and numbers") from None
        msgspec.convert(checkpoint, kind)
        return dict(checkpoint)


def _check_whole(path: Path) -> None:
    """Compare the checksums in the file, which PyTorch does not, and of no more than it holds."""
    with ZipFile(path) as parts:
        if sum(part.file_size for part in parts.infolist()) > path.stat().st_size:
            raise ValueError("it claims to hold more than its size")
        if changed := parts.testzip():
            raise ValueError(f"it was changed in {changed}")


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


class Checkpoints(Callback):
    """Saves the last state after every epoch, and the best as the monitor finds it.

    Without a measure, ``last_epoch``, the last weights are the best; their value is the loss.

    Each file is written beside and renamed, so a run that is killed leaves whole ones. Lightning's
    own `ModelCheckpoint` writes through a temporary folder that may lie on another disk, and
    forgets the best value when the run folder has been moved.

    Args:
        last: where the state goes that a run needs to go on.
        best: where the best weights go.
        training: the monitor, and how many epochs without a better value end the run.
    """

    def __init__(
        self, last: Path, best: Path, training: TrainingConfig | DetectorTrainingConfig
    ) -> None:
        self.best_epoch = 0
        self.best_value = float("nan")
        self._last = last
        self._best = best
        self._monitor = training.monitor
        self._patience = training.early_stopping_epochs

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Judge and save the epoch."""
        epoch = trainer.current_epoch + 1
        measure = "val_loss" if self._monitor == "last_epoch" else self._monitor
        value = measured_by(pl_module)[measure]
        if self._is_better(value):
            self.best_epoch, self.best_value = epoch, value
            _save(trainer, self._best, weights_only=True)
        _save(trainer, self._last)
        if self.gave_up(epoch):
            trainer.should_stop = True

    def gave_up(self, epochs: int) -> bool:
        """Whether, after so many epochs, the best is too long ago to go on."""
        return self._patience is not None and epochs - self.best_epoch >= self._patience

    def state_dict(self) -> dict[str, Any]:
        """What the checkpoint keeps."""
        return {"best_epoch": self.best_epoch, "best_value": self.best_value}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the best of a checkpoint up again."""
        self.best_epoch = state_dict["best_epoch"]
        self.best_value = state_dict["best_value"]

    def _is_better(self, value: float) -> bool:
        """Whether a value beats the best; of equal ones the earlier stands."""
        if not self.best_epoch or self._monitor == "last_epoch":
            return True
        is_loss = self._monitor == "val_loss"
        return value < self.best_value if is_loss else value > self.best_value


def _save(trainer: Trainer, path: Path, *, weights_only: bool = False) -> None:
    with written_file(path) as beside:
        trainer.save_checkpoint(beside, weights_only=weights_only)


Row = dict[str, float]
"""An epoch's measures by column."""


class History(Callback):
    """Keeps a row for every epoch and writes all of them after each.

    The rows travel in the checkpoint, so a run that goes on has each epoch once, whatever it was
    writing when it was stopped.
    """

    def __init__(self, csv_path: Path, board: Path) -> None:
        self.rows: list[Row] = []
        self._csv_path = csv_path
        self._board = board
        self._writer: SummaryWriter | None = None
        self._started = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open TensorBoard's events; those of epochs that will be repeated are purged."""
        self._writer = SummaryWriter(str(self._board), purge_step=len(self.rows) + 1)

    @property
    def has_begun(self) -> bool:
        """Whether an epoch was begun since it was made."""
        return self._started > 0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add and write the epoch's row."""
        row: Row = {
            "epoch": trainer.current_epoch + 1,
            **measured_by(pl_module),
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "seconds": round(time.perf_counter() - self._started, 3),
        }
        self.rows.append(row)
        write_rows(self.rows, self._csv_path)
        self._draw(row)

    def close(self) -> None:
        """Close TensorBoard's events."""
        if self._writer is not None:
            self._writer.close()

    def state_dict(self) -> dict[str, Any]:
        """What the checkpoint keeps."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the rows of a checkpoint up again."""
        self.rows = [dict(row) for row in state_dict["rows"]]

    def _draw(self, row: Row) -> None:
        if self._writer is None:
            return
        for column, value in row.items():
            split, _, name = column.partition("_")
            if split in ("train", "val", "test"):
                self._writer.add_scalar(f"{name}/{split}", value, int(row["epoch"]))
        self._writer.flush()


def write_rows(rows: list[Row], path: Path) -> None:
    """Write rows as CSV, six digits each.

    Raises:
        OutputError: if the file cannot be written.
    """
    with written_file(path) as beside, beside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({column: f"{value:.6g}" for column, value in row.items()})


class EpochProgress(Callback):
    """Counts images, and notes what was measured after each epoch.

    Args:
        name: what is being trained.
        advance: called with the number of training images of each step.
        progress: takes the notes.
    """

    def __init__(self, name: str, advance: OnProgress, progress: Progress) -> None:
        self._name = name
        self._advance = advance
        self._progress = progress

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: Any,  # noqa: ANN401  (Lightning's signature)
        batch_idx: int,
    ) -> None:
        """Count a batch's images."""
        self._advance(len(batch[1]))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note what was measured."""
        measured = measured_by(pl_module)
        shown = (
            f"{words} {form(measured[column])}"
            for column, (words, form) in _NOTED.items()
            if column in measured
        )
        self._progress.note(
            f"{self._name} epoch {trainer.current_epoch + 1}/{trainer.max_epochs}: "
            f"{', '.join(shown)}"
        )


_NOTED: dict[str, tuple[str, Callable[[float], str]]] = {
    "train_loss": ("training loss", "{:.4f}".format),
    "val_loss": ("validation loss", "{:.4f}".format),
    "val_box_loss": ("of it boxes", "{:.4f}".format),
    "val_accuracy": ("accuracy", percent),
    "val_roc_auc": ("ROC-AUC", "{:.4f}".format),
}
