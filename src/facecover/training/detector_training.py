"""A run of a detector: from a dataset of whole photos to a model file that finds faces."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Sampler

from facecover.dataset.photo_dataset import PhotoDataset
from facecover.errors import ConfigError, RunError
from facecover.progress import SILENT, Progress
from facecover.training.checkpoints import EpochProgress, load_checkpoint
from facecover.training.detector_config import CropConfig, DetectorExperiment
from facecover.training.detector_export import export_detector
from facecover.training.detector_loss import Losses, Targets, detection_loss
from facecover.training.detector_network import FaceDetector, cells, count_parameters
from facecover.training.fit import run_training
from facecover.training.isolation import Device, choose_device, flushed_denormals
from facecover.training.lightning_module import WARM_UP, scheduled
from facecover.training.photo_crops import CropBatch, PhotoCrops
from facecover.training.run_folder import RunFolder, RunRecord
from facecover.training.trainer import State, new_trainer

_VALIDATION_CROPS = 1000
"""The same ones after every epoch."""

_MOST_GRADIENT = 5.0
"""Longer gradients are cut to this length."""


def fit_detector(
    experiment: DetectorExperiment,
    dataset: PhotoDataset,
    run: Path,
    *,
    resume: bool = False,
    device: str = "auto",
    progress: Progress = SILENT,
) -> RunRecord:
    """Train a detector and export its averaged weights as a model file; as `fit.fit`.

    Raises:
        ConfigError: if the network is over its budget, or the device is not there.
        DatasetError: if the dataset lacks a split.
        OutputError: if the folder holds something already, or cannot be written.
        RunError: as `fit.fit`.
        KeyboardInterrupt: on Ctrl-C, with a message that says how to go on.
    """
    used = choose_device(device)
    _check_budget(experiment)
    dataset.photos_of("train"), dataset.photos_of("val")

    def export(folder: RunFolder, _chosen_by: str) -> None:
        export_detector(averaged_detector(folder, experiment), experiment, dataset, folder.model)

    return run_training(
        experiment,
        dataset.manifest.info.digest,
        RunFolder(run),
        used,
        lambda folder, state: learn_detector(experiment, dataset, folder, state, used, progress),
        export,
        resume=resume,
    )


def _check_budget(experiment: DetectorExperiment) -> None:
    found, budget = count_parameters(FaceDetector(experiment.network)), experiment.network.budget
    if found > budget:
        raise ConfigError(
            f"network: expected at most {budget:,} parameters, as network.budget says, found "
            f"{found:,}; lower network.channels"
        )


class FaceDetection(LightningModule):
    """Learns to find faces in crops; what is measured and kept are averaged weights.

    Args:
        experiment: every choice.
    """

    def __init__(self, experiment: DetectorExperiment) -> None:
        super().__init__()
        self.network = FaceDetector(experiment.network)
        average = partial(_average, experiment.training.average)
        self.average = AveragedModel(self.network, multi_avg_fn=average, use_buffers=True)
        self.measured: dict[str, float] = {}
        self._experiment = experiment
        self._seen: dict[str, list[Tensor]] = {"train": [], "val": []}

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The method and its schedule, as `OptimizerConfig` describes them."""
        weights = list(self.network.parameters())
        # A mean of squares over 100 steps instead of 1,000: crops differ more than faces do.
        return scheduled(
            self._experiment.optimizer,
            weights,
            self.trainer,
            betas=(0.9, 0.99),
            warm_up=WARM_UP / 3,
        )

    def training_step(self, batch: CropBatch, batch_idx: int) -> Tensor:
        """The loss to learn from."""
        return self._losses(self.network, batch, "train").total

    def on_train_batch_end(self, outputs: object, batch: CropBatch, batch_idx: int) -> None:
        """Let the averaged weights follow."""
        self.average.update_parameters(self.network)

    def validation_step(self, batch: CropBatch, batch_idx: int) -> None:
        """Measure the averaged weights on a batch that nothing is learned from."""
        self._losses(self.average, batch, "val")

    def on_validation_epoch_end(self) -> None:
        """Means over the epoch; Lightning validates before it calls a training epoch over."""
        self.measured = {}
        for split, seen in self._seen.items():
            total, _, box = torch.stack(seen).mean(dim=0).tolist()
            if not np.isfinite(total):
                raise RunError(
                    f"training diverged in epoch {self.current_epoch + 1}: the loss is no number "
                    "any more; start a new run with a lower optimizer.learning_rate"
                )
            self.measured |= {f"{split}_loss": total, f"{split}_box_loss": box}
            seen.clear()

    def _losses(self, network: torch.nn.Module, batch: CropBatch, split: str) -> Losses:
        images = batch.images.contiguous(memory_format=torch.channels_last)
        maps = network(images)
        with torch.autocast(images.device.type, enabled=False):
            losses = detection_loss(cells(maps), Targets(batch.faces, batch.ignored))
        self._seen[split].append(torch.stack(losses).detach())
        return losses


@torch.no_grad()
def _average(keep: float, averages: list[Tensor], new: list[Tensor], updates: Tensor | int) -> None:
    """An exponential mean that forgets the first weights sooner, so that short runs have one."""
    kept = min(keep, (1 + int(updates)) / (10 + int(updates)))
    for average, value in zip(averages, new, strict=True):
        if average.is_floating_point():
            average.lerp_(value, 1 - kept)
        else:
            average.copy_(value)


class _EpochOrder(Sampler[int]):
    """The numbers of an epoch's crops, which no other epoch has; Lightning tells it the epoch."""

    def __init__(self, crops: int) -> None:
        self._crops, self._epoch = crops, 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return self._crops

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._epoch * self._crops, (self._epoch + 1) * self._crops))


def learn_detector(
    experiment: DetectorExperiment,
    dataset: PhotoDataset,
    folder: RunFolder,
    state: State,
    device: Device,
    progress: Progress = SILENT,
) -> None:
    """Train the epochs that are left; raises as `trainer.learn`."""
    torch.manual_seed(experiment.seed)
    module = FaceDetection(experiment)
    crops, batch = experiment.crops, experiment.training.batch_size
    learned = PhotoCrops(dataset, dataset.photos_of("train"), crops, experiment.seed)
    train = DataLoader(
        learned,
        batch,
        sampler=_EpochOrder(crops.crops),
        num_workers=crops.workers,
        persistent_workers=crops.workers > 0,
    )
    plain = CropConfig(size_px=crops.size_px, light=0, crops=_VALIDATION_CROPS)
    looked_at = PhotoCrops(dataset, dataset.photos_of("val"), plain, experiment.seed)
    last = folder.last if folder.last.is_file() else None
    epochs = experiment.training.epochs
    with progress.bar(experiment.name, epochs * crops.crops) as advance, flushed_denormals():
        advance(len(state.history.rows) * crops.crops)
        shown = EpochProgress(experiment.name, advance, progress)
        callbacks = [state.history, state.checkpoints, shown]
        trainer = new_trainer(experiment, device, callbacks, folder.folder)
        trainer.gradient_clip_val = _MOST_GRADIENT
        try:
            trainer.fit(
                module, train, DataLoader(looked_at, batch), ckpt_path=last, weights_only=True
            )
        finally:
            state.history.close()


_AVERAGE = "average.module."


def averaged_detector(folder: RunFolder, experiment: DetectorExperiment) -> FaceDetector:
    """The detector of a run with the averaged weights that it kept.

    Raises:
        RunError: if its checkpoint is missing, broken, or of another network.
    """
    state = load_checkpoint(folder.best)["state_dict"]
    weights = {
        name.removeprefix(_AVERAGE): value
        for name, value in state.items()
        if name.startswith(_AVERAGE)
    }
    network = FaceDetector(experiment.network)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise RunError(
            f"{folder.best}: expected the weights of the detector in {folder.config}, found "
            "others; train again into a new folder"
        ) from error
    return network.eval()
