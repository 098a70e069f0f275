"""Drawings and photos as markup that stands in a page by itself."""

import base64
import io
import itertools
import re
import threading
import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from matplotlib.figure import Figure as Drawing
from PIL import Image

from facemask.report.style import FIGURE_SIZE, drawing_style, with_variables

PART = "part-"
"""Starts the name of every part of a drawing, until a page gives it a name of its own."""

MAX_PHOTO_PX = 160
"""Photos are shown at this many pixels at most: a page of them stays small."""

# Matplotlib reads its settings while it draws, and they are one table for the whole process.
_SETTINGS = threading.Lock()


def draw(
    plot: Callable[[Drawing], None], alt: str, size_inches: tuple[float, float] = FIGURE_SIZE
) -> Markup:
    """A drawing as an ``<svg>``, which takes the page's colours and font.

    Matplotlib's own settings, and `matplotlib.pyplot`, are left as they were. Two threads may
    draw at once; one waits.

    Args:
        plot: draws on the figure it gets, with colours from `style.colour`.
        alt: what the drawing shows, for those who do not see it.
        size_inches: width and height.
    """
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
