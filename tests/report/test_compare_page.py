import dataclasses
from pathlib import Path

import pytest
from tests.copies.photo_table import photo_table
from tests.evaluation.synthetic import model_info
from tests.report.html_check import page_text
from tests.report.runs import manifest_of, run_of

from facecover.errors import DatasetError
from facecover.evaluation.comparison import Comparison, compare_evaluations
from facecover.evaluation.metrics import METRICS
from facecover.evaluation.slices import measure_slices
from facecover.report.blocks import Table
from facecover.report.comparison_page import (
    compare_sections,
    slices_side_by_side,
    write_compare_report,
)
from facecover.report.html import render_page
from facecover.report.run_figures import RunReport
from facecover.report.run_page import run_chapter


def _compared(*runs: RunReport) -> Comparison:
    return compare_evaluations([run.evaluations[0] for run in runs])


@pytest.mark.slow
def test_a_comparison_puts_everything_side_by_side(tmp_path: Path) -> None:
    changed = model_info("net2", config={"network": {"name": "net2", "dropout": 0.5}, "seed": 0})
    runs = [run_of("Net #1", 0), dataclasses.replace(run_of("Net #2", 1, skill=3), info=changed)]
    comparison = _compared(*runs)
    more = [run_chapter(run, f"run{run.position}") for run in runs]
    write_compare_report(tmp_path / "r.html", comparison, runs, manifest_of(), more=more)
    text = page_text((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert comparison.pairs[0].sentence in text
    for kind in METRICS:
        assert kind.title in text
    for expected in (
        "McNemar", "Only first", "Multiply-accumulates", "network.dropout", "Settings that differ",
        "Metrics with their 95% intervals", "Net #2 against Net #1", "Loss by epoch",
        "The same 120 test images for all", "Images by split and class", "Training time",
    ):  # fmt: skip
        assert expected in text, expected


def test_three_models_are_compared_in_pairs() -> None:
    runs = [run_of(name, i) for i, name in enumerate(("one", "two", "three"))]
    text = page_text(render_page("t", compare_sections(_compared(*runs), runs)))
    for pair in ("one and two", "one and three", "two and three"):
        assert pair in text


def test_a_comparison_and_a_run_fit_on_one_page() -> None:
    runs = [run_of("one", 0), run_of("two", 1)]
    sections = (*compare_sections(_compared(*runs), runs, "both-"), run_chapter(runs[0], "first"))
    assert "one" in page_text(render_page("Study", sections))


def test_alike_settings_and_missing_curves_are_no_trouble() -> None:
    runs = [dataclasses.replace(run_of(name, i), curves=None) for i, name in enumerate("ab")]
    runs = [dataclasses.replace(run, info=model_info()) for run in runs]
    text = page_text(render_page("t", compare_sections(_compared(*runs), runs)))
    assert "No setting differs." in text
    assert "by epoch" not in text


def test_a_run_is_needed_for_each_model() -> None:
    runs = [run_of("one", 0), run_of("two", 1)]
    with pytest.raises(DatasetError, match="a run for each of 2 models, found 1"):
        compare_sections(_compared(*runs), runs[:1])


def test_slices_of_models_stand_side_by_side_the_weakest_first() -> None:
    runs = [run_of("one", 0), run_of("two", 1, skill=3)]
    comparison = _compared(*runs)
    table = photo_table(comparison.evaluations[0].answers.labels, source=["a", "b"] * 60)
    slices = [measure_slices(one, table, min_n=30) for one in comparison.evaluations]
    section = slices_side_by_side(["one", "two"], slices, "slices")
    (filled,) = (block for block in section.blocks if isinstance(block, Table))
    assert filled.columns == ("Slice", "Images", "one", "two")
    judged = [row for row in filled.rows if row[0].colour != "muted"]
    lowest = [min(cell.sort for cell in row[2:] if isinstance(cell.sort, float)) for row in judged]
    assert len(judged) >= 2
    assert lowest == sorted(lowest)
    expected = {
        one.label: [own.metrics.values["accuracy"] for own in (one, other)]
        for one, other in zip(slices[0].slices, slices[1].slices, strict=True)
    }
    assert {row[0].text: [cell.sort for cell in row[2:]] for row in filled.rows} == expected
    text = page_text(render_page("t", compare_sections(comparison, runs, slices=slices)))
    assert f"Weakest on {judged[0][0].text}" in text
