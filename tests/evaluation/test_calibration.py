import numpy as np
import pytest
from tests.evaluation.synthetic import calibration_error

from facecover.evaluation.answers import Answers, check_answers
from facecover.evaluation.intervals import measure
from facecover.evaluation.metrics import (
    BINS,
    bins_of,
    chance_calibration_error,
    reliability,
)


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
