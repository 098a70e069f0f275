"""What is answered for one photo, and when the answer is not to be trusted."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from facecover.images import PoorLight, poor_light
from facecover.inference.model_info import ModelInfo
from facecover.labels import CLASS_NAMES, MASK
from facecover.photos import FoundPhoto
from facecover.text import percent

SMALLEST_SIDE_PX = 8
"""A photo with a shorter side is answered, but as uncertain: that is a few pixels for a nose and a
mouth. One face in a thousand of the public photo sets is as small."""

Reason = Literal["near_boundary", "too_small"] | PoorLight
"""Why an answer is uncertain: its probability lies in the model's uncertain band, the photo has too
few pixels, or shows no face for want of light or contrast, see `images.poor_light`."""

DIGITS = 6
"""Of probabilities that programs read; the network's own noise is larger."""


class Prediction(Struct, frozen=True):
    """An answer.

    Attributes:
        label: the name of the class answered; an uncertain answer names the likelier one too.
        probability: that class's probability, 0..1.
        probabilities: each class's probability by its name, 0..1; they sum to 1.
        reason: why it is uncertain; None where it is not.
        explanation: the reason as a sentence for people; None where there is none.
        size_px: width and height of the photo, upright.
    """

    label: str
    probability: float
    probabilities: dict[str, float]
    reason: Reason | None
    explanation: str | None
    size_px: tuple[int, int]

    @property
    def is_uncertain(self) -> bool:
        """Whether a person should look before anything follows from the answer."""
        return self.reason is not None

    @property
    def in_percent(self) -> str:
        """The probability for people: ``98.7%``, and never 100%, which no model can know.

        Empty where a threshold made the less likely class the answer: its probability says nothing
        for it, and `against_odds` says why it is the answer.
        """
        return "" if self.against_odds else f"{min(100 * self.probability, 99.9):.1f}%"

    @property
    def against_odds(self) -> str:
        """Where a threshold made the less likely class the answer, so much in words; else empty."""
        likelier = max(self.probabilities, key=self.probabilities.__getitem__)
        if self.probabilities[likelier] <= self.probability:
            return ""
        return f"by the threshold, though {likelier} is at {percent(self.probabilities[likelier])}"

    def to_json(self) -> dict[str, Any]:
        """Its fields, with ``width`` and ``height``; probabilities are rounded."""
        width, height = self.size_px
        return {**self.answer_to_json(), "width": width, "height": height}

    def answer_to_json(self) -> dict[str, Any]:
        """The same without the size: what is said of a face wherever one is answered."""
        return {
            "label": self.label,
            "probability": round(self.probability, DIGITS),
            "probabilities": {name: round(p, DIGITS) for name, p in self.probabilities.items()},
            "is_uncertain": self.is_uncertain,
            "reason": self.reason,
            "explanation": self.explanation,
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
    reason, explanation = _doubt(given, row[MASK], info)
    return Prediction(name, by_name[name], by_name, reason, explanation, given.size_px)


def _doubt(given: Input, mask: float, info: ModelInfo) -> tuple[Reason, str] | tuple[None, None]:
    """Why an answer is uncertain, the plainest reason first, and as a sentence."""
    width, height = given.size_px
    if min(width, height) < SMALLEST_SIDE_PX:
        return "too_small", (
            f"the photo is {width} x {height} pixels; a face needs at least "
            f"{SMALLEST_SIDE_PX} on each side"
        )
    poor = poor_light(given.pixels)
    if poor is not None:
        return poor, _POOR_LIGHT[poor]
    low, high = info.uncertain_band or (2.0, 2.0)
    if low <= mask <= high:
        return "near_boundary", (
            f"the probability of {CLASS_NAMES[MASK]}, {percent(mask)}, lies in the uncertain "
            f"band, {percent(low)} to {percent(high)}"
        )
    return None, None


_POOR_LIGHT: dict[PoorLight, str] = {
    "too_dark": "the photo is too dark: hardly a pixel is bright enough to show a face",
    "too_bright": "the photo is too bright: hardly a pixel is dark enough to show a face",
    "blank": "the photo is blank: nearly one colour, without the contrast of a face",
}
