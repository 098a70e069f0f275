"""Sections drawn for a terminal: the sentences and tables of a page, without its pictures."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text as RichText

from facecover.errors import shown
from facecover.report.blocks import (
    TERMINAL,
    Block,
    Bullets,
    Cards,
    Cell,
    Details,
    Facts,
    Figures,
    Gallery,
    Notice,
    Only,
    Paragraph,
    Section,
    Table,
    Text,
)


def render(sections: Sequence[Section]) -> list[RenderableType]:
    """Each section that has something to say in a terminal, a heading above what it says."""
    found = (_section(section) for section in sections if not section.is_page_only)
    return [shown_part for part in found for shown_part in part]


def _section(section: Section) -> list[RenderableType]:
    parts: list[RenderableType] = []
    after_table = False
    for block in _spoken(section.blocks):
        is_table = isinstance(block, Table)
        if parts and (is_table or after_table):
            parts.append(RichText())
        parts += _block(block)
        after_table = is_table
    children = render(section.children)
    if not parts and not children:
        return []
    return [Group(RichText(shown(section.title), "bold"), *parts, RichText()), *children]


def _spoken(blocks: Sequence[Block]) -> Iterator[Block]:
    """The blocks that say something in a terminal, out of those that stand in it alone, too."""
    for block in blocks:
        if isinstance(block, Only):
            yield from _spoken(block.blocks) if block.medium == TERMINAL else ()
        elif not isinstance(block, Figures | Gallery | Details):
            yield block


def _block(block: Block) -> Iterator[RenderableType]:
    match block:
        case Paragraph():
            yield _text(block.text)
        case Bullets() | Notice():
            yield from _marked(block)
        case Cards() | Facts():
            yield _pairs(block)
        case Table():
            yield from _table(block)


def _text(text: Text, style: str = "") -> RichText:
    # Names come from files: nothing of them is markup, and nothing moves the cursor.
    return RichText(shown(text.striptags() if hasattr(text, "striptags") else text), style)


def _marked(block: Bullets | Notice) -> Iterator[RenderableType]:
    """Texts whose further lines stand under their first, not under the mark."""
    is_warning = isinstance(block, Notice) and block.is_warning
    for item in (block.text,) if isinstance(block, Notice) else block.items:
        grid = RichTable.grid(padding=(0, 1, 0, 0))
        grid.add_row(
            RichText("!" if is_warning else "-", "yellow" if is_warning else ""), _text(item)
        )
        yield grid


def _pairs(block: Cards | Facts) -> RichTable:
    pairs = (
        block.facts
        if isinstance(block, Facts)
        else [
            (card.label, f"{card.value} ({card.detail})" if card.detail else card.value)
            for card in block.cards
        ]
    )
    grid = RichTable.grid(padding=(0, 2, 0, 0))
    for label, value in pairs:
        grid.add_row(_text(label, "dim"), _text(value))
    return grid


def _table(block: Table) -> Iterator[RenderableType]:
    """The table; what is said of a row stands at its end, what is said of a number below it."""
    notes = any(row[0].note for row in block.rows)
    table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column, is_numeric in zip(block.columns, block.numeric, strict=True):
        table.add_column(_text(column), justify="right" if is_numeric else "left")
    if notes:
        table.add_column("", style="dim")
    for row in block.rows:
        cells = [_first_cell(row[0]), *map(_cell, row[1:])]
        table.add_row(*cells, *([_text(row[0].note)] if notes else []))
    yield table
    if block.caption:
        yield _text(block.caption, "dim")


def _first_cell(cell: Cell) -> RichText:
    """Its text, with a mark where a page has a dot of warning."""
    text = _text(cell.text)
    return RichText("! ", "yellow").append_text(text) if cell.colour == "warning" else text


def _cell(cell: Cell) -> RichText:
    text = _text(cell.text)
    return text.append(f"\n{shown(cell.note)}", "dim") if cell.note else text
