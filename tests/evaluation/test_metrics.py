import dataclasses

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from tests.evaluation.synthetic import binary_answers, calibration_error, three_class_answers
from torchmetrics.classification import MulticlassCalibrationError

from facecover.errors import ConfigError, DatasetError
from facecover.evaluation.answers import Answers, check_answers
from facecover.evaluation.intervals import Metrics, measure
from facecover.evaluation.metrics import (
    BINS,
    METRIC_KEYS,
    bins_of,
    chance_calibration_error,
    reliability,
)


def _intervals(metrics: Metrics) -> dict[str, tuple[float, float]]:
    return {key: bounds for key, bounds in metrics.ci95.items() if bounds is not None}


@pytest.mark.parametrize("seed", range(4))
def test_two_classes_equal_scikit_learn(seed: int) -> None:
    labels, probabilities = binary_answers(150, seed=seed)
    mask = probabilities[:, 1]
    predicted = mask >= 0.5
    expected = {
        "accuracy": sk.accuracy_score(labels, predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, predicted),
        "precision": sk.precision_score(labels, predicted),
        "recall": sk.recall_score(labels, predicted),
        "f1": sk.f1_score(labels, predicted),
        "roc_auc": sk.roc_auc_score(labels, mask),
        "average_precision": sk.average_precision_score(labels, mask),
        "brier": sk.brier_score_loss(labels, mask),
        "log_loss": sk.log_loss(labels, probabilities),
    }
    metrics = measure(labels, probabilities, resamples=100)
    found = {key: value for key, value in metrics.values.items() if key != "ece"}
    assert found == pytest.approx(expected, abs=1e-12)
    assert metrics.confusion == sk.confusion_matrix(labels, predicted).tolist()


def test_three_classes_equal_scikit_learn() -> None:
    labels, probabilities = three_class_answers(200)
    predicted = probabilities.argmax(axis=1)
    expected = {
        "accuracy": sk.accuracy_score(labels, predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, predicted),
        "precision": sk.precision_score(labels, predicted, average="macro"),
        "recall": sk.recall_score(labels, predicted, average="macro"),
        "f1": sk.f1_score(labels, predicted, average="macro"),
        "roc_auc": sk.roc_auc_score(labels, probabilities, multi_class="ovr"),
        "average_precision": sk.average_precision_score(np.eye(3)[labels], probabilities),
        "log_loss": sk.log_loss(labels, probabilities),
    }
    metrics = measure(labels, probabilities, resamples=100)
    assert {key: metrics.values[key] for key in expected} == pytest.approx(expected, abs=1e-12)
    assert metrics.threshold is None


@pytest.mark.parametrize("seed", range(3))
def test_calibration_error_equals_torchmetrics(seed: int) -> None:
    labels, three = three_class_answers(200, seed=seed)
    two = np.column_stack([three[:, 0], three[:, 1:].sum(axis=1)])
    for given, probabilities in ((labels, three), (np.minimum(labels, 1), two)):
        reference = MulticlassCalibrationError(probabilities.shape[1], n_bins=BINS, norm="l1")
        expected = float(reference(torch.from_numpy(probabilities), torch.from_numpy(given)))
        found = measure(given, probabilities, resamples=100).values["ece"]
        assert found == pytest.approx(expected, abs=1e-6)


def test_brier_score_of_three_classes_is_summed_over_them() -> None:
    labels, probabilities = three_class_answers(50)
    distances = ((probabilities - np.eye(3)[labels]) ** 2).sum(axis=1)
    found = measure(labels, probabilities, resamples=100).values["brier"]
    assert found == pytest.approx(distances.mean())


def test_intervals_hold_their_values() -> None:
    for labels, probabilities in (binary_answers(120), three_class_answers(120)):
        metrics = measure(labels, probabilities, resamples=200)
        assert set(_intervals(metrics)) == set(METRIC_KEYS)
        for key, (low, high) in _intervals(metrics).items():
            value = metrics.values[key]
            assert value is not None
            assert low <= value <= high
            assert low < high
        for counts, bounds in zip(metrics.confusion, metrics.confusion_ci95, strict=True):
            for count, (low, high) in zip(counts, bounds, strict=True):
                assert low <= count <= high


def test_the_seed_alone_decides_the_intervals() -> None:
    labels, probabilities = binary_answers(80)
    first = measure(labels, probabilities, seed=0, resamples=200)
    again = measure(labels, probabilities, seed=0, resamples=200)
    other = measure(labels, probabilities, seed=1, resamples=200)
    assert first == again
    assert first.values == other.values
    assert first.ci95["brier"] != other.ci95["brier"]


def test_callers_arrays_and_global_random_state_are_untouched() -> None:
    labels, probabilities = binary_answers(50)
    kept = labels.copy(), probabilities.copy()
    state = np.random.get_state(legacy=False)  # noqa: NPY002  (it is the global one that is watched)
    measure(labels, probabilities, resamples=100)
    np.testing.assert_array_equal(labels, kept[0])
    np.testing.assert_array_equal(probabilities, kept[1])
    after = np.random.get_state(legacy=False)  # noqa: NPY002
    np.testing.assert_array_equal(state["state"]["key"], after["state"]["key"])


def test_order_of_the_images_does_not_matter() -> None:
    labels, probabilities = binary_answers(90)
    order = np.random.default_rng(5).permutation(90)
    plain = measure(labels, probabilities, resamples=100)
    shuffled = measure(labels[order], probabilities[order], resamples=100)
    assert shuffled.values == pytest.approx(plain.values, abs=1e-12)
    assert shuffled.confusion == plain.confusion


def test_the_threshold_decides_the_answer_and_not_the_ranking() -> None:
    labels, probabilities = binary_answers(100)
    low = measure(labels, probabilities, threshold=0.2, resamples=100)
    high = measure(labels, probabilities, threshold=0.8, resamples=100)
    assert low.confusion[1][1] > high.confusion[1][1]
    assert low.values["roc_auc"] == high.values["roc_auc"]


def test_at_the_threshold_the_answer_is_mask() -> None:
    metrics = measure(np.array([0, 1]), np.full((2, 2), 0.5), resamples=100)
    assert metrics.confusion == [[0, 1], [0, 1]]


def test_without_a_mistake_the_interval_still_has_width() -> None:
    labels, _ = binary_answers(60)
    metrics = measure(labels, np.eye(2)[labels], resamples=100)
    assert metrics.values["accuracy"] == 1
    assert metrics.ci95["accuracy"] == pytest.approx((0.025 ** (1 / 60), 1))
    assert "Clopper-Pearson" in metrics.interval_notes["accuracy"]
    for key in ("balanced_accuracy", "precision", "recall", "f1", "roc_auc"):
        bounds = metrics.ci95[key]
        assert bounds is not None
        assert bounds[0] < bounds[1] == 1
    assert metrics.ci95["average_precision"] is None
    assert "every resample" in metrics.interval_notes["average_precision"]


def test_without_a_right_answer_the_interval_still_has_width() -> None:
    labels, _ = binary_answers(40)
    metrics = measure(labels, np.eye(2)[1 - labels], resamples=100)
    for key in ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "roc_auc"):
        bounds = metrics.ci95[key]
        assert metrics.values[key] == 0
        assert bounds is not None
        assert bounds[1] > bounds[0] == 0


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_leaves_metrics_undefined_with_the_reason(label: int) -> None:
    labels = np.full(20, label)
    _, probabilities = binary_answers(20)
    metrics = measure(labels, probabilities, resamples=100)
    undefined = {"balanced_accuracy", "precision", "f1", "roc_auc", "average_precision"}
    assert set(metrics.undefined) == undefined | (set() if label else {"recall"})
    assert "no image of 20 is " + ("no_mask" if label else "mask") in metrics.undefined["roc_auc"]
    for key in METRIC_KEYS:
        is_undefined = key in metrics.undefined
        assert (metrics.values[key] is None) == is_undefined
        assert not is_undefined or metrics.ci95[key] is None


def test_a_model_that_never_answers_mask_has_no_precision() -> None:
    labels, _ = binary_answers(30)
    metrics = measure(labels, np.tile([0.9, 0.1], (30, 1)), resamples=100)
    assert metrics.undefined == {"precision": "the model never answered mask"}
    assert metrics.values["f1"] == 0
    assert metrics.values["roc_auc"] == 0.5
    assert metrics.ci95["roc_auc"] is None


def test_three_images_give_numbers_or_reasons_and_nothing_else() -> None:
    labels = np.array([0, 1, 1])
    metrics = measure(labels, np.array([[0.7, 0.3], [0.6, 0.4], [0.1, 0.9]]), resamples=200)
    for key in METRIC_KEYS:
        value, bounds = metrics.values[key], metrics.ci95[key]
        assert value is not None
        assert np.isfinite(value)
        assert bounds is None or np.isfinite(bounds).all()
        assert (bounds is None) <= (key in metrics.interval_notes)
    assert "too few images" in metrics.interval_notes["balanced_accuracy"]


def test_one_image_is_measured() -> None:
    metrics = measure(np.array([1]), np.array([[0.2, 0.8]]), resamples=100)
    assert metrics.values["accuracy"] == 1
    assert metrics.ci95["accuracy"] == pytest.approx((0.025, 1))


def test_a_certain_mistake_costs_a_finite_loss() -> None:
    metrics = measure(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]]), resamples=100)
    assert metrics.values["log_loss"] == pytest.approx(36.0437 / 2, abs=1e-3)


def test_groups_widen_the_interval() -> None:
    labels, probabilities = binary_answers(40)
    repeated = np.repeat(labels, 10), np.repeat(probabilities, 10, axis=0)
    alone = measure(*repeated, resamples=400)
    grouped = measure(*repeated, resamples=400, groups=np.repeat(np.arange(40), 10))
    plain = measure(labels, probabilities, resamples=400)
    widths = {
        name: np.diff(_intervals(metrics)["accuracy"])[0]
        for name, metrics in (("alone", alone), ("grouped", grouped), ("plain", plain))
    }
    assert grouped.n_units == 40
    assert grouped.values == pytest.approx(alone.values)
    assert widths["grouped"] > 2 * widths["alone"]
    assert widths["grouped"] == pytest.approx(widths["plain"], rel=0.05)


def test_negative_groups_stand_alone() -> None:
    labels, probabilities = binary_answers(30)
    alone = measure(labels, probabilities, resamples=100)
    marked = measure(labels, probabilities, resamples=100, groups=np.full(30, -1))
    assert marked == alone


@pytest.mark.slow
def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    labels, probabilities = binary_answers(400_000, seed=99)
    truth = float(np.mean((probabilities[:, 1] >= 0.5) == labels))
    covered = 0
    for seed in range(200):
        bounds = measure(*binary_answers(200, seed=seed), resamples=200).ci95["accuracy"]
        assert bounds is not None
        covered += bounds[0] <= truth <= bounds[1]
    assert 0.89 <= covered / 200 <= 0.99


def test_metrics_cannot_be_changed() -> None:
    metrics = measure(*binary_answers(20), resamples=100)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign"):
        metrics.n = 3  # type: ignore[misc]


def test_wrong_options_are_refused() -> None:
    labels, probabilities = binary_answers(20)
    with pytest.raises(ConfigError, match="resamples 10: expected 100 or more"):
        measure(labels, probabilities, resamples=10)
    with pytest.raises(ConfigError, match="seed -1: expected 0 or more"):
        measure(labels, probabilities, seed=-1)
    with pytest.raises(ConfigError, match="threshold 1: expected a probability"):
        measure(labels, probabilities, threshold=1)
    with pytest.raises(DatasetError, match=r"groups: expected shape \(20,\)"):
        measure(labels, probabilities, groups=np.zeros(3, dtype=np.int64))


def _calibrated(n: int, seed: int, sharpness: float = 1.0) -> Answers:
    """Labels drawn from the probabilities, which are then pushed away from one half."""
    rng = np.random.default_rng(seed)
    mask = rng.uniform(0.05, 0.95, n)
    labels = (rng.random(n) < mask).astype(np.int64)
    stated = 1 / (1 + ((1 - mask) / mask) ** sharpness)
    return check_answers(labels, np.column_stack([1 - stated, stated]))


def test_error_of_two_bins_by_hand() -> None:
    # Ten images at 0.9 with 6 right, ten at 0.7 with 7 right: (10 * 0.3 + 10 * 0) / 20.
    mask = np.repeat([0.9, 0.7], 10)
    labels = np.r_[np.arange(10) < 6, np.arange(10) < 7].astype(np.int64)
    answers = check_answers(labels, np.column_stack([1 - mask, mask]))
    assert calibration_error(answers) == pytest.approx(0.15)


def test_bins_are_open_below_and_closed_above() -> None:
    edges = np.array([0.0, 1 / BINS, 1 / BINS + 1e-9, 1.0])
    assert bins_of(edges).tolist() == [0, 0, 1, BINS - 1]


def test_every_image_is_in_one_bin() -> None:
    answers = _calibrated(200, 0)
    bins = reliability(answers)
    assert bins.counts.sum() == 200
    assert bins.right.sum() == answers.is_right.sum()
    assert (bins.right <= bins.counts).all()
    filled = bins.counts > 0
    np.testing.assert_array_equal(bins_of(bins.confidence[filled]), np.flatnonzero(filled))


def test_overconfidence_is_an_error_beyond_chance() -> None:
    honest, boastful = _calibrated(2000, 1), _calibrated(2000, 1, sharpness=3)
    assert calibration_error(honest) < chance_calibration_error(honest, draws=200, seed=0)
    assert calibration_error(boastful) > 0.1
    chance = chance_calibration_error(boastful, draws=200, seed=0)
    assert calibration_error(boastful) > 2 * chance


def test_the_interval_reaches_zero_where_chance_explains_the_error() -> None:
    honest, boastful = _calibrated(2000, 1), _calibrated(2000, 1, sharpness=3)
    low = [
        (measure(answers.labels, answers.probabilities, resamples=200).ci95["ece"] or (9, 9))[0]
        for answers in (honest, boastful)
    ]
    assert low[0] == 0
    assert 0.1 < low[1] < 1


def test_chance_is_exceeded_by_one_calibrated_model_of_twenty() -> None:
    exceeded = [
        calibration_error(answers) > chance_calibration_error(answers, draws=200, seed=0)
        for answers in (_calibrated(300, seed) for seed in range(100))
    ]
    assert np.mean(exceeded) < 0.13
