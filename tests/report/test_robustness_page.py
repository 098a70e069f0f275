import numpy as np
import pytest
from tests.evaluation.test_occlusion import SIDE, evaluated, weighing
from tests.evaluation.test_robustness import FEW, Brightness, bright_and_dark, measured
from tests.report.html_check import page_text

from facecover.evaluation.corruptions import KINDS
from facecover.evaluation.explanation import explain
from facecover.evaluation.robustness import measure_robustness
from facecover.report.html import render_page
from facecover.report.robustness_sections import (
    corruption_strip,
    evidence_overlay,
    occlusion_section,
    robustness_section,
)
from facecover.text import percent

HOSTILE = "<img src=x onerror=y>{}.jpg"


def test_every_kind_is_shown_with_its_figures_and_its_pictures() -> None:
    found = measured(reference=Brightness(level=140), reference_name="<b>Net #1</b>")
    images, _ = bright_and_dark(1)
    section = robustness_section(found, images[0], 0)
    html = render_page("net", [section])
    text = page_text(html)
    (finding,) = section.findings
    assert f"weakest under {found.kinds[0].kind.title}" in finding
    assert f"mean corruption error against <b>Net #1</b> {found.mce.value:.2f}" in finding
    for kind in found.kinds:
        assert kind.kind.title in text
        assert percent(kind.mean_accuracy) in text
        assert f"{kind.severities[-1].amount:g}" in text
    assert "Error ratio" in text
    assert "<b>Net #1</b>" in text
    assert "<b>" not in html
    assert html.count("<img") == len(KINDS)


def test_without_a_reference_there_is_no_ratio() -> None:
    images, labels = bright_and_dark(3)
    found = measure_robustness(Brightness(), images, labels, kinds=FEW, resamples=100)
    text = page_text(render_page("net", [robustness_section(found, images[0], 0)]))
    assert "Error ratio" not in text
    (finding,) = robustness_section(found, images[0], 0).findings
    assert "corruption error" not in finding
    assert "nan" not in text.lower()


def test_a_strip_shows_every_severity() -> None:
    example = bright_and_dark(1)[0][0]
    dark = next(kind for kind in KINDS if kind.key == "low_light")
    strip = np.asarray(corruption_strip(example, dark, 0))
    parts = np.split(strip, len(dark.amounts), axis=1)
    means = [part.mean() for part in parts]
    assert means == sorted(means, reverse=True)


@pytest.mark.parametrize("with_mistakes", [True, False])
def test_overlays_stand_in_the_page_with_their_words(*, with_mistakes: bool) -> None:
    classifier = weighing((slice(SIDE // 2, SIDE), slice(None)))
    images, evaluation = evaluated(
        classifier, 30, lambda rows: np.ones_like(rows) if with_mistakes else rows % 2
    )
    found = explain(classifier, images, evaluation, resamples=100)
    names = [HOSTILE.format(row) for row in range(30)]
    section = occlusion_section(found, evaluation, images, names)
    assert "lower half of the photo: 100.0%" in section.findings[0]
    html = render_page("net", [section])
    text = page_text(html)
    assert "<img src=x" not in html
    assert "mask answered right" in text
    assert "100.0%" in text
    assert ("The mistakes that it was most sure of" in text) == with_mistakes
    assert html.count("<img") == len(found.mistakes) + len(found.sample)


def test_an_overlay_is_orange_where_the_evidence_is_and_blue_where_it_is_against() -> None:
    evidence = np.zeros((32, 32))
    evidence[:16], evidence[16:] = -1, 2
    overlay = np.asarray(evidence_overlay(np.full((64, 64, 3), 128, dtype=np.uint8), evidence))
    photo, mixed = np.split(overlay.astype(int), 2, axis=0)
    assert (photo == 128).all()
    above, below = mixed[10, 64], mixed[110, 64]
    assert below[0] > below[2] + 100
    assert above[2] > above[0] + 50


def test_no_evidence_leaves_the_photo_grey() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    overlay = np.asarray(evidence_overlay(pixels, np.zeros((32, 32))))
    grey = np.split(overlay, 2, axis=0)[1]
    assert (grey == grey[..., :1]).all()
