"""Pages as a browser sees them: no error, and no request to anywhere."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.data.photo_table import explored, photo_table, two_classes
from tests.report.browser import CHROMIUM, load
from tests.report.runs import manifest_of, run_of
from tests.report.test_audit_page import material
from tests.report.test_study_page import naive_and_honest

from facemask.evaluation.compare import compare
from facemask.evaluation.risk_coverage import risk_coverage
from facemask.evaluation.slices import measure_slices
from facemask.evaluation.temperature_effect import measure_calibration
from facemask.report.audit_page import write_audit_page
from facemask.report.calibration_section import calibration_section
from facemask.report.compare_page import write_compare_report
from facemask.report.explore_page import write_explore_page
from facemask.report.page import MAX_BYTES
from facemask.report.run_page import Trust, run_chapter, write_run_report
from facemask.report.slices_section import slices_section
from facemask.report.study_page import write_study_report

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
    trust = Trust((), (slices_section(measure_slices(evaluation, table)), confidence))
    write_run_report(path, run, manifest_of(), trust=trust)


def _compare_page(path: Path) -> None:
    runs = [run_of(f"Net #{position + 1}", position) for position in range(3)]
    comparison = compare([run.evaluations[0] for run in runs])
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
