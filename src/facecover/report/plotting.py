"""Drawings and photos as markup that stands in a page by itself: their style, axes, colours."""

import base64
import io
import itertools
import re
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    StrMethodFormatter,
)
from PIL import Image

from facecover.evaluation.formatting import in_sentence, interval, kind_of, number
from facecover.evaluation.performance import Evaluation
from facecover.labels import CLASS_NAMES


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
            "svg.hashsalt": "facecover",
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


DASHED = (0, (4, 3))
"""Matplotlib's line style of reference lines."""

_LEGEND_CHARACTERS = 32
"""Letters of all names in a row of a legend over a figure of `FIGURE_SIZE`."""


def count_axis(axes: Axes) -> None:
    """Show counts upwards on a logarithmic scale, in plain numbers; an empty place stays empty."""
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.7)
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def percent_axes(
    axes: Axes, x: tuple[float, float] | None = None, y: tuple[float, float] | None = None
) -> None:
    """Show axes of shares as percentages, over these ranges with a little room at the ends."""
    if x is not None:
        room = 0.02 * (x[1] - x[0])
        axes.set_xlim(x[0] - room, x[1] + room)
        _percent_axis(axes.xaxis)
    if y is not None:
        room = 0.02 * (y[1] - y[0])
        axes.set_ylim(y[0] - room, y[1] + room)
        _percent_axis(axes.yaxis)


def _percent_axis(axis: Axis) -> None:
    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g}%"))


def rows_of(axes: Axes, titles: Sequence[str]) -> None:
    """A row for each title, the first one on top."""
    axes.set_yticks(range(len(titles)), titles)
    axes.set_ylim(len(titles) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0, labelcolor=colour("ink"))


def legend_above(figure: Drawing, columns: int = 4) -> None:
    """A legend over the drawing, where it covers nothing, if there is more than one line in it."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if len(labels) > 1:
        columns = max(1, min(columns, _LEGEND_CHARACTERS // max(map(len, labels))))
        figure.legend(handles, labels, loc="outside upper left", ncols=columns)


def each_value(evaluations: Sequence[Evaluation], key: str) -> str:
    """A metric of each model with its interval: ``Net #1: ROC-AUC 0.9911 (0.988 to 0.994)``."""
    kind = kind_of(key)
    texts = []
    for evaluation in evaluations:
        metrics = evaluation.metrics
        title = kind.title if len(evaluations) == 1 else in_sentence(kind)
        text = f"{title} {number(kind, metrics.values[key])}"
        if metrics.ci95[key]:
            text += f" (95% interval {interval(kind, metrics.ci95[key])})"
        texts.append(text if len(evaluations) == 1 else f"{evaluation.name}: {text}")
    return "; ".join(texts)


PART = "part-"
"""Starts the name of every part of a drawing, until a page gives it a name of its own."""

MAX_PHOTO_PX = 160
"""Photos are shown at this many pixels at most: a page of them stays small."""


class Lazy:
    """Markup that is made when a page shows it: who prints to a terminal pays for no drawing."""

    def __init__(self, make: Callable[[], Markup]) -> None:
        self._make = make

    def __html__(self) -> str:
        return self._make()

    __str__ = __html__


# Matplotlib reads its settings while it draws, and they are one table for the whole process.
_SETTINGS = threading.Lock()


def draw(
    plot: Callable[[Drawing], None], alt: str, size_inches: tuple[float, float] = FIGURE_SIZE
) -> Lazy:
    """A drawing as an ``<svg>``, which takes the page's colours and font; drawn when shown.

    Matplotlib's own settings, and `matplotlib.pyplot`, are left as they were. Two threads may
    draw at once; one waits.

    Args:
        plot: draws on the figure it gets, with colours from `colour`.
        alt: what the drawing shows, for those who do not see it.
        size_inches: width and height.
    """
    return Lazy(lambda: _drawn(plot, alt, size_inches))


def _drawn(plot: Callable[[Drawing], None], alt: str, size_inches: tuple[float, float]) -> Markup:
    stream = io.StringIO()
    with _SETTINGS, drawing_style(), warnings.catch_warnings():
        # Texts are set by the browser, in fonts of its own: only their widths are guessed here.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        figure = Drawing(figsize=size_inches, layout="constrained")
        plot(figure)
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return Markup(_inline(stream.getvalue(), alt))  # noqa: S704  (its texts are escaped)


def photo(
    pixels: npt.NDArray[np.uint8] | Image.Image, alt: str, *, max_px: int = MAX_PHOTO_PX
) -> Markup:
    """A photo as an ``<img>`` that holds its pixels.

    Args:
        pixels: ``uint8 (H, W, 3)``, RGB, or an image.
        alt: what it shows.
        max_px: a larger picture is shrunk until neither side is longer.
    """
    image = (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).convert("RGB")
    if max(image.size) > max_px:
        image = image.copy()
        image.thumbnail((max_px, max_px))
    stream = io.BytesIO()
    image.save(stream, format="WEBP", lossless=True)
    data = base64.b64encode(stream.getvalue()).decode()
    template = Markup('<img src="data:image/webp;base64,{}" alt="{}" width="{}" height="{}">')
    return template.format(data, alt, *image.size)


def with_own_names(html: str) -> str:
    """A page in which every part of a drawing has a name of its own, even if it stands twice."""
    count = itertools.count(1)

    def renamed(drawing: re.Match[str]) -> str:
        return re.sub(rf'(id="|href="#|url\(#){PART}', rf"\g<1>d{next(count)}-", drawing[0])

    return re.sub(r'<svg role="img".*?</svg>', renamed, html, flags=re.DOTALL)


def _inline(svg: str, alt: str) -> str:
    """Matplotlib's SVG file as an element of a page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<svg[^>]*?(viewBox=\"[^\"]*\")[^>]*>", r"<svg \1>", svg, count=1)
    svg = re.sub(r" ?font-family: [^;\"]*;?", "", svg)
    svg = svg.replace("xlink:href", "href")
    svg = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{PART}", svg)
    label = Markup('<svg role="img" aria-label="{}"').format(alt)
    return with_variables(svg).replace("<svg", label, 1).strip()
