from pathlib import Path

import pytest
from markupsafe import Markup
from tests.report.html_check import page_text
from tests.report.pictures import diagonal, noise

from facecover.report.blocks import (
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
    table,
)
from facecover.report.html import render_page, write_page
from facecover.report.plotting import draw, photo

HOSTILE = "<script>alert('x')</script> & \"quotes\" {{ 7 * 7 }} </style>"


def _every_block(text: str) -> tuple[Section, ...]:
    """A page with every kind of block, all of them saying the same."""
    svg, img = draw(diagonal, text), photo(noise(12), text)
    return (
        Section(
            text,
            "all",
            (
                Paragraph(text, is_lead=True),
                Bullets((text,)),
                Notice(text, is_warning=True),
                Cards((Card(text, text, text, "mask"),)),
                Facts(((text, text),)),
                table((text, "n"), [(Cell(text, text, colour="mask"), 1), (text, 2)], text),
                Figures((Figure(svg, text, text), Figure(img, text, text, is_wide=True))),
                Gallery((Tile(img, text, text, text, "no_mask"),), text),
                Details(text, (Paragraph(text),)),
            ),
            (Section(text, "child", (Paragraph(text),)),),
        ),
    )


def test_every_block_makes_a_sound_page() -> None:
    text = page_text(render_page("Title", _every_block("some words"), subtitle="Below it"))
    assert text.count("some words") >= 20
    assert "Below it" in text


def test_hostile_text_stays_text() -> None:
    html = render_page(HOSTILE, _every_block(HOSTILE), subtitle=HOSTILE)
    assert HOSTILE in page_text(html)
    assert html.count("<script>") == 1
    assert "alert('x')" not in html
    assert "49" not in page_text(render_page("t", (Section(HOSTILE, "a"),)))


def test_markup_made_on_purpose_is_kept() -> None:
    html = render_page("t", (Section("s", "a", (Paragraph(Markup("a <b>bold</b> word")),)),))
    assert "a <b>bold</b> word" in html


def test_the_contents_lead_to_every_section() -> None:
    sections = (Section("One", "one", (), (Section("Inner", "one-inner"),)), Section("Two", "two"))
    html = render_page("t", sections)
    page_text(html)
    for anchor in ("one", "one-inner", "two"):
        assert html.count(f'href="#{anchor}"') == 1
        assert html.count(f'id="{anchor}"') == 1


def test_an_anchor_belongs_to_one_section() -> None:
    sections = (Section("One", "same"), Section("Two", "two", (), (Section("Inner", "same"),)))
    with pytest.raises(ValueError, match=r"found twice: \['same'\]"):
        render_page("t", sections)


def test_the_same_page_is_the_same_bytes() -> None:
    assert render_page("t", _every_block("x")) == render_page("t", _every_block("x"))


def test_scripts_from_the_content_could_not_run() -> None:
    html = render_page("t", ())
    policy = html.partition("Content-Security-Policy")[2].partition(">")[0]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy


def test_light_and_dark_and_print() -> None:
    html = render_page("t", ())
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def test_a_page_that_cannot_be_made_leaves_the_old_one(tmp_path: Path) -> None:
    place = tmp_path / "folder" / "report.html"
    write_page(place, "first", ())
    with pytest.raises(ValueError, match="found twice"):
        write_page(place, "second", (Section("a", "a"), Section("b", "a")))
    assert "<title>first</title>" in place.read_text(encoding="utf-8")
    assert [one.name for one in (tmp_path / "folder").iterdir()] == ["report.html"]
