"""The epochs themselves: a network, its loaders, Lightning's loop, and where it was left."""

import csv
import time
from collections.abc import Callable, Iterator, Mapping, Sized
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch import Callback, LightningModule, Trainer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text
from torch.utils.tensorboard import SummaryWriter

from facecover.dataset.arrays import Dataset
from facecover.errors import RunError
from facecover.files import written_file
from facecover.training.config import Experiment, TrainingConfig
from facecover.training.data_loader import (
    EVALUATION_BATCH,
    Loader,
    load_split,
    normalisation_of,
    wide_cuts_of,
)
from facecover.training.isolation import Device, flushed_denormals, residence
from facecover.training.lightning_module import Classification, measured_by
from facecover.training.locator_training import LARGER_ON_GPU, LEAST_CUTS, STEPS, learn_locator
from facecover.training.network import Network
from facecover.training.run_folder import RunFolder, load_checkpoint


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


Row = dict[str, float]
"""An epoch's measures by column."""


class History(Callback):
    """Keeps a row for every epoch and writes all of them after each.

    The rows travel in the checkpoint, so a run that goes on has each epoch once, whatever it was
    writing when it was stopped.

    Args:
        csv_path: the table to write.
        board: the folder for TensorBoard's events.
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


_PRECISIONS: dict[str, Literal["32-true", "bf16-mixed"]] = {
    "float32": "32-true",
    "bfloat16": "bf16-mixed",
}
"""Lightning's names."""


@dataclass(frozen=True)
class State:
    """What grows while a run goes on.

    Attributes:
        history: the rows of the finished epochs.
        checkpoints: the best of them.
    """

    history: History
    checkpoints: Checkpoints

    def is_over(self, experiment: Experiment) -> bool:
        """Whether every epoch was trained, or training was stopped early."""
        done = len(self.history.rows)
        return done >= experiment.training.epochs or self.checkpoints.gave_up(done)


def evaluated_splits(experiment: Experiment) -> tuple[str, ...]:
    """The splits measured after every epoch; the first chooses the weights."""
    return ("val", "test") if experiment.training.test_curves else ("val",)


def restore_state(folder: RunFolder, experiment: Experiment) -> State:
    """The state of the last finished epoch, or that of none.

    Raises:
        RunError: if its checkpoint is broken, or has more epochs than are asked for.
    """
    state = State(
        History(folder.metrics, folder.board),
        Checkpoints(folder.last, folder.best, experiment.training),
    )
    if not folder.last.is_file():
        return state
    checkpoint = load_checkpoint(folder.last)
    try:
        for callback in (state.history, state.checkpoints):
            callback.load_state_dict(checkpoint["callbacks"][callback.state_key])
    except (KeyError, TypeError) as error:
        raise RunError(
            f"{folder.last}: expected a checkpoint of this package, found no {error}; train again "
            "into a new folder"
        ) from error
    rows = state.history.rows
    if len(rows) > experiment.training.epochs:
        raise RunError(
            f"{folder.folder}: the run has {len(rows)} epochs already, more than the "
            f"{experiment.training.epochs} of training.epochs; name another folder with -o"
        )
    # It may have been stopped after the table was written and before the checkpoint was.
    write_rows(rows, folder.metrics)
    return state


def new_network(experiment: Experiment, dataset: Dataset) -> Network:
    """A network with its first weights; they depend on the seed, which becomes PyTorch's own.

    Raises:
        DatasetError: if the dataset was not prepared at the network's input size.
    """
    torch.manual_seed(experiment.seed)
    config = experiment.network
    normalisation = normalisation_of(dataset, config.input_size_px)
    return Network(config, normalisation, len(dataset.manifest.info.class_names))


def new_loaders(
    experiment: Experiment, dataset: Dataset, evaluated: tuple[str, ...], device: Device
) -> tuple[Loader, list[Loader]]:
    """The batches of the images that an experiment learns from, and of whole other splits.

    Raises:
        DatasetError: if the dataset lacks a size of image that the experiment takes.
    """
    size_px, source_px = experiment.network.input_size_px, experiment.source_size_px
    augmentation = experiment.augmentation
    wide_cuts = 0 if augmentation is None else augmentation.wide_cuts
    served = [dataset.images(source_px), *[dataset.wide_cuts(source_px)] * wide_cuts]
    train = load_split(
        dataset,
        experiment.training.learned_splits,
        source_px,
        experiment.training.batch_size,
        seed=experiment.seed,
        wide_cuts=wide_cuts,
        resident_on=residence(device, sum(images.nbytes for images in served)),
    )
    return train, [load_split(dataset, split, size_px, EVALUATION_BATCH) for split in evaluated]


def new_trainer(
    experiment: Experiment, device: Device, callbacks: list[Callback], folder: Path
) -> Trainer:
    """Lightning's loop over the epochs of an experiment; it writes and says nothing itself.

    Args:
        experiment: how many epochs.
        device: where to train.
        callbacks: what happens after an epoch.
        folder: the run's.
    """
    return Trainer(
        accelerator=device,
        devices=1,
        precision=_PRECISIONS[experiment.training.precision],
        max_epochs=experiment.training.epochs,
        callbacks=callbacks,
        default_root_dir=folder,
        # One process, whatever cluster this looks like.
        plugins=[LightningEnvironment()],
        # All of these are done here in other ways, or by no one.
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def learn(
    experiment: Experiment,
    dataset: Dataset,
    folder: RunFolder,
    state: State,
    device: Device,
    *,
    show_progress: bool,
) -> None:
    """Train the epochs that are left.

    Args:
        experiment: every choice.
        dataset: what to learn from.
        folder: the run.
        state: of the epochs that are done; it grows.
        device: where to train.
        show_progress: whether to show progress on standard error.

    Raises:
        RunError: if training diverges.
        OutputError: if a file cannot be written.
        SystemExit: on Ctrl-C, which Lightning turns into it.
    """
    evaluated = evaluated_splits(experiment)
    module = Classification(
        new_network(experiment, dataset),
        experiment.optimizer,
        experiment.seed,
        evaluated,
        experiment.augmentation,
        experiment.training,
    )
    # A run that goes on has it among its weights.
    if not folder.last.is_file():
        teach_locator(module.network, experiment, dataset, device, say if show_progress else None)
    train, evaluation = new_loaders(experiment, dataset, evaluated, device)
    images = len(cast(Sized, train.dataset))
    with shown_progress(experiment.name, images) if show_progress else nullcontext() as shown:
        callbacks: list[Callback] = [state.history, state.checkpoints]
        trainer = new_trainer(
            experiment, device, [*callbacks, shown] if shown else callbacks, folder.folder
        )
        last = folder.last if folder.last.is_file() else None
        try:
            with flushed_denormals():
                trainer.fit(module, train, evaluation, ckpt_path=last, weights_only=True)
        finally:
            state.history.close()


def teach_locator(
    network: Network,
    experiment: Experiment,
    dataset: Dataset,
    device: Device,
    on_note: Callable[[str], None] | None = None,
) -> None:
    """Let a network that looks twice learn where faces are; any other is left as it is.

    It takes minutes, and comes before the first epoch; PyTorch's global random state decides it.
    `on_note` is told of it in a line.
    """
    if network.locator is None:
        return
    rows = dataset.rows_of(*experiment.training.learned_splits)
    cuts = wide_cuts_of(dataset, rows, experiment.source_size_px)
    if on_note is not None:
        found = f"{len(cuts.rows):,} wide cuts in the training data"
        on_note(
            f"{experiment.name}: learning where faces are from {found}"
            if len(cuts.rows) >= LEAST_CUTS
            else f"{experiment.name}: found {found}, expected {LEAST_CUTS} or more to learn from "
            "where faces are; both looks are at the whole image: add photos with boxes"
        )
    with flushed_denormals():
        learn_locator(
            network.locator.to(device),
            cuts.images[cuts.indices],
            cuts.places,
            STEPS,
            larger=LARGER_ON_GPU if device == "cuda" else 1,
            bfloat16=experiment.training.precision == "bfloat16",
        )
