"""What is worn over nose and mouth: label 1."""

from collections.abc import Callable

import numpy as np

from facemask.data.drawn.chance import Weighted, between, happens, one_of, pick
from facemask.data.drawn.colours import Colour, fabric_colour, mix, shaded
from facemask.data.drawn.patches import Patch, fold, print_pattern
from facemask.data.drawn.person import Person
from facemask.data.drawn.shapes import Points, closed_curve, ellipse, open_curve, points
from facemask.data.drawn.sketch import Sketch, surface_depth

_EDGE_POINTS = 13

_APART = 130
"""Sum over the channels of the difference between skin and cloth that is easily seen."""

_ACROSS = np.linspace(-1.0, 1.0, _EDGE_POINTS)
_RIDGE = np.exp(-((_ACROSS / 0.4) ** 2))
_BOW = 1.0 - np.abs(_ACROSS) ** 2.2

_SURGICAL = Weighted[Colour](
    ((158, 200, 224), 8), ((196, 218, 226), 4), ((240, 240, 240), 7), ((154, 204, 184), 2),
    ((40, 40, 44), 6), ((204, 64, 54), 5), ((228, 152, 64), 5), ((104, 52, 44), 4),
    ((232, 176, 190), 4), ((206, 190, 222), 2), ((226, 196, 168), 2),
    ((176, 128, 98), 1), ((122, 80, 58), 2),
)  # fmt: skip

_RESPIRATOR = Weighted[Colour](
    ((240, 238, 232), 5), ((206, 206, 204), 2), ((52, 54, 58), 3), ((224, 200, 172), 3),
    ((168, 128, 100), 2), ((236, 180, 110), 2), ((214, 104, 56), 2),
)  # fmt: skip


def draw_cover(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    """One worn cover, drawn at random; a niqab only with the head covered too."""
    pick(rng, _WITH_HIJAB if person.headwear == "hijab" else _COVERS)(sketch, person, rng)


def _surgical_colour(rng: np.random.Generator) -> Colour:
    return shaded(pick(rng, _SURGICAL), between(rng, 0.9, 1.05))


def _respirator_colour(rng: np.random.Generator) -> Colour:
    return shaded(pick(rng, _RESPIRATOR), between(rng, 0.92, 1.04))


def _apart_from(
    skin: Colour, draw_colour: Callable[[np.random.Generator], Colour], rng: np.random.Generator
) -> Colour:
    """A colour that mostly, but not always, can be told from the skin."""
    colour = draw_colour(rng)
    for _ in range(2):
        difference = sum(abs(a - b) for a, b in zip(colour, skin, strict=True))
        if difference > _APART or happens(rng, 0.12):
            break
        colour = draw_colour(rng)
    return colour


def _edge(half_width: float, y_side: float, y_middle: float, shape: Points) -> Points:
    """An edge from left to right that rises or falls from the sides to the middle."""
    return np.stack([_ACROSS * half_width, y_side + (y_middle - y_side) * shape], axis=1)


def _mask_patch(
    person: Person, rng: np.random.Generator, half_width: float, lower: float, lift: float
) -> Patch:
    """The piece that a face mask covers, from the bridge of the nose to under the chin."""
    width = half_width * between(rng, 0.95, 1.05)
    top = _edge(width, between(rng, 0.36, 0.56), between(rng, 0.16, 0.46), _RIDGE)
    bottom = _edge(
        width * between(rng, 0.86, 0.98), lower, between(rng, 1.52, 1.7) * person.chin, _BOW
    )
    return Patch(top, bottom, lift)


def _draw_straps(sketch: Sketch, patch: Patch, colour: Colour) -> None:
    """Two bands on each side that is in sight, from the corners to the ear."""
    for side, index in ((-1.0, 0), (1.0, _EDGE_POINTS - 1)):
        if side * sketch.pose.yaw > 0.3:
            continue
        for corner, ear_y in ((patch.top[index], -0.06), (patch.bottom[index], 0.36)):
            strap = np.stack([corner, (side * 1.06, ear_y)])
            depth = np.array([surface_depth(corner[None])[0] + patch.lift, -0.08])
            sketch.line(strap, colour, 0.04, depth=depth)


def _draw_rim(sketch: Sketch, patch: Patch, ground: Colour) -> None:
    outline = patch.band(0.0, 1.0)
    sketch.line(
        np.concatenate([outline, outline[:1]]), shaded(ground, 0.72), 0.045, lift=patch.lift
    )


def _surgical(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    colour = _apart_from(person.skin, _surgical_colour, rng)
    patch = _mask_patch(person, rng, 0.86, between(rng, 0.98, 1.12), 0.12)
    _draw_straps(sketch, patch, mix(colour, (235, 235, 235), 0.6))
    patch.fill(sketch, colour)
    patch.fill_part(sketch, patch.band(0.72, 1.0), shaded(colour, 0.9))
    if happens(rng, 0.08):
        print_pattern(sketch, patch, colour, rng)
    fold(
        sketch, patch, one_of(rng, ((0.35, 0.5, 0.66), (0.4, 0.6), (0.3, 0.45, 0.6, 0.75))), colour
    )
    patch.fill_part(sketch, patch.band(0.0, 0.07), shaded(colour, 1.08))
    _draw_rim(sketch, patch, colour)


def _cloth(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    colour = _apart_from(person.skin, fabric_colour, rng)
    if happens(rng, 0.06):
        colour = mix(person.skin, colour, between(rng, 0.0, 0.3))
    patch = _mask_patch(person, rng, 0.88, between(rng, 0.95, 1.15), 0.12)
    _draw_straps(sketch, patch, one_of(rng, (colour, (30, 30, 32), (235, 235, 232))))
    patch.fill(sketch, colour)
    if happens(rng, 0.35):
        print_pattern(sketch, patch, colour, rng)
    if happens(rng, 0.6):
        middle = _EDGE_POINTS // 2
        seam = np.stack([patch.top[middle], patch.bottom[middle]])
        sketch.line(seam, shaded(colour, 0.7), 0.04, lift=0.2)
    _draw_rim(sketch, patch, colour)


def _n95(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    colour = _apart_from(person.skin, _respirator_colour, rng)
    patch = _mask_patch(person, rng, 0.78, between(rng, 1.0, 1.12), 0.3)
    band = one_of(rng, ((238, 236, 230), (232, 190, 60), (40, 40, 42)))
    for side in (-1.0, 1.0):
        if side * sketch.pose.yaw < 0.4:
            strap = points((0.7, 0.6), (1.02, 0.1), (1.0, -0.5)) * (side, 1.0)
            sketch.line(strap, band, 0.06, depth=np.array([0.45, 0.05, -0.1]))
    patch.fill(sketch, shaded(colour, 0.93))
    half = Patch(patch.row(0.08) * (0.86, 1.0), patch.row(0.72) * (0.8, 1.0), 0.36)
    half.fill(sketch, colour)
    nose = points((-0.22, 0.5), (0.0, 0.36), (0.22, 0.5))
    sketch.line(nose, (168, 170, 174), 0.07, lift=0.34)
    if happens(rng, 0.5):
        x = between(rng, -0.3, 0.3)
        sketch.fill(ellipse(x, 1.02, 0.19, 0.17), shaded(colour, 0.72), lift=0.4)
        sketch.fill(
            ellipse(x, 1.0, 0.15, 0.13), one_of(rng, ((236, 236, 234), (60, 60, 64))), lift=0.42
        )
    else:
        sketch.line(patch.row(0.55), shaded(colour, 0.75), 0.05, lift=0.36)
    _draw_rim(sketch, patch, colour)


def _half_mask(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    """A rubber respirator with two filters."""
    rubber = one_of(rng, ((62, 64, 70), (40, 40, 44), (150, 152, 156), (92, 104, 128)))
    patch = _mask_patch(person, rng, 0.66, 1.1, 0.25)
    for side in (-1.0, 1.0):
        if side * sketch.pose.yaw < 0.4:
            strap = points((0.6, 0.7), (1.02, 0.3)) * (side, 1.0)
            sketch.line(strap, (30, 30, 32), 0.09, depth=np.array([0.5, 0.0]))
    patch.fill(sketch, rubber)
    sketch.fill(ellipse(0.0, 1.05, 0.24, 0.24), shaded(rubber, 0.7), lift=0.4)
    filters = one_of(rng, ((208, 70, 120), (226, 224, 218), (120, 120, 124), (214, 178, 70)))
    for side in (-1.0, 1.0):
        sketch.fill(ellipse(side * 0.62, 1.05, 0.33, 0.33), shaded(filters, 0.75), lift=0.3)
        sketch.fill(ellipse(side * 0.62, 1.03, 0.27, 0.27), filters, lift=0.36)


def _scarf(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    colour = _apart_from(person.skin, fabric_colour, rng)
    top = _edge(between(rng, 0.98, 1.1), between(rng, 0.3, 0.65), between(rng, 0.2, 0.5), _BOW)
    top += rng.uniform(-0.03, 0.03, top.shape)
    bottom = _edge(between(rng, 1.2, 1.6), 2.0, between(rng, 2.2, 2.7), _BOW)
    patch = Patch(top, bottom, 0.12)
    patch.fill(sketch, colour)
    if happens(rng, 0.45):
        print_pattern(sketch, patch, colour, rng)
    tilt = between(rng, -0.12, 0.12) * _ACROSS[:, None] * (0.0, 1.0)
    fold(sketch, Patch(top + tilt, bottom - tilt, 0.16), (0.14, 0.3, 0.5, 0.7), colour)


def _bandana(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    colour = _apart_from(person.skin, fabric_colour, rng)
    top = _edge(1.0, between(rng, 0.3, 0.5), between(rng, 0.18, 0.45), _RIDGE)
    bottom = _edge(1.0, between(rng, 0.75, 1.0), between(rng, 1.9, 2.5), 1.0 - np.abs(_ACROSS))
    patch = Patch(top, bottom, 0.1)
    patch.fill(sketch, colour)
    if happens(rng, 0.5):
        print_pattern(sketch, patch, colour, rng)
    for x in (-0.35, 0.3):
        crease = open_curve(points((x * 0.6, 0.75), (x, 1.1), (x * 0.8, 1.6)), 2)
        sketch.line(crease, shaded(colour, 0.72), 0.05, lift=0.14)
    _draw_rim(sketch, patch, colour)


def _niqab(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    colour = one_of(
        rng, ((20, 20, 24), (24, 24, 26), (34, 38, 66), (112, 108, 106), fabric_colour(rng))
    )
    top = _edge(1.08, between(rng, 0.16, 0.3), between(rng, 0.14, 0.36), _RIDGE)
    bottom = _edge(between(rng, 1.3, 1.6), 2.4, between(rng, 2.4, 3.2), _BOW)
    patch = Patch(top, bottom, 0.1)
    patch.fill(sketch, colour)
    hood = closed_curve(
        points((-1.1, -0.3), (-0.6, -0.42), (0.6, -0.42), (1.1, -0.3), (1.12, -0.9), (0.6, -1.6),
               (-0.6, -1.6), (-1.12, -0.9)), 3
    )  # fmt: skip
    sketch.fill(hood, shaded(colour, 0.95), lift=0.05)
    for x in (-0.5, 0.1, 0.55):
        crease = open_curve(points((x * 0.7, 0.6), (x, 1.3), (x * 1.2, 2.1)), 2)
        sketch.line(crease, mix(colour, (140, 140, 140), 0.18), 0.05, lift=0.12)


Cover = Callable[[Sketch, Person, np.random.Generator], None]

_COVERS = Weighted[Cover](
    (_surgical, 40), (_cloth, 24), (_n95, 14), (_half_mask, 2), (_scarf, 11), (_bandana, 9),
)  # fmt: skip
_WITH_HIJAB = Weighted[Cover]((_niqab, 65), (_surgical, 20), (_cloth, 10), (_n95, 5))
