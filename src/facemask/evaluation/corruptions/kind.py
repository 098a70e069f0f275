"""What a corruption is: a name, five amounts, and the function that spoils images by an amount."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Images = npt.NDArray[np.uint8]
"""``uint8 (N, S, S, 3)``, RGB."""

Chances = Sequence[np.random.Generator]
"""A generator for each image, from which all chance of its corruption comes."""

Spoil = Callable[[Images, float, Chances], Images]
"""Images spoilt by an amount; neither the images nor the caller's random state is changed."""

BASE_PX = 64
"""Lengths among the amounts are for images of this side, and grow with larger ones."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of corruption.

    Attributes:
        key: its name in JSON; a part of the seed, so that new kinds leave the others as they are.
        title: its name for people.
        amounts: how much at each severity, from 1 on; lengths are for `BASE_PX`.
        unit: what the amounts are.
        source: where the formula and the amounts come from.
        spoil: applies an amount.
    """

    key: str
    title: str
    amounts: tuple[float, ...]
    unit: str
    source: str
    spoil: Spoil


def as_pixels(values: npt.NDArray[np.floating]) -> Images:
    """Values of 0..255 as uint8, rounded, and cut off at both ends."""
    pixels: Images = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return pixels
