from pathlib import Path

import pytest
from rich.console import Console
from tests.report.html_check import page_text

from facecover.report.html import render_page
from facecover.report.terminal import render
from facecover.studies.conclusion import SeedMean, StudyRow
from facecover.studies.definition import Study
from facecover.studies.engine import StudySummary
from facecover.studies.results import (
    SkippedPart,
    StudyComparison,
    StudyData,
    StudyDocument,
    StudyRun,
)
from facecover.studies.study_page import study_sections, write_study_report

CAREFUL = "Is <b>it</b> so?"


def _row(division: str, source: str, variant: str, accuracy: float, n_train: int = 70) -> StudyRow:
    bounds = (accuracy - 0.02, min(1.0, accuracy + 0.02))
    seeds = {0: accuracy - 0.01, 1: accuracy + 0.01}
    gap = StudyComparison(
        division, source, variant, "plain", 1_200, 2, 0.031, (-0.004, 0.05), "More."
    )
    return StudyRow(
        division=division,
        source=source,
        variant=variant,
        accuracy=SeedMean(accuracy, bounds, 1_200, 900, seeds),
        n_train=n_train,
        epochs=20,
        parameters=399_730,
        balanced=None if source == "masks" else accuracy,
        to_baseline=None if variant == "plain" else gap,
    )


def _run(row: StudyRow, seed: int) -> StudyRun:
    return StudyRun(
        *row.place, row.variant, seed, row.n_train, 10, 1_200, 900, "d", 20, 7, 75.0, 399_730, 9,
        {"accuracy": row.accuracy.value, "balanced_accuracy": row.accuracy.value,
         "ci95": {"accuracy": row.accuracy.ci95}, "n": 1_200},
    )  # fmt: skip


def _summary(rows: list[StudyRow]) -> StudySummary:
    variants = [{"name": "plain", "experiment": "net1"}]
    study = Study.model_validate(
        {"name": "own", "question": CAREFUL, "variants": variants, "divisions": ["left-out"]}
    )
    result = StudyDocument(
        name="own",
        question=CAREFUL,
        claim="it is",
        judged_on="test",
        results=tuple(_run(row, seed) for row in rows for seed in (0, 1)),
        data=StudyData(("faces", "masks"), "d"),
        skipped=(SkippedPart("each-random", "masks", "every photo is a mask"),),
        sentences=(f"{CAREFUL} This data bears it out.", "A reason."),
    )
    return StudySummary(study, result, tuple(rows), 5_000)


def naive_and_honest() -> StudySummary:
    return _summary(
        [
            _row(division, source, variant, accuracy)
            for division, source, accuracy in (
                ("each-random", "faces", 0.97),
                ("each-group", "faces", 0.93),
                ("left-out", "faces", 0.71),
                ("left-out", "masks", 0.66),
                ("merged-group", "all", 0.94),
            )
            for variant in ("plain", "[wide]")
        ]
    )


def test_the_page_has_the_answer_first_and_every_table(tmp_path: Path) -> None:
    write_study_report(tmp_path / "r.html", naive_and_honest())
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    text = page_text(html)
    assert text.index("This data bears it out.") < text.rindex("The naive and the honest score")
    for expected in (
        "Divided at random", "Divided by group", "Left out of training", "all together",
        "97.0%", "95.0 to 99.0; n = 1,200", "one class only", "+3.1", "400 thousand parameters",
        "20 runs, 25 min of training", "7 of 20", "masks, random: every photo is a mask",
        "[wide]", "5,000",
    ):  # fmt: skip
        assert expected in text, expected
    assert CAREFUL not in html


def test_one_kind_of_division_has_nothing_to_put_side_by_side() -> None:
    rows = [_row("merged-group", "all", variant, 0.9) for variant in ("plain", "wide")]
    text = page_text(render_page("t", study_sections(_summary(rows))))
    assert "The naive and the honest score" not in text
    assert "Accuracy by" not in text


def test_what_grows_is_drawn() -> None:
    rows = [_row("merged-group", "all", f"share-{n}", 0.8 + n / 10_000, n) for n in (50, 200, 800)]
    text = page_text(render_page("t", study_sections(_summary(rows))))
    assert "Accuracy by training images" in text
    assert "Accuracy by parameters" not in text


def test_a_study_without_a_finished_run_has_a_page() -> None:
    summary = _summary([])
    assert "every photo is a mask" in page_text(render_page("t", study_sections(summary)))


def test_the_terminal_shows_each_variant_and_the_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Console(width=120, color_system=None).print(*render(study_sections(naive_and_honest())))
    shown = capsys.readouterr().out
    assert shown.index("This data bears it out.") < shown.index("Results")
    for expected in (
        "[wide]", "+3.1 (\N{MINUS SIGN}0.4 to +5.0)", "faces, left out",
        "all sources, grouped", "A reason.",
        "- Not among the results: masks, random: every photo is a mask.",
    ):  # fmt: skip
        assert expected in shown, expected
