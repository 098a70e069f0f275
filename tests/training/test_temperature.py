import numpy as np
import numpy.typing as npt
import pytest
from tests.evaluation.synthetic import calibration_error

from facecover.evaluation.answers import check_answers
from facecover.inference.classifier import softmax
from facecover.training.onnx_export import HIGHEST, LOWEST, MIN_IMAGES, fit_temperature

Drawn = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]


def _drawn(n: int, true_temperature: float, *, classes: int = 2, seed: int = 0) -> Drawn:
    """Logits, and labels that are drawn with the probabilities at a temperature."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 4, (n, classes)).astype(np.float32)
    sums = softmax(logits, true_temperature).cumsum(axis=1)
    return logits, (rng.random((n, 1)) > sums).sum(axis=1).clip(0, classes - 1)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("true_temperature", [0.6, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found(
    true_temperature: float, classes: int
) -> None:
    temperature, fit = fit_temperature(*_drawn(20_000, true_temperature, classes=classes))
    assert temperature == pytest.approx(true_temperature, rel=0.05)
    assert fit.log_loss_after <= fit.log_loss_before + 1e-9
    assert fit.images == 20_000
    assert fit.note == ""


def test_calibration_improves_where_confidence_was_too_high() -> None:
    _, fit = fit_temperature(*_drawn(5000, 3))
    assert fit.ece_after < fit.ece_before / 3
    assert fit.log_loss_after < fit.log_loss_before


def test_the_error_is_that_of_the_evaluation() -> None:
    logits, labels = _drawn(700, 2)
    temperature, fit = fit_temperature(logits, labels)
    for divisor, found in ((1.0, fit.ece_before), (temperature, fit.ece_after)):
        answers = check_answers(labels, softmax(logits, divisor))
        assert found == pytest.approx(calibration_error(answers), abs=1e-6)


def test_no_answer_changes() -> None:
    logits, labels = _drawn(3000, 2)
    temperature, _ = fit_temperature(logits, labels)
    assert temperature != 1
    before, after = softmax(logits), softmax(logits, temperature)
    np.testing.assert_array_equal(before.argmax(axis=1), after.argmax(axis=1))
    np.testing.assert_array_equal(before[:, 1] >= 0.5, after[:, 1] >= 0.5)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("n", [400, 4000])
def test_without_a_mistake_it_is_as_sure_as_the_images_are_many(classes: int, n: int) -> None:
    labels = np.arange(n) % classes
    logits = 2 * np.eye(classes, dtype=np.float32)[labels]
    temperature, fit = fit_temperature(logits, labels)
    # Each answer is right, and one more of each class would be wrong.
    of_a_class = n / classes
    surest = softmax(logits, temperature).max(axis=1)
    assert surest == pytest.approx((of_a_class + 1) / (of_a_class + 2), abs=1e-3)
    assert fit.note == "fitted to smoothed labels: 0 mistakes on validation images, fewer than 5"
    assert fit.log_loss_after < fit.log_loss_before


def test_a_few_mistakes_make_it_less_sure() -> None:
    labels = np.arange(1000) % 2
    logits = 2 * np.eye(2, dtype=np.float32)[labels]
    logits[:3] = logits[:3, ::-1]
    temperature, fit = fit_temperature(logits, labels)
    own = 501 / 502
    surest = softmax(logits, temperature).max()
    assert surest == pytest.approx(0.997 * own + 0.003 * (1 - own), abs=1e-4)
    assert fit.note == "fitted to smoothed labels: 3 mistakes on validation images, fewer than 5"


def test_a_few_images_leave_it_at_one() -> None:
    temperature, fit = fit_temperature(*_drawn(MIN_IMAGES - 1, 3))
    assert temperature == 1
    assert fit.note.startswith(f"not fitted: {MIN_IMAGES - 1} validation images")


@pytest.mark.parametrize(("scale", "bound"), [(0.01, LOWEST), (1000, HIGHEST)])
def test_it_stays_inside_its_bounds(scale: float, bound: float) -> None:
    logits, labels = _drawn(2000, 1)
    temperature, fit = fit_temperature((logits * scale).astype(np.float32), labels)
    assert temperature == bound
    assert fit.note == f"kept at its bound of {bound:g}"


def test_the_same_logits_give_the_same_temperature() -> None:
    drawn = _drawn(500, 2)
    assert fit_temperature(*drawn) == fit_temperature(*drawn)
