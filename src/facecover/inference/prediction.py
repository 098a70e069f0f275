"""What is answered for one photo, and when the answer is not to be trusted."""

from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from facecover.inference.model_info import ModelInfo
from facecover.labels import CLASS_NAMES, MASK
from facecover.photos import FoundPhoto

SMALLEST_SIDE_PX = 8
"""A photo with a shorter side is answered, but as uncertain: that is a few pixels for a nose and a
mouth. One face in a thousand of the public photo sets is as small."""

BLANK_RANGE = 20
"""A photo is blank if no channel varies by more than this, of 255, once it is squeezed to the
model's input: noise and JPEG move a flat colour by some of it. On 889 validation faces whose
contrast was lowered to this the default model is right little more often than by always answering
the commoner class (69% and 65%; 85% at 30). The flattest of 8,894 faces of public photo sets,
squeezed to 32 x 32, varies by 60."""

DARK_LEVEL = 20
"""A photo is too dark if 99 of 100 pixels, squeezed to the model's input, have no channel above
this, of 255. On 889 validation faces darkened to this the default model is right not much more
often than by always answering the commoner class (68% and 65%; 90% at 32). The darkest of 8,894
faces of public photo sets reaches 59."""

_BRIGHT_SHARE = 0.01


DIGITS = 6
"""Of probabilities that programs read; the network's own noise is larger."""


class Prediction(Struct, frozen=True):
    """An answer.

    Attributes:
        label: the name of the class answered; an uncertain answer names the likelier one too.
        probability: that class's probability, 0..1.
        probabilities: each class's probability by its name, 0..1; they sum to 1.
        is_uncertain: whether a person should look before anything follows from the answer.
        reason: why it is uncertain, in words; empty where it is not.
        size_px: width and height of the photo, upright.
    """

    label: str
    probability: float
    probabilities: dict[str, float]
    is_uncertain: bool
    reason: str
    size_px: tuple[int, int]

    def to_json(self) -> dict[str, Any]:
        """Its fields, with ``width`` and ``height``; probabilities are rounded."""
        width, height = self.size_px
        return {
            "label": self.label,
            "probability": round(self.probability, DIGITS),
            "probabilities": {name: round(p, DIGITS) for name, p in self.probabilities.items()},
            "is_uncertain": self.is_uncertain,
            "reason": self.reason,
            "width": width,
            "height": height,
        }


class Answered(Struct, frozen=True):
    """A photo and its answer."""

    photo: FoundPhoto
    prediction: Prediction

    def to_json(self) -> dict[str, Any]:
        """The prediction's fields after ``path``, the photo's name."""
        return {"path": self.photo.name, **self.prediction.to_json()}


class Input(Struct, frozen=True):
    """A photo as the network takes it.

    Attributes:
        pixels: ``uint8 (S, S, 3)``, RGB, with S the model's input size.
        size_px: width and height of the photo that it was, upright.
    """

    pixels: npt.NDArray[np.uint8]
    size_px: tuple[int, int]


def predictions(
    inputs: list[Input], probabilities: npt.NDArray[np.float64], info: ModelInfo
) -> list[Prediction]:
    """The answers for some photos, in their order.

    Args:
        inputs: the photos.
        probabilities: what the model gave for them: ``float64 (N, C)``, 0..1.
        info: the model's class names, threshold and uncertain band.
    """
    labels = answer(probabilities, info.threshold)
    return [
        _prediction(*parts, info)
        for parts in zip(inputs, probabilities.tolist(), labels.tolist(), strict=True)
    ]


def answer(probabilities: npt.NDArray[np.float64], threshold: float) -> npt.NDArray[np.int64]:
    """The labels answered: ``int64 (N,)``.

    Args:
        probabilities: ``float64 (N, C)``, 0..1.
        threshold: with two classes, the probability of a mask from which the answer is mask;
            with more the likeliest class is answered.
    """
    if probabilities.shape[1] == 2:
        return np.asarray(probabilities[:, MASK] >= threshold, dtype=np.int64)
    return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)


def _prediction(given: Input, row: list[float], label: int, info: ModelInfo) -> Prediction:
    by_name = dict(zip(info.class_names, row, strict=True))
    name = info.class_names[label]
    reason = _doubt(given, row[MASK], info)
    return Prediction(name, by_name[name], by_name, reason != "", reason, given.size_px)


def _doubt(given: Input, mask_probability: float, info: ModelInfo) -> str:
    """Why an answer is uncertain, the plainest reason first; or ""."""
    width, height = given.size_px
    if min(width, height) < SMALLEST_SIDE_PX:
        return (
            f"the photo is {width} x {height} pixels; a face needs at least "
            f"{SMALLEST_SIDE_PX} on each side"
        )
    if np.mean(given.pixels.max(axis=2) > DARK_LEVEL) <= _BRIGHT_SHARE:
        return f"the photo is too dark: hardly a pixel is brighter than {DARK_LEVEL} of 255"
    if np.ptp(given.pixels, axis=(0, 1)).max() <= BLANK_RANGE:
        return (
            f"the photo is blank: nearly one colour, no channel varies by more than {BLANK_RANGE} "
            "of 255"
        )
    if info.uncertain_band is None:
        return ""
    low, high = info.uncertain_band
    if low <= mask_probability <= high:
        return (
            f"the probability of {CLASS_NAMES[MASK]}, {mask_probability:.3f}, lies in the "
            f"uncertain band, {low:.3f} to {high:.3f}"
        )
    return ""
