"""Hats, hoods, head scarves and glasses: worn with either label."""

import numpy as np

from facemask.data.drawn.chance import between, happens, one_of
from facemask.data.drawn.colours import Colour, fabric_colour, mix, shaded
from facemask.data.drawn.face import EYE_X
from facemask.data.drawn.person import Person
from facemask.data.drawn.shapes import (
    Points,
    closed_curve,
    ellipse,
    mirrored,
    open_curve,
    points,
)
from facemask.data.drawn.sketch import Sketch

_GLINT = points((-0.08, -0.1), (0.04, -0.12), (-0.06, 0.06))

_HALF_RING = points((0.25, -1.62), (0.75, -1.4), (1.12, -0.8), (1.2, 0.0), (1.16, 0.7), (0.98, 1.3))


def draw_headwear_behind(sketch: Sketch, person: Person, colour: Colour) -> None:
    """The part of a hood, hijab or wide hat that lies behind the head."""
    if person.headwear in ("hijab", "hood"):
        half = points((0.3, -1.72), (0.95, -1.4), (1.3, -0.5), (1.32, 0.8), (1.5, 2.2), (1.2, 2.9))
        sketch.fill(closed_curve(mirrored(half), 2), shaded(colour, 0.72), depth=-0.45)
    elif person.headwear == "hat":
        sketch.fill(ellipse(0.0, -0.95, 1.75, 0.45), shaded(colour, 0.6), depth=-0.2)


def draw_headwear(sketch: Sketch, person: Person, colour: Colour, rng: np.random.Generator) -> None:
    """What is worn on the head, before the face is covered."""
    kind = person.headwear
    if kind in ("hijab", "hood"):
        _draw_ring(sketch, colour, kind == "hijab", rng)
    elif kind == "headband":
        band = open_curve(points((-0.98, -0.75), (0.0, -0.92), (0.98, -0.75)), 4)
        sketch.line(band, colour, between(rng, 0.15, 0.3), lift=0.08)
    elif kind == "turban":
        _draw_turban(sketch, colour)
    elif kind != "none":
        _draw_hat(sketch, kind, colour, rng)


def _draw_ring(sketch: Sketch, colour: Colour, is_hijab: bool, rng: np.random.Generator) -> None:
    """Cloth around the face: an outer and an inner contour, joined under the chin."""
    width = between(rng, 0.8, 0.9)
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


def _draw_hat(sketch: Sketch, kind: str, colour: Colour, rng: np.random.Generator) -> None:
    height = between(rng, -2.0, -1.75)
    dome = points((0.45, height), (0.95, -1.45), (1.14, -0.95), (1.1, -0.62), (0.4, -0.72))
    sketch.fill(closed_curve(mirrored(dome), 2), colour, depth=0.0)
    if kind == "beanie":
        rim = mirrored(points((0.0, -1.02), (1.16, -0.9), (1.14, -0.52), (0.0, -0.62)))
        sketch.fill(rim, shaded(colour, between(rng, 0.75, 1.2)), depth=0.12)
    elif kind == "cap":
        visor: Points = points((-1.0, -0.7), (0.0, -0.85), (1.0, -0.7), (0.85, -0.42), (0.0, -0.3),
                               (-0.85, -0.42))  # fmt: skip
        visor_depth = np.array([0.3, 0.8, 0.3, 0.9, 1.3, 0.9])
        sketch.fill(visor, shaded(colour, 0.7), depth=visor_depth)
        if happens(rng, 0.4):
            sketch.fill(
                ellipse(0.0, -1.25, 0.25, 0.2), mix(colour, (255, 255, 255), 0.7), depth=0.7
            )
    else:
        half = points((0.3, -1.0), (1.2, -0.98), (1.75, -0.82), (1.2, -0.6), (0.3, -0.55))
        sketch.fill(closed_curve(mirrored(half), 2), shaded(colour, 0.85), depth=0.4)
        ribbon = open_curve(points((-1.05, -1.0), (0.0, -0.95), (1.05, -1.0)), 2)
        sketch.line(ribbon, shaded(colour, 0.5), 0.16, depth=0.4)


def draw_glasses(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    """Glasses or sunglasses, over whatever covers the nose."""
    if person.glasses == "none":
        return
    frame = one_of(
        rng, ((20, 20, 22), (70, 46, 34), (160, 160, 166), (176, 140, 70), fabric_colour(rng))
    )
    width, height = between(rng, 0.24, 0.34), between(rng, 0.18, 0.3)
    thickness = between(rng, 0.03, 0.08)
    is_dark = person.glasses == "sunglasses"
    tint = one_of(rng, ((18, 18, 22), (48, 32, 26), (34, 44, 60)))
    for side in (-1.0, 1.0):
        lens = ellipse(side * EYE_X, 0.04, width, height)
        if is_dark:
            sketch.fill(lens, tint, lift=0.2)
            glint = np.add(_GLINT, (side * EYE_X, 0.02))
            sketch.fill(glint, mix(tint, (255, 255, 255), 0.3), lift=0.21)
        sketch.line(np.concatenate([lens, lens[:1]]), frame, thickness, lift=0.2)
        if side * sketch.pose.yaw < 0.5:
            temple = np.array([[EYE_X + width, 0.0], [1.04, -0.02]]) * (side, 1.0)
            sketch.line(temple, frame, thickness, depth=np.array([0.62, -0.1]))
    bridge = open_curve(points((-EYE_X + width, 0.03), (0.0, -0.03), (EYE_X - width, 0.03)), 2)
    sketch.line(bridge, frame, thickness, lift=0.2)
