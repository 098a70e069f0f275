"""Sections as one self-contained HTML file: no network, light and dark, printable."""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from typing import ClassVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

import facecover
from facecover.files import written_file
from facecover.report.plotting import css_variables, with_own_names

Text = str | Markup


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text.

    Attributes:
        text: what it says.
        is_lead: whether it stands out, as the first sentences of a page do.
    """

    kind: ClassVar[str] = "paragraph"
    text: Text
    is_lead: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """Sentences that stand each for itself."""

    kind: ClassVar[str] = "bullets"
    items: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence that must not be overlooked.

    Attributes:
        text: what it says.
        is_warning: whether it is a warning, not only information.
    """

    kind: ClassVar[str] = "notice"
    text: Text
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """One key number.

    Attributes:
        label: what is measured.
        value: the number as people read it.
        detail: its interval and n, or what it means.
        colour: a name of `style.COLOURS` for its edge; plain if empty.
    """

    label: str
    value: str
    detail: str = ""
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Cards:
    """Key numbers side by side."""

    kind: ClassVar[str] = "cards"
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: what it shows.
        note: smaller text below it.
        sort: the number that the column sorts by; the text where it is None.
        colour: a name of `style.COLOURS` for a dot before the text.
    """

    text: Text
    note: str = ""
    sort: float | None = None
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that sorts by the column that is clicked; see `table` for an easy way to one.

    Attributes:
        columns: the columns' titles.
        rows: cells, one a column.
        numeric: for each column, whether it holds numbers (and stands right-aligned).
        caption: what it shows; may be empty.
        is_sortable: whether sorting its rows makes sense.
    """

    kind: ClassVar[str] = "table"
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: tuple[bool, ...]
    caption: Text = ""
    is_sortable: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """Short facts, each a label and a value."""

    kind: ClassVar[str] = "facts"
    facts: tuple[tuple[str, Text], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing or a picture with its caption.

    Attributes:
        markup: an ``<svg>`` or ``<img>`` that carries its own alternative text; see `picture`.
        title: what it is, in a few words.
        caption: how to read it and what it says.
        is_wide: whether it takes the whole width of the page.
    """

    markup: Markup
    title: str
    caption: Text = ""
    is_wide: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures side by side where there is room."""

    kind: ClassVar[str] = "figures"
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """One photo of a gallery.

    Attributes:
        markup: the ``<img>``, see `picture.photo`.
        title: the short text below it.
        note: a smaller line, such as the file's name.
        hint: what a pointer on the photo shows, such as the file's whole path.
        colour: a name of `style.COLOURS` for the dot before the title.
    """

    markup: Markup
    title: str
    note: str = ""
    hint: str = ""
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Gallery:
    """Photos in a grid, with a caption for all."""

    kind: ClassVar[str] = "gallery"
    tiles: tuple[Tile, ...]
    caption: Text = ""


@dataclass(frozen=True, slots=True)
class Details:
    """What only some want to see: folded away on the screen, open in print.

    Attributes:
        summary: what is inside, in a few words.
        blocks: what is inside.
        is_printed: False for what is no use on paper, such as a long list of files.
    """

    kind: ClassVar[str] = "details"
    summary: str
    blocks: tuple["Block", ...]
    is_printed: bool = True


Block = (
    Paragraph | Bullets | Notice | Cards | Table | Facts | Figures | Gallery | Details
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page, with an entry in its contents.

    Attributes:
        title: its heading.
        anchor: its place in the page's address, unique on the page.
        blocks: what it shows.
        children: parts of this part.
        findings: what the summary of its page says of it, a short sentence each.
    """

    title: str
    anchor: str
    blocks: tuple[Block, ...] = ()
    children: tuple["Section", ...] = ()
    findings: tuple[str, ...] = ()


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    caption: Text = "",
    *,
    is_sortable: bool = True,
) -> Table:
    """A table from plain values; columns of numbers are aligned right and sort as numbers.

    Args:
        columns: the titles.
        rows: a value for each column: a cell, text, a whole number (shown with separators), a
            number (shown with 3 significant digits), None (a dash), or what has a text form.
        caption: what it shows.
        is_sortable: whether sorting its rows makes sense.
    """
    cells = tuple(tuple(_cell(value) for value in row) for row in rows)
    numeric = tuple(
        bool(cells) and all(row[i].sort is not None or row[i].text == _DASH for row in cells)
        for i in range(len(columns))
    )
    return Table(tuple(columns), cells, numeric, caption, is_sortable)


_DASH = "\N{EN DASH}"


def _cell(value: object) -> Cell:
    if isinstance(value, Cell):
        return value
    if value is None:
        return Cell(_DASH)
    if isinstance(value, str):
        return Cell(value)
    if isinstance(value, bool) or not isinstance(value, Real):
        return Cell(str(value))
    text = f"{value:,}" if isinstance(value, Integral) else f"{float(value):,.3g}"
    return Cell(text, sort=float(value))


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
    return with_own_names(html)


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
