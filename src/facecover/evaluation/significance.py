"""Do models differ on the same images? McNemar's test, sign flips, and Holm's correction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from facecover.errors import ConfigError, DatasetError
from facecover.evaluation.intervals import Units


@dataclass(frozen=True, slots=True)
class McNemar:
    """How two models' answers pair up, and whether that can be chance.

    Attributes:
        n11: images that both answered right.
        n10: images that only the first answered right.
        n01: images that only the second answered right.
        n00: images that both answered wrong.
        p_value: the chance of a split of the disagreements at least as uneven as this one, if
            each were as likely to go either way; 1 without a disagreement.
    """

    n11: int
    n10: int
    n01: int
    n00: int
    p_value: float


def mcnemar(correct_a: npt.NDArray[np.bool_], correct_b: npt.NDArray[np.bool_]) -> McNemar:
    """McNemar's test in its exact, two-sided, binomial form.

    McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12, 1947. It takes the images as independent of each other.

    Args:
        correct_a: ``bool (N,)``, whether the first model answered each image right.
        correct_b: the same of the second model.

    Raises:
        DatasetError: if the two are not of one length, or empty.
    """
    if correct_a.shape != correct_b.shape or correct_a.ndim != 1 or not correct_a.size:
        raise DatasetError(
            "expected the same images for both models, found answers of shape "
            f"{correct_a.shape} and {correct_b.shape}"
        )
    n10, n01 = int(np.sum(correct_a & ~correct_b)), int(np.sum(~correct_a & correct_b))
    p_value = stats.binomtest(n10, n10 + n01).pvalue if n10 + n01 else 1.0
    return McNemar(
        n11=int(np.sum(correct_a & correct_b)),
        n10=n10,
        n01=n01,
        n00=int(np.sum(~correct_a & ~correct_b)),
        p_value=float(p_value),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p-value, made larger for the number of tests; in the order given.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6, 1979: the smallest of m is multiplied by m, the next by m - 1, and so on; none
    comes out smaller than one before it, or above 1. Where those under 0.05 are called
    differences, the chance of one or more false calls stays under 0.05.

    Raises:
        ConfigError: if a value is not within 0..1.
    """
    given = np.asarray(p_values, dtype=np.float64)
    if not ((given >= 0) & (given <= 1)).all():
        raise ConfigError(f"p-values: expected numbers of 0 to 1, found {given.tolist()}")
    order = np.argsort(given, kind="stable")
    steps = given[order] * np.arange(len(given), 0, -1)
    corrected = np.empty_like(given)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(value) for value in corrected]


FLIPS = 10_000
"""Random flips: p-values come in steps of 1 / 10,001, and near 0.05 are right to 0.005."""

_CHUNK_VALUES = 2**20


def sign_flip_p(differences: npt.NDArray[np.float64], units: Units, *, seed: int = 0) -> float:
    """How often chance alone makes a sum of paired differences as large as this one.

    If two sets of models are equally good, each unit's difference is as likely to be of either
    sign (Pitman, "Significance tests which may be applied to samples from any populations",
    Supplement to the Journal of the Royal Statistical Society 4, 1937). Unlike McNemar's test it
    takes shares of seeds that are right, and keeps images that belong together so. The seeds are
    taken as they are.

    Args:
        differences: ``float64 (N,)``, of each image, such as the share of seeds that answered it
            right in the second set minus that in the first.
        units: ``int64 (N,)``, see `intervals.units_of`.
        seed: of the flips.
    """
    sums = np.bincount(units, weights=differences)
    sums = np.abs(sums[sums != 0])
    observed = abs(float(differences.sum()))
    if not len(sums) or not observed:
        return 1.0
    rng = np.random.default_rng(seed)
    rows, extreme = max(1, _CHUNK_VALUES // len(sums)), 0
    for start in range(0, FLIPS, rows):
        signs = 2.0 * rng.integers(2, size=(min(rows, FLIPS - start), len(sums))) - 1
        extreme += int(np.sum(np.abs(signs @ sums) >= observed - 1e-9))
    return (1 + extreme) / (1 + FLIPS)
