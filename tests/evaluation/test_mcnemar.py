import numpy as np
import pytest
from scipy import stats

from facecover.errors import DatasetError
from facecover.evaluation.significance import mcnemar


def _pairs(n11: int, n10: int, n01: int, n00: int) -> tuple[list[bool], list[bool]]:
    first = [True] * (n11 + n10) + [False] * (n01 + n00)
    second = [True] * n11 + [False] * n10 + [True] * n01 + [False] * n00
    return first, second


@pytest.mark.parametrize("counts", [(90, 2, 9, 4), (10, 0, 1, 0), (5, 7, 7, 1), (0, 30, 10, 0)])
def test_counts_and_p_value(counts: tuple[int, int, int, int]) -> None:
    first, second = map(np.array, _pairs(*counts))
    test = mcnemar(first, second)
    assert (test.n11, test.n10, test.n01, test.n00) == counts
    few, all_ = min(counts[1:3]), sum(counts[1:3])
    expected = min(1.0, 2 * float(stats.binom.cdf(few, all_, 0.5)))
    assert test.p_value == pytest.approx(expected)


def test_known_value() -> None:
    # 1 against 9: twice (1 + 10) / 2^10.
    first, second = map(np.array, _pairs(50, 1, 9, 0))
    assert mcnemar(first, second).p_value == pytest.approx(22 / 1024)


def test_it_does_not_matter_which_comes_first() -> None:
    first, second = map(np.array, _pairs(20, 3, 11, 4))
    assert mcnemar(first, second).p_value == mcnemar(second, first).p_value


def test_without_disagreement_nothing_is_shown() -> None:
    right = np.array([True, False, True])
    assert mcnemar(right, right).p_value == 1


def test_other_images_are_refused() -> None:
    with pytest.raises(DatasetError, match="same images for both models"):
        mcnemar(np.array([True]), np.array([True, False]))
    with pytest.raises(DatasetError, match="same images for both models"):
        mcnemar(np.array([], dtype=bool), np.array([], dtype=bool))
