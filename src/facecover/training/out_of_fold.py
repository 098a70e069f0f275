"""What networks say of samples that they have not seen: each answer is out of fold."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from sklearn.model_selection import StratifiedGroupKFold

from facecover.dataset.arrays import Dataset, with_table
from facecover.errors import ConfigError, DatasetError
from facecover.files import scratch_folder
from facecover.progress import OnProgress
from facecover.training.config import Experiment
from facecover.training.data_loader import Loader
from facecover.training.experiments import load_experiment
from facecover.training.isolation import (
    Device,
    choose_device,
    flushed_denormals,
    interruptible,
    isolated,
)
from facecover.training.lightning_module import Classification
from facecover.training.network import Network
from facecover.training.trainer import new_loaders, new_network, new_trainer, teach_locator

Probabilities = npt.NDArray[np.float64]
"""``float64 (N, C)``, rows that sum to 1, by label."""

Groups = npt.NDArray[np.int64]
"""``int64 (N,)``: samples with the same number may not stand on both sides of a fold."""

# Chosen on 7,117 public photos of five sets, 5% of whose labels were flipped (one seed, no test
# photo among them), by the average precision of the ranking that finds the flipped ones.

FOLDS = 3
"""Three folds and six epochs find more than five folds and four epochs (average precision 0.74
against 0.71), and train on three quarters as many images."""

EPOCHS = 6
"""After four epochs more bring nothing: the last answers alone score 0.63 to 0.71, up and down."""

ASKED_SHARE = 2 / 3
"""Of the epochs, the last: the mean of what the network says after each scores 0.74, and depends
less on where training ends."""

SMALLEST_BATCH = 16
STEPS_AN_EPOCH = 50
"""With 400 photos, batches of 64 take ten epochs to score what batches of 16 score after four."""

_TRAIN, _HELD_OUT = "train", "test"


@dataclass(frozen=True)
class Plan:
    """What each fold trains, and how many there are."""

    experiment: Experiment
    folds: int

    @property
    def epochs(self) -> int:
        """The epochs of all folds together."""
        return self.folds * self.experiment.training.epochs


def out_of_fold_experiment(images: int) -> Experiment:
    """What a fold trains if nothing else is asked for: Net #1, for a few epochs.

    Args:
        images: in the dataset; where they are few the batches are smaller, so that a few epochs
            have steps enough.
    """
    net1 = load_experiment("net1", [f"training.epochs={EPOCHS}"])
    batch_size = min(net1.training.batch_size, max(SMALLEST_BATCH, images // STEPS_AN_EPOCH))
    training = net1.training.model_copy(update={"batch_size": batch_size})
    return net1.model_copy(update={"training": training})


def plan_folds(
    dataset: Dataset, groups: Groups, *, experiment: Experiment | None = None, folds: int = FOLDS
) -> Plan:
    """What `out_of_fold_probabilities` will do with the same arguments.

    Its ``epochs`` are the total that the progress runs up to.

    Raises:
        ConfigError: if the experiment learns from what is held out, too.
        DatasetError: if the groups do not fit the dataset, there is one class only, or one
            with fewer than two groups.
    """
    if experiment is not None and experiment.training.refit:
        raise ConfigError(
            "training.refit: expected false, since each fold is judged by a network that did not "
            "learn from it, found true"
        )
    labels = dataset.labels
    if groups.shape != labels.shape:
        raise DatasetError(
            f"groups of {dataset.folder}: expected shape {labels.shape}, found {groups.shape}"
        )
    names = dataset.manifest.info.class_names
    present = np.unique(labels)
    if len(present) < 2:
        found = ", ".join(names[label] for label in present) or "no image"
        raise DatasetError(
            f"{dataset.folder}: expected two classes or more to judge labels by, found {found}"
        )
    counts = [len(np.unique(groups[labels == label])) for label in present]
    fewest = int(np.argmin(counts))
    if min(folds, counts[fewest]) < 2:
        raise DatasetError(
            f"{dataset.folder}: expected two folds or more, and two different pictures or persons "
            f"of each class, found {folds} folds and {counts[fewest]} of "
            f"{names[present[fewest]]!r}; add photos of others"
        )
    return Plan(experiment or out_of_fold_experiment(len(dataset)), min(folds, counts[fewest]))


def out_of_fold_probabilities(
    dataset: Dataset,
    groups: Groups,
    *,
    experiment: Experiment | None = None,
    folds: int = FOLDS,
    seed: int = 0,
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> Probabilities:
    """What networks that saw neither a sample nor anything of its group say of it.

    The groups are dealt into folds of about the same size and classes. For each fold a network is
    trained on all others, for a fixed number of epochs: nothing is chosen by looking at what is
    held out. The splits of the dataset play no part, and nothing is written into its folder.

    Args:
        dataset: N samples, all of which are judged, whatever their split.
        groups: of each sample.
        experiment: what each fold trains; by default `out_of_fold_experiment`.
        folds: how many; fewer where a class has fewer groups.
        seed: of the folds, and of the networks in place of the experiment's.
        device: ``cpu``, ``cuda``, or ``auto`` for CUDA where there is one.
        on_progress: called after each epoch with 1; see `plan_folds` for how many there are.

    Raises:
        ConfigError: if the device is not there, or the experiment learns from what is held out.
        DatasetError: if the groups do not fit the dataset, there is one class only, or one with
            fewer than two groups, or the dataset lacks the network's input size.
        RunError: if training diverges.
    """
    plan = plan_folds(dataset, groups, experiment=experiment, folds=folds)
    used = choose_device(device)
    seeded = plan.experiment.model_copy(update={"seed": seed})
    probabilities = np.empty((len(dataset), len(dataset.manifest.info.class_names)))
    with interruptible(), isolated():
        for view in _views(dataset, groups, plan.folds, seed):
            probabilities[view.rows_of(_HELD_OUT)] = _answers(seeded, view, used, on_progress)
    return probabilities


def _views(dataset: Dataset, groups: Groups, folds: int, seed: int) -> Iterator[Dataset]:
    """The dataset once a fold, split into what is trained on and what is held out."""
    labels = dataset.labels
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for _, held_out in splitter.split(labels, labels, groups):
        splits = np.full(len(dataset), _TRAIN, dtype=object)
        splits[held_out] = _HELD_OUT
        table = dataset.manifest.table.assign(split=splits)
        yield with_table(dataset, table, split_by="fold", seed=seed)


def _answers(
    experiment: Experiment, view: Dataset, device: Device, on_progress: OnProgress | None
) -> Probabilities:
    """What a network trained on a view says of its held-out samples, in the order of their rows."""
    network = new_network(experiment, view)
    module = Classification(
        network,
        experiment.optimizer,
        experiment.seed,
        (),
        experiment.augmentation,
        experiment.training,
    )
    teach_locator(network, experiment, view, device)
    train, (held_out,) = new_loaders(experiment, view, (_HELD_OUT,), device)
    asked = _Asked(network, held_out, experiment.training.epochs, on_progress)
    # Lightning wants a folder, though nothing is written into it.
    with scratch_folder() as folder, flushed_denormals():
        new_trainer(experiment, device, [asked], folder).fit(module, train)
    return asked.probabilities


class _Asked(Callback):
    """Asks the network after each of the last epochs, and keeps the mean of its answers."""

    def __init__(
        self, network: Network, held_out: Loader, epochs: int, on_progress: OnProgress | None
    ) -> None:
        self._network = network
        self._held_out = held_out
        self._first = epochs - max(1, round(ASKED_SHARE * epochs))
        self._answers: list[Probabilities] = []
        self._on_progress = on_progress

    @property
    def probabilities(self) -> Probabilities:
        """The mean of the answers."""
        mean: Probabilities = np.mean(self._answers, axis=0)
        return mean

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Ask, and count the epoch."""
        if trainer.current_epoch >= self._first:
            self._answers.append(self._ask(pl_module.device))
        if self._on_progress is not None:
            self._on_progress(1)

    def _ask(self, device: torch.device) -> Probabilities:
        self._network.eval()
        with torch.inference_mode():
            logits = [self._network(batch.images.to(device)).cpu() for batch in self._held_out]
        self._network.train()
        probabilities: Probabilities = torch.cat(logits).double().softmax(dim=1).numpy()
        return probabilities
