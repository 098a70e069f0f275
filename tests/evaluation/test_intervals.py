import numpy as np
import pytest
from tests.evaluation.synthetic import Labels, Probabilities, binary_answers, three_class_answers

from facecover.evaluation.answers import check_answers
from facecover.evaluation.intervals import (
    Bootstrap,
    basic_interval,
    exact_interval,
    interval_of,
    measure,
    percentile_interval,
    proportion_interval,
    resample_weights,
    units_of,
)
from facecover.evaluation.metrics import METRIC_KEYS, WeightedMetrics

CASES = [binary_answers(70), three_class_answers(70)]


@pytest.mark.parametrize(("labels", "probabilities"), CASES)
def test_equal_weights_give_the_point_values(labels: Labels, probabilities: Probabilities) -> None:
    expected = measure(labels, probabilities, resamples=100)
    found = WeightedMetrics(check_answers(labels, probabilities))(np.full((1, 70), 3.0))
    values = {key: found[key][0] for key in METRIC_KEYS}
    assert values == pytest.approx(expected.values, abs=1e-12)
    np.testing.assert_allclose(found["confusion"][0], 3 * np.array(expected.confusion))


@pytest.mark.parametrize(("labels", "probabilities"), CASES)
def test_whole_weights_are_repeated_images(labels: Labels, probabilities: Probabilities) -> None:
    weights = np.random.default_rng(3).integers(0, 4, (5, 70))
    found = WeightedMetrics(check_answers(labels, probabilities))(weights.astype(np.float64))
    for row, times in enumerate(weights):
        repeated = np.repeat(labels, times), np.repeat(probabilities, times, axis=0)
        expected = measure(*repeated, resamples=100).values
        values = {key: found[key][row] for key in METRIC_KEYS}
        assert values == pytest.approx(expected, abs=1e-12)


def test_a_weighting_without_a_class_is_undefined_where_the_metric_is() -> None:
    labels, probabilities = binary_answers(30)
    found = WeightedMetrics(check_answers(labels, probabilities))(labels[None].astype(np.float64))
    undefined = measure(np.ones(30, dtype=np.int64), probabilities, resamples=100).undefined
    assert {key for key in METRIC_KEYS if np.isnan(found[key][0])} == set(undefined)


def test_weights_are_draws_with_replacement() -> None:
    chunks = list(resample_weights(units_of(50), resamples=400, seed=0))
    weights = np.concatenate(chunks)
    assert weights.shape == (400, 50)
    assert (weights.sum(axis=1) == 50).all()
    assert weights.mean(axis=0) == pytest.approx(1, abs=0.2)
    assert weights.var() == pytest.approx(1 - 1 / 50, rel=0.05)


def test_large_sets_are_drawn_in_chunks() -> None:
    n = 20_000
    sizes = [len(chunk) for chunk in resample_weights(units_of(n), resamples=120, seed=0)]
    assert sum(sizes) == 120
    assert max(sizes) * n <= 2**20


def test_images_of_a_group_are_drawn_together() -> None:
    units = units_of(6, np.array([7, 7, 3, -1, 3, -1]))
    assert len(set(units.tolist())) == 4
    for weights in resample_weights(units, resamples=100, seed=0):
        assert (weights[:, 0] == weights[:, 1]).all()
        assert (weights[:, 2] == weights[:, 4]).all()
        assert (weights[:, 3] != weights[:, 5]).any()


def test_draws_do_not_depend_on_the_answers() -> None:
    labels, good = binary_answers(60)
    bootstrap = Bootstrap(units_of(60), resamples=100, seed=4)
    first = bootstrap.metric_draws(check_answers(labels, good))
    second = bootstrap.metric_draws(check_answers(labels, good[::-1]))
    np.testing.assert_array_equal(first["confusion"].sum(axis=2), second["confusion"].sum(axis=2))


def test_percentile_interval_leaves_undefined_draws_out() -> None:
    draws = np.r_[np.linspace(0, 1, 1001), np.nan]
    assert percentile_interval(draws) == pytest.approx((0.025, 0.975))


def test_draws_that_do_not_move_or_are_undefined_give_no_interval() -> None:
    draws = np.linspace(0, 1, 1001)
    assert interval_of(draws) == percentile_interval(draws)
    assert interval_of(np.full(1001, 0.3)) is None
    assert interval_of(np.r_[draws, np.full(40, np.nan)]) is not None
    assert interval_of(np.r_[draws, np.full(60, np.nan)]) is None


def test_basic_interval_mirrors_at_the_point_and_holds_it() -> None:
    draws = np.linspace(0.2, 0.4, 1001)
    assert basic_interval(draws, 0.3) == pytest.approx((0.205, 0.395))
    assert basic_interval(draws, 0.1) == pytest.approx((0.0, 0.1))


def test_no_failure_gives_the_closed_form() -> None:
    low, high = proportion_interval(1.0, 100)
    assert low == pytest.approx(0.025 ** (1 / 100))
    assert high == 1
    assert proportion_interval(0.0, 100) == pytest.approx((0, 1 - low))


def test_groups_count_once() -> None:
    labels = np.tile([0, 1], 20)
    answers = check_answers(labels, np.eye(2)[labels])
    twins = units_of(40, np.arange(40) // 4)
    assert exact_interval("accuracy", answers, twins) == proportion_interval(1.0, 10)
    # Every group holds both classes, so there are as many pairs of distinct groups as halves.
    assert exact_interval("roc_auc", answers, twins) == proportion_interval(1.0, 5)


def test_constant_answers_bound_balanced_accuracy_from_both_sides() -> None:
    labels = np.repeat([0, 1], 50)
    answers = check_answers(labels, np.tile([0.9, 0.1], (100, 1)))
    bounds = exact_interval("balanced_accuracy", answers, units_of(100))
    assert bounds is not None
    assert bounds[0] < 0.5 < bounds[1]


def test_there_is_none_for_metrics_that_are_no_shares() -> None:
    labels = np.array([0, 1])
    answers = check_answers(labels, np.eye(2)[labels])
    for key in ("brier", "log_loss", "ece", "average_precision"):
        assert exact_interval(key, answers, units_of(2)) is None


def test_with_three_classes_accuracy_alone_has_one() -> None:
    labels = np.array([0, 1, 2])
    answers = check_answers(labels, np.eye(3)[labels])
    assert exact_interval("accuracy", answers, units_of(3)) == proportion_interval(1.0, 3)
    assert exact_interval("f1", answers, units_of(3)) is None
