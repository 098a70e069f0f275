"""The one place for colours and for how drawings look.

Each colour has a light and a dark form. Drawings are made in the light form, and in the page every
use of it becomes a CSS variable, so that they follow the reader's light or dark setting. Classes
and models take Okabe and Ito's colours ("Color Universal Design", 2008), which people with any
colour vision tell apart, brightened for the dark form.
"""

from contextlib import AbstractContextManager
from typing import NamedTuple

import matplotlib as mpl

from facemask.labels import CLASS_NAMES


class Colour(NamedTuple):
    """A colour by the reader's setting, each ``#rrggbb`` in lower case."""

    light: str
    dark: str


COLOURS: dict[str, Colour] = {
    "ink": Colour("#1b2230", "#e6eaf1"),
    "muted": Colour("#596375", "#9aa5b8"),
    "line": Colour("#dfe3ea", "#303949"),
    "surface": Colour("#fffffe", "#1a1f29"),
    "ground": Colour("#f5f6f8", "#11141a"),
    "accent": Colour("#2f5bd1", "#86a8ff"),
    "warning": Colour("#9a5b00", "#f0b35a"),
    "mask": Colour("#0072b2", "#56b4e9"),
    "no_mask": Colour("#d55e00", "#f5914a"),
    "incorrect_mask": Colour("#a8518a", "#dd93c2"),
    "model_1": Colour("#00805d", "#3ccaa0"),
    "model_2": Colour("#6f42b8", "#b99bf2"),
    "model_3": Colour("#a87900", "#e6b93e"),
    "model_4": Colour("#b5305a", "#f288a8"),
    "model_5": Colour("#4a6572", "#9fbccb"),
}
"""By name; each is the CSS variable ``--name`` (with hyphens) of the page."""

_MODELS = sum(name.startswith("model_") for name in COLOURS)

FIGURE_SIZE = (4.1, 3.1)
"""Inches of a figure that shares a row: at this size its text is right on a phone and a desk."""

WIDE_SIZE = (8.4, 3.1)
"""Inches of a figure that takes the page's width."""


def drawing_style() -> AbstractContextManager[None]:
    """Matplotlib's settings for our drawings, for as long as the context lasts.

    Texts are set in DejaVu and read in the page's own font, which is narrower on most systems.
    """
    return mpl.rc_context(
        {
            "font.family": "DejaVu Sans",
            "font.size": 9.0,
            "text.color": COLOURS["ink"].light,
            "axes.edgecolor": COLOURS["line"].light,
            "axes.labelcolor": COLOURS["muted"].light,
            "axes.facecolor": "none",
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.linewidth": 0.8,
            "figure.facecolor": "none",
            "grid.color": COLOURS["line"].light,
            "grid.linewidth": 0.6,
            "legend.frameon": False,
            "legend.fontsize": 8.5,
            "lines.linewidth": 1.8,
            "lines.markersize": 4.5,
            "savefig.facecolor": "none",
            "svg.fonttype": "none",
            "svg.hashsalt": "facemask",
            "xtick.color": COLOURS["line"].light,
            "ytick.color": COLOURS["line"].light,
            "xtick.labelcolor": COLOURS["muted"].light,
            "ytick.labelcolor": COLOURS["muted"].light,
            "xtick.labelsize": 8.5,
            "ytick.labelsize": 8.5,
            "text.parse_math": False,
        }
    )


def colour(name: str) -> str:
    """The light form of a colour of `COLOURS`, for drawing with."""
    return COLOURS[name].light


def class_colour(class_name: str) -> str:
    """The name of a class's colour in `COLOURS`; the same on every page."""
    return class_name if class_name in CLASS_NAMES else "muted"


def model_colour(position: int) -> str:
    """The name of the colour of the model at a position, 0, 1, ...; they repeat in the end."""
    return f"model_{position % _MODELS + 1}"


def css_variables() -> dict[str, dict[str, str]]:
    """The colours as CSS variables by form: ``{"light": {"--ink": "#1b2230", ...}, ...}``."""
    return {
        form: {_variable(name): getattr(value, form) for name, value in COLOURS.items()}
        for form in Colour._fields
    }


def with_variables(svg: str) -> str:
    """An SVG whose colours of `COLOURS` are CSS variables."""
    for name, value in COLOURS.items():
        svg = svg.replace(value.light, f"var({_variable(name)})")
    return svg


def _variable(name: str) -> str:
    return "--" + name.replace("_", "-")
