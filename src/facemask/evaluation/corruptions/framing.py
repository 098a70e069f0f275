"""A face that is not where and how it was in training: turned, moved, small, large, mirrored.

What comes in from outside the picture repeats its edge, so that no new shape appears.
"""

import math

import numpy as np
from PIL import Image

from facemask.evaluation.corruptions.kind import Chances, Images

_BILINEAR = Image.Resampling.BILINEAR

_DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
"""Rows and columns of the eight directions in which a picture is moved."""


def turn(images: Images, degrees: float, chances: Chances) -> Images:
    """Turned about the centre, to the left or to the right by chance."""
    side = images.shape[1]
    room = math.ceil(side * (math.sqrt(2) - 1) / 2) + 1
    wide = _with_edge(images, room)
    signs = [1 if rng.integers(2) else -1 for rng in chances]
    turned = [
        Image.fromarray(one).rotate(sign * degrees, _BILINEAR)
        for one, sign in zip(wide, signs, strict=True)
    ]
    inside = slice(room, room + side)
    return np.stack([np.asarray(one)[inside, inside] for one in turned])


def move(images: Images, percent: float, chances: Chances) -> Images:
    """Moved by this percentage of the side, in one of eight directions by chance."""
    side = images.shape[1]
    by = (side * round(percent) + 50) // 100
    wide = _with_edge(images, by)
    starts = [_DIRECTIONS[rng.integers(len(_DIRECTIONS))] for rng in chances]
    return np.stack(
        [
            one[by * (1 + row) : by * (1 + row) + side, by * (1 + col) : by * (1 + col) + side]
            for one, (row, col) in zip(wide, starts, strict=True)
        ]
    )


def loosen(images: Images, factor: float, chances: Chances) -> Images:
    """A crop whose side is `factor` times as long: the face is smaller by that factor."""
    side = images.shape[1]
    small = max(1, round(side / factor))
    before = (side - small) // 2
    edges = (before, side - small - before)
    shrunk = [Image.fromarray(one).resize((small, small), _BILINEAR) for one in images]
    return np.pad(
        np.stack([np.asarray(one) for one in shrunk]), ((0, 0), edges, edges, (0, 0)), "edge"
    )


def tighten(images: Images, share: float, chances: Chances) -> Images:
    """The middle of the picture, this share of the side long, at the full size."""
    side = images.shape[1]
    edge = (1 - share) / 2 * side
    box = (edge, edge, side - edge, side - edge)
    return np.stack(
        [np.asarray(Image.fromarray(one).resize((side, side), _BILINEAR, box)) for one in images]
    )


def mirror(images: Images, amount: float, chances: Chances) -> Images:
    """Left and right changed; there is only one amount of it."""
    return np.ascontiguousarray(images[:, :, ::-1])


def _with_edge(images: Images, room: int) -> Images:
    return np.pad(images, ((0, 0), (room, room), (room, room), (0, 0)), mode="edge")
