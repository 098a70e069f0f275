"""Shapes on a head that is turned and tilted, drawn in one go; random numbers, and colours.

Shapes are noted in head units (half the width of a face) on the curved front of the head, or at a
stated depth. All are projected with one matrix product: numpy's fixed cost a call would otherwise
be most of the time that an image takes.
"""

import colorsys
import math
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import ImageDraw

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
    return _basis(len(control), steps, is_closed=True) @ control


def open_curve(control: Points, steps: int = 4) -> Points:
    """A smooth line through the control points, from the first to the last."""
    return _basis(len(control), steps, is_closed=False) @ control


def _catmull_rom(share: float) -> tuple[float, float, float, float]:
    """Weights of four neighbours (Catmull and Rom 1974, tension 1/2)."""
    square, cube = share**2, share**3
    return (
        -0.5 * share + square - 0.5 * cube,
        1.0 - 2.5 * square + 1.5 * cube,
        0.5 * share + 2.0 * square - 1.5 * cube,
        -0.5 * square + 0.5 * cube,
    )


@lru_cache(maxsize=256)
def _basis(count: int, steps: int, *, is_closed: bool) -> npt.NDArray[np.float64]:
    basis = np.zeros((count * steps if is_closed else (count - 1) * steps + 1, count))
    for row in range(len(basis)):
        segment, step = divmod(row, steps)
        for place, weight in enumerate(_catmull_rom(step / steps), segment - 1):
            basis[row, place % count if is_closed else min(max(place, 0), count - 1)] += weight
    return basis


Choice = TypeVar("Choice")


class Weighted(Generic[Choice]):
    """Options, each with its weight; the weights need not add up to one."""

    def __init__(self, *pairs: tuple[Choice, float]) -> None:
        self.options = [option for option, _ in pairs]
        self.cumulative = list(accumulate(weight for _, weight in pairs))


class Random(np.random.Generator):
    """A generator with a few more ways to draw."""

    def between(self, low: float, high: float) -> float:
        """A number drawn evenly from `low` to `high`."""
        return low + (high - low) * self.random()

    def bell(self, spread: float, limit: float) -> float:
        """A number around 0 with this standard deviation, cut at ``-limit`` and ``limit``."""
        return max(-limit, min(limit, spread * self.standard_normal()))

    def happens(self, probability: float) -> bool:
        """Whether an event of this probability takes place."""
        return self.random() < probability

    def one_of(self, options: Sequence[Choice]) -> Choice:
        """One of the options, all equally likely."""
        return options[int(self.random() * len(options))]

    def pick(self, table: Weighted[Choice]) -> Choice:
        """One of the options, each as likely as its weight says."""
        place = bisect(table.cumulative, self.random() * table.cumulative[-1])
        return table.options[min(place, len(table.options) - 1)]


Colour = tuple[int, int, int]
"""Red, green, blue, each 0..255."""


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """The colour at `share` of the way from the first to the second."""
    keep = 1.0 - share
    return (
        int(first[0] * keep + second[0] * share),
        int(first[1] * keep + second[1] * share),
        int(first[2] * keep + second[2] * share),
    )


def shaded(colour: Colour, factor: float) -> Colour:
    """A darker (factor under 1) or lighter (over 1) colour."""
    red, green, blue = colour
    return min(255, int(red * factor)), min(255, int(green * factor)), min(255, int(blue * factor))


def any_colour(rng: Random) -> Colour:
    """Any colour at all."""
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), rng.random() ** 1.5, rng.random() ** 0.7)
    return int(red * 255), int(green * 255), int(blue * 255)


_FRONT = 0.85
"""How far the face stands out before the plane of the ears, in head units."""

_THINNEST_PX = 0.3
"""Lines that would be thinner on the canvas are left out."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How a head stands in the picture.

    Attributes:
        matrix: ``float64 (3, 2)``; x, y and depth in head units to pixels of the canvas.
        origin: where the point behind the eyes on the head's axis lies, in pixels.
        yaw: turn to the side in radians; positive looks to the right of the picture.
        roll: tilt in radians; positive is clockwise.
        scale_px: pixels of one head unit.
    """

    matrix: npt.NDArray[np.float64]
    origin: tuple[float, float]
    yaw: float
    roll: float
    scale_px: float

    def place(self, x: float, y: float, depth: float) -> tuple[float, float]:
        """Where a point of the head lies on the canvas, in pixels."""
        (xx, xy), (yx, yy), (zx, zy) = self.matrix.tolist()
        return (
            x * xx + y * yx + depth * zx + self.origin[0],
            x * xy + y * yy + depth * zy + self.origin[1],
        )


def make_pose(
    yaw: float, pitch: float, roll: float, scale_px: float, origin: tuple[float, float]
) -> Pose:
    """A head turned to the side by `yaw`, nodding by `pitch` and tilted by `roll` (radians)."""
    cos_yaw, sin_yaw, sin_pitch = math.cos(yaw), math.sin(yaw), math.sin(pitch)
    cos, sin = math.cos(roll) * scale_px, math.sin(roll) * scale_px
    matrix = np.array([
        [cos_yaw * cos, cos_yaw * sin],
        [-sin, cos],
        [sin_yaw * cos - sin_pitch * sin, sin_yaw * sin + sin_pitch * cos],
    ])  # fmt: skip
    return Pose(matrix, origin, yaw, roll, scale_px)


Depth = float | npt.NDArray[np.float64]
"""How far before (positive) or behind the ears: of all points, or of each; head units."""


def surface_depth(xy: Points) -> npt.NDArray[np.float64]:
    """How far the head's front stands out at each point: ``float64 (n,)``, in head units."""
    inside = 1.0 - xy[:, 0] ** 2 - ((xy[:, 1] - 0.15) / 1.9) ** 2
    return _FRONT * np.sqrt(np.maximum(inside, 0.0))


class Sketch:
    """Shapes in head units, in the order in which they are laid over one another.

    Args:
        pose: of the head.
        depth: of every shape that states none of its own; on the head's surface by default.
    """

    def __init__(self, pose: Pose, depth: float | None = None) -> None:
        self.pose = pose
        self._depth = depth
        self._points: list[Points] = []
        self._rises: list[float] = []
        self._is_on_head: list[bool] = []
        self._own_depths: list[tuple[int, npt.NDArray[np.float64]]] = []
        self._marks: list[tuple[Colour, int]] = []

    def fill(
        self, outline: Points, colour: Colour, *, lift: float = 0.0, depth: Depth | None = None
    ) -> None:
        """Note a filled outline.

        Args:
            outline: ``float64 (n, 2)``, head units.
            colour: its colour.
            lift: how far it stands out before the head's surface.
            depth: instead of on the surface.
        """
        self._note(outline, (colour, 0), lift, depth)

    def line(
        self,
        course: Points,
        colour: Colour,
        width: float,
        *,
        lift: float = 0.0,
        depth: Depth | None = None,
    ) -> None:
        """Note a line of this width in head units; see `fill`."""
        width_px = width * self.pose.scale_px
        if width_px >= _THINNEST_PX:
            self._note(course, (colour, max(1, round(width_px))), lift, depth)

    def _note(
        self, outline: Points, mark: tuple[Colour, int], lift: float, depth: Depth | None
    ) -> None:
        depth = self._depth if depth is None else depth
        if isinstance(depth, np.ndarray):
            self._own_depths.append((len(self._points), depth))
            depth = 0.0
        self._points.append(outline)
        self._is_on_head.append(depth is None)
        self._rises.append(lift if depth is None else depth)
        self._marks.append(mark)

    def draw_on(self, draw: ImageDraw.ImageDraw) -> None:
        """Draw every shape noted so far."""
        if not self._points:
            return
        counts = [len(outline) for outline in self._points]
        flat = self._project(counts).ravel().tolist()
        start = 0
        for count, (colour, width_px) in zip(counts, self._marks, strict=True):
            end = start + 2 * count
            if width_px:
                draw.line(flat[start:end], colour, width_px)
            else:
                draw.polygon(flat[start:end], colour)
            start = end

    def _project(self, counts: list[int]) -> npt.NDArray[np.float64]:
        xy = np.concatenate(self._points)
        depths = np.repeat(self._rises, counts)
        depths += surface_depth(xy) * np.repeat(self._is_on_head, counts)
        for index, own in self._own_depths:
            start = sum(counts[:index])
            depths[start : start + len(own)] = own
        flat = xy @ self.pose.matrix[:2]
        flat += depths[:, None] * self.pose.matrix[2]
        flat += self.pose.origin
        return flat
