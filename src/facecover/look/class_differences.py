"""How measures of files and pixels differ between classes, sources and splits."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import ks_2samp

from facecover.look.finding import Finding, Level
from facecover.look.statistics import (
    MIN_GROUP,
    Spread,
    classes_of,
    separation,
    sources_of,
    splits_of,
    spread_by_class,
)
from facecover.text import listed

FILE_MEASURES = ("width", "height", "short_side", "aspect_ratio", "file_bytes", "jpeg_quality")
"""Measures of the file, which say nothing of a face."""

PIXEL_MEASURES = (
    "brightness", "contrast", "sharpness", "saturation", "red", "green", "blue",
)  # fmt: skip
"""Measures of the pixels at 64 x 64, each in 0..1, which a mask may change too."""

MEASURES = (*FILE_MEASURES, *PIXEL_MEASURES)

_One = TypeVar("_One")


@dataclass(frozen=True)
class ClassDifference:
    """How far one measure tells two classes apart.

    Attributes:
        measure: one of `MEASURES`.
        source: None for all together.
        auc: the chance that a photo of `second` has the larger value than one of `first`, with
            its 95% interval from `low` to `high`.
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
        second: the other source or split, or ``the rest``.
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


STRONG_AUC = 0.7
"""Of two photos, one of each class, the measure alone tells which is which 7 times in 10; for
normal distributions the means are 0.74 standard deviations apart."""

CERTAIN_AUC = 0.6
"""Where the nearer end of the 95% interval must lie, so that few photos raise no alarm."""


MEASURE_WORDS = {
    "width": "width",
    "height": "height",
    "short_side": "the shorter side",
    "aspect_ratio": "width by height",
    "file_bytes": "file size",
    "jpeg_quality": "JPEG quality",
    "brightness": "brightness",
    "contrast": "contrast",
    "sharpness": "sharpness",
    "saturation": "colourfulness",
    "red": "the mean red",
    "green": "the mean green",
    "blue": "the mean blue",
}


def measure_findings(differences: Sequence[ClassDifference]) -> Iterator[Finding]:
    """Which single measures tell the classes apart without a look at the face."""
    yield from _measures(
        "file_measures",
        "warning",
        "The file gives the label away",
        strong_differences(differences, FILE_MEASURES),
        "That is no property of a face: a network may learn it in place of the mask, and fail "
        "on photos from elsewhere.",
    )
    yield from _measures(
        "pixel_measures",
        "note",
        "Light and colour differ by class",
        strong_differences(differences, PIXEL_MEASURES),
        "It may come from the mask itself, which hides skin and lips, or from how the photos "
        "were taken; the latter does not carry over to other photos.",
    )


def strong_differences(
    differences: Sequence[ClassDifference], measures: Sequence[str]
) -> list[ClassDifference]:
    """For each measure that surely tells two classes apart, its strongest case; strongest first."""
    strong = [
        one
        for one in differences
        if one.measure in measures
        and one.strength > STRONG_AUC
        and one.least_strength > CERTAIN_AUC
    ]
    return _first_of_each(sorted(strong, key=lambda one: -one.strength), lambda one: one.measure)


def _measures(
    key: str, level: Level, title: str, strong: Sequence[ClassDifference], reason: str
) -> Iterator[Finding]:
    if not strong:
        return
    first = strong[0]
    low, high = sorted((first.least_strength, max(first.high, 1 - first.low)))
    way = "larger" if first.auc > 0.5 else "smaller"
    measure = MEASURE_WORDS[first.measure]
    text = (
        f"{measure[0].upper()}{measure[1:]} alone tells {first.second} from {first.first} with an "
        f"AUC of {first.strength:.2f} ({low:.2f} to {high:.2f}){_place(first)}; it is {way} for "
        f"{first.second}."
    )
    others = [f"{MEASURE_WORDS[one.measure]} {one.strength:.2f}{_place(one)}" for one in strong[1:]]
    text += f" Also: {listed(others)}." if others else ""
    yield Finding(key, level, title, text, reason, {one.measure: one.auc for one in strong})


def _place(difference: ClassDifference) -> str:
    return f" within {difference.source}" if difference.source else ""


SOURCE_DISTANCE = 0.3
"""A Kolmogorov-Smirnov distance of normal distributions 0.77 standard deviations apart."""

SPLIT_DISTANCE = 0.1
"""The same for 0.25 standard deviations: splits of one pile of photos lie closer."""

SURE_P = 0.01
"""The chance of a false alarm over all comparisons together (Bonferroni)."""


def group_findings(measures: Measures) -> Iterator[Finding]:
    """What differs between sources, and between splits."""
    yield from _sources(measures.source_differences)
    yield from _splits(measures.split_differences)


def _sources(differences: Sequence[GroupDifference]) -> Iterator[Finding]:
    far = _strongest(differences, SOURCE_DISTANCE)
    sources = {one.first for one in differences}
    if len(sources) == 2:
        far = far[:1]  # of two, each is the other's rest
    if not far:
        return
    named = [f"{one.first} in {MEASURE_WORDS[one.measure]} ({one.distance:.2f})" for one in far]
    yield Finding(
        "sources_differ",
        "note",
        "Sources differ",
        f"Against the photos of all other sources, {listed(named)} stand out (Kolmogorov-Smirnov "
        "distance, 0 to 1).",
        "A score within a source says little of the others: test on a source left out, too.",
        {one.first: one.distance for one in far},
    )


def _splits(differences: Sequence[GroupDifference]) -> Iterator[Finding]:
    for split in dict.fromkeys(one.second for one in differences):
        inside = [one for one in differences if one.second == split]
        for worst in _strongest(inside, SPLIT_DISTANCE):
            yield Finding(
                f"{split}_differs",
                "warning",
                f"The {split} photos differ",
                f"The {split} photos differ from the training photos, most of all in "
                f"{MEASURE_WORDS[worst.measure]} (Kolmogorov-Smirnov distance "
                f"{worst.distance:.2f}, p {_p(worst.p_value)}).",
                "The split is not one of a single pile: a score on it measures that difference "
                "too.",
                {"distance": worst.distance, "p_value": worst.p_value},
            )


def _strongest(
    differences: Sequence[GroupDifference], least_distance: float
) -> list[GroupDifference]:
    """For each first group its largest sure difference over a distance; largest first."""
    sure = [
        one
        for one in differences
        if one.p_value * len(differences) < SURE_P and one.distance > least_distance
    ]
    return _first_of_each(sorted(sure, key=lambda one: -one.distance), lambda one: one.first)


def _first_of_each(ordered: Iterable[_One], group: Callable[[_One], str]) -> list[_One]:
    found: dict[str, _One] = {}
    for one in ordered:
        found.setdefault(group(one), one)
    return list(found.values())


def _p(value: float) -> str:
    return "under 0.0001" if value < 0.0001 else f"{value:.4f}"
