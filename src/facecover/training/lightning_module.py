"""How a network learns: the step, the optimiser, and what is measured after an epoch."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax, nll_loss
from torchmetrics.functional.classification import (
    binary_auroc,
    binary_f1_score,
    multiclass_accuracy,
    multiclass_auroc,
    multiclass_f1_score,
)

from facecover.errors import RunError
from facecover.labels import MASK
from facecover.training.augmentation import augment
from facecover.training.config import AugmentationConfig, OptimizerConfig, TrainingConfig
from facecover.training.data_loader import Batch
from facecover.training.network import Network

MEASURES = ("loss", "accuracy", "f1", "roc_auc")
"""What is measured after every epoch on every split, in the order of the columns."""


def measure(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Loss, accuracy, F1 and ROC-AUC by name.

    F1 and ROC-AUC are those of the class mask with two classes, and the mean over the classes
    with more.

    Args:
        logits: ``float32 (N, C)``, finite.
        labels: ``int64 (N,)``, 0..C-1, every class among them.
    """
    n_classes = logits.shape[1]
    # In float64, so that a sure network's probabilities do not fall together near 1.
    log_probabilities = log_softmax(logits.double(), dim=1)
    probabilities = log_probabilities.exp()
    predicted = probabilities.argmax(dim=1)
    if n_classes == 2:
        f1 = binary_f1_score(predicted, labels)
        roc_auc = binary_auroc(probabilities[:, MASK], labels)
    else:
        f1 = multiclass_f1_score(predicted, labels, n_classes)
        roc_auc = multiclass_auroc(probabilities, labels, n_classes)
    accuracy = multiclass_accuracy(predicted, labels, n_classes, average="micro")
    values = torch.stack([nll_loss(log_probabilities, labels), accuracy, f1, roc_auc])
    return dict(zip(MEASURES, values.tolist(), strict=True))


WARM_UP = 0.15
"""The share of one cycle's steps in which the learning rate rises."""


def scheduled(
    config: OptimizerConfig,
    weights: Sequence[torch.nn.Parameter],
    trainer: Trainer,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    warm_up: float = WARM_UP,
    fused: bool | None = None,
) -> OptimizerLRScheduler:
    """A method and its schedule, as `OptimizerConfig` describes them, as Lightning takes them.

    Args:
        config: the choices.
        weights: what is learned.
        trainer: knows how many steps there will be, which only a schedule asks.
        betas: see `torch.optim.Adam`.
        warm_up: the share of one cycle's steps in which the learning rate rises.
        fused: see `torch.optim.AdamW`.
    """
    rate, decay = config.learning_rate, config.weight_decay
    if config.name == "adam":
        optimizer: torch.optim.Optimizer = torch.optim.Adam(
            weights, lr=rate, betas=betas, weight_decay=decay
        )
    else:
        # Biases and batch normalisation's scales have one dimension.
        groups = [
            {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": decay},
            {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=rate, betas=betas, fused=fused)
    if config.schedule == "constant":
        return optimizer
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=int(trainer.estimated_stepping_batches), pct_start=warm_up
    )
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


_CHECK_EVERY = 50
"""Steps between two looks at whether the loss is still a number; each makes a GPU wait."""


class Classification(LightningModule):
    """Learns to tell the classes apart; negative log likelihood on log-softmax.

    The training measures are taken on the batches as they are learned from, over the epoch: they
    lag behind the weights at its end, which the validation and test measures are taken with.

    Args:
        network: what learns.
        optimizer: how.
        seed: of dropout and augmentation.
        evaluated: the splits measured after each epoch, in the order of their loaders.
        augmentation: how training images are changed; None leaves them as they are.
        training: the smoothing of the labels, the size of a batch, and whether the network is
            compiled.
    """

    def __init__(
        self,
        network: Network,
        optimizer: OptimizerConfig,
        seed: int,
        evaluated: tuple[str, ...],
        augmentation: AugmentationConfig | None = None,
        training: TrainingConfig | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.measured: dict[str, float] = {}
        self._optimizer = optimizer
        self._seed = seed
        self._evaluated = evaluated
        self._augmentation = augmentation
        self._label_smoothing = training.label_smoothing if training else 0.0
        # The method, since another module would stand among the weights a second time.
        look: Callable[[Tensor], Tensor] = network.look
        self._compiled = compiled(look) if training and training.compile else None
        self._batch_size = training.batch_size if training else 0
        self._seen: dict[str, list[tuple[Tensor, Tensor]]] = {}

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The method and its schedule, as `OptimizerConfig` describes them."""
        weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        # One kernel for all weights on a GPU; on a CPU it gave nothing.
        fused = self.device.type == "cuda" or None
        return scheduled(self._optimizer, weights, self.trainer, fused=fused)

    def on_train_epoch_start(self) -> None:
        """Forget the last epoch."""
        self._seen = {split: [] for split in ("train", *self._evaluated)}

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Make dropout and augmentation depend on the seed and the epoch alone.

        Not before the first batch is there: making a loader's iterator draws a random number,
        and Lightning makes it at another time when a run goes on.
        """
        if batch_idx == 0:
            torch.manual_seed(_epoch_seed(self._seed, self.current_epoch))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss to learn from."""
        if self._augmentation is not None:
            # Eight bits are too few for where a window lies.
            with torch.autocast(batch.images.device.type, enabled=False):
                batch = augment(batch, self.network.look_size_px, self._augmentation)
        loss = self._step(batch, "train", self._learner(len(batch.labels)), self._label_smoothing)
        if batch_idx % _CHECK_EVERY == 0:
            self._check_finite(loss)
        return loss

    def _learner(self, n: int) -> Callable[[Tensor], Tensor]:
        """What answers n training images."""
        # The last batch of an epoch is smaller, and would be compiled a second time.
        if self._compiled is not None and n == self._batch_size:
            return self._compiled
        return self.network.look

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Look at one batch of a split that nothing is learned from."""
        self._step(batch, self._evaluated[dataloader_idx], self.network.forward)

    def on_validation_epoch_end(self) -> None:
        """Measure every split; Lightning validates before it calls a training epoch over."""
        self.measured = {}
        for split, seen in self._seen.items():
            logits = torch.cat([logits for logits, _ in seen])
            self._check_finite(logits)
            values = measure(logits, torch.cat([labels for _, labels in seen]))
            self.measured |= {f"{split}_{name}": value for name, value in values.items()}

    def _step(
        self,
        batch: Batch,
        split: str,
        answer: Callable[[Tensor], Tensor],
        smoothing: float = 0.0,
    ) -> Tensor:
        # Copied, since they stay: see `compiled`.
        logits = answer(batch.images).to(torch.float32, copy=True)
        self._seen[split].append((logits.detach(), batch.labels))
        return cross_entropy(logits, batch.labels, label_smoothing=smoothing)

    def _check_finite(self, values: Tensor) -> None:
        if not bool(torch.isfinite(values).all()):
            raise RunError(
                f"training diverged in epoch {self.current_epoch + 1}: the loss is no number any "
                f"more; most likely optimizer.learning_rate {self._optimizer.learning_rate:g} is "
                f"too high: start a new run with --set "
                f"optimizer.learning_rate={self._optimizer.learning_rate / 10:g}"
            )


def compiled(forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The same answers, compiled; on a GPU as a CUDA graph.

    A small network waits for its kernels to start, and a graph starts them all at once. It writes
    the next answers where the last ones are, so what is to stay has to be copied.
    """
    return torch.compile(forward, mode="reduce-overhead")


def measured_by(module: LightningModule) -> dict[str, float]:
    """The last epoch's measures by column, such as ``val_loss``."""
    measured: dict[str, float] = getattr(module, "measured", {})
    return measured


def _epoch_seed(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0])
