"""Running a model over labelled images and measuring its answers."""

import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from facemask.errors import DatasetError, ModelFileError
from facemask.evaluation.answers import Labels, Probabilities, check_answers
from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.metrics import measure_answers
from facemask.inference.model_info import ModelInfo
from facemask.labels import CLASS_NAMES

Images = npt.NDArray[np.uint8]
"""``uint8 (N, S, S, 3)``, RGB."""

BATCH_SIZE = 256
"""Images at a time: 3 MB of pixels at 64 x 64, and memory stays flat however many there are."""


class ImageClassifier(Protocol):
    """A model that answers on decoded images, as `inference.classifier.Classifier` does."""

    @property
    def info(self) -> ModelInfo:
        """What the model knows of itself."""

    def classify_images(self, images: Images) -> Probabilities:
        """The probability of each class: ``float64 (N, C)`` for ``uint8 (N, S, S, 3)``, RGB."""


def evaluate(
    classifier: ImageClassifier,
    images: Images,
    labels: Labels,
    *,
    name: str = "",
    split: str = "test",
    data_digest: str = "",
    rows: npt.NDArray[np.int64] | None = None,
    groups: npt.NDArray[np.int64] | None = None,
    threshold: float | None = None,
    seed: int = 0,
    resamples: int = 1000,
    on_batch: Callable[[int], None] | None = None,
) -> Evaluation:
    """Run a model over images and measure its answers.

    Args:
        classifier: the model.
        images: ``uint8 (M, S, S, 3)``, RGB; may be memory-mapped, it is read batch by batch.
        labels: ``int64 (M,)``.
        name: of the model, for people; the name that it gives itself by default.
        split: the split that the images are from.
        data_digest: the identity of the dataset.
        rows: ``int64 (N,)``, the images to measure on; all of them by default.
        groups: ``int64 (M,)``, see `metrics.measure`.
        threshold: see `metrics.measure`; the model's own by default.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        on_batch: called after each batch with the number of images in it.

    Raises:
        ConfigError: if the threshold, the seed or the number of resamples is out of range.
        DatasetError: if the arrays do not fit together, no image is left, or a label is none of
            the model's classes.
        ModelFileError: if the model's classes are not the package's, or its answers are no
            probabilities.
    """
    _check_classes(classifier.info)
    if len(images) != len(labels):
        raise DatasetError(
            f"expected a label for each of {len(images)} images, found {len(labels)}"
        )
    rows = np.arange(len(labels)) if rows is None else rows
    start = time.perf_counter()
    probabilities = _probabilities(classifier, images, rows, on_batch)
    seconds = time.perf_counter() - start
    info = classifier.info
    answers = check_answers(
        labels[rows],
        probabilities,
        threshold=info.threshold if threshold is None else threshold,
        class_names=info.class_names,
    )
    chosen = None if groups is None else groups[rows]
    metrics = measure_answers(answers, seed=seed, resamples=resamples, groups=chosen)
    return Evaluation(
        name=name or info.name,
        model=info,
        split=split,
        data_digest=data_digest,
        answers=answers,
        rows=rows,
        groups=chosen,
        metrics=metrics,
        seconds=seconds,
    )


def _check_classes(info: ModelInfo) -> None:
    # Labels are positions: with other names, or in another order, they would mean other things.
    known = CLASS_NAMES[: len(info.class_names)]
    if info.class_names != known:
        raise ModelFileError(
            f"{info.name}: expected a model with the classes {', '.join(CLASS_NAMES[:2])} (and "
            f"{CLASS_NAMES[2]}) in this order, found {', '.join(info.class_names)}; its answers "
            "cannot be measured with these labels"
        )


def _probabilities(
    classifier: ImageClassifier,
    images: Images,
    rows: npt.NDArray[np.int64],
    on_batch: Callable[[int], None] | None,
) -> Probabilities:
    if not len(rows):
        raise DatasetError("expected at least one image to evaluate on, found none")
    parts = []
    for start in range(0, len(rows), BATCH_SIZE):
        batch = np.ascontiguousarray(images[rows[start : start + BATCH_SIZE]])
        parts.append(classifier.classify_images(batch))
        if on_batch:
            on_batch(len(batch))
    return np.concatenate(parts)
