"""What a person sees while a network learns, on standard error."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from facemask.training.module import measured_by

_SPEED_SECONDS = 120.0
"""Speed and time left are judged over so long: it holds validation, which counts no images."""


class ShownProgress(Callback):
    """A bar over all epochs with speed and time left; without a terminal, a line an epoch.

    Args:
        name: what is being trained.
        images: how many training images an epoch has.
        bar: the bar to move.
        console: where a line goes.
    """

    def __init__(self, name: str, images: int, bar: Progress, console: Console) -> None:
        self._name = name
        self._images = images
        self._bar = bar
        self._console = console
        self._task = bar.add_task(name, total=None, measured="")

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show what stands already."""
        epochs = trainer.max_epochs or 0
        done = trainer.current_epoch * self._images
        self._bar.reset(self._task, total=epochs * self._images, completed=done)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Name the epoch."""
        self._bar.update(self._task, description=f"{self._name} {_epoch(trainer)}")

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: Any,  # noqa: ANN401  (Lightning's signature)
        batch_idx: int,
    ) -> None:
        """Count a batch's images."""
        self._bar.advance(self._task, len(batch[1]))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show what was measured."""
        measured = measured_by(pl_module)
        self._bar.update(self._task, measured=_validation(measured))
        if not self._console.is_terminal:
            loss = f"training loss {measured.get('train_loss', float('nan')):.4f}"
            line = f"{self._name} {_epoch(trainer)}: {loss}, {_validation(measured)}"
            self._console.print(line, soft_wrap=True, markup=False, highlight=False)


@contextmanager
def shown_progress(name: str, images: int) -> Iterator[ShownProgress]:
    """A callback that shows progress, whose bar stops when the block ends."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        _SpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[measured]}", markup=False),
    )
    with Progress(
        *columns,
        console=console,
        disable=not console.is_terminal,
        speed_estimate_period=_SPEED_SECONDS,
    ) as bar:
        yield ShownProgress(name, images, bar, console)


def say(line: str) -> None:
    """One line of what is done before the first epoch."""
    Console(stderr=True).print(line, soft_wrap=True, markup=False, highlight=False)


class _SpeedColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} images/s" if speed else "", style="progress.data.speed")


def _epoch(trainer: Trainer) -> str:
    return f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"


def _validation(measured: Mapping[str, float]) -> str:
    if not measured:
        return ""
    return (
        f"validation loss {measured['val_loss']:.4f}, accuracy {measured['val_accuracy']:.1%}, "
        f"ROC-AUC {measured['val_roc_auc']:.4f}"
    )
