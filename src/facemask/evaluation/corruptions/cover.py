"""Something in front of the face: a rectangle of one colour, anywhere or over its upper half."""

import math

from facemask.evaluation.corruptions.kind import Chances, Images

_COLOURS = (0, 128)
"""Black, and middle grey."""

_LONGEST = 2
"""Sides of a rectangle are at most as 1 to 2, as far as the area allows."""


def cover_anywhere(images: Images, percent: float, chances: Chances) -> Images:
    """A rectangle over this percentage of the picture, at a random place.

    Random erasing (Zhong et al., "Random Erasing Data Augmentation", AAAI 2020) with a fixed area.
    """
    return _covered(images, percent, chances, images.shape[1])


def cover_above(images: Images, percent: float, chances: Chances) -> Images:
    """The same inside the upper half, which says nothing of a mask; at most 50 percent."""
    return _covered(images, percent, chances, images.shape[1] // 2)


def _covered(images: Images, percent: float, chances: Chances, height: int) -> Images:
    covered, side = images.copy(), images.shape[1]
    area = round(percent * side * side / 100)
    for one, rng in zip(covered, chances, strict=True):
        least = max(math.ceil(area / height), math.isqrt(area // _LONGEST))
        most = min(side, max(least, math.isqrt(area * _LONGEST)))
        width = int(rng.integers(least, most, endpoint=True))
        tall = min(height, max(1, round(area / width)))
        left = int(rng.integers(side - width, endpoint=True))
        top = int(rng.integers(height - tall, endpoint=True))
        one[top : top + tall, left : left + width] = _COLOURS[rng.integers(len(_COLOURS))]
    return covered
