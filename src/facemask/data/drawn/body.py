"""Neck, shoulders and clothes, below the face."""

import numpy as np

from facemask.data.drawn.chance import Weighted, between, happens, pick
from facemask.data.drawn.colours import Colour, fabric_colour, mix, shaded
from facemask.data.drawn.patches import Patch, fold, print_pattern
from facemask.data.drawn.person import Person
from facemask.data.drawn.shapes import Points, closed_curve, mirrored, open_curve, points
from facemask.data.drawn.sketch import Pose, Sketch, make_pose

_NECKWEAR = Weighted[str](
    ("round", 32), ("v", 16), ("collar", 16), ("polo", 10), ("scarf", 16), ("bare", 10),
)  # fmt: skip


def body_pose(head: Pose) -> Pose:
    """The body below a head: its origin lies where the neck meets the skull."""
    return make_pose(0.0, 0.0, head.roll * 0.25, head.scale_px, head.place(0.0, 1.2, -0.1))


def draw_body(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    """Neck and clothes; a scarf hangs under the chin, never over it."""
    colour = fabric_colour(rng)
    wide = between(rng, 1.9, 2.7)
    neckwear = pick(rng, _NECKWEAR)
    shoulders = points(
        (0.3, 0.7), (0.62, 0.62), (1.3, 0.95), (wide, 1.35), (wide + 0.25, 2.4), (wide + 0.2, 7.0)
    )
    outline = np.concatenate([open_curve(shoulders, 3), points((0.0, 7.0))])
    sketch.fill(mirrored(outline), colour, depth=0.0)
    if happens(rng, 0.4):
        top = np.stack([np.linspace(-wide, wide, 13), np.full(13, 1.4)], axis=1)
        shirt = Patch(top, np.add(top, (0.0, 4.0)), depth=0.0)
        print_pattern(sketch, shirt, colour, rng)
    _draw_neck(sketch, person, neckwear)
    _draw_neckwear(sketch, neckwear, colour, rng)


def _draw_neck(sketch: Sketch, person: Person, neckwear: str) -> None:
    low = {"v": 1.7, "bare": 1.5, "round": 1.05}.get(neckwear, 0.95)
    half = points((0.52, -0.5), (0.5, 0.45), (0.72, 0.75), (0.3, low))
    sketch.fill(mirrored(half), shaded(person.skin, 0.88), depth=0.0)
    shadow = points((-0.52, -0.3), (0.52, -0.3), (0.5, 0.3), (0.0, 0.5), (-0.5, 0.3))
    sketch.fill(shadow, shaded(person.skin, 0.66), depth=0.0)


def _draw_neckwear(sketch: Sketch, neckwear: str, colour: Colour, rng: np.random.Generator) -> None:
    if neckwear == "scarf":
        _draw_scarf(sketch, rng)
    elif neckwear == "polo":
        roll = points(
            (-0.56, 0.1), (0.0, 0.3), (0.56, 0.1), (0.66, 0.85), (0.0, 1.05), (-0.66, 0.85)
        )
        sketch.fill(closed_curve(roll, 2), shaded(colour, 0.85), depth=0.0)
    elif neckwear == "collar":
        wing = points((0.5, 0.4), (0.72, 0.6), (0.55, 1.25), (0.1, 0.95))
        tone = mix(colour, (255, 255, 255), between(rng, 0.0, 0.6))
        for side in (-1.0, 1.0):
            sketch.fill(wing * (side, 1.0), tone, depth=0.0)
        if happens(rng, 0.4):
            tie = points((-0.12, 0.95), (0.12, 0.95), (0.24, 4.0), (-0.24, 4.0))
            sketch.fill(tie, fabric_colour(rng), depth=0.0)
    else:
        sketch.line(points((-0.7, 0.72), (-0.3, 1.0), (0.3, 1.0), (0.7, 0.72)), shaded(colour, 0.8),
                    0.06, depth=0.0)  # fmt: skip


def _draw_scarf(sketch: Sketch, rng: np.random.Generator) -> None:
    colour = fabric_colour(rng)
    across = np.linspace(-1.0, 1.0, 13)
    sag = 1.0 - across**2
    rise = between(rng, -0.1, 0.2)
    top: Points = np.stack([across * 0.95, rise + 0.28 * sag], axis=1)
    bottom: Points = np.stack([across * between(rng, 1.1, 1.4), 0.8 + 0.6 * sag], axis=1)
    patch = Patch(top, bottom, depth=0.1)
    patch.fill(sketch, colour)
    if happens(rng, 0.45):
        print_pattern(sketch, patch, colour, rng)
    fold(sketch, patch, (0.25, 0.5, 0.75), colour)
