"""The bare head: skull, ears and skin, eyes, nose and mouth."""

import math

import numpy as np
import numpy.typing as npt

from facemask.data.drawn.chance import happens
from facemask.data.drawn.colours import Colour, mix, shaded
from facemask.data.drawn.person import Person
from facemask.data.drawn.shapes import (
    Points,
    closed_curve,
    ellipse,
    mirrored,
    open_curve,
    points,
)
from facemask.data.drawn.sketch import Sketch, surface_depth

EYE_X = 0.42
"""How far each eye lies from the middle."""

_FACING_AWAY = 0.3
"""Radians of turn from which the farther ear is hidden."""

_SIDES = (-1.0, 1.0)
_SKULL = ellipse(0.0, -0.3, 1.03, 1.08)
_EAR = ellipse(1.04, 0.12, 0.14, 0.3)
_INNER_EAR = points((1.02, -0.06), (1.1, 0.02), (1.06, 0.22))
_BROW_WRINKLE = open_curve(points((-0.45, 0.03), (0.0, 0.0), (0.45, 0.03)), 2)
_CHEEK_FOLD = points((0.22, 0.66), (0.38, 0.84), (0.42, 1.02))
_EYE_BAG = points((0.26, 0.16), (0.42, 0.22), (0.58, 0.16))
_FRECKLE = ellipse(0.0, 0.0, 0.025, 0.025)
_NOSE_BALL = closed_curve(
    points((0.0, 0.38), (0.18, 0.62), (0.12, 0.75), (0.0, 0.79), (-0.12, 0.75), (-0.18, 0.62)), 2
)
_NOSE_FLANK = points((0.1, 0.0), (0.05, 0.3), (0.07, 0.66), (0.2, 0.72), (0.16, 0.35))
_NOSE_RIDGE = points((0.03, 0.1), (0.09, 0.58), (0.0, 0.67), (-0.09, 0.58), (-0.03, 0.1))
_NOSTRIL = ellipse(0.096, 0.745, 0.075, 0.05)
_NOSE_WING = points((0.16, 0.58), (0.216, 0.68), (0.17, 0.77))

_LIP_HEIGHT = 0.125
_WHITE_OF_EYE: Colour = (236, 232, 228)
_DARK: Colour = (14, 10, 10)
_TEETH: Colour = (238, 232, 220)
_THROAT: Colour = (58, 20, 22)


def draw_head(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    """Skull, skin and ears, without features."""
    far_side = 1.0 if sketch.pose.yaw > 0 else -1.0
    sketch.fill(_SKULL, shaded(person.skin, 0.9), depth=-0.35)
    if abs(sketch.pose.yaw) < _FACING_AWAY:
        _draw_ear(sketch, person, far_side)
    outline = face_outline(person)
    sketch.fill(outline, person.skin, depth=silhouette_depth(outline, sketch.pose.yaw))
    _draw_ear(sketch, person, -far_side)
    if person.age > 0.6:
        _draw_wrinkles(sketch, person)
    if happens(rng, 0.08):
        _draw_freckles(sketch, person, rng)


def face_outline(person: Person) -> Points:
    """The contour of the face from crown to chin and back: ``float64 (n, 2)``, head units."""
    jaw, chin = person.jaw, person.chin
    half = points(
        (0.24, -1.34), (0.64, -1.16), (0.93, -0.68), (1.0, -0.1), (0.97, 0.42),
        (0.84 * jaw, 0.93), (0.52 * jaw, 1.35 * chin), (0.19, 1.52 * chin),
    )  # fmt: skip
    return closed_curve(mirrored(half), 2)


def silhouette_depth(outline: Points, yaw: float) -> npt.NDArray[np.float64]:
    """The depth at which an outline of the whole face shows as the contour of a turned head.

    On the side that turns away the contour is where an ellipse through the cheeks ends; on the
    other side it runs along the jaw, half way to the ear.

    Args:
        outline: ``float64 (n, 2)``, head units.
        yaw: turn of the head in radians.

    Returns:
        ``float64 (n,)``, head units.
    """
    near = 0.6 * surface_depth(outline)
    sin, cos = math.sin(yaw), math.cos(yaw)
    if abs(sin) < 1e-3:
        return near
    x = outline[:, 0]
    front = surface_depth(outline * (0.0, 1.0))
    reach = np.sqrt((x * cos) ** 2 + (front * sin) ** 2)
    far = (reach - np.abs(x) * cos) / abs(sin)
    return np.where(x * sin > 0, far, near)


def _draw_ear(sketch: Sketch, person: Person, side: float) -> None:
    sketch.fill(_EAR * (side, 1.0), shaded(person.skin, 0.93), depth=-0.15)
    sketch.line(_INNER_EAR * (side, 1.0), shaded(person.skin, 0.72), 0.04, depth=-0.12)


def _draw_wrinkles(sketch: Sketch, person: Person) -> None:
    crease = mix(person.skin, (70, 36, 26), 0.22 * person.age)
    for y in (-0.72, -0.58):
        sketch.line(np.add(_BROW_WRINKLE, (0.0, y)), crease, 0.03)
    for side in _SIDES:
        sketch.line(_CHEEK_FOLD * (side, 1.0), crease, 0.035)
        sketch.line(_EYE_BAG * (side, 1.0), crease, 0.03)


def _draw_freckles(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    colour = mix(person.skin, (120, 66, 40), 0.35)
    for place in rng.uniform((-0.7, 0.25), (0.7, 0.75), (12, 2)):
        sketch.fill(_FRECKLE + place, colour)


def draw_eyes(sketch: Sketch, person: Person) -> None:
    """Eyes and brows."""
    rise = -0.3 - 0.08 * person.mouth_open + 0.04 * person.smile
    brow = open_curve(points((0.2, rise + 0.04), (0.44, rise - 0.06), (0.68, rise + 0.05)), 3)
    colour = mix(shaded(person.hair, 0.8), person.skin, 0.2)
    for side in _SIDES:
        sketch.line(brow * (side, 1.0), colour, person.brow, lift=0.04)
        if person.eyes_open < 0.2:
            _draw_closed_eye(sketch, person, side * EYE_X)
        else:
            _draw_eye(sketch, person, side * EYE_X)


def _draw_closed_eye(sketch: Sketch, person: Person, x: float) -> None:
    half_width = 0.19 * person.eye
    course = points((x - half_width, 0.02), (x, 0.07), (x + half_width, 0.02))
    sketch.line(open_curve(course, 2), shaded(person.skin, 0.42), 0.05)


def _draw_eye(sketch: Sketch, person: Person, x: float) -> None:
    half_width = 0.19 * person.eye
    opening = 0.105 * person.eye * person.eyes_open
    almond = closed_curve(
        points((x - half_width, 0.02), (x, -opening), (x + half_width, 0.0), (x, opening * 0.85)), 3
    )
    sketch.fill(ellipse(x, -0.01, half_width * 1.25, opening + 0.09), shaded(person.skin, 0.9))
    sketch.fill(almond, _WHITE_OF_EYE)
    radius = min(0.1 * person.eye, opening * 1.15)
    look = x + person.gaze * (half_width - radius) * 0.7
    sketch.fill(ellipse(look, 0.0, 0.1 * person.eye, radius), person.iris)
    sketch.fill(ellipse(look, 0.0, 0.05, min(0.05, radius)), _DARK)
    sketch.line(almond[:7], shaded(person.skin, 0.42), 0.05)


def draw_nose(sketch: Sketch, person: Person, light_side: float) -> None:
    """The nose: the shaded flank, wings, nostrils and the light on the bridge.

    Args:
        sketch: where to note it.
        person: whose nose.
        light_side: -1 with the light from the left to 1 from the right.
    """
    dark = shaded(person.skin, 0.76)
    width = (person.nose, 1.0)
    shade_side = (-person.nose if light_side > 0 else person.nose, 1.0)
    sketch.fill(_NOSE_BALL * width, mix(person.skin, dark, 0.45), lift=0.1)
    sketch.fill(_NOSE_FLANK * shade_side, dark, lift=0.12)
    sketch.fill(_NOSE_RIDGE, shaded(person.skin, 1.1), lift=0.22)
    for side in _SIDES:
        mirror = (side * person.nose, 1.0)
        sketch.fill(_NOSTRIL * mirror, shaded(person.skin, 0.25), lift=0.12)
        sketch.line(_NOSE_WING * mirror, shaded(person.skin, 0.6), 0.045, lift=0.06)


def draw_mouth(sketch: Sketch, person: Person) -> None:
    """Lips, and teeth or the dark of the mouth when it is open."""
    gap = 0.24 * person.mouth_open
    half = person.mouth * (1.0 + 0.3 * max(person.smile, 0.0))
    y = 1.02 * person.chin
    corner = y - 0.12 * person.smile + 0.3 * gap
    upper, lower = y - 0.02 - 0.2 * gap, y + 0.02 + gap
    shape = (half, 1.0)
    lips = points(
        (-1.0, corner), (-0.4, upper - 0.9 * _LIP_HEIGHT), (0.0, upper - 0.7 * _LIP_HEIGHT),
        (0.4, upper - 0.9 * _LIP_HEIGHT), (1.0, corner), (0.5, lower + 0.8 * _LIP_HEIGHT),
        (0.0, lower + 1.1 * _LIP_HEIGHT), (-0.5, lower + 0.8 * _LIP_HEIGHT),
    )  # fmt: skip
    sketch.fill(closed_curve(lips * shape, 2), person.lips)
    inside = points(
        (-0.9, corner), (-0.4, upper), (0.0, upper + 0.015), (0.4, upper), (0.9, corner),
        (0.45, lower - 0.01), (0.0, lower), (-0.45, lower - 0.01),
    )  # fmt: skip
    if gap <= 0.02:
        sketch.line(inside[:5] * shape, shaded(person.lips, 0.38), 0.06)
        return
    sketch.fill(inside * shape, _THROAT)
    side_y, reach = (corner + upper) / 2, upper + min(0.13, gap * 0.75)
    teeth = points((-0.7, side_y), (0.0, upper + 0.015), (0.7, side_y), (0.5, reach), (-0.5, reach))
    sketch.fill(teeth * shape, _TEETH)
