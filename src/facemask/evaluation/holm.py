"""Several tests at once: Holm's correction."""

from collections.abc import Sequence

import numpy as np

from facemask.errors import ConfigError


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
