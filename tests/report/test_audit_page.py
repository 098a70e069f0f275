import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps
from rich.console import Console, Group
from tests.copies.audit_pictures import images_of, picture
from tests.copies.photo_table import photo_table
from tests.report.html_check import page_text

from facecover.look.audit_checks import run_checks
from facecover.report.audit_figures import (
    OUTLIERS_A_REASON,
    SUSPECTS,
    Audited,
    largest_groups,
    random_pairs,
    spread,
    write_sheets,
)
from facecover.report.audit_page import (
    FINE,
    FOUND,
    NO_SPLIT,
    NOT_MEASURED,
    audit_section,
    audit_sections,
    headline,
    state,
    write_audit_page,
)
from facecover.report.html import render_page
from facecover.report.terminal import render

COUNT, COPIES = 30, 8
HOSTILE = '<script>alert("1")</script> [red]$x_1$\n'
WIDTHS = (80, 100)


def suspects_of(rows: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row": np.arange(rows),
            "label": "mask",
            "suggested": "no_mask",
            "probability": np.linspace(1, 0.6, rows),
        }
    )


def material() -> Audited:
    """Two sources with hostile names; mirrored copies, one of them under another label."""
    photos = [picture(seed) for seed in range(COUNT)]
    images = images_of([*photos, *(ImageOps.mirror(photo) for photo in photos[:COPIES])])
    labels = [number % 2 for number in (*range(COUNT), *range(COPIES))]
    labels[COUNT] = 1
    table = photo_table(
        labels,
        source=["ours"] * COUNT + [HOSTILE] * COPIES,
        split=["train"] * COUNT + ["test"] * COPIES,
        path=[f"{HOSTILE}{number}.jpg" for number in range(COUNT + COPIES)],
    )
    table.loc[3, "width"] = 2000
    return Audited(
        table, images, replace(run_checks(table, images, workers=1), suspects=suspects_of(5))
    )


@pytest.fixture(scope="module")
def audited() -> Audited:
    return material()


@pytest.fixture(scope="module")
def clean() -> Audited:
    """Nine pictures of one class: nothing to find, and little to measure."""
    images = images_of(map(picture, range(9)))
    table = photo_table([1] * 9)
    found = replace(run_checks(table, images, workers=1), suspects_missing="one class only")
    return Audited(table, images, found)


@pytest.fixture(scope="module")
def html(audited: Audited, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_audit_page(path, audited)
    return path.read_text("utf-8")


def text_of(renderable: object, width: int = 100) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width).print(renderable)
    return stream.getvalue()


def test_the_page_is_whole_and_tells_every_finding(audited: Audited, html: str) -> None:
    text = page_text(html)
    sections = ("Summary", "Duplicates", "Leakage", "Conflicts", "Shortcuts", "Outliers")
    for title in (*sections, "Suspicious labels"):
        assert f"<h2>{title}</h2>" in html
    for finding in audited.found.findings:
        assert finding.sentence in text
    assert "<script>alert" not in html
    assert html.count("<img") > 30


def test_the_same_audit_gives_the_same_page(audited: Audited) -> None:
    first, second = (render_page("t", audit_sections(audited)) for _ in range(2))
    assert first == second


def test_sources_share_the_pictures_that_were_copied(html: str) -> None:
    row = html[html.index('<th scope="row">ours</th>') :].split("</tr>")[0]
    assert row.count(f'data-sort="{float(COPIES)}"') == 1


def test_a_page_without_findings_says_so(clean: Audited) -> None:
    text = page_text(render_page("t", audit_sections(clean)))
    assert "None of 6 checks found anything" in text
    assert "Not measured: one class only." in text


def test_long_lists_are_capped_and_say_how_many(audited: Audited) -> None:
    table = pd.concat([audited.table.assign(width=2000, label=1)] * 3, ignore_index=True)
    images = np.concatenate([audited.images] * 3)
    found = replace(run_checks(table, images, workers=1), suspects=suspects_of(len(table)))
    text = page_text(render_page("t", audit_sections(Audited(table, images, found))))
    assert f"{SUSPECTS} of {len(table)}, the worst first" in text
    assert f"{OUTLIERS_A_REASON} of {len(table)}, the worst first" in text


def test_one_section_holds_all_findings(audited: Audited) -> None:
    section = audit_section(audited.found.findings, "audit")
    text = page_text(render_page("t", [section]))
    for finding in audited.found.findings:
        assert finding.sentence in text


def test_every_state_has_words(audited: Audited, clean: Audited) -> None:
    by_check = {one.key: one for one in audited.found.findings}
    assert state(by_check["duplicates"]) == FOUND
    assert headline(by_check["duplicates"]) == ("21.1%", "8 of the images are copies: found")
    assert headline(by_check["suspects"])[0] == "5"
    states = {one.key: state(one) for one in clean.found.findings}
    assert states["duplicates"] == states["conflicts"] == FINE
    assert states["shortcuts"] == states["suspects"] == NOT_MEASURED
    assert headline(next(one for one in clean.found.findings if one.key == "shortcuts")) == (
        "\N{EN DASH}",
        NOT_MEASURED,
    )


def test_a_random_split_is_no_finding(audited: Audited) -> None:
    nothing = pd.Series(pd.NA, index=audited.table.index, dtype="string")
    found = run_checks(audited.table.assign(split=nothing, label=1), audited.images, workers=1)
    leakage = next(one for one in found.findings if one.key == "leakage")
    assert state(leakage) == NO_SPLIT
    assert "if split at random" in headline(leakage)[1]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_text_fits_and_tells_every_finding(audited: Audited, width: int) -> None:
    text = text_of(Group(*render(audit_sections(audited))), width)
    assert max(map(len, text.splitlines())) <= width
    words = "".join(text.split())
    for finding in audited.found.findings:
        assert "".join(finding.sentence.split()) in words
    assert "[red]$x_1$\\n" in text


def test_the_short_text_tells_every_finding(audited: Audited) -> None:
    words = "".join(
        text_of(Group(*render([audit_section(audited.found.findings, "audit")]))).split()
    )
    for finding in audited.found.findings:
        assert "".join(finding.sentence.split()) in words


def test_sheets_are_drawn_where_something_was_found(
    audited: Audited, clean: Audited, tmp_path: Path
) -> None:
    write_sheets(tmp_path, audited)
    names = {"duplicates.png", "conflicts.png", "suspects.png", "outliers.png"}
    assert {path.name for path in tmp_path.iterdir()} == names
    with Image.open(tmp_path / "duplicates.png") as sheet:
        assert sheet.mode == "RGB"
    empty = tmp_path / "empty"
    empty.mkdir()
    write_sheets(empty, clean)
    assert not list(empty.iterdir())


def test_pairs_are_picked_by_the_seed(audited: Audited) -> None:
    few = random_pairs(audited, None, 3)
    assert few == random_pairs(audited, None, 3)
    assert len(few) == 3
    everything = random_pairs(audited, "mirrored", 100)
    assert [(first, second) for first, second, _ in everything] == [
        (number, COUNT + number) for number in range(COPIES)
    ]
    assert random_pairs(replace(audited, seed=5), None, 3) != few
    assert random_pairs(audited, "edited", 3) == []


def test_the_largest_groups_come_first(audited: Audited) -> None:
    groups = largest_groups(audited, 3)
    assert [rows for _, rows in groups] == [[number, COUNT + number] for number in range(3)]


def test_every_label_of_a_conflict_is_shown(audited: Audited) -> None:
    rows = [0, 2, 4, 6, 1]
    assert {audited.label(row) for row in spread(audited, rows, 2)} == {"mask", "no_mask"}
    assert spread(audited, rows, 99) == sorted(rows)
