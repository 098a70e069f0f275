"""Who is drawn: traits that are chosen before, and apart from, the label."""

from dataclasses import dataclass

import numpy as np

from facecover.drawn.sketch import (
    Colour,
    Patch,
    Points,
    Pose,
    Sketch,
    Weighted,
    any_colour,
    bell,
    between,
    closed_curve,
    fabric_colour,
    fold,
    hair_colour,
    happens,
    make_pose,
    mirrored,
    mix,
    open_curve,
    pick,
    points,
    print_pattern,
    shaded,
    skin_colour,
)

_HAIR_STYLES = Weighted[str](
    ("bald", 8), ("buzz", 10), ("short", 26), ("parted", 10), ("curly", 10), ("afro", 6),
    ("bob", 10), ("long", 16), ("bun", 8), ("receding", 6),
)  # fmt: skip
_LONG_STYLES = ("bob", "long", "bun")

_BEARDS = Weighted[str](
    ("none", 52), ("stubble", 14), ("full", 12), ("long", 4), ("goatee", 8), ("moustache", 10),
)  # fmt: skip

_HEADWEAR = Weighted[str](
    ("none", 64), ("cap", 8), ("beanie", 7), ("hat", 4), ("headband", 3), ("hood", 4),
    ("hijab", 8), ("turban", 2),
)  # fmt: skip

_GLASSES = Weighted[str](("none", 68), ("glasses", 22), ("sunglasses", 10))


@dataclass(frozen=True, slots=True)
class Person:
    """The traits of a face; lengths are factors or head units, see `shapes`.

    Attributes:
        skin: colour of the skin.
        hair: colour of hair, brows and beard.
        lips: colour of the lips.
        iris: colour of the eyes.
        age: 0 for a child to 1 for an old person.
        jaw: width of the lower face against the usual.
        chin: length of the lower face against the usual.
        eye: size of the eyes against the usual.
        eyes_open: 0 for closed to 1.
        gaze: where the eyes look, -1 for left to 1 for right.
        brow: thickness of the brows.
        nose: width of the nose against the usual.
        mouth: half the width of the mouth.
        smile: -1 for sad to 1 for a broad smile.
        mouth_open: 0 for closed to 1 for a shout.
        hair_style: one of the names in this module's table.
        beard: one of the names in this module's table.
        headwear: one of the names in this module's table.
        glasses: one of the names in this module's table.
    """

    skin: Colour
    hair: Colour
    lips: Colour
    iris: Colour
    age: float
    jaw: float
    chin: float
    eye: float
    eyes_open: float
    gaze: float
    brow: float
    nose: float
    mouth: float
    smile: float
    mouth_open: float
    hair_style: str
    beard: str
    headwear: str
    glasses: str


def draw_person(rng: np.random.Generator) -> Person:
    """A person with traits drawn at random, the label unknown."""
    skin = skin_colour(rng)
    age = rng.random()
    style = pick(rng, _HAIR_STYLES)
    can_have_beard = age > 0.15 and style not in _LONG_STYLES
    is_child = age < 0.15
    return Person(
        skin=skin,
        hair=hair_colour(rng) if age < 0.85 else mix(hair_colour(rng), (215, 212, 208), 0.7),
        lips=_lip_colour(rng, skin),
        iris=pick(rng, _IRIS_COLOURS),
        age=age,
        jaw=1.0 + bell(rng, 0.08, 0.16),
        chin=(0.93 if is_child else 1.0) + bell(rng, 0.04, 0.08),
        eye=(1.25 if is_child else 1.0) + bell(rng, 0.1, 0.2),
        eyes_open=0.0 if happens(rng, 0.05) else between(rng, 0.5, 1.0),
        gaze=bell(rng, 0.4, 0.9),
        brow=between(rng, 0.05, 0.13),
        nose=1.0 + bell(rng, 0.16, 0.35),
        mouth=between(rng, 0.32, 0.44),
        smile=bell(rng, 0.5, 1.0),
        mouth_open=between(rng, 0.15, 1.0) if happens(rng, 0.45) else 0.0,
        hair_style=style,
        beard=pick(rng, _BEARDS) if can_have_beard else "none",
        headwear=pick(rng, _HEADWEAR),
        glasses=pick(rng, _GLASSES),
    )


_IRIS_COLOURS = Weighted[Colour](
    ((58, 38, 24), 6), ((92, 60, 32), 3), ((78, 110, 140), 2), ((86, 112, 74), 1.5),
    ((110, 110, 112), 1),
)  # fmt: skip


def _lip_colour(rng: np.random.Generator, skin: Colour) -> Colour:
    natural = mix(shaded(skin, 0.74), (182, 54, 62), between(rng, 0.35, 0.65))
    if happens(rng, 0.2):
        return mix(natural, (188, 24, 52), between(rng, 0.4, 0.9))
    if happens(rng, 0.05):
        return mix(natural, any_colour(rng), 0.5)
    return natural


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
