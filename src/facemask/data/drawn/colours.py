"""Colours, and the palettes of skin, hair and cloth."""

import colorsys

import numpy as np

from facemask.data.drawn.chance import Weighted, between, one_of, pick

Colour = tuple[int, int, int]
"""Red, green, blue, each 0..255."""

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


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """The colour at `share` of the way from the first to the second."""
    keep = 1.0 - share
    return (
        int(first[0] * keep + second[0] * share),
        int(first[1] * keep + second[1] * share),
        int(first[2] * keep + second[2] * share),
    )


def shaded(colour: Colour, factor: float) -> Colour:
    """A darker (factor under 1) or lighter (over 1) colour."""
    return (
        min(255, int(colour[0] * factor)),
        min(255, int(colour[1] * factor)),
        min(255, int(colour[2] * factor)),
    )


def contrasting(rng: np.random.Generator, colour: Colour) -> Colour:
    """A colour that can be told from the given one: lighter on dark ground, else darker."""
    if sum(colour) < 330:
        return mix(colour, any_colour(rng), between(rng, 0.5, 1.0))
    return mix(shaded(colour, between(rng, 0.35, 0.75)), any_colour(rng), between(rng, 0.0, 0.6))


def skin_colour(rng: np.random.Generator) -> Colour:
    """A skin tone, from very light to very dark, none of them rare."""
    place = rng.random() * (len(_SKIN_TONES) - 1)
    index = int(place)
    tone = mix(_SKIN_TONES[index], _SKIN_TONES[index + 1], place - index)
    red, blue = between(rng, 0.97, 1.03), between(rng, 0.92, 1.06)
    return min(255, int(tone[0] * red)), tone[1], min(255, int(tone[2] * blue))


def hair_colour(rng: np.random.Generator) -> Colour:
    """A hair colour; grey and dyed ones included."""
    return shaded(pick(rng, _HAIR_COLOURS), between(rng, 0.8, 1.2))


def fabric_colour(rng: np.random.Generator) -> Colour:
    """A colour of clothes, scarves and cloth masks."""
    return shaded(mix(pick(rng, _FABRICS), any_colour(rng), 0.08), between(rng, 0.85, 1.1))


def any_colour(rng: np.random.Generator) -> Colour:
    """Any colour at all."""
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), rng.random() ** 1.5, rng.random() ** 0.7)
    return int(red * 255), int(green * 255), int(blue * 255)


def scene_colour(rng: np.random.Generator, skin: Colour) -> Colour:
    """A colour for what stands behind: walls, wood, cloth, and now and then that of the skin."""
    kind = one_of(rng, ("any", "fabric", "grey", "grey", "skin"))
    if kind == "any":
        return any_colour(rng)
    if kind == "fabric":
        return fabric_colour(rng)
    if kind == "skin":
        return shaded(skin, between(rng, 0.6, 1.15))
    level = int(between(rng, 30, 245))
    return level, level - 4, level - 10
