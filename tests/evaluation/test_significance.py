import numpy as np
import pytest
from scipy import stats

from facecover.errors import ConfigError, DatasetError
from facecover.evaluation.significance import holm, mcnemar, sign_flip_p


def _pairs(n11: int, n10: int, n01: int, n00: int) -> tuple[list[bool], list[bool]]:
    first = [True] * (n11 + n10) + [False] * (n01 + n00)
    second = [True] * n11 + [False] * n10 + [True] * n01 + [False] * n00
    return first, second


@pytest.mark.parametrize("counts", [(90, 2, 9, 4), (10, 0, 1, 0), (5, 7, 7, 1), (0, 30, 10, 0)])
def test_mcnemar_counts_and_p_value(counts: tuple[int, int, int, int]) -> None:
    first, second = map(np.array, _pairs(*counts))
    test = mcnemar(first, second)
    assert (test.n11, test.n10, test.n01, test.n00) == counts
    few, all_ = min(counts[1:3]), sum(counts[1:3])
    expected = min(1.0, 2 * float(stats.binom.cdf(few, all_, 0.5)))
    assert test.p_value == pytest.approx(expected)


def test_mcnemar_of_a_known_value() -> None:
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


def test_holm_of_a_worked_example() -> None:
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") gives 0.03 0.06 0.06 0.02.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_one_p_value_stays_and_none_passes_one() -> None:
    assert holm([]) == []
    assert holm([0.04]) == [0.04]
    assert holm([0.9, 0.6, 0.7]) == [1.0, 1.0, 1.0]


def test_the_correction_keeps_the_order_and_lies_between_none_and_bonferroni() -> None:
    given = np.random.default_rng(0).random(12)
    found = np.array(holm(given.tolist()))
    assert (np.diff(found[np.argsort(given)]) >= 0).all()
    assert (found >= given).all()
    assert (found <= np.minimum(12 * given, 1) + 1e-12).all()


@pytest.mark.parametrize("wrong", [float("nan"), -0.1, 1.1])
def test_what_is_no_p_value_is_refused(wrong: float) -> None:
    with pytest.raises(ConfigError, match="p-values: expected numbers of 0 to 1"):
        holm([0.5, wrong])


def test_sign_flips_agree_with_the_exact_count() -> None:
    # All of 6 differences are +1: 2 of the 64 ways to set signs are as extreme.
    p = sign_flip_p(np.ones(6), np.arange(6))
    assert p == pytest.approx(2 / 64, abs=0.006)
    assert sign_flip_p(np.ones(6), np.arange(6), seed=1) == pytest.approx(p, abs=0.006)


def test_images_that_belong_together_count_as_one() -> None:
    alone = sign_flip_p(np.ones(8), np.arange(8))
    together = sign_flip_p(np.ones(8), np.repeat([0, 1], 4))
    assert together == pytest.approx(0.5, abs=0.02)
    assert together > 10 * alone


def test_no_difference_is_certain_to_be_chance() -> None:
    assert sign_flip_p(np.zeros(5), np.arange(5)) == 1
    assert sign_flip_p(np.array([1.0, -1.0]), np.arange(2)) == 1
