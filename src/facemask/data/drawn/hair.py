"""Hair behind and around the face, and beards."""

import numpy as np
import numpy.typing as npt

from facemask.data.drawn.chance import between, happens
from facemask.data.drawn.colours import Colour, mix, shaded
from facemask.data.drawn.face import silhouette_depth
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

_BEHIND = -0.35
"""Depth of the crown, so that a turned head shows more hair on one side."""


def draw_hair_behind(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    """What hangs or stands out behind the head."""
    dark = shaded(person.hair, 0.75)
    style = person.hair_style
    if style in ("long", "bob"):
        length = between(rng, 1.9, 3.6) if style == "long" else between(rng, 1.0, 1.5)
        wide = between(rng, 1.15, 1.45)
        half = points(
            (0.4, -1.65), (1.05, -1.2), (wide, -0.2), (wide, length * 0.6), (wide * 0.8, length)
        )
        sketch.fill(closed_curve(mirrored(half), 2), dark, depth=-0.5)
    elif style == "bun":
        sketch.fill(ellipse(between(rng, -0.3, 0.3), -1.75, 0.45, 0.4), dark, depth=-0.5)
    elif style in ("afro", "curly"):
        _draw_curls(sketch, person, rng)


def _draw_curls(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    is_afro = person.hair_style == "afro"
    reach = between(rng, 1.25, 1.6) if is_afro else 1.1
    size = 0.4 if is_afro else 0.28
    for angle in np.linspace(-2.95, -0.2, 10).tolist():
        x, y = np.cos(angle) * reach, -0.25 + np.sin(angle) * reach * 1.15
        curl = shaded(person.hair, between(rng, 0.7, 1.0))
        sketch.fill(ellipse(x, y, size, size * between(rng, 0.8, 1.1)), curl, depth=-0.4)


def draw_hair(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    """The hair on the crown and over the forehead."""
    style = person.hair_style
    if style == "bald":
        return
    colour = mix(person.hair, person.skin, 0.4) if style == "buzz" else person.hair
    line_y = -0.98 if style in ("receding", "buzz") else between(rng, -0.88, -0.55)
    part = between(rng, -0.5, 0.5)
    crown = -1.42 if style == "buzz" else between(rng, -1.64, -1.48)
    side = 1.02 if style == "buzz" else between(rng, 1.05, 1.14)
    outer = points(
        (-1.0, 0.05), (-side, -0.5), (-0.85, -1.12), (-0.35, crown), (0.35, crown), (0.85, -1.12),
        (side, -0.5), (1.0, 0.05),
    )  # fmt: skip
    inner = _hairline(style, line_y, part, rng)
    rim, edge = open_curve(outer, 3), open_curve(inner, 3)
    depth = np.concatenate([_rim_depth(rim, sketch.pose.yaw), surface_depth(edge) + 0.03])
    sketch.fill(np.concatenate([rim, edge]), colour, depth=depth)
    _draw_strands(sketch, colour, line_y, crown, rng)
    if style in ("long", "bob") and happens(rng, 0.6):
        _draw_locks(sketch, person, rng)


def _rim_depth(rim: Points, yaw: float) -> npt.NDArray[np.float64]:
    """Depth of the hair's outer contour: along the face's on the far side, else behind the ear."""
    behind = _BEHIND * np.clip(-rim[:, 1], 0.0, 1.0)
    return np.where(rim[:, 0] * yaw > 0, silhouette_depth(rim, yaw), behind)


def _hairline(style: str, y: float, part: float, rng: np.random.Generator) -> Points:
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
    fringe = between(rng, 0.0, 0.25) if happens(rng, 0.3) else 0.0
    return points(
        (0.98, 0.05), (0.88, -0.45), (0.5, y + fringe), (part * 0.5, y + fringe + _parting(part)),
        (-0.5, y + fringe), (-0.88, -0.45), (-0.98, 0.05),
    )  # fmt: skip


def _parting(part: float) -> float:
    """How far the fringe hangs in the middle: up for a part near the middle."""
    return 0.1 * abs(part) - 0.08


def _draw_strands(
    sketch: Sketch, colour: Colour, line_y: float, crown: float, rng: np.random.Generator
) -> None:
    for _ in range(4):
        x = between(rng, -0.8, 0.8)
        tone = shaded(colour, between(rng, 0.7, 1.45))
        strand = points(
            (x * 0.7, crown + 0.15), (x, (crown + line_y) / 2), (x * 1.1, line_y - 0.12)
        )
        sketch.line(strand, tone, 0.05, depth=np.array([-0.2, 0.3, 0.6]))


def _draw_locks(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    length = between(rng, 0.8, 1.8)
    for side in (-1.0, 1.0):
        lock = points((0.9, -0.6), (1.1, -0.1), (1.2, length), (0.95, length + 0.1), (0.88, 0.2))
        sketch.fill(closed_curve(lock * (side, 1.0), 3), shaded(person.hair, 0.92), depth=0.05)


def draw_beard(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    """A beard or moustache; the mouth is drawn over it."""
    if person.beard == "none":
        return
    colour = shaded(person.hair, between(rng, 0.85, 1.15))
    if person.beard == "stubble":
        colour = mix(person.skin, colour, between(rng, 0.2, 0.45))
    if person.beard in ("stubble", "full", "long"):
        _draw_full_beard(sketch, person, colour, rng)
    if person.beard == "goatee":
        chin = points((0.15, 0.84), (0.4, 0.95), (0.38, 1.35), (0.22, 1.6), (0.06, 1.66))
        sketch.fill(closed_curve(mirrored(chin), 2), colour, lift=0.03)
    if person.beard == "moustache":
        half = points((0.06, 0.82), (0.3, 0.86), (0.44, between(rng, 0.98, 1.12)), (0.1, 0.94))
        sketch.fill(closed_curve(mirrored(half), 2), colour, lift=0.06)


def _draw_full_beard(
    sketch: Sketch, person: Person, colour: Colour, rng: np.random.Generator
) -> None:
    length = {"stubble": 0.0, "full": 0.08, "long": between(rng, 0.3, 0.9)}[person.beard]
    cheek = between(rng, 0.5, 0.75)
    jaw = person.jaw
    half = points(
        (0.1, 0.82), (0.36, 0.86), (0.6, cheek), (0.86, 0.3), (0.98, 0.15), (0.95, 0.6),
        (0.86 * jaw, 1.05), (0.56 * jaw, 1.4 + length * 0.8), (0.2, 1.55 + length),
    )  # fmt: skip
    sketch.fill(closed_curve(mirrored(half), 2), colour, lift=0.02)
    for _ in range(4):
        x, y = between(rng, -0.6, 0.6), between(rng, 1.15, 1.45)
        whisker = points((x, y - 0.15), (x * 1.05, y + 0.12))
        sketch.line(open_curve(whisker, 1), shaded(colour, between(rng, 0.7, 1.4)), 0.04, lift=0.04)
