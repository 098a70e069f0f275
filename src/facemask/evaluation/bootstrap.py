"""Seeded resampling of images, or of whole groups of images that belong together."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from facemask.errors import ConfigError, DatasetError
from facemask.evaluation.answers import Answers
from facemask.evaluation.weighted import Floats, WeightedMetrics

LEVEL = 0.95
MIN_RESAMPLES = 100
"""Fewer resamples do not reach down to the 2.5th percentile in any useful way."""

_CHUNK_VALUES = 2**20
"""Weights held at once: 8 MB, and a few times that while they are worked on."""

Units = npt.NDArray[np.int64]
"""``int64 (N,)``: the unit of resampling that each image belongs to, 0..U-1."""


def units_of(n: int, groups: npt.NDArray[np.int64] | None = None) -> Units:
    """What is resampled: each image, or each group of images that are not independent.

    Args:
        n: the number of images.
        groups: ``int64 (N,)``, the same number for near-duplicates or photos of one person; a
            negative number is an image that stands alone (as `pandas.factorize` gives it).

    Raises:
        DatasetError: if there is not one group for each image.
    """
    if groups is None:
        return np.arange(n)
    groups = np.asarray(groups)
    if groups.shape != (n,):
        raise DatasetError(
            f"groups: expected shape ({n},), one for each image, found {groups.shape}"
        )
    alone = groups < 0
    codes = np.where(alone, groups.max(initial=0) + 1 + np.arange(n), groups)
    units: Units = np.unique(codes, return_inverse=True)[1]
    return units


def resample_weights(units: Units, *, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each image was drawn, in chunks of ``float64 (B, N)``, `resamples` rows in all.

    Units are drawn with replacement, as many as there are; every image of a drawn unit counts.

    Raises:
        ConfigError: if `resamples` is under `MIN_RESAMPLES`, or the seed is negative.
    """
    if resamples < MIN_RESAMPLES:
        raise ConfigError(f"resamples {resamples}: expected {MIN_RESAMPLES} or more")
    if seed < 0:
        raise ConfigError(f"seed {seed}: expected 0 or more")
    rng = np.random.default_rng(seed)
    n_units = int(units.max()) + 1
    rows = max(1, _CHUNK_VALUES // len(units))
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        drawn = rng.integers(n_units, size=(count, n_units))
        drawn += np.arange(count)[:, None] * n_units
        times = np.bincount(drawn.ravel(), minlength=count * n_units).reshape(count, n_units)
        yield times[:, units].astype(np.float64)


def resampled_values(
    answers: Answers, units: Units, *, resamples: int, seed: int
) -> dict[str, Floats]:
    """Each metric on each resample.

    The draws depend on the units and the seed alone, so two models on the same images are
    resampled alike, and the difference of their values is a paired bootstrap.

    Args:
        answers: what the model answered.
        units: from `units_of`.
        resamples: how many.
        seed: of the draws.

    Returns:
        ``float64 (R,)`` for each of `METRIC_KEYS`, NaN where undefined, and ``confusion``,
        ``float64 (R, C, C)``.

    Raises:
        ConfigError: if `resamples` is too small, or the seed is negative.
    """
    metrics = WeightedMetrics(answers)
    chunks = [
        metrics(weights) for weights in resample_weights(units, resamples=resamples, seed=seed)
    ]
    return {key: np.concatenate([chunk[key] for chunk in chunks]) for key in chunks[0]}


def percentile_interval(values: Floats) -> tuple[float, float]:
    """The middle `LEVEL` of the values that are defined.

    Args:
        values: ``float64 (R,)``; NaN is left out, and at least one is not NaN.
    """
    tail = 50 * (1 - LEVEL)
    low, high = np.nanpercentile(values, (tail, 100 - tail))
    return float(low), float(high)


def basic_interval(values: Floats, point: float) -> tuple[float, float]:
    """The percentile interval mirrored at the point value, from 0 up, with the point inside.

    For a quantity that cannot be negative and that resampling pushes up, such as a calibration
    error: the resamples lie above the point value by about as much as it lies above the truth
    (Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 5.2).

    Args:
        values: ``float64 (R,)``; NaN is left out.
        point: the value on the images themselves, 0 or more.
    """
    low, high = percentile_interval(values)
    return max(0.0, 2 * point - high), max(point, 2 * point - low)
