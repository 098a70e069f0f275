"""Pages as a browser sees them: no error, and no request to anywhere."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.copies.photo_table import explored, photo_table, two_classes
from tests.report.browser import CHROMIUM, answer_of, load
from tests.report.runs import manifest_of, run_of
from tests.report.test_audit_page import material
from tests.studies.test_study_page import naive_and_honest

from facecover.evaluation.comparison import compare_evaluations
from facecover.evaluation.performance import measure_calibration
from facecover.evaluation.slices import measure_slices
from facecover.evaluation.uncertain_band import risk_coverage
from facecover.report.audit_page import write_audit_page
from facecover.report.blocks import Cell, Details, Paragraph, Section, table
from facecover.report.comparison_page import write_compare_report
from facecover.report.confidence_section import calibration_section
from facecover.report.exploration_page import write_explore_page
from facecover.report.html import MAX_BYTES, render_page
from facecover.report.run_page import run_chapter, write_run_report
from facecover.report.slices_section import slices_section
from facecover.studies.study_page import write_study_report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


def _run_page(path: Path) -> None:
    run = run_of("Net #1")
    (evaluation,) = run.evaluations
    table = photo_table(evaluation.answers.labels, source=np.repeat(["a", "b"], 60))
    confidence = calibration_section(
        measure_calibration(evaluation), risk_coverage(evaluation), run.colour
    )
    trust = (slices_section(measure_slices(evaluation, table)), confidence)
    write_run_report(path, run, manifest_of(), trust=trust)


def _compare_page(path: Path) -> None:
    runs = [run_of(f"Net #{position + 1}", position) for position in range(3)]
    comparison = compare_evaluations([run.evaluations[0] for run in runs])
    chapters = [run_chapter(run, f"run{run.position}") for run in runs]
    table = photo_table(comparison.evaluations[0].answers.labels, source=["a", "b"] * 60)
    slices = [measure_slices(one, table) for one in comparison.evaluations]
    write_compare_report(path, comparison, runs, manifest_of(), slices=slices, more=chapters)


def _explore_page(path: Path) -> None:
    write_explore_page(path, explored(photo_table(two_classes(80))))


def _audit_page(path: Path) -> None:
    write_audit_page(path, material())


def _study_page(path: Path) -> None:
    write_study_report(path, naive_and_honest())


@pytest.mark.parametrize(
    "write", [_run_page, _compare_page, _explore_page, _audit_page, _study_page]
)
def test_a_page_loads_without_an_error_and_asks_for_nothing(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    write(page)
    loaded = load(page, tmp_path)
    assert loaded.console == []
    assert loaded.requests == []
    assert loaded.dom.rstrip().endswith("</html>")
    assert page.stat().st_size < MAX_BYTES


def test_an_error_and_a_request_would_be_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '<!DOCTYPE html><title>x</title><img src="http://example.invalid/a.png">'
        "<script>throw new Error('broken')</script>",
        "utf-8",
    )
    loaded = load(page, tmp_path)
    assert loaded.requests == ["http://example.invalid/a.png"]
    assert any("broken" in line for line in loaded.console)


@pytest.mark.parametrize(
    "ordered",
    [
        ["Sharpness: 0.005", "Sharpness: 0.01", "Sharpness: 0.02", "Sharpness: 0.03"],
        ["Aspect: 0.67 to 0.9", "Aspect: 0.9 to 1.1", "Aspect: 1.1 and more"],
        ["0.02", "0.2", "0.2, 0.02", "0.2, 0.2", "1", "1e3", "20,000"],
        ["\N{MINUS SIGN}0.5", "-0.25", "0", "0.5"],
        ["2024-9-1", "2024-10-1"],
        ["a", "a1", "a2", "a10", "b"],
    ],
)
def test_a_column_of_texts_sorts_by_the_numbers_in_them(ordered: list[str], tmp_path: Path) -> None:
    shown = table(("Text",), [(text,) for text in reversed(ordered)])
    html = render_page("Sorted", [Section("Table", "table", (shown,))])
    rows = "[...document.querySelectorAll('tbody tr')].map((row) => row.innerText.trim())"
    click = "document.querySelector('button.sort').click()"
    found = answer_of(html, f"({click}, {rows})", tmp_path)
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in found] == ordered


def test_a_table_of_differences_fits_beside_the_contents(tmp_path: Path) -> None:
    _compare_page(tmp_path / "report.html")
    question = (
        "[...document.querySelectorAll('#metrics .table-block, #differences .table-block')]"
        ".map((block) => [block.scrollWidth - block.clientWidth,"
        " block.querySelector('caption span').getBoundingClientRect().right"
        " - block.getBoundingClientRect().right])"
    )
    html = (tmp_path / "report.html").read_text("utf-8")
    for beyond, caption_beyond in answer_of(html, question, tmp_path):
        assert beyond <= 0
        assert caption_beyond < 0


def test_a_caption_stays_in_sight_where_its_table_does_not_fit(tmp_path: Path) -> None:
    words = "a caption that is far longer than a small window is wide " * 4
    wide = table([f"Column{i}" for i in range(20)], [["x" * 20] * 20], words)
    question = (
        "((block) => [block.scrollWidth - block.clientWidth,"
        " block.querySelector('caption span').getBoundingClientRect().right"
        " - block.getBoundingClientRect().right])(document.querySelector('.table-block'))"
    )
    for width_px in (1280, 500):
        html = render_page("Wide", [Section("Table", "table", (wide,))])
        beyond, caption_beyond = answer_of(html, question, tmp_path, width_px=width_px)
        assert beyond > 0
        assert caption_beyond < 0


def test_an_interval_stays_in_one_line_on_a_small_screen(tmp_path: Path) -> None:
    row = ["name", *(Cell("0.0502", "0.0122 to 0.0836", 0.05) for _ in range(8))]
    html = render_page("Phone", [Section("Table", "table", (table(["x"] * 9, [row]),))])
    heights = (
        "[...document.querySelectorAll('.cell-note')].map((note) => note.getClientRects()[0].height"
        " / parseFloat(getComputedStyle(note).lineHeight))"
    )
    assert max(answer_of(html, heights, tmp_path, width_px=500)) < 1.5


def test_printing_unfolds_what_is_of_use_on_paper(tmp_path: Path) -> None:
    folded = (
        Details("Figures", (Paragraph("x"),)),
        Details("Files", (Paragraph("y"),), is_printed=False),
    )
    html = render_page("Printed", [Section("Folded", "folded", folded)])
    states = "[...document.querySelectorAll('details')].map((one) => one.open)"
    before, after = (f"dispatchEvent(new Event('{name}print'))" for name in ("before", "after"))
    question = f"[({before}, {states}), ({after}, {states})]"
    assert answer_of(html, question, tmp_path) == [[True, False], [False, False]]
