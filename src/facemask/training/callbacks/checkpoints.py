"""The last and the best weights on disk, and stopping when the best is long ago."""

from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from facemask.files import written_file
from facemask.training.config import TrainingConfig
from facemask.training.module import measured_by


class Checkpoints(Callback):
    """Saves the last state after every epoch, and the best as the monitor finds it.

    Without a measure, ``last_epoch``, the last weights are the best; their value is the loss.

    Each file is written beside and renamed, so a run that is killed leaves whole ones. Lightning's
    own `ModelCheckpoint` writes through a temporary folder that may lie on another disk, and
    forgets the best value when the run folder has been moved.

    Args:
        last: where the last state goes: all that a run needs to go on.
        best: where the best weights go.
        training: the monitor, and how many epochs without a better value end the run.
    """

    def __init__(self, last: Path, best: Path, training: TrainingConfig) -> None:
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
