import numpy as np
import pytest

from facecover.evaluation.answers import check_answers
from facecover.evaluation.intervals import exact_interval, proportion_interval, units_of


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
