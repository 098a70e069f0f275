"""Photos that stand out: grey, dark, bright, flat or soft."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from facemask.data.exploring.columns import classes_of

GREY_BELOW = 2 / 255
"""Saturation of a photo without colour: JPEG leaves a level or two of it in a grey one."""

DARK_BELOW, BRIGHT_ABOVE = 0.2, 0.85
"""Brightness: a face is hard to make out in the darker ones; the brighter ones are nearly all
white background. Set by looking at photos sorted by brightness."""

FLAT_BELOW = 0.08
"""Contrast; under it are drawings on white, silhouettes and photos behind fog."""

SOFT_BELOW = 0.006
"""Sharpness; under it eyes and lips have no crisp edge even at 64 x 64. Set by looking at photos
sorted by sharpness."""

BLANK_BELOW = 0.02
"""Contrast of a picture of nearly one colour."""


@dataclass(frozen=True)
class Flag:
    """Photos that stand out in one way.

    Attributes:
        name: ``grey``, ``dark``, ``bright``, ``flat``, ``soft`` or ``blank``.
        n: how many.
        share: their share of all photos, 0..1.
        share_by_class: their share of each class.
    """

    name: str
    n: int
    share: float
    share_by_class: dict[str, float]


def find_flags(table: pd.DataFrame) -> tuple[Flag, ...]:
    """The photos of a described table that stand out, one flag a way."""
    chosen = {
        "grey": table["saturation"] < GREY_BELOW,
        "dark": table["brightness"] < DARK_BELOW,
        "bright": table["brightness"] > BRIGHT_ABOVE,
        "flat": table["contrast"] < FLAT_BELOW,
        "soft": table["sharpness"] < SOFT_BELOW,
        "blank": table["contrast"] < BLANK_BELOW,
    }
    return tuple(
        Flag(
            name,
            int(mask.sum()),
            float(mask.mean()),
            {one: float(np.mean(mask[table["class"] == one])) for one in classes_of(table)},
        )
        for name, mask in chosen.items()
    )
