"""The epochs themselves: a network, its loaders, Lightning's loop, and where it was left."""

from collections.abc import Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch import Callback, Trainer

from facecover.dataset.arrays import Dataset
from facecover.errors import FacecoverError, RunError, shown
from facecover.progress import SILENT, Progress
from facecover.training.checkpoints import (
    Checkpoints,
    EpochProgress,
    FullState,
    History,
    load_checkpoint,
    write_rows,
)
from facecover.training.config import Experiment
from facecover.training.data_loader import (
    EVALUATION_BATCH,
    Loader,
    load_split,
    normalisation_of,
    wide_cuts_of,
)
from facecover.training.detector_config import AnyExperiment
from facecover.training.isolation import Device, flushed_denormals, residence
from facecover.training.lightning_module import Classification
from facecover.training.locator_training import LARGER_ON_GPU, LEAST_CUTS, STEPS, learn_locator
from facecover.training.network import Network
from facecover.training.run_folder import RunFolder

_PRECISIONS: dict[str, Literal["32-true", "bf16-mixed"]] = {
    "float32": "32-true",
    "bfloat16": "bf16-mixed",
}
"""Lightning's names."""


@dataclass(frozen=True)
class State:
    """What grows while a run goes on."""

    history: History
    checkpoints: Checkpoints

    def is_over(self, experiment: AnyExperiment) -> bool:
        """Whether every epoch was trained, or training was stopped early."""
        done = len(self.history.rows)
        return done >= experiment.training.epochs or self.checkpoints.gave_up(done)


def evaluated_splits(experiment: Experiment) -> tuple[str, ...]:
    """The splits measured after every epoch; the first chooses the weights."""
    return ("val", "test") if experiment.training.test_curves else ("val",)


def restore_state(folder: RunFolder, experiment: AnyExperiment) -> State:
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
    callbacks = load_checkpoint(folder.last, FullState)["callbacks"]
    for callback in (state.history, state.checkpoints):
        callback.load_state_dict(callbacks[callback.state_key])
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
    experiment: AnyExperiment, device: Device, callbacks: list[Callback], folder: Path
) -> Trainer:
    """Lightning's loop over the epochs of an experiment; it writes and says nothing itself."""
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


_NO_FAULT_OF_A_FILE = (FacecoverError, MemoryError, torch.OutOfMemoryError)


def learn(
    experiment: Experiment,
    dataset: Dataset,
    folder: RunFolder,
    state: State,
    device: Device,
    progress: Progress = SILENT,
) -> None:
    """Train the epochs that are left.

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
        teach_locator(module.network, experiment, dataset, device, progress)
    train, evaluation = new_loaders(experiment, dataset, evaluated, device)
    images, epochs = len(cast(Sized, train.dataset)), experiment.training.epochs
    last = folder.last if folder.last.is_file() else None
    with progress.bar(experiment.name, epochs * images) as advance, flushed_denormals():
        advance(len(state.history.rows) * images)
        said = EpochProgress(experiment.name, advance, progress)
        callbacks = [state.history, state.checkpoints, said]
        trainer = new_trainer(experiment, device, callbacks, folder.folder)
        try:
            trainer.fit(module, train, evaluation, ckpt_path=last, weights_only=True)
        except Exception as error:
            # Before the first step it is the checkpoint that does not fit.
            if last is None or state.history.has_begun or isinstance(error, _NO_FAULT_OF_A_FILE):
                raise
            raise RunError(
                f"{shown(last)}: broken checkpoint: its parts do not fit the run; train again into "
                "a new folder"
            ) from error
        finally:
            state.history.close()


def teach_locator(
    network: Network,
    experiment: Experiment,
    dataset: Dataset,
    device: Device,
    progress: Progress = SILENT,
) -> None:
    """Let a network that looks twice learn where faces are; any other is left as it is.

    It takes minutes, and comes before the first epoch; PyTorch's global random state decides it.
    """
    if network.locator is None:
        return
    rows = dataset.rows_of(*experiment.training.learned_splits)
    cuts = wide_cuts_of(dataset, rows, experiment.source_size_px)
    found = f"{len(cuts.rows):,} wide cuts in the training data"
    progress.note(
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
