"""How far one number tells two groups of samples apart: the area under the ROC curve."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.stats import rankdata

_Z95 = 1.959964
"""The 97.5% quantile of the normal distribution."""

_EDGE = 1e-9


class Separation(NamedTuple):
    """The chance that a sample of the second group has the larger value, with its 95% interval."""

    auc: float
    low: float
    high: float


def separation(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> Separation:
    """How far a value tells two groups apart.

    0.5 is not at all; 1 is wholly, the second group having the larger values; 0 is wholly the
    other way round. Ties count half.

    Args:
        first: ``float64 (n,)``, finite, at least one.
        second: ``float64 (m,)``, finite, at least one.
    """
    n, m = len(first), len(second)
    ranks = rankdata(np.concatenate([first, second]))
    auc = float((ranks[n:].sum() - m * (m + 1) / 2) / (n * m))
    return Separation(auc, *_interval(auc, n, m))


def _interval(auc: float, n: int, m: int) -> tuple[float, float]:
    """Newcombe's method 5 (Statistics in Medicine 25, 2006, 559-573): in 0..1, wide at the ends."""

    def excess(theta: float) -> float:
        more = (n + m) / 2 - 1
        spread = 1 + more * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return (auc - theta) ** 2 - _Z95**2 * theta * (1 - theta) * spread / (n * m)

    inner = float(np.clip(auc, _EDGE, 1 - _EDGE))
    low = brentq(excess, 0.0, inner) if auc > _EDGE else 0.0
    high = brentq(excess, inner, 1.0) if auc < 1 - _EDGE else 1.0
    return float(low), float(high)
