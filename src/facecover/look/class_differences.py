"""How measures of files and pixels differ between classes, sources and splits."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import ks_2samp

from facecover.look.statistics import (
    Spread,
    classes_of,
    separation,
    sources_of,
    splits_of,
    spread_by_class,
)

FILE_MEASURES = ("width", "height", "short_side", "aspect_ratio", "file_bytes", "jpeg_quality")
"""Measures of the file, which say nothing of a face."""

PIXEL_MEASURES = (
    "brightness", "contrast", "sharpness", "saturation", "red", "green", "blue",
)  # fmt: skip
"""Measures of the pixels at 64 x 64, each in 0..1, which a mask may change too."""

MEASURES = (*FILE_MEASURES, *PIXEL_MEASURES)

MIN_GROUP = 20
"""Smaller groups are not compared: the 95% interval of their AUC is over a third wide."""


@dataclass(frozen=True)
class ClassDifference:
    """How far one measure tells two classes apart.

    Attributes:
        measure: one of `MEASURES`.
        source: the source that was looked at, or None for all together.
        first: a class.
        second: the other class.
        auc: the chance that a photo of `second` has the larger value than one of `first`.
        low: the lower end of its 95% interval.
        high: the upper end.
        n: the number of photos compared.
    """

    measure: str
    source: str | None
    first: str
    second: str
    auc: float
    low: float
    high: float
    n: int

    @property
    def strength(self) -> float:
        """The AUC whichever way it points, 0.5..1."""
        return max(self.auc, 1 - self.auc)

    @property
    def least_strength(self) -> float:
        """The end of the interval that is nearer to 0.5; 0.5 if the interval holds it."""
        return max(self.low, 1 - self.high, 0.5)


@dataclass(frozen=True)
class GroupDifference:
    """How far one measure differs between two groups of samples.

    Attributes:
        measure: one of `MEASURES`.
        first: a source or split.
        second: the other, or ``the rest``.
        distance: the Kolmogorov-Smirnov statistic, 0..1: the largest gap between the two
            distribution functions.
        p_value: of the hypothesis that both come from one distribution.
    """

    measure: str
    first: str
    second: str
    distance: float
    p_value: float


@dataclass(frozen=True)
class Measures:
    """How measures of files and pixels are spread and differ.

    Attributes:
        by_class: the spread of each of `PIXEL_MEASURES`, by measure and class.
        class_differences: between every two classes, over all sources and within each.
        source_differences: between each source and the rest.
        split_differences: between training and each other split.
    """

    by_class: dict[str, dict[str, Spread | None]]
    class_differences: tuple[ClassDifference, ...]
    source_differences: tuple[GroupDifference, ...]
    split_differences: tuple[GroupDifference, ...]


def compare_measures(table: pd.DataFrame) -> Measures:
    """The measures of a described table, compared."""
    return Measures(
        by_class={measure: spread_by_class(table, measure) for measure in PIXEL_MEASURES},
        class_differences=tuple(_class_differences(table)),
        source_differences=tuple(_source_differences(table)),
        split_differences=tuple(_split_differences(table)),
    )


def _class_differences(table: pd.DataFrame) -> Iterator[ClassDifference]:
    sources = sources_of(table)
    for source in (None, *(sources if len(sources) > 1 else ())):
        rows = table if source is None else table[table["source"] == source]
        values = {name: _values(rows[rows["class"] == name]) for name in classes_of(rows)}
        for first, second in combinations(values, 2):
            for measure in MEASURES:
                one, other = values[first][measure], values[second][measure]
                if min(len(one), len(other)) >= MIN_GROUP:
                    found = separation(one, other)
                    count = len(one) + len(other)
                    yield ClassDifference(measure, source, first, second, *found, count)


def _source_differences(table: pd.DataFrame) -> Iterator[GroupDifference]:
    for source in sources_of(table):
        inside = table["source"] == source
        yield from _group_differences(table[inside], table[~inside], source, "the rest")


def _split_differences(table: pd.DataFrame) -> Iterator[GroupDifference]:
    training = table[table["split"] == "train"]
    for split in splits_of(table):
        if split in ("val", "test"):
            yield from _group_differences(training, table[table["split"] == split], "train", split)


def _group_differences(
    one: pd.DataFrame, other: pd.DataFrame, first: str, second: str
) -> Iterator[GroupDifference]:
    left, right = _values(one), _values(other)
    for measure in MEASURES:
        if min(len(left[measure]), len(right[measure])) >= MIN_GROUP:
            # The exact distribution of the statistic is slow for thousands of samples.
            found = ks_2samp(left[measure], right[measure], method="asymp")
            yield GroupDifference(
                measure, first, second, float(found.statistic), float(found.pvalue)
            )


def _values(rows: pd.DataFrame) -> dict[str, npt.NDArray[np.float64]]:
    """Each measure of the rows that have it, ``float64 (n,)``."""
    return {measure: rows[measure].dropna().to_numpy(dtype=np.float64) for measure in MEASURES}
