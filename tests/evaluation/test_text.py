import numpy as np
import pytest
from tests.evaluation.synthetic import FakeClassifier, binary_answers, fake_images
from tests.report.printing import printed
from tests.report.runs import run_of

from facecover.evaluation.comparison import compare_evaluations
from facecover.evaluation.formatting import (
    cautions,
    joined,
    kind_of,
    number,
    p_value,
    points,
)
from facecover.evaluation.metrics import METRICS
from facecover.evaluation.performance import evaluate_images
from facecover.report.comparison_page import compare_sections
from facecover.report.run_page import evaluation_section, run_sections
from facecover.text import percent


def test_every_metric_is_printed_with_its_interval() -> None:
    run = run_of("net [red]", n=80)
    (evaluation,) = run.evaluations
    text = printed(*run_sections(run), width=120)
    assert f"net [red] answers {number(METRICS[0], evaluation.metrics.values['accuracy'])}" in text
    assert "of 80 test images" in text
    assert f"mask {evaluation.metrics.confusion[1][0]}" in " ".join(text.split())
    for kind in METRICS:
        assert kind.title in text
        assert number(kind, evaluation.metrics.values[kind.key]) in text
    assert "200 bootstrap resamples of images, seed 0" in text


def test_undefined_metrics_are_printed_with_the_reason() -> None:
    images = fake_images(binary_answers(5)[1])
    labels = np.ones(5, dtype=np.int64)
    evaluation = evaluate_images(FakeClassifier(), images, labels, name="net", resamples=100)
    text = printed(evaluation_section(evaluation, "accent", "measured"), width=120)
    assert "no image of 5 is no_mask" in text
    assert "undefined" in text
    assert "nan" not in text.lower()
    few, reason = cautions(evaluation.metrics)
    assert "Few images (0 of no_mask and 5 of mask)" in few
    assert "Undefined, because no image of 5 is no_mask: Balanced accuracy, Precision" in reason


def test_a_comparison_prints_every_model_and_every_sentence() -> None:
    runs = [run_of(name, i) for i, name in enumerate(("one", "two"))]
    comparison = compare_evaluations([run.evaluations[0] for run in runs])
    text = " ".join(printed(*compare_sections(comparison, runs)).split())
    assert comparison.pairs[0].sentence in text
    assert "120 test images" in text


def test_a_comparison_names_the_model_that_lacks_a_metric() -> None:
    runs = [run_of(name, n=80) for name in ("one", "two")]
    labels, probabilities = binary_answers(80)
    bare = fake_images(np.full_like(probabilities, (0.9, 0.1)))
    never = evaluate_images(FakeClassifier(), bare, labels, name="two", data_digest="ab" * 32)
    comparison = compare_evaluations([runs[0].evaluations[0], never])
    text = " ".join(printed(*compare_sections(comparison, runs)).split())
    assert "two: Undefined, because the model never answered mask: Precision." in text


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.973, "97.3%"), (1.0, "100.0%"), (0.9997, "99.97%"), (0.0, "0.0%"), (0.0003, "0.03%")],
)
def test_a_percentage_never_rounds_to_all_or_nothing(share: float, expected: str) -> None:
    assert percent(share) == expected


def test_whole_percentages_do_not_round_to_all_or_nothing_either() -> None:
    assert [percent(share, 0) for share in (0.5, 0.001, 0.996)] == ["50%", "0.1%", "99.6%"]


def test_numbers_as_people_read_them() -> None:
    assert number(kind_of("roc_auc"), 0.99349) == "0.9935"
    assert number(kind_of("roc_auc"), 0.99997) == ">0.9999"
    assert number(kind_of("roc_auc"), 1.0) == "1.0000"
    assert number(kind_of("f1"), None) == "undefined"
    assert [p_value(value) for value in (0.0001, 0.0123, 0.41)] == [
        "p < 0.001",
        "p = 0.012",
        "p = 0.41",
    ]
    assert points(0.01) == "1.0 point"
    assert points(-0.008) == "0.8 points"
    assert joined("a") == "a"
    assert joined("abc") == "a, b and c"


def test_labels_that_may_be_exchanged_are_said_to_be() -> None:
    labels = np.arange(80) % 2
    scores = np.where(labels == 1, 0.9, 0.2) + np.linspace(0, 0.09, 80)
    images = fake_images(np.column_stack([1 - scores, scores]))
    for named, expected in ((labels, False), (1 - labels, True)):
        metrics = evaluate_images(FakeClassifier(), images, named, resamples=100).metrics
        said = " ".join(cautions(metrics))
        assert ("no_mask and mask may be exchanged in these labels" in said) is expected
