"""A list of shapes on a head that is turned and tilted, drawn in one go.

Shapes are noted in head units (see `shapes`) on the curved front of the head, or at a stated
depth. All of them are projected with one matrix product: numpy's fixed cost a call would
otherwise be most of the time that an image takes.
"""

import colorsys
import math
from bisect import bisect
from collections.abc import Callable, Sequence
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


Choice = TypeVar("Choice")


class Weighted(Generic[Choice]):
    """Options, each with its weight; the weights need not add up to one.

    Args:
        pairs: each option with its weight.
    """

    def __init__(self, *pairs: tuple[Choice, float]) -> None:
        self.options = [option for option, _ in pairs]
        self.cumulative = list(accumulate(weight for _, weight in pairs))


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """A number drawn evenly from `low` to `high`."""
    return low + (high - low) * rng.random()


def bell(rng: np.random.Generator, spread: float, limit: float) -> float:
    """A number around 0 with this standard deviation, cut at ``-limit`` and ``limit``."""
    return max(-limit, min(limit, spread * rng.standard_normal()))


def happens(rng: np.random.Generator, probability: float) -> bool:
    """Whether an event of this probability takes place."""
    return rng.random() < probability


def one_of(rng: np.random.Generator, options: Sequence[Choice]) -> Choice:
    """One of the options, all equally likely."""
    return options[int(rng.random() * len(options))]


def pick(rng: np.random.Generator, table: Weighted[Choice]) -> Choice:
    """One of the options, each as likely as its weight says."""
    place = bisect(table.cumulative, rng.random() * table.cumulative[-1])
    return table.options[min(place, len(table.options) - 1)]


Colour = tuple[int, int, int]
"""Red, green, blue, each 0..255."""

# From very light to very dark. Even steps for the eye, redder than a paint chart, as cameras
# show skin.
_SKIN_TONES: tuple[Colour, ...] = (
    (253, 231, 214), (247, 214, 190), (238, 196, 166), (228, 178, 142), (212, 158, 120),
    (193, 136, 98), (168, 112, 78), (140, 90, 62), (112, 70, 48), (86, 53, 38), (62, 39, 30),
)  # fmt: skip

_HAIR_COLOURS = Weighted[Colour](
    ((24, 20, 20), 30), ((46, 32, 26), 24), ((84, 56, 38), 16), ((128, 88, 54), 9),
    ((206, 166, 104), 8), ((158, 74, 38), 4), ((150, 146, 142), 6), ((226, 222, 216), 4),
    ((168, 48, 92), 1.5), ((62, 96, 168), 1.5),
)  # fmt: skip

# Dark to light, and more warm ones than cold: skin is warm, and colour alone must not tell cloth
# from it.
_FABRICS = Weighted[Colour](
    ((22, 22, 26), 10), ((56, 58, 64), 5), ((128, 128, 130), 5), ((242, 240, 236), 9),
    ((208, 200, 186), 6), ((232, 204, 178), 6), ((198, 150, 116), 7), ((142, 96, 66), 6),
    ((92, 60, 42), 5), ((178, 44, 44), 10), ((214, 108, 92), 6), ((236, 172, 168), 5),
    ((96, 24, 34), 5), ((168, 74, 34), 8),
    ((214, 162, 66), 8), ((98, 116, 70), 3), ((66, 118, 104), 3), ((156, 198, 218), 4),
    ((74, 118, 176), 3), ((34, 46, 88), 4), ((112, 76, 132), 3), ((202, 182, 216), 2),
)  # fmt: skip


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
    return (
        min(255, int(colour[0] * factor)),
        min(255, int(colour[1] * factor)),
        min(255, int(colour[2] * factor)),
    )


def contrasting(rng: np.random.Generator, colour: Colour) -> Colour:
    """A colour that can be told from the given one: lighter on dark ground, else darker."""
    if sum(colour) < 330:
        return mix(colour, any_colour(rng), between(rng, 0.5, 1.0))
    return mix(shaded(colour, between(rng, 0.35, 0.75)), any_colour(rng), between(rng, 0.0, 0.6))


def skin_colour(rng: np.random.Generator) -> Colour:
    """A skin tone, from very light to very dark, none of them rare."""
    place = rng.random() * (len(_SKIN_TONES) - 1)
    index = int(place)
    tone = mix(_SKIN_TONES[index], _SKIN_TONES[index + 1], place - index)
    red, blue = between(rng, 0.97, 1.03), between(rng, 0.92, 1.06)
    return min(255, int(tone[0] * red)), tone[1], min(255, int(tone[2] * blue))


def hair_colour(rng: np.random.Generator) -> Colour:
    """A hair colour; grey and dyed ones included."""
    return shaded(pick(rng, _HAIR_COLOURS), between(rng, 0.8, 1.2))


def fabric_colour(rng: np.random.Generator) -> Colour:
    """A colour of clothes, scarves and cloth masks."""
    return shaded(mix(pick(rng, _FABRICS), any_colour(rng), 0.08), between(rng, 0.85, 1.1))


def any_colour(rng: np.random.Generator) -> Colour:
    """Any colour at all."""
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), rng.random() ** 1.5, rng.random() ** 0.7)
    return int(red * 255), int(green * 255), int(blue * 255)


def scene_colour(rng: np.random.Generator, skin: Colour) -> Colour:
    """A colour for what stands behind: walls, wood, cloth, and now and then that of the skin."""
    kind = one_of(rng, ("any", "fabric", "grey", "grey", "skin"))
    if kind == "any":
        return any_colour(rng)
    if kind == "fabric":
        return fabric_colour(rng)
    if kind == "skin":
        return shaded(skin, between(rng, 0.6, 1.15))
    level = int(between(rng, 30, 245))
    return level, level - 4, level - 10


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


def surface_depth(xy: Points) -> npt.NDArray[np.float64]:
    """How far the head's front stands out at each point: ``float64 (n,)``, in head units."""
    inside = 1.0 - xy[:, 0] ** 2 - ((xy[:, 1] - 0.15) / 1.9) ** 2
    return _FRONT * np.sqrt(np.maximum(inside, 0.0))


class Sketch:
    """Shapes in head units, in the order in which they are laid over one another.

    Args:
        pose: how the head they belong to stands in the picture.
    """

    def __init__(self, pose: Pose) -> None:
        self.pose = pose
        self._points: list[Points] = []
        self._rises: list[float] = []
        self._is_on_head: list[bool] = []
        self._own_depths: list[tuple[int, npt.NDArray[np.float64]]] = []
        self._marks: list[tuple[Colour, int]] = []

    def fill(
        self,
        outline: Points,
        colour: Colour,
        *,
        lift: float = 0.0,
        depth: float | npt.NDArray[np.float64] | None = None,
    ) -> None:
        """Note a filled outline.

        Args:
            outline: ``float64 (n, 2)``, head units.
            colour: its colour.
            lift: how far it stands out before the head's surface.
            depth: its depth behind (negative) or before the ears, instead of on the surface;
                a number, or one for each point.
        """
        self._note(outline, (colour, 0), lift, depth)

    def line(
        self,
        course: Points,
        colour: Colour,
        width: float,
        *,
        lift: float = 0.0,
        depth: float | npt.NDArray[np.float64] | None = None,
    ) -> None:
        """Note a line of this width in head units; see `fill`."""
        width_px = width * self.pose.scale_px
        if width_px >= _THINNEST_PX:
            self._note(course, (colour, max(1, round(width_px))), lift, depth)

    def _note(
        self,
        outline: Points,
        mark: tuple[Colour, int],
        lift: float,
        depth: float | npt.NDArray[np.float64] | None,
    ) -> None:
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


@dataclass(frozen=True, slots=True)
class Patch:
    """Cloth between an upper and a lower edge.

    Attributes:
        top: the upper edge from left to right, ``float64 (n, 2)``, head units.
        bottom: the lower edge from left to right, as many points.
        lift: how far it stands out before the head's surface.
        depth: its depth, where it does not lie on the head.
    """

    top: Points
    bottom: Points
    lift: float = 0.0
    depth: float | None = None

    def row(self, share: float) -> Points:
        """The line across at this share of the way down: ``float64 (n, 2)``."""
        line: Points = self.top * (1.0 - share) + self.bottom * share
        return line

    def band(self, first: float, last: float) -> Points:
        """The outline of the part between two shares of the way down."""
        return np.concatenate([self.row(first), self.row(last)[::-1]])

    def strip(self, first: int, last: int) -> Points:
        """The outline of the part between two points of the edges."""
        return np.concatenate([self.top[first : last + 1], self.bottom[first : last + 1][::-1]])

    def at(self, across: float, down: float) -> tuple[float, float]:
        """The point at these shares of the way across and down."""
        place = across * (len(self.top) - 1)
        index = min(int(place), len(self.top) - 2)
        row = self.row(down)
        x, y = row[index] + (row[index + 1] - row[index]) * (place - index)
        return float(x), float(y)

    def fill(self, sketch: Sketch, colour: Colour) -> None:
        """Note the whole piece in one colour."""
        sketch.fill(self.band(0.0, 1.0), colour, lift=self.lift, depth=self.depth)

    def fill_part(self, sketch: Sketch, outline: Points, colour: Colour) -> None:
        """Note a part of it."""
        sketch.fill(outline, colour, lift=self.lift, depth=self.depth)


def _stripes_across(sketch: Sketch, patch: Patch, colour: Colour, rng: np.random.Generator) -> None:
    count = one_of(rng, (2, 3, 4, 6))
    for index in range(count):
        start = (index + 0.3) / count
        patch.fill_part(sketch, patch.band(start, start + 0.45 / count), colour)


def _stripes_down(sketch: Sketch, patch: Patch, colour: Colour, rng: np.random.Generator) -> None:
    step = one_of(rng, (2, 4))
    for start in range(step // 2 - 1, len(patch.top) - 1, step):
        patch.fill_part(sketch, patch.strip(start, start + step // 2), colour)


def _checks(sketch: Sketch, patch: Patch, colour: Colour, rng: np.random.Generator) -> None:
    _stripes_across(sketch, patch, mix(colour, (128, 128, 128), 0.2), rng)
    _stripes_down(sketch, patch, colour, rng)


def _dots(sketch: Sketch, patch: Patch, colour: Colour, rng: np.random.Generator) -> None:
    rows, columns = one_of(rng, ((2, 4), (3, 5), (3, 6)))
    radius = between(rng, 0.06, 0.12)
    for row in range(rows):
        for column in range(columns):
            across = (column + 0.3 + 0.4 * (row % 2)) / columns
            x, y = patch.at(across, (row + 0.5) / rows)
            patch.fill_part(sketch, ellipse(x, y, radius, radius), colour)


def _flowers(sketch: Sketch, patch: Patch, colour: Colour, rng: np.random.Generator) -> None:
    for _ in range(10):
        x, y = patch.at(between(rng, 0.06, 0.94), between(rng, 0.1, 0.9))
        radius = between(rng, 0.06, 0.18)
        patch.fill_part(sketch, ellipse(x, y, radius, radius * 0.8), colour)
        patch.fill_part(sketch, ellipse(x, y, radius * 0.4, radius * 0.4), any_colour(rng))


def _blotches(sketch: Sketch, patch: Patch, colour: Colour, rng: np.random.Generator) -> None:
    second = mix(colour, any_colour(rng), 0.5)
    for index in range(9):
        x, y = patch.at(between(rng, 0.1, 0.9), between(rng, 0.12, 0.88))
        outline = ellipse(x, y, between(rng, 0.08, 0.24), between(rng, 0.06, 0.16))
        patch.fill_part(sketch, outline, colour if index % 2 else second)


def _panel(sketch: Sketch, patch: Patch, colour: Colour, rng: np.random.Generator) -> None:
    first = one_of(rng, (0, 3, 6))
    patch.fill_part(sketch, patch.strip(first, first + 6), mix(colour, any_colour(rng), 0.3))


Pattern = Callable[[Sketch, Patch, Colour, np.random.Generator], None]

_PATTERNS = Weighted[Pattern](
    (_stripes_across, 2), (_stripes_down, 2), (_checks, 2), (_dots, 2), (_flowers, 2),
    (_blotches, 2), (_panel, 1),
)  # fmt: skip


def print_pattern(sketch: Sketch, patch: Patch, ground: Colour, rng: np.random.Generator) -> None:
    """Print a pattern, drawn at random, on cloth of the colour `ground`."""
    pick(rng, _PATTERNS)(sketch, patch, contrasting(rng, ground), rng)


def fold(sketch: Sketch, patch: Patch, shares: tuple[float, ...], ground: Colour) -> None:
    """Lay folds across: a dark line and a light one beneath it at each share of the way down."""
    for share in shares:
        row = patch.row(share)
        sketch.line(row, shaded(ground, 0.76), 0.045, lift=patch.lift, depth=patch.depth)
        light = mix(shaded(ground, 1.06), (255, 255, 255), 0.12)
        sketch.line(np.add(row, (0.0, 0.045)), light, 0.03, lift=patch.lift, depth=patch.depth)
