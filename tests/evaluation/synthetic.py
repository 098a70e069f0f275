"""Answers made from a seed: labels, and probabilities that know something of them."""

from dataclasses import dataclass, field

import msgspec
import numpy as np
import numpy.typing as npt

from facecover.evaluation.answers import Answers
from facecover.evaluation.metrics import WeightedMetrics
from facecover.evaluation.performance import Evaluation, evaluate_images
from facecover.inference.model_info import DataFacts, LayerFacts, ModelInfo, NetworkFacts, Parity

Labels = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float64]


def binary_answers(n: int, *, seed: int = 0, skill: float = 1.5) -> tuple[Labels, Probabilities]:
    """Labels ``(n,)`` of both classes and probabilities ``(n, 2)``, with ties among them."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    logits = skill * (2 * labels - 1) + rng.normal(0, 1.5, n)
    mask = np.round(1 / (1 + np.exp(-logits)), 2)
    return labels, np.column_stack([1 - mask, mask])


def three_class_answers(n: int, *, seed: int = 0) -> tuple[Labels, Probabilities]:
    """Labels ``(n,)`` of three classes and probabilities ``(n, 3)``."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    logits = rng.normal(0, 1, (n, 3)) + 1.5 * np.eye(3)[labels]
    exponentials = np.exp(logits)
    return labels, exponentials / exponentials.sum(axis=1, keepdims=True)


def calibration_error(answers: Answers) -> float:
    """The expected calibration error, 0..1."""
    return float(WeightedMetrics(answers)(np.ones((1, len(answers))))["ece"][0])


def model_info(name: str = "net1", **changes: object) -> ModelInfo:
    """A model of two layers; `changes` replace fields."""
    layers = (
        LayerFacts("conv1", "convolution 5 x 5", (16, 32, 32), 1_216, 1_228_800, 5),
        LayerFacts("output", "linear", (2,), 398_784, 398_784, 32),
    )
    info = ModelInfo(
        name=name,
        network=NetworkFacts(name, 32, layers, 400_000, 1_627_584, 5, 5_000_000),
        class_names=("no_mask", "mask"),
        channel_mean=(0.5, 0.4, 0.4),
        channel_std=(0.2, 0.2, 0.2),
        temperature=1.0,
        threshold=0.5,
        uncertain_band=None,
        data=DataFacts("ab" * 32, ("drawn",), "random", {"train": {"no_mask": 50, "mask": 60}}),
        config={"network": {"name": name, "dropout": 0.0}, "training": {"epochs": 20}},
        chosen_by="val_loss, epoch 12",
        weights_sha256="cd" * 32,
        parity=Parity(100, 1e-6, 1.0),
        version="0.1",
    )
    return msgspec.structs.replace(info, **changes)


@dataclass
class FakeClassifier:
    """Answers with the value of each image's first pixel as the probability of a mask.

    Attributes:
        info: of the model.
        batches: the number of images in each call so far.
    """

    info: ModelInfo = field(default_factory=model_info)
    batches: list[int] = field(default_factory=list)

    def classify_images(self, images: npt.NDArray[np.uint8]) -> Probabilities:
        """Probabilities ``float64 (N, 2)``."""
        self.batches.append(len(images))
        mask = images[:, 0, 0, 0] / 255
        return np.column_stack([1 - mask, mask])


def fake_images(probabilities: Probabilities, size_px: int = 4) -> npt.NDArray[np.uint8]:
    """Images ``uint8 (N, S, S, 3)`` that `FakeClassifier` reads these probabilities from."""
    values = np.round(255 * probabilities[:, 1]).astype(np.uint8)
    return np.tile(values[:, None, None, None], (1, size_px, size_px, 3))


def evaluation_of(
    name: str,
    n: int = 120,
    *,
    seed: int = 0,
    skill: float = 1.5,
    split: str = "test",
    data_digest: str = "ab" * 32,
    rows: Labels | None = None,
) -> Evaluation:
    """An evaluation of `FakeClassifier`; the labels depend on n alone."""
    labels, _ = binary_answers(n)
    rng = np.random.default_rng([seed, 1])
    logits = skill * (2 * labels - 1) + rng.normal(0, 1.5, n)
    mask = 1 / (1 + np.exp(-logits))
    images = fake_images(np.column_stack([1 - mask, mask]))
    return evaluate_images(
        FakeClassifier(),
        images,
        labels,
        name=name,
        split=split,
        data_digest=data_digest,
        rows=rows,
        resamples=200,
    )
