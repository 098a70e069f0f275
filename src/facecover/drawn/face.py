"""The bare head: skull, ears and skin, eyes, nose and mouth."""

import math

import numpy as np
import numpy.typing as npt

from facecover.drawn.person import Person
from facecover.drawn.sketch import (
    Colour,
    Points,
    Random,
    Sketch,
    closed_curve,
    ellipse,
    mirrored,
    mix,
    open_curve,
    points,
    shaded,
    surface_depth,
)

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
_HIDING_HAIR = ("hijab", "hood", "turban")


def draw_bare_head(sketch: Sketch, person: Person, light_side: float | None, rng: Random) -> None:
    """The head before anything is worn on it.

    Args:
        sketch: where to draw it.
        person: whose.
        light_side: -1 with the light from the left to 1 from the right; None leaves out mouth and
            nose, which are going to be covered.
        rng: draws what the person leaves open.
    """
    _draw_skin(sketch, person, rng)
    _draw_eyes(sketch, person)
    _draw_beard(sketch, person, rng)
    if light_side is not None:
        _draw_mouth(sketch, person)
        _draw_nose(sketch, person, light_side)
    if person.headwear not in _HIDING_HAIR:
        _draw_hair(sketch, person, rng)


def _draw_skin(sketch: Sketch, person: Person, rng: Random) -> None:
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
    if rng.happens(0.08):
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


def _draw_freckles(sketch: Sketch, person: Person, rng: Random) -> None:
    colour = mix(person.skin, (120, 66, 40), 0.35)
    for place in rng.uniform((-0.7, 0.25), (0.7, 0.75), (12, 2)):
        sketch.fill(_FRECKLE + place, colour)


def _draw_eyes(sketch: Sketch, person: Person) -> None:
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


def _draw_nose(sketch: Sketch, person: Person, light_side: float) -> None:
    """The nose, shaded on the side away from the light (-1 from the left to 1 from the right)."""
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


def _draw_mouth(sketch: Sketch, person: Person) -> None:
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


_BEHIND = -0.35
"""Depth of the crown, so that a turned head shows more hair on one side."""


def draw_hair_behind(sketch: Sketch, person: Person, rng: Random) -> None:
    """What hangs or stands out behind the head."""
    if person.headwear in _HIDING_HAIR:
        return
    dark = shaded(person.hair, 0.75)
    style = person.hair_style
    if style in ("long", "bob"):
        length = rng.between(1.9, 3.6) if style == "long" else rng.between(1.0, 1.5)
        wide = rng.between(1.15, 1.45)
        half = points(
            (0.4, -1.65), (1.05, -1.2), (wide, -0.2), (wide, length * 0.6), (wide * 0.8, length)
        )
        sketch.fill(closed_curve(mirrored(half), 2), dark, depth=-0.5)
    elif style == "bun":
        sketch.fill(ellipse(rng.between(-0.3, 0.3), -1.75, 0.45, 0.4), dark, depth=-0.5)
    elif style in ("afro", "curly"):
        _draw_curls(sketch, person, rng)


def _draw_curls(sketch: Sketch, person: Person, rng: Random) -> None:
    is_afro = person.hair_style == "afro"
    reach = rng.between(1.25, 1.6) if is_afro else 1.1
    size = 0.4 if is_afro else 0.28
    for angle in np.linspace(-2.95, -0.2, 10).tolist():
        x, y = np.cos(angle) * reach, -0.25 + np.sin(angle) * reach * 1.15
        curl = shaded(person.hair, rng.between(0.7, 1.0))
        sketch.fill(ellipse(x, y, size, size * rng.between(0.8, 1.1)), curl, depth=-0.4)


def _draw_hair(sketch: Sketch, person: Person, rng: Random) -> None:
    """The hair on the crown and over the forehead."""
    style = person.hair_style
    if style == "bald":
        return
    colour = mix(person.hair, person.skin, 0.4) if style == "buzz" else person.hair
    line_y = -0.98 if style in ("receding", "buzz") else rng.between(-0.88, -0.55)
    part = rng.between(-0.5, 0.5)
    crown = -1.42 if style == "buzz" else rng.between(-1.64, -1.48)
    side = 1.02 if style == "buzz" else rng.between(1.05, 1.14)
    outer = points(
        (-1.0, 0.05), (-side, -0.5), (-0.85, -1.12), (-0.35, crown), (0.35, crown), (0.85, -1.12),
        (side, -0.5), (1.0, 0.05),
    )  # fmt: skip
    inner = _hairline(style, line_y, part, rng)
    rim, edge = open_curve(outer, 3), open_curve(inner, 3)
    depth = np.concatenate([_rim_depth(rim, sketch.pose.yaw), surface_depth(edge) + 0.03])
    sketch.fill(np.concatenate([rim, edge]), colour, depth=depth)
    _draw_strands(sketch, colour, line_y, crown, rng)
    if style in ("long", "bob") and rng.happens(0.6):
        _draw_locks(sketch, person, rng)


def _rim_depth(rim: Points, yaw: float) -> npt.NDArray[np.float64]:
    """Depth of the hair's outer contour: along the face's on the far side, else behind the ear."""
    behind = _BEHIND * np.clip(-rim[:, 1], 0.0, 1.0)
    return np.where(rim[:, 0] * yaw > 0, silhouette_depth(rim, yaw), behind)


def _hairline(style: str, y: float, part: float, rng: Random) -> Points:
    if style == "receding":
        return points(
            (0.97, -0.2), (0.85, -0.75), (0.5, -1.12), (0.0, -0.98), (-0.5, -1.12), (-0.85, -0.75),
            (-0.97, -0.2),
        )  # fmt: skip
    if style == "parted":
        return points(
            (0.98, 0.0), (0.9, -0.35), (0.55, y), (part, y - 0.35), (-0.55, y), (-0.9, -0.35),
            (-0.98, 0.0),
        )  # fmt: skip
    fringe = rng.between(0.0, 0.25) if rng.happens(0.3) else 0.0
    middle = 0.1 * abs(part) - 0.08  # hangs less for a part near the middle
    return points(
        (0.98, 0.05), (0.88, -0.45), (0.5, y + fringe), (part * 0.5, y + fringe + middle),
        (-0.5, y + fringe), (-0.88, -0.45), (-0.98, 0.05),
    )  # fmt: skip


def _draw_strands(sketch: Sketch, colour: Colour, line_y: float, crown: float, rng: Random) -> None:
    for _ in range(4):
        x = rng.between(-0.8, 0.8)
        tone = shaded(colour, rng.between(0.7, 1.45))
        strand = points(
            (x * 0.7, crown + 0.15), (x, (crown + line_y) / 2), (x * 1.1, line_y - 0.12)
        )
        sketch.line(strand, tone, 0.05, depth=np.array([-0.2, 0.3, 0.6]))


def _draw_locks(sketch: Sketch, person: Person, rng: Random) -> None:
    length = rng.between(0.8, 1.8)
    for side in (-1.0, 1.0):
        lock = points((0.9, -0.6), (1.1, -0.1), (1.2, length), (0.95, length + 0.1), (0.88, 0.2))
        sketch.fill(closed_curve(lock * (side, 1.0), 3), shaded(person.hair, 0.92), depth=0.05)


def _draw_beard(sketch: Sketch, person: Person, rng: Random) -> None:
    """A beard or moustache; the mouth is drawn over it."""
    if person.beard == "none":
        return
    colour = shaded(person.hair, rng.between(0.85, 1.15))
    if person.beard == "stubble":
        colour = mix(person.skin, colour, rng.between(0.2, 0.45))
    if person.beard in ("stubble", "full", "long"):
        _draw_full_beard(sketch, person, colour, rng)
    if person.beard == "goatee":
        chin = points((0.15, 0.84), (0.4, 0.95), (0.38, 1.35), (0.22, 1.6), (0.06, 1.66))
        sketch.fill(closed_curve(mirrored(chin), 2), colour, lift=0.03)
    if person.beard == "moustache":
        half = points((0.06, 0.82), (0.3, 0.86), (0.44, rng.between(0.98, 1.12)), (0.1, 0.94))
        sketch.fill(closed_curve(mirrored(half), 2), colour, lift=0.06)


def _draw_full_beard(sketch: Sketch, person: Person, colour: Colour, rng: Random) -> None:
    length = {"stubble": 0.0, "full": 0.08, "long": rng.between(0.3, 0.9)}[person.beard]
    cheek = rng.between(0.5, 0.75)
    jaw = person.jaw
    half = points(
        (0.1, 0.82), (0.36, 0.86), (0.6, cheek), (0.86, 0.3), (0.98, 0.15), (0.95, 0.6),
        (0.86 * jaw, 1.05), (0.56 * jaw, 1.4 + length * 0.8), (0.2, 1.55 + length),
    )  # fmt: skip
    sketch.fill(closed_curve(mirrored(half), 2), colour, lift=0.02)
    for _ in range(4):
        x, y = rng.between(-0.6, 0.6), rng.between(1.15, 1.45)
        whisker = points((x, y - 0.15), (x * 1.05, y + 0.12))
        sketch.line(open_curve(whisker, 1), shaded(colour, rng.between(0.7, 1.4)), 0.04, lift=0.04)
