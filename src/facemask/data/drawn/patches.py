"""Pieces of cloth as ruled surfaces, and the patterns that are printed on them.

A pattern that is laid out along the cloth needs no clipping: every stripe and dot is a shape of
its own that follows the edges.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from facemask.data.drawn.chance import Weighted, between, one_of, pick
from facemask.data.drawn.colours import Colour, any_colour, contrasting, mix, shaded
from facemask.data.drawn.shapes import Points, ellipse
from facemask.data.drawn.sketch import Sketch


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
