import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.evaluation.synthetic import (
    FakeClassifier,
    binary_answers,
    fake_images,
    model_info,
    three_class_answers,
)
from tests.report.html_check import page_text
from tests.report.runs import manifest_of, run_of

from facecover.evaluation.formatting import number
from facecover.evaluation.metrics import METRICS
from facecover.evaluation.performance import evaluate_images
from facecover.inference.model_info import NetworkFacts
from facecover.report.html import render_page
from facecover.report.run_figures import RunReport
from facecover.report.run_page import (
    flat_settings,
    metrics_table,
    mistakes_section,
    run_chapter,
    run_sections,
    write_run_report,
)

HOSTILE = "<script>alert(1)</script>/<img src=x onerror=y>{}.jpg"


def _page(run: RunReport) -> str:
    return page_text(render_page(run.name, run_sections(run)))


def test_a_report_says_everything_about_its_run(tmp_path: Path) -> None:
    run = run_of("Net #1")
    write_run_report(tmp_path / "report.html", run, manifest_of())
    text = page_text((tmp_path / "report.html").read_text(encoding="utf-8"))
    evaluation = run.evaluations[0]
    for kind in METRICS:
        assert kind.title in text
        assert number(kind, evaluation.metrics.values[kind.key]) in text
    for expected in (
        "95% interval", "n = 120", "validation loss, epoch 12", "conv1", "1,216", "400,000",
        "8.0% of the budget of 5 million", "training.epochs", "ab" * 32, "cd" * 32, "1 min 15 s",
        "Images by split and class", "class folders", "200 bootstrap resamples",
        "the test images took no part in the choice",
    ):  # fmt: skip
        assert expected in text, expected
    for title in ("Confusion matrix", "ROC curve", "Precision and recall", "Reliability",
                  "Probabilities by class", "Loss by epoch", "Accuracy by epoch", "F1 by epoch",
                  "ROC-AUC by epoch", "Cost by layer", "Most confident mistakes"):  # fmt: skip
        assert title in text, title


def test_the_photos_of_mistakes_are_those_that_were_answered_wrong() -> None:
    run = run_of("net", n=90)
    evaluation = run.evaluations[0]
    assert [mistake.confidence for mistake in run.mistakes] == sorted(
        (mistake.confidence for mistake in run.mistakes), reverse=True
    )
    for mistake in run.mistakes:
        row = int(mistake.name.removesuffix(".jpg"))
        assert not evaluation.answers.is_right[row]
        assert mistake.label != mistake.answer


def test_mistakes_are_found_in_the_dataset_through_the_rows() -> None:
    labels, probabilities = binary_answers(80)
    rows = np.arange(40, 80)
    classifier = FakeClassifier()
    part = evaluate_images(classifier, fake_images(probabilities), labels, rows=rows, resamples=100)
    from facecover.report.run_figures import mistakes_of

    images = (
        np.zeros((80, 4, 4, 3), dtype=np.uint8) + np.arange(80, dtype=np.uint8)[:, None, None, None]
    )
    for mistake in mistakes_of(part, images, [str(i) for i in range(80)]):
        assert int(mistake.name) == mistake.pixels[0, 0, 0] >= 40


def test_hostile_file_names_are_shown_and_do_nothing() -> None:
    run = run_of("<b>net</b>", photo_name=HOSTILE)
    html = render_page(run.name, run_sections(run))
    text = page_text(html)
    assert html.count("<script>") == 1
    assert "<img src=x" not in html
    assert "<b>net</b> answers" in text


@pytest.mark.slow
def test_several_runs_fit_on_one_page() -> None:
    runs = [run_of("Net #1", 0), run_of("Net #2", 1)]
    chapters = [run_chapter(run, f"run{i}") for i, run in enumerate(runs)]
    html = render_page("Study", chapters)
    assert "Net #2 answers" in page_text(html)
    assert 'id="run1-network"' in html


def test_a_run_with_nothing_measured_still_has_a_page() -> None:
    text = _page(RunReport("net", model_info()))
    assert "conv1" in text
    assert "interval" not in text


def test_a_perfect_model_has_no_mistakes_to_show() -> None:
    labels, _ = binary_answers(40)
    perfect = evaluate_images(
        FakeClassifier(), fake_images(np.eye(2)[labels]), labels, resamples=100
    )
    run = RunReport("net", model_info(), (perfect,))
    text = _page(run)
    assert "It made none on these images." in text
    assert "Clopper-Pearson" in text
    assert "It missed 0 masks" in text
    section = mistakes_section(run)
    assert section is not None
    assert section.title == "Mistakes"


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_is_reported_with_the_reason_and_without_a_nan(label: int) -> None:
    images = fake_images(binary_answers(20)[1])
    one_sided = evaluate_images(FakeClassifier(), images, np.full(20, label), resamples=100)
    text = _page(RunReport("net", model_info(), (one_sided,)))
    assert "undefined" in text
    assert "There are no curves for ROC-AUC and Average precision: no image of 20" in text
    assert "nan" not in text.lower().replace("finance", "")


def test_three_images_make_a_report() -> None:
    labels = np.array([0, 1, 1])
    images = fake_images(np.array([[0.8, 0.2], [0.6, 0.4], [0.1, 0.9]]))
    few = evaluate_images(FakeClassifier(), images, labels, resamples=100)
    text = _page(RunReport("net", model_info(), (few,)))
    assert "Few images (1 of no_mask and 2 of mask)" in text


def test_three_classes_make_a_report() -> None:
    labels, probabilities = three_class_answers(90)

    class ThreeClasses:
        info = model_info(class_names=("no_mask", "mask", "incorrect_mask"))

        def classify_images(self, images: np.ndarray) -> np.ndarray:
            return probabilities

    images = fake_images(probabilities)
    evaluation = evaluate_images(ThreeClasses(), images, labels, resamples=100)
    text = _page(RunReport("net", ThreeClasses.info, (evaluation,)))
    assert "incorrect_mask" in text
    assert "It missed" not in text


def test_a_network_without_layers_has_a_page() -> None:
    empty = NetworkFacts("net", 32, (), 0, 0, 0, 5_000_000)
    assert "0.0% of 5,000,000" in _page(RunReport("net", model_info(network=empty)))


def test_weights_chosen_on_test_images_are_called_out() -> None:
    run = dataclasses.replace(run_of("net"), info=model_info(chosen_by="test_loss, epoch 3"))
    assert "the test figures are too good" in _page(run)


def test_weights_that_nothing_chose_are_said_to_be_the_last() -> None:
    run = dataclasses.replace(run_of("net"), info=model_info(chosen_by="last, epoch 3"))
    page = _page(run)
    assert "Its weights are those of the last epoch, 3; no measure chose them." in page
    assert "weights were chosen" not in page


def test_what_was_left_out_is_listed_and_counted(tmp_path: Path) -> None:
    drops = pd.DataFrame(
        [("drawn", HOSTILE.format(i), "unreadable image", "cut off") for i in range(60)]
        + [("drawn", "a.jpg", "box is empty", "x0 = x1")],
        columns=["source", "path", "reason", "detail"],
    )
    write_run_report(tmp_path / "report.html", run_of("net"), manifest_of(), drops)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    text = page_text(html)
    assert "Files left out: the first 50 of 61 samples" in text
    assert html.count("onerror=y&gt;") == 50
    assert "unreadable image 60" in text


def test_intervals_sort_by_their_lower_bound() -> None:
    (evaluation,) = run_of("net").evaluations
    for kind, row in zip(METRICS, metrics_table(evaluation).rows, strict=True):
        bounds = evaluation.metrics.ci95[kind.key]
        assert row[2].sort == (-1 if bounds is None else bounds[0])


def test_nested_settings_get_dotted_names() -> None:
    config = {"a": {"b": {"c": 1}, "d": []}, "e": None, "f": [1, "x"], "g": {}}
    assert flat_settings(config) == {
        "a.b.c": "1",
        "a.d": "none",
        "e": "none",
        "f": "1, x",
        "g": "{}",
    }


def test_mistakes_without_their_photos_are_not_said_to_be_none() -> None:
    run = run_of("net")
    assert not run.evaluations[0].answers.is_right.all()
    assert mistakes_section(dataclasses.replace(run, mistakes=())) is None
