"""What a page or a terminal shows: sections of blocks, without a form of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar, Protocol

from markupsafe import Markup

Text = str | Markup


class HasHtml(Protocol):
    """What a page shows as it is: markup, or what makes its markup when a page asks for it."""

    def __html__(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text.

    Attributes:
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
    """A sentence that must not be overlooked."""

    kind: ClassVar[str] = "notice"
    text: Text
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """One key number.

    Attributes:
        detail: its interval and n, or what it means.
        colour: a name of `plotting.COLOURS` for its edge; plain if empty.
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
        sort: the number that the column sorts by; the text where it is None.
        colour: a name of `plotting.COLOURS` for a dot before the text.
    """

    text: Text
    note: str = ""
    sort: float | None = None
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that sorts by the column that is clicked; see `table` for an easy way to one.

    Attributes:
        numeric: for each column, whether it holds numbers (and stands right-aligned).
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
        markup: an ``<svg>`` or ``<img>`` that carries its own alternative text; see `plotting`.
    """

    markup: HasHtml
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
        markup: the ``<img>``, see `plotting.photo`.
        hint: what a pointer on the photo shows, such as the file's whole path.
        colour: a name of `plotting.COLOURS` for the dot before the title.
    """

    markup: HasHtml
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
        is_printed: False for what is no use on paper, such as a long list of files.
    """

    kind: ClassVar[str] = "details"
    summary: str
    blocks: tuple["Block", ...]
    is_printed: bool = True


@dataclass(frozen=True, slots=True)
class Only:
    """What stands in one medium alone; figures, galleries and details never do in a terminal.

    Attributes:
        medium: `PAGE` or `TERMINAL`.
    """

    kind: ClassVar[str] = "only"
    medium: str
    blocks: tuple["Block", ...]


PAGE, TERMINAL = "page", "terminal"

Block = (
    Paragraph | Bullets | Notice | Cards | Table | Facts | Figures | Gallery | Details | Only
)  # fmt: skip


def on_page(*blocks: "Block") -> Only:
    """Blocks that the terminal leaves out."""
    return Only(PAGE, blocks)


def in_terminal(*blocks: "Block") -> Only:
    """Blocks that a page leaves out, since a figure or a longer table says the same."""
    return Only(TERMINAL, blocks)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page, with an entry in its contents.

    Attributes:
        anchor: its place in the page's address, unique on the page.
        findings: what the summary of its page says of it, a short sentence each.
    """

    title: str
    anchor: str
    blocks: tuple[Block, ...] = ()
    children: tuple["Section", ...] = ()
    findings: tuple[str, ...] = ()
    is_page_only: bool = False


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    caption: Text = "",
    *,
    numeric: Sequence[bool] | None = None,
    is_sortable: bool = True,
) -> Table:
    """A table from plain values; columns of numbers are aligned right and sort as numbers.

    Args:
        columns: the titles.
        rows: a value for each column: a cell, text, a whole number (shown with separators), a
            number (shown with 3 significant digits), None (a dash), or what has a text form.
        caption: what it shows.
        numeric: for each column, whether it holds numbers; found out by default.
        is_sortable: whether sorting its rows makes sense.
    """
    cells = tuple(tuple(_cell(value) for value in row) for row in rows)
    if numeric is None:
        numeric = [
            bool(cells) and all(row[i].sort is not None or row[i].text == _DASH for row in cells)
            for i in range(len(columns))
        ]
    return Table(tuple(columns), cells, tuple(numeric), caption, is_sortable)


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
