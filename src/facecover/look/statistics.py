"""How far one number tells two groups of samples apart: the area under the ROC curve."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import rankdata

from facecover.dataset.arrays import Images
from facecover.labels import CLASS_NAMES
from facecover.sources.rows import SPLITS

NOT_SPLIT = "not split"
"""Stands for the split of samples whose data brings none."""

SPLIT_ORDER = (*SPLITS, NOT_SPLIT)

MIN_GROUP = 20
"""Smaller groups are not compared: the 95% interval of their AUC is over a third wide."""

_CHUNK = 1024


def described(table: pd.DataFrame, images: Images) -> pd.DataFrame:
    """A copy of a manifest's table with the columns that the facts are made of.

    Added are ``class`` (the label's name), ``short_side`` and ``long_side`` in pixels,
    ``aspect_ratio`` (width / height), ``squeeze`` (long side / short side, 1 for a square) and
    ``saturation`` (see `saturation`); ``split`` has `NOT_SPLIT` where it was null.

    Args:
        table: `manifest.COLUMNS`.
        images: ``uint8 (N, S, S, 3)``, RGB; image i belongs to row i.
    """
    wide = table.reset_index(drop=True).copy()
    sides = wide[["width", "height"]].to_numpy(dtype=np.int64)
    wide["class"] = np.array(CLASS_NAMES, dtype=object)[wide["label"].to_numpy(dtype=np.int64)]
    wide["split"] = wide["split"].astype("object").fillna(NOT_SPLIT)
    wide["source"] = wide["source"].astype("object")
    wide["short_side"], wide["long_side"] = sides.min(axis=1), sides.max(axis=1)
    wide["aspect_ratio"] = sides[:, 0] / sides[:, 1]
    wide["squeeze"] = sides.max(axis=1) / sides.min(axis=1)
    wide["saturation"] = saturation(images)
    return wide


def saturation(images: Images) -> npt.NDArray[np.float32]:
    """How colourful each image is, ``float32 (N,)`` in 0..1: 0 is grey.

    The largest of R, G and B less the smallest, averaged over the image's pixels.

    Args:
        images: ``uint8 (N, S, S, 3)``, RGB.
    """
    found = np.zeros(len(images), dtype=np.float32)
    for start in range(0, len(images), _CHUNK):
        chunk = np.asarray(images[start : start + _CHUNK])
        red, green, blue = (chunk[..., channel] for channel in range(3))
        # Pairwise is ten times as fast as max(axis=3); the difference is never negative.
        highest = np.maximum(np.maximum(red, green), blue)  # (n, S, S)
        reach = highest - np.minimum(np.minimum(red, green), blue)
        found[start : start + _CHUNK] = reach.mean(axis=(1, 2), dtype=np.float32) / 255
    return found


def halves(table: pd.DataFrame) -> npt.NDArray[np.int64]:
    """The half, 0 or 1, of each sample: ``int64 (N,)``.

    It follows from the file's hash: the same for the same data, in any order, and copies of a
    file stand in one half.
    """
    return np.array([int(str(digest)[:8], 16) % 2 for digest in table["sha256"]], dtype=np.int64)


def present(names: npt.NDArray[np.object_], order: tuple[str, ...]) -> tuple[str, ...]:
    """The names that occur, in a given order; names outside of it follow, sorted."""
    found = {str(name) for name in np.unique(names.astype(str))}
    return (*(name for name in order if name in found), *sorted(found - set(order)))


def classes_of(table: pd.DataFrame) -> tuple[str, ...]:
    """The class names that occur in a described table, by label."""
    return present(table["class"].to_numpy(), CLASS_NAMES)


def splits_of(table: pd.DataFrame) -> tuple[str, ...]:
    """The splits that occur in a described table: training, validation, test, not split."""
    return present(table["split"].to_numpy(), SPLIT_ORDER)


def sources_of(table: pd.DataFrame) -> tuple[str, ...]:
    """The sources in a described table, in the order of their first samples."""
    return tuple(str(name) for name in pd.unique(table["source"]))


_QUANTILES = (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1)


@dataclass(frozen=True)
class Spread:
    """How a quantity is spread over `n` samples that have it."""

    n: int
    min: float
    p5: float
    p25: float
    median: float
    p75: float
    p95: float
    max: float
    mean: float


def spread_of(values: "pd.Series[float]") -> Spread | None:
    """The spread of a column; None if no sample has the quantity."""
    numbers = values.dropna().to_numpy(dtype=np.float64)
    if not numbers.size:
        return None
    low, p5, p25, median, p75, p95, high = np.quantile(numbers, _QUANTILES).tolist()
    return Spread(numbers.size, low, p5, p25, median, p75, p95, high, float(numbers.mean()))


def spread_by_class(table: pd.DataFrame, column: str) -> dict[str, Spread | None]:
    """The spread of a column of a described table in each class that occurs."""
    by_class = table.groupby("class", sort=False)[column]
    return {name: spread_of(by_class.get_group(name)) for name in classes_of(table)}


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
