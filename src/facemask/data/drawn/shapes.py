"""Outlines as arrays of points: ``float64 (n, 2)``, x to the right and y down, in head units.

One head unit is half the width of a face. The origin lies between the eyes: the crown is at
y = -1.5, the tip of the nose at 0.6, the mouth at 1.0, the chin at 1.5.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
"""``float64 (n, 2)``, x and y in head units."""


def points(*pairs: tuple[float, float]) -> Points:
    """These points as an array ``float64 (n, 2)``."""
    return np.array(pairs, dtype=np.float64)


def circle_points(count: int) -> Points:
    """The corners of a regular polygon of radius 1: ``float64 (count, 2)``."""
    angles = np.arange(count) * (2 * np.pi / count)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


_CIRCLE = circle_points(18)
_SMALL_CIRCLE = circle_points(10)


def ellipse(x: float, y: float, radius_x: float, radius_y: float) -> Points:
    """An ellipse around (x, y)."""
    corners = _SMALL_CIRCLE if max(radius_x, radius_y) < 0.12 else _CIRCLE
    return corners * (radius_x, radius_y) + (x, y)


def capsule(start: tuple[float, float], end: tuple[float, float], radius: float) -> Points:
    """A bar with round ends, such as a finger."""
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    length = max((along_x**2 + along_y**2) ** 0.5, 1e-6)
    cos, sin = along_x / length, along_y / length
    bar: Points = _CIRCLE * radius
    bar[_CIRCLE[:, 0] > 0, 0] += length
    turned: Points = bar @ np.array([[cos, sin], [-sin, cos]])
    turned += start
    return turned


def mirrored(half: Points) -> Points:
    """A closed outline from its right half, which runs from the top to the bottom."""
    left = half[::-1] * (-1.0, 1.0)
    return np.concatenate([half, left])


def closed_curve(control: Points, steps: int = 4) -> Points:
    """A smooth closed outline through the control points: ``float64 (n * steps, 2)``."""
    return _closed_basis(len(control), steps) @ control


def open_curve(control: Points, steps: int = 4) -> Points:
    """A smooth line through the control points, from the first to the last."""
    return _open_basis(len(control), steps) @ control


def _catmull_rom(share: float) -> tuple[float, float, float, float]:
    """Weights of four neighbours (Catmull and Rom 1974, tension 1/2)."""
    square, cube = share**2, share**3
    return (
        -0.5 * share + square - 0.5 * cube,
        1.0 - 2.5 * square + 1.5 * cube,
        0.5 * share + 2.0 * square - 1.5 * cube,
        -0.5 * square + 0.5 * cube,
    )


@lru_cache(maxsize=128)
def _closed_basis(count: int, steps: int) -> npt.NDArray[np.float64]:
    basis = np.zeros((count * steps, count))
    for row in range(count * steps):
        segment, step = divmod(row, steps)
        for offset, weight in enumerate(_catmull_rom(step / steps)):
            basis[row, (segment + offset - 1) % count] += weight
    return basis


@lru_cache(maxsize=128)
def _open_basis(count: int, steps: int) -> npt.NDArray[np.float64]:
    basis = np.zeros(((count - 1) * steps + 1, count))
    for row in range(len(basis)):
        segment, step = divmod(row, steps)
        for offset, weight in enumerate(_catmull_rom(step / steps)):
            basis[row, min(max(segment + offset - 1, 0), count - 1)] += weight
    return basis
