"""What a model answered on labelled images, checked once so that nothing after has to."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from facecover.errors import ConfigError, DatasetError, ModelFileError
from facecover.labels import CLASS_NAMES, MASK

Labels = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float64]

SUM_TOLERANCE = 1e-4
"""How far a row of probabilities may be from a sum of 1: a softmax in float32 stays well inside."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Labels and probabilities of the same images, known to fit.

    Attributes:
        labels: ``int64 (N,)``, 0..C-1.
        probabilities: ``float64 (N, C)``, 0..1, rows sum to 1.
        predicted: ``int64 (N,)``, the class answered.
        class_names: names of the C classes by label.
        threshold: with two classes, the probability of a mask from which the answer is mask;
            None with more classes, where the likeliest class is the answer.
    """

    labels: Labels
    probabilities: Probabilities
    predicted: Labels
    class_names: tuple[str, ...]
    threshold: float | None

    def __len__(self) -> int:
        return len(self.labels)

    def of(self, chosen: npt.NDArray[Any]) -> "Answers":
        """The answers to some of the images, by position or by a mask."""
        return dataclasses.replace(
            self,
            labels=self.labels[chosen],
            probabilities=self.probabilities[chosen],
            predicted=self.predicted[chosen],
        )

    @property
    def confidence(self) -> Probabilities:
        """The probability of the class answered: ``float64 (N,)``, 0..1."""
        return self.probabilities[np.arange(len(self)), self.predicted]

    @property
    def is_right(self) -> npt.NDArray[np.bool_]:
        """Whether each image was answered right: ``bool (N,)``."""
        is_right: npt.NDArray[np.bool_] = self.predicted == self.labels
        return is_right

    @property
    def n_by_class(self) -> npt.NDArray[np.int64]:
        """The number of images of each class: ``int64 (C,)``."""
        return np.bincount(self.labels, minlength=len(self.class_names))


def check_answers(
    labels: Labels,
    probabilities: Probabilities,
    *,
    threshold: float = 0.5,
    class_names: Sequence[str] = (),
) -> Answers:
    """Labels and probabilities as `Answers`.

    Args:
        labels: ``int64 (N,)``, 0..C-1.
        probabilities: ``float64 (N, C)``, 0..1, rows sum to 1 within `SUM_TOLERANCE`; C is 2
            or 3.
        threshold: with two classes, an image is answered mask from this probability on.
        class_names: names by label; the package's own where none are given.

    Raises:
        ConfigError: if the threshold is not inside 0..1.
        DatasetError: if there is no image, the two do not fit together, or a label is none of
            the model's classes.
        ModelFileError: if the probabilities are none: not finite, outside 0..1, or rows that do
            not sum to 1.
    """
    if not 0 < threshold < 1:
        raise ConfigError(f"threshold {threshold}: expected a probability between 0 and 1")
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    _check_shapes(labels, probabilities)
    names = _check_names(class_names, probabilities.shape[1])
    _check_probabilities(probabilities)
    _check_known(labels, names)
    # Float32's rounding goes, so that every metric sees the same exact distribution.
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    is_binary = len(names) == 2
    predicted = (
        (probabilities[:, MASK] >= threshold).astype(np.int64)
        if is_binary
        else probabilities.argmax(axis=1)
    )
    return Answers(
        labels.astype(np.int64), probabilities, predicted, names, threshold if is_binary else None
    )


def _check_shapes(labels: Labels, probabilities: Probabilities) -> None:
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise DatasetError(
            f"labels: expected whole numbers of shape (N,), found {labels.dtype} {labels.shape}"
        )
    if not labels.size:
        raise DatasetError("expected at least one image to evaluate on, found none")
    if probabilities.ndim != 2 or len(probabilities) != len(labels):
        raise DatasetError(
            f"probabilities: expected shape ({len(labels)}, classes), one row for each label, "
            f"found {probabilities.shape}"
        )


def _check_names(class_names: Sequence[str], n_classes: int) -> tuple[str, ...]:
    if not 2 <= n_classes <= len(CLASS_NAMES):
        raise ModelFileError(
            f"probabilities: expected 2 to {len(CLASS_NAMES)} classes, found {n_classes}"
        )
    names = tuple(class_names) or CLASS_NAMES[:n_classes]
    if len(names) != n_classes:
        raise ModelFileError(
            f"expected a probability for each class of {', '.join(names)}, found {n_classes}; "
            "export the model again"
        )
    return names


def _check_probabilities(probabilities: Probabilities) -> None:
    bad = ~np.isfinite(probabilities).all(axis=1)
    if bad.any():
        raise ModelFileError(
            f"{_images(bad)} got a probability that is not a number (first: image "
            f"{bad.argmax()}); the model is broken: train or export it again"
        )
    off = np.abs(probabilities.sum(axis=1) - 1) > SUM_TOLERANCE
    below = probabilities.min(axis=1) < 0
    wrong = off | below
    if wrong.any():
        row = int(wrong.argmax())
        raise ModelFileError(
            f"{_images(wrong)} got no probabilities: expected rows of 0 to 1 that sum to 1, found "
            f"{np.round(probabilities[row], 4).tolist()} for image {row}; are these logits?"
        )


def _check_known(labels: Labels, names: tuple[str, ...]) -> None:
    strange = (labels < 0) | (labels >= len(names))
    if strange.any():
        label = int(labels[strange.argmax()])
        name = CLASS_NAMES[label] if 0 <= label < len(CLASS_NAMES) else "no known class"
        raise DatasetError(
            f"{_images(strange)} with a label that the model does not know (first: {label}, "
            f"{name}); it knows {', '.join(names)}: leave them out"
        )


def _images(chosen: npt.ArrayLike) -> str:
    count, n = np.count_nonzero(chosen), np.size(chosen)
    return f"{count:,} image{'' if count == 1 else 's'} of {n:,}"
