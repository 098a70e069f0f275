"""Who is drawn: traits that are chosen before, and apart from, the label."""

from dataclasses import dataclass

from facecover.drawn.sketch import Colour, Random, Weighted, any_colour, mix, shaded

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
    """The traits of a face; lengths in head units, or against the usual.

    Attributes:
        hair: colour of hair, brows and beard.
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


def draw_person(rng: Random) -> Person:
    """A person with traits drawn at random, the label unknown."""
    skin = skin_colour(rng)
    age = rng.random()
    style = rng.pick(_HAIR_STYLES)
    can_have_beard = age > 0.15 and style not in _LONG_STYLES
    is_child = age < 0.15
    return Person(
        skin=skin,
        hair=hair_colour(rng) if age < 0.85 else mix(hair_colour(rng), (215, 212, 208), 0.7),
        lips=_lip_colour(rng, skin),
        iris=rng.pick(_IRIS_COLOURS),
        age=age,
        jaw=1.0 + rng.bell(0.08, 0.16),
        chin=(0.93 if is_child else 1.0) + rng.bell(0.04, 0.08),
        eye=(1.25 if is_child else 1.0) + rng.bell(0.1, 0.2),
        eyes_open=0.0 if rng.happens(0.05) else rng.between(0.5, 1.0),
        gaze=rng.bell(0.4, 0.9),
        brow=rng.between(0.05, 0.13),
        nose=1.0 + rng.bell(0.16, 0.35),
        mouth=rng.between(0.32, 0.44),
        smile=rng.bell(0.5, 1.0),
        mouth_open=rng.between(0.15, 1.0) if rng.happens(0.45) else 0.0,
        hair_style=style,
        beard=rng.pick(_BEARDS) if can_have_beard else "none",
        headwear=rng.pick(_HEADWEAR),
        glasses=rng.pick(_GLASSES),
    )


_IRIS_COLOURS = Weighted[Colour](
    ((58, 38, 24), 6), ((92, 60, 32), 3), ((78, 110, 140), 2), ((86, 112, 74), 1.5),
    ((110, 110, 112), 1),
)  # fmt: skip


def _lip_colour(rng: Random, skin: Colour) -> Colour:
    natural = mix(shaded(skin, 0.74), (182, 54, 62), rng.between(0.35, 0.65))
    if rng.happens(0.2):
        return mix(natural, (188, 24, 52), rng.between(0.4, 0.9))
    if rng.happens(0.05):
        return mix(natural, any_colour(rng), 0.5)
    return natural


# From very light to very dark. Even steps for the eye, redder than a paint chart, as cameras
# show skin.
_SKIN_TONES: tuple[Colour, ...] = (
    (253, 231, 214), (247, 214, 190), (238, 196, 166), (228, 178, 142), (212, 158, 120),
    (193, 136, 98), (168, 112, 78), (140, 90, 62), (112, 70, 48), (86, 53, 38), (62, 39, 30),
)  # fmt: skip

_HAIR_COLOURS = Weighted[Colour](
    ((24, 20, 20), 30), ((46, 32, 26), 24), ((84, 56, 38), 16), ((128, 88, 54), 9),
    ((206, 166, 104), 8), ((158, 74, 38), 4), ((150, 146, 142), 6), ((226, 222, 216), 4),
    ((168, 48, 92), 1.5), ((62, 96, 168), 1.5),
)  # fmt: skip


def skin_colour(rng: Random) -> Colour:
    """A skin tone, from very light to very dark, none of them rare."""
    place = rng.random() * (len(_SKIN_TONES) - 1)
    index = int(place)
    tone = mix(_SKIN_TONES[index], _SKIN_TONES[index + 1], place - index)
    red, blue = rng.between(0.97, 1.03), rng.between(0.92, 1.06)
    return min(255, int(tone[0] * red)), tone[1], min(255, int(tone[2] * blue))


def hair_colour(rng: Random) -> Colour:
    """A hair colour; grey and dyed ones included."""
    return shaded(rng.pick(_HAIR_COLOURS), rng.between(0.8, 1.2))
