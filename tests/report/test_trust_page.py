"""Slices, confidence and seeds in a report."""

import dataclasses

import numpy as np
import pytest
from tests.copies.photo_table import photo_table
from tests.evaluation.synthetic import evaluation_of, model_info
from tests.report.html_check import page_text
from tests.report.runs import run_of

from facecover.evaluation.comparison import compare_evaluations
from facecover.evaluation.metrics import METRICS
from facecover.evaluation.performance import measure_calibration
from facecover.evaluation.slices import measure_slices
from facecover.evaluation.thresholds import Costs, choose_threshold
from facecover.evaluation.uncertain_band import choose_band, risk_coverage
from facecover.report.blocks import PAGE, Bullets, Only, Section
from facecover.report.comparison_page import compare_sections
from facecover.report.confidence_section import (
    band_sentences,
    calibration_section,
    calibration_sentence,
    threshold_sentences,
)
from facecover.report.html import render_page
from facecover.report.run_page import run_sections
from facecover.report.slices_section import slices_section, worst_sentence

HOSTILE = "<script>alert(1)</script>"


def test_slices_have_a_figure_for_each_cut_and_every_metric() -> None:
    evaluation = evaluation_of("net", 200)
    sources = np.repeat([HOSTILE, "b", "c"], (90, 80, 30))
    slices = measure_slices(evaluation, photo_table(evaluation.answers.labels, source=sources))
    html = render_page("Slices", [slices_section(slices)])
    text = page_text(html)
    assert html.count("<script>") == 1
    assert worst_sentence(slices) in text
    assert "too few to judge: 30 images, fewer than 50" in text
    for kind in METRICS:
        assert kind.title in text
    cuts = {one.title for one in slices.slices}
    assert html.count("<svg") == 1 + len(cuts)


def test_confidence_shows_before_after_and_what_was_chosen() -> None:
    evaluation = dataclasses.replace(evaluation_of("net", 300), model=model_info(temperature=1.8))
    chooser = dataclasses.replace(evaluation, rows=evaluation.rows + 1000, split="val")
    threshold = choose_threshold(evaluation, Costs(5, 1), chooser)
    band = choose_band(evaluation, 0.95, chooser)
    section = calibration_section(
        measure_calibration(evaluation), risk_coverage(evaluation), "model_1",
        threshold=threshold, band=band,
    )  # fmt: skip
    text = page_text(render_page("Confidence", [section]))
    for expected in ("Reliability before and after the temperature", "without temperature",
                     "Risk and coverage", "The dot is the uncertain band", "a missed mask costs 5",
                     "chosen by the least cost on 300 validation images"):  # fmt: skip
        assert expected in text


def test_a_temperature_of_one_is_said_and_drawn_once() -> None:
    evaluation = evaluation_of("net", 100)
    section = calibration_section(
        measure_calibration(evaluation), risk_coverage(evaluation), "model_1"
    )
    text = page_text(render_page("Confidence", [section]))
    assert "The temperature is 1 (none was fitted)" in text
    assert "Reliability before" not in text


def test_a_run_with_findings_says_them_in_the_summary() -> None:
    run = run_of("net")
    worst = Section("Slices", "slices", findings=("The worst slice is X.",))
    summary = run_sections(run, trust=(worst,))[0]
    assert "The worst slice is X." in page_text(render_page("net", [summary]))


def test_the_summary_is_short_and_repeats_no_section() -> None:
    run = run_of("net", n=300)
    (evaluation,) = run.evaluations
    table = photo_table(evaluation.answers.labels, source=np.repeat(["a", "b"], 150))
    slices, calibration = measure_slices(evaluation, table), measure_calibration(evaluation)
    threshold = choose_threshold(evaluation, Costs(5, 1), evaluation)
    band = choose_band(evaluation, 0.95, evaluation)
    confidence = calibration_section(
        calibration, risk_coverage(evaluation), run.colour, threshold=threshold, band=band
    )
    images = evaluation.images_in_words
    sentences = (
        worst_sentence(slices),
        calibration_sentence(calibration),
        *threshold_sentences(threshold, images),
        *band_sentences(band, images),
    )
    trust = (slices_section(slices), confidence)
    corrupted = Section("Corrupted images", "corrupted", findings=("It fears fog.",))
    sections = run_sections(run, trust=trust, more=(corrupted,))
    text = page_text(render_page("net", sections))
    for sentence in sentences:
        assert text.count(sentence) == 1
    (bullets,) = (
        block
        for only in sections[0].blocks
        if isinstance(only, Only) and only.medium == PAGE
        for block in only.blocks
        if isinstance(block, Bullets)
    )
    assert bullets.items[-1] == "It fears fog."
    assert len(bullets.items) <= 8
    anchors = [section.anchor for section in sections]
    assert anchors.index("corrupted") < min(anchors.index(one) for one in ("training", "network"))


@pytest.mark.slow
def test_seeds_stand_as_one_on_a_comparison() -> None:
    config = {"network": {"name": "net1"}}
    runs = []
    for position in range(4):
        name = "net1" if position < 3 else "net2"
        info = model_info(name, config={**config, "name": name, "seed": position})
        run = run_of(f"{name} ({position})", position)
        (evaluation,) = run.evaluations
        measured = dataclasses.replace(evaluation, model=info)
        runs.append(dataclasses.replace(run, info=info, evaluations=(measured,)))
    comparison = compare_evaluations([run.evaluations[0] for run in runs])
    text = page_text(render_page("Compared", compare_sections(comparison, runs)))
    assert "net1 (3 seeds): mean accuracy" in text
    assert "standard deviation over seeds" in text
    assert "Single seeds" in text
    assert "net1 (3 seeds) and net2 (3)" in text
    assert "flips the signs" in text
    alone = compare_evaluations([run.evaluations[0] for run in runs[:3]])
    assert "net1 (3 seeds)" in page_text(render_page("x", compare_sections(alone, runs[:3])))
