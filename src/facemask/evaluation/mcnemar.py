"""Do two models make different mistakes on the same images? McNemar's exact test."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from facemask.errors import DatasetError


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
