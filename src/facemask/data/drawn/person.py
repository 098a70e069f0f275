"""Who is drawn: traits that are chosen before, and apart from, the label."""

from dataclasses import dataclass

import numpy as np

from facemask.data.drawn.chance import Weighted, bell, between, happens, pick
from facemask.data.drawn.colours import Colour, any_colour, hair_colour, mix, shaded, skin_colour

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
