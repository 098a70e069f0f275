"""Means and shares over images with a 95% interval from the same resamples as every metric."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from facemask.evaluation.bootstrap import percentile_interval, resample_weights, units_of
from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.exact import Interval, proportion_interval
from facemask.evaluation.intervals import UNDEFINED_SHARE

_NO_WIDTH = 1e-12
"""Intervals narrower than this are rounding."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over images.

    Attributes:
        value: None where there is no image.
        ci95: its 95% interval; None where there is none.
        n: images.
    """

    value: float | None
    ci95: Interval | None
    n: int


def share(
    evaluation: Evaluation, flags: npt.NDArray[np.bool_], among: npt.NDArray[np.bool_] | None = None
) -> Estimate:
    """The share of the images with a flag, among some of them.

    Args:
        evaluation: its groups, seed and resamples are used.
        flags: ``bool (N,)``.
        among: ``bool (N,)``; all images by default.
    """
    among = np.ones(len(flags), dtype=bool) if among is None else among
    found = mean(evaluation, flags.astype(np.float64), among)
    if found.value in (0.0, 1.0):
        units = units_of(len(flags), evaluation.groups)
        exact = proportion_interval(found.value, len(np.unique(units[among])))
        return Estimate(found.value, exact, found.n)
    return found


def mean(
    evaluation: Evaluation,
    values: npt.NDArray[np.float64],
    among: npt.NDArray[np.bool_] | None = None,
) -> Estimate:
    """The mean of a value over images, among some of them; arguments as of `share`."""
    among = np.ones(len(values), dtype=bool) if among is None else among
    n = int(np.count_nonzero(among))
    if not n:
        return Estimate(None, None, 0)
    units, metrics = units_of(len(values), evaluation.groups), evaluation.metrics
    columns = np.column_stack([np.where(among, values, 0.0), among.astype(np.float64)])
    sums = np.concatenate(
        [
            weights @ columns
            for weights in resample_weights(units, resamples=metrics.resamples, seed=metrics.seed)
        ]
    )
    draws = np.full(len(sums), np.nan)
    np.divide(sums[:, 0], sums[:, 1], out=draws, where=sums[:, 1] > 0)
    interval = None
    if np.isnan(draws).mean() <= UNDEFINED_SHARE:
        low, high = percentile_interval(draws)
        interval = (low, high) if high - low > _NO_WIDTH else None
    return Estimate(float(values[among].mean()), interval, n)
