import subprocess
import sys

import pytest
from markupsafe import Markup
from tests.report.printing import printed

from facecover.report.blocks import (
    Block,
    Bullets,
    Card,
    Cards,
    Cell,
    Details,
    Facts,
    Figure,
    Figures,
    Gallery,
    Notice,
    Paragraph,
    Section,
    Tile,
    in_terminal,
    on_page,
    table,
)
from facecover.report.html import render_page

UNSEEN = Markup("<svg></svg>")


@pytest.mark.parametrize(
    "block",
    [
        Paragraph("said"),
        Bullets(("said",)),
        Notice("said", is_warning=True),
        Cards((Card("a", "b", "said"),)),
        Facts((("a", "said"),)),
        table(("said", "n"), [("a", 1)]),
        table(("a", "n"), [("said", 1)]),
        table(("a", "n"), [("a", Cell("1", "said"))]),
        table(("a", "n"), [(Cell("a", "said"), 1)]),
        table(("a", "n"), [("a", 1)], "said"),
        in_terminal(Paragraph("said")),
        Paragraph(Markup("<b>said</b>")),
    ],
)
def test_what_is_said_in_words_is_said_in_the_terminal(block: Block) -> None:
    text = printed(Section("Title", "anchor", (block,)))
    assert text.startswith("Title")
    assert text.count("said") == 1
    assert "<" not in text


@pytest.mark.parametrize(
    "block",
    [
        Figures((Figure(UNSEEN, "said"),)),
        Gallery((Tile(UNSEEN, "said"),)),
        Details("said", (Paragraph("said"),)),
        on_page(Paragraph("said")),
    ],
)
def test_pictures_and_what_is_for_a_page_leave_no_trace_in_the_terminal(block: Block) -> None:
    section = Section("Title", "anchor", (block,))
    assert not printed(section)
    assert "said" in render_page("Page", [section])


def test_a_section_for_a_page_alone_is_left_out() -> None:
    section = Section("Title", "anchor", (Paragraph("said"),), is_page_only=True)
    assert not printed(section)


def test_what_is_for_the_terminal_is_not_on_the_page() -> None:
    assert "said" not in render_page("P", [Section("T", "a", (in_terminal(Paragraph("said")),))])


def test_parts_of_a_section_stand_below_it() -> None:
    child = Section("Child", "child", (Paragraph("said"),))
    assert "Child\nsaid" in printed(Section("Title", "anchor", children=(child,)))


def test_names_neither_style_nor_move_the_cursor() -> None:
    name = "[bold]a[/bold]\x1b[2J\nb"
    text = printed(Section(name, "anchor", (Paragraph(name), table((name, "n"), [(name, 1)]))))
    assert "\x1b" not in text
    assert text.count("[bold]a[/bold]\\x1b[2J\\nb") == 4


def test_a_table_of_an_evaluation_fits_80_columns() -> None:
    rows = [
        (Cell("Balanced accuracy", "mean of the recalls of all classes"), f"97.{n}%", "96 to 98")
        for n in range(3)
    ]
    text = printed(Section("T", "a", (table(("Metric", "Value", "95% interval"), rows),)))
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("Balanced accuracy ") == 3


def test_a_terminal_needs_no_drawing() -> None:
    code = (
        "import sys, facecover.report.terminal; sys.exit('matplotlib' in sys.modules or "
        "'jinja2' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_blank_lines_stand_around_a_table_and_nowhere_else() -> None:
    some = table(("Name", "n"), [("a", 1)], "counted")
    text = printed(Section("T", "a", (Paragraph("one"), some, some, Paragraph("two"))))
    lines = [line.strip() for line in text.splitlines()]
    drawn = [*printed(Section("T", "a", (some,))).splitlines()]
    shown = [line.strip() for line in drawn[1:-1]]
    assert lines == ["T", "one", "", *shown, "", *shown, "", "two", ""]


def test_a_row_with_a_dot_of_warning_is_marked() -> None:
    rows = [(Cell("size", colour="warning"), 1), (Cell("source", colour="muted"), 2)]
    text = printed(Section("T", "a", (table(("Cue", "n"), rows),)))
    assert "! size" in text
    assert text.count("!") == 1
