"""Sections as one self-contained HTML file: no network, light and dark, printable."""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

import facecover
from facecover.errors import LAYOUT, shown
from facecover.files import written_file
from facecover.report.blocks import Section, Text
from facecover.report.plotting import css_variables, with_own_names

MAX_BYTES = 5_000_000
"""A report is meant to be mailed; its pages stay under this."""

_LONG_WORD = re.compile(r"[^\s-]{25,}")
"""What a column of a table cannot be as wide as, such as a path; longer than any word of ours."""

_INTERVAL = re.compile(r"(?<=[\d%]) to (?=[-\N{MINUS SIGN}+>]?\d)")


def render_page(title: str, sections: Sequence[Section], *, subtitle: str = "") -> str:
    """The page as HTML.

    Args:
        title: of the page and its first heading.
        sections: its parts, the summary first.
        subtitle: a line below the title.

    Raises:
        ValueError: if two sections have one anchor.
    """
    anchors = [section.anchor for section in _flattened(sections)]
    twice = sorted({anchor for anchor in anchors if anchors.count(anchor) > 1})
    if twice:
        raise ValueError(f"expected an anchor of its own for each section, found twice: {twice}")
    environment = _environment()
    script = environment.get_template("page.js").render().strip()
    html = environment.get_template("page.html").render(
        title=title,
        subtitle=subtitle,
        sections=sections,
        variables=css_variables(),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        version=facecover.__version__,
    )
    # Texts of drawings are escaped nowhere else.
    return shown(with_own_names(html), LAYOUT)


def write_page(path: Path, title: str, sections: Sequence[Section], *, subtitle: str = "") -> None:
    """Write the page; see `render_page`.

    Raises:
        OutputError: if the place cannot be written.
        ValueError: if two sections have one anchor.
    """
    html = render_page(title, sections, subtitle=subtitle)
    with written_file(path) as beside:
        beside.write_text(html, encoding="utf-8")


def notebook_frame(title: str, sections: Sequence[Section]) -> str:
    """The page in a frame of its own, as a notebook shows an object: HTML without side effects."""
    page = escape(render_page(title, sections))
    return f'<iframe srcdoc="{page}" style="width:100%;height:640px;border:0"></iframe>'


def _flattened(sections: Sequence[Section]) -> Iterator[Section]:
    for section in sections:
        yield section
        yield from _flattened(section.children)


def _unbroken(text: Text) -> Text:
    """A text whose intervals do not break: ``0.01 to 0.08`` stays in one line."""
    joined = _INTERVAL.sub("\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}", text)
    return Markup(joined) if isinstance(text, Markup) else joined  # noqa: S704  (it was markup)


def _with_long_word(text: str) -> bool:
    return bool(_LONG_WORD.search(text))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("facecover.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = _unbroken
    environment.tests["with_long_word"] = _with_long_word
    return environment
