"""Clothes: cloth with its colours and patterns, what is worn on the body, and on the head."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from facecover.drawn.person import Person
from facecover.drawn.sketch import (
    Colour,
    Points,
    Pose,
    Random,
    Sketch,
    Weighted,
    any_colour,
    closed_curve,
    ellipse,
    make_pose,
    mirrored,
    mix,
    open_curve,
    points,
    shaded,
)

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


def contrasting(rng: Random, colour: Colour) -> Colour:
    """A colour that can be told from the given one: lighter on dark ground, else darker."""
    if sum(colour) < 330:
        return mix(colour, any_colour(rng), rng.between(0.5, 1.0))
    return mix(shaded(colour, rng.between(0.35, 0.75)), any_colour(rng), rng.between(0.0, 0.6))


def fabric_colour(rng: Random) -> Colour:
    """A colour of clothes, scarves and cloth masks."""
    return shaded(mix(rng.pick(_FABRICS), any_colour(rng), 0.08), rng.between(0.85, 1.1))


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

    def fill(self, sketch: Sketch, colour: Colour, part: Points | None = None) -> None:
        """Note the whole piece, or the part in an outline, in one colour."""
        outline = self.band(0.0, 1.0) if part is None else part
        sketch.fill(outline, colour, lift=self.lift, depth=self.depth)


def _stripes_across(sketch: Sketch, patch: Patch, colour: Colour, rng: Random) -> None:
    count = rng.one_of((2, 3, 4, 6))
    for index in range(count):
        start = (index + 0.3) / count
        patch.fill(sketch, colour, patch.band(start, start + 0.45 / count))


def _stripes_down(sketch: Sketch, patch: Patch, colour: Colour, rng: Random) -> None:
    step = rng.one_of((2, 4))
    for start in range(step // 2 - 1, len(patch.top) - 1, step):
        patch.fill(sketch, colour, patch.strip(start, start + step // 2))


def _checks(sketch: Sketch, patch: Patch, colour: Colour, rng: Random) -> None:
    _stripes_across(sketch, patch, mix(colour, (128, 128, 128), 0.2), rng)
    _stripes_down(sketch, patch, colour, rng)


def _dots(sketch: Sketch, patch: Patch, colour: Colour, rng: Random) -> None:
    rows, columns = rng.one_of(((2, 4), (3, 5), (3, 6)))
    radius = rng.between(0.06, 0.12)
    for row in range(rows):
        for column in range(columns):
            across = (column + 0.3 + 0.4 * (row % 2)) / columns
            x, y = patch.at(across, (row + 0.5) / rows)
            patch.fill(sketch, colour, ellipse(x, y, radius, radius))


def _flowers(sketch: Sketch, patch: Patch, colour: Colour, rng: Random) -> None:
    for _ in range(10):
        x, y = patch.at(rng.between(0.06, 0.94), rng.between(0.1, 0.9))
        radius = rng.between(0.06, 0.18)
        patch.fill(sketch, colour, ellipse(x, y, radius, radius * 0.8))
        patch.fill(sketch, any_colour(rng), ellipse(x, y, radius * 0.4, radius * 0.4))


def _blotches(sketch: Sketch, patch: Patch, colour: Colour, rng: Random) -> None:
    second = mix(colour, any_colour(rng), 0.5)
    for index in range(9):
        x, y = patch.at(rng.between(0.1, 0.9), rng.between(0.12, 0.88))
        outline = ellipse(x, y, rng.between(0.08, 0.24), rng.between(0.06, 0.16))
        patch.fill(sketch, colour if index % 2 else second, outline)


def _panel(sketch: Sketch, patch: Patch, colour: Colour, rng: Random) -> None:
    first = rng.one_of((0, 3, 6))
    patch.fill(sketch, mix(colour, any_colour(rng), 0.3), patch.strip(first, first + 6))


Pattern = Callable[[Sketch, Patch, Colour, Random], None]
_PATTERNS = Weighted[Pattern](
    (_stripes_across, 2), (_stripes_down, 2), (_checks, 2), (_dots, 2), (_flowers, 2),
    (_blotches, 2), (_panel, 1),
)  # fmt: skip


def print_pattern(sketch: Sketch, patch: Patch, ground: Colour, rng: Random) -> None:
    """Print a pattern, drawn at random, on cloth of the colour `ground`."""
    rng.pick(_PATTERNS)(sketch, patch, contrasting(rng, ground), rng)


def fold(sketch: Sketch, patch: Patch, shares: tuple[float, ...], ground: Colour) -> None:
    """Lay folds across: a dark line and a light one beneath it at each share of the way down."""
    for share in shares:
        row = patch.row(share)
        sketch.line(row, shaded(ground, 0.76), 0.045, lift=patch.lift, depth=patch.depth)
        light = mix(shaded(ground, 1.06), (255, 255, 255), 0.12)
        sketch.line(np.add(row, (0.0, 0.045)), light, 0.03, lift=patch.lift, depth=patch.depth)


_NECKWEAR = Weighted[str](
    ("round", 32), ("v", 16), ("collar", 16), ("polo", 10), ("scarf", 16), ("bare", 10),
)  # fmt: skip


def body_pose(head: Pose) -> Pose:
    """The body below a head: its origin lies where the neck meets the skull."""
    return make_pose(0.0, 0.0, head.roll * 0.25, head.scale_px, head.place(0.0, 1.2, -0.1))


def draw_body(sketch: Sketch, person: Person, rng: Random) -> None:
    """Neck and clothes; a scarf hangs under the chin, never over it."""
    colour = fabric_colour(rng)
    wide = rng.between(1.9, 2.7)
    neckwear = rng.pick(_NECKWEAR)
    shoulders = points(
        (0.3, 0.7), (0.62, 0.62), (1.3, 0.95), (wide, 1.35), (wide + 0.25, 2.4), (wide + 0.2, 7.0)
    )
    outline = np.concatenate([open_curve(shoulders, 3), points((0.0, 7.0))])
    sketch.fill(mirrored(outline), colour)
    if rng.happens(0.4):
        top = np.stack([np.linspace(-wide, wide, 13), np.full(13, 1.4)], axis=1)
        shirt = Patch(top, np.add(top, (0.0, 4.0)))
        print_pattern(sketch, shirt, colour, rng)
    _draw_neck(sketch, person, neckwear)
    _draw_neckwear(sketch, neckwear, colour, rng)


def _draw_neck(sketch: Sketch, person: Person, neckwear: str) -> None:
    low = {"v": 1.7, "bare": 1.5, "round": 1.05}.get(neckwear, 0.95)
    half = points((0.52, -0.5), (0.5, 0.45), (0.72, 0.75), (0.3, low))
    sketch.fill(mirrored(half), shaded(person.skin, 0.88))
    shadow = points((-0.52, -0.3), (0.52, -0.3), (0.5, 0.3), (0.0, 0.5), (-0.5, 0.3))
    sketch.fill(shadow, shaded(person.skin, 0.66))


def _draw_neckwear(sketch: Sketch, neckwear: str, colour: Colour, rng: Random) -> None:
    if neckwear == "scarf":
        _draw_scarf(sketch, rng)
    elif neckwear == "polo":
        roll = points(
            (-0.56, 0.1), (0.0, 0.3), (0.56, 0.1), (0.66, 0.85), (0.0, 1.05), (-0.66, 0.85)
        )
        sketch.fill(closed_curve(roll, 2), shaded(colour, 0.85))
    elif neckwear == "collar":
        wing = points((0.5, 0.4), (0.72, 0.6), (0.55, 1.25), (0.1, 0.95))
        tone = mix(colour, (255, 255, 255), rng.between(0.0, 0.6))
        for side in (-1.0, 1.0):
            sketch.fill(wing * (side, 1.0), tone)
        if rng.happens(0.4):
            tie = points((-0.12, 0.95), (0.12, 0.95), (0.24, 4.0), (-0.24, 4.0))
            sketch.fill(tie, fabric_colour(rng))
    else:
        sketch.line(points((-0.7, 0.72), (-0.3, 1.0), (0.3, 1.0), (0.7, 0.72)), shaded(colour, 0.8),
                    0.06)  # fmt: skip


def _draw_scarf(sketch: Sketch, rng: Random) -> None:
    colour = fabric_colour(rng)
    across = np.linspace(-1.0, 1.0, 13)
    sag = 1.0 - across**2
    rise = rng.between(-0.1, 0.2)
    top: Points = np.stack([across * 0.95, rise + 0.28 * sag], axis=1)
    bottom: Points = np.stack([across * rng.between(1.1, 1.4), 0.8 + 0.6 * sag], axis=1)
    patch = Patch(top, bottom, depth=0.1)
    patch.fill(sketch, colour)
    if rng.happens(0.45):
        print_pattern(sketch, patch, colour, rng)
    fold(sketch, patch, (0.25, 0.5, 0.75), colour)


_HALF_RING = points((0.25, -1.62), (0.75, -1.4), (1.12, -0.8), (1.2, 0.0), (1.16, 0.7), (0.98, 1.3))


def draw_headwear_behind(sketch: Sketch, person: Person, colour: Colour) -> None:
    """The part of a hood, hijab or wide hat that lies behind the head."""
    if person.headwear in ("hijab", "hood"):
        half = points((0.3, -1.72), (0.95, -1.4), (1.3, -0.5), (1.32, 0.8), (1.5, 2.2), (1.2, 2.9))
        sketch.fill(closed_curve(mirrored(half), 2), shaded(colour, 0.72), depth=-0.45)
    elif person.headwear == "hat":
        sketch.fill(ellipse(0.0, -0.95, 1.75, 0.45), shaded(colour, 0.6), depth=-0.2)


def draw_headwear(sketch: Sketch, person: Person, colour: Colour, rng: Random) -> None:
    """What is worn on the head, before the face is covered."""
    kind = person.headwear
    if kind in ("hijab", "hood"):
        _draw_ring(sketch, colour, kind == "hijab", rng)
    elif kind == "headband":
        band = open_curve(points((-0.98, -0.75), (0.0, -0.92), (0.98, -0.75)), 4)
        sketch.line(band, colour, rng.between(0.15, 0.3), lift=0.08)
    elif kind == "turban":
        _draw_turban(sketch, colour)
    elif kind != "none":
        _draw_hat(sketch, kind, colour, rng)


def _draw_ring(sketch: Sketch, colour: Colour, is_hijab: bool, rng: Random) -> None:
    """Cloth around the face: an outer and an inner contour, joined under the chin."""
    width = rng.between(0.8, 0.9)
    inner_half = points(
        (0.2, -0.95), (0.55, -0.85), (width, -0.35), (width + 0.03, 0.4), (0.62, 1.25)
    )
    chin = 1.58 if is_hijab else 1.9
    outer = open_curve(np.concatenate([_HALF_RING, points((0.9, 2.3), (0.2, 2.7))]), 2)
    inner = open_curve(np.concatenate([inner_half, points((0.25, chin), (0.0, chin + 0.04))]), 2)
    for side in (-1.0, 1.0):
        half = np.concatenate([outer, inner[::-1]]) * (side, 1.0)
        depth = np.concatenate([np.full(len(outer), -0.15), np.full(len(inner), 0.32)])
        sketch.fill(half, colour if side > 0 else shaded(colour, 0.94), depth=depth)
        crease = points((0.95, -0.6), (1.05, 0.3), (0.85, 1.3)) * (side, 1.0)
        sketch.line(open_curve(crease, 2), shaded(colour, 0.78), 0.05, depth=0.1)
    top = closed_curve(points((-0.4, -1.66), (0.4, -1.66), (0.45, -0.9), (-0.45, -0.9)), 3)
    sketch.fill(top, colour, depth=0.1)


def _draw_turban(sketch: Sketch, colour: Colour) -> None:
    half = points((0.3, -1.95), (1.0, -1.7), (1.25, -1.1), (1.05, -0.5), (0.5, -0.72))
    sketch.fill(closed_curve(mirrored(half), 2), colour, depth=0.15)
    for height in (-0.9, -1.2, -1.5):
        wrap = points((-1.1, height - 0.05), (0.0, height + 0.2), (1.1, height - 0.35))
        sketch.line(open_curve(wrap, 2), shaded(colour, 0.75), 0.05, depth=0.3)


def _draw_hat(sketch: Sketch, kind: str, colour: Colour, rng: Random) -> None:
    height = rng.between(-2.0, -1.75)
    dome = points((0.45, height), (0.95, -1.45), (1.14, -0.95), (1.1, -0.62), (0.4, -0.72))
    sketch.fill(closed_curve(mirrored(dome), 2), colour, depth=0.0)
    if kind == "beanie":
        rim = mirrored(points((0.0, -1.02), (1.16, -0.9), (1.14, -0.52), (0.0, -0.62)))
        sketch.fill(rim, shaded(colour, rng.between(0.75, 1.2)), depth=0.12)
    elif kind == "cap":
        visor: Points = points((-1.0, -0.7), (0.0, -0.85), (1.0, -0.7), (0.85, -0.42), (0.0, -0.3),
                               (-0.85, -0.42))  # fmt: skip
        visor_depth = np.array([0.3, 0.8, 0.3, 0.9, 1.3, 0.9])
        sketch.fill(visor, shaded(colour, 0.7), depth=visor_depth)
        if rng.happens(0.4):
            sketch.fill(
                ellipse(0.0, -1.25, 0.25, 0.2), mix(colour, (255, 255, 255), 0.7), depth=0.7
            )
    else:
        half = points((0.3, -1.0), (1.2, -0.98), (1.75, -0.82), (1.2, -0.6), (0.3, -0.55))
        sketch.fill(closed_curve(mirrored(half), 2), shaded(colour, 0.85), depth=0.4)
        ribbon = open_curve(points((-1.05, -1.0), (0.0, -0.95), (1.05, -1.0)), 2)
        sketch.line(ribbon, shaded(colour, 0.5), 0.16, depth=0.4)
