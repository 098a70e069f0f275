from collections.abc import Mapping

import numpy as np
import pytest

from facecover.errors import DatasetError
from facecover.studies.estimates import mean_accuracy, mean_difference
from facecover.studies.runs import RunAnswers


def _answered(is_right: object, groups: object = None) -> RunAnswers:
    right = np.asarray(is_right, dtype=bool)
    n = len(right)
    owned = np.arange(n) if groups is None else np.asarray(groups)
    return RunAnswers(np.arange(n), np.zeros(n, int), np.zeros((n, 2), np.float32), right, owned)


def _random(accuracy: float, seeds: int, n: int = 400, start: int = 0) -> Mapping[int, RunAnswers]:
    return {
        seed: _answered(np.random.default_rng(start + seed).random(n) < accuracy)
        for seed in range(seeds)
    }


def test_the_value_is_the_mean_of_the_seeds_and_never_the_best() -> None:
    mean = mean_accuracy({0: _answered([1, 1, 1, 1]), 1: _answered([1, 0, 0, 1])})
    assert mean.value == 0.75
    assert mean.by_seed == {0: 1.0, 1: 0.5}
    assert mean.ci95 is not None
    assert mean.ci95[0] <= 0.75 <= mean.ci95[1]


def test_seeds_that_differ_make_the_interval_wider() -> None:
    right = np.random.default_rng(0).random(400) < 0.9
    alike = mean_accuracy({seed: _answered(right) for seed in range(3)})
    spread = mean_accuracy(
        {seed: _answered(right & (np.arange(400) >= 60 * seed)) for seed in range(3)}
    )
    assert alike.ci95 is not None
    assert spread.ci95 is not None
    assert spread.ci95[1] - spread.ci95[0] > 1.5 * (alike.ci95[1] - alike.ci95[0])


def test_images_of_one_group_count_together() -> None:
    right = np.repeat(np.random.default_rng(0).random(40) < 0.8, 10)
    alone = mean_accuracy({0: _answered(right)})
    together = mean_accuracy({0: _answered(right, np.repeat(np.arange(40), 10))})
    assert (alone.n_units, together.n_units) == (400, 40)
    assert alone.ci95 is not None
    assert together.ci95 is not None
    assert together.ci95[1] - together.ci95[0] > 2 * (alone.ci95[1] - alone.ci95[0])


def test_answers_on_other_photos_are_not_compared() -> None:
    ours, theirs = _answered([1, 1]), _answered([1, 1])
    other = RunAnswers(
        theirs.rows, 1 - theirs.labels, theirs.probabilities, theirs.is_right, theirs.groups
    )
    with pytest.raises(DatasetError, match="the same row numbers with other labels"):
        mean_difference({0: ours}, {0: other})


def test_all_right_is_no_certainty() -> None:
    mean = mean_accuracy({0: _answered(np.ones(50))})
    assert mean.ci95 is not None
    assert mean.ci95[0] == pytest.approx(0.9289, abs=1e-3)  # Clopper and Pearson
    assert mean.ci95[1] == 1


def test_a_difference_is_paired_on_images_and_seeds() -> None:
    worse = _random(0.7, 3)
    # Right on one image in ten more: far less uncertain than the two accuracies are.
    better = {
        seed: _answered(one.is_right | (np.arange(400) % 10 == 0)) for seed, one in worse.items()
    }
    gap = mean_difference(better, worse)
    assert gap is not None
    assert gap.ci95 is not None
    assert gap.value == pytest.approx(np.mean([g for g in gap.by_seed.values()]))
    assert 0 < gap.ci95[0] < gap.value < gap.ci95[1] < 0.06
    back = mean_difference(worse, better)
    assert back is not None
    assert back.value == -gap.value


def test_only_seeds_that_both_have_are_compared() -> None:
    ours, theirs = _random(0.8, 3), _random(0.8, 2, start=50)
    gap = mean_difference(ours, theirs)
    assert gap is not None
    assert list(gap.by_seed) == [0, 1]
    assert mean_difference({9: ours[0]}, theirs) is None


def test_the_same_answers_have_no_interval() -> None:
    gap = mean_difference(_random(0.8, 2), _random(0.8, 2))
    assert gap is not None
    assert (gap.value, gap.ci95) == (0, None)


def test_other_images_are_refused() -> None:
    with pytest.raises(DatasetError, match="expected answers on the same images"):
        mean_difference({0: _answered([1, 0])}, {0: _answered([1, 0, 1])})
