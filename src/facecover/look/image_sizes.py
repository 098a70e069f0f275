"""How far a photo's width and height alone tell its class."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.tree import DecisionTreeClassifier

from facecover.look.class_differences import MIN_GROUP
from facecover.look.statistics import (
    Spread,
    halves,
    sources_of,
    splits_of,
    spread_by_class,
    spread_of,
)

INPUT_SIZES_PX = (32, 64, 128)
"""The input sizes judged: those of Net #1 and Net #2, and the next one up."""

SIZE_COLUMNS = ("width", "height", "short_side", "long_side", "aspect_ratio")

SQUEEZES = (1.25, 1.5, 2.0)
"""Long side by short side; squeezed to a square, the face is stretched by this factor."""


@dataclass(frozen=True)
class InputFit:
    """What squeezing the photos to a square input does to them.

    Attributes:
        size_px: the side of the input.
        under: the share, 0..1, of photos with a side under it: they are enlarged that way.
        over: the share with both sides over it: they are shrunk both ways.
        under_both: the share with both sides under it: enlarged both ways.
        lossless: the share with no side over it: every pixel is kept.
        median_pixels_kept: the median over the photos of the share of pixels kept.
        under_by_split: `under` within each split.
        under_by_class: `under` within each class.
    """

    size_px: int
    under: float
    over: float
    under_both: float
    lossless: float
    median_pixels_kept: float
    under_by_split: dict[str, float]
    under_by_class: dict[str, float]


@dataclass(frozen=True)
class Squeeze:
    """The share, 0..1, of photos whose long side is over `factor` times the short one."""

    factor: float
    share: float


@dataclass(frozen=True)
class Sizes:
    """How large the photos are.

    Attributes:
        spreads: of each of `SIZE_COLUMNS`, in pixels (``aspect_ratio``: width / height).
        by_class: the same for each class, by column and class.
        inputs: what each input size does.
        squeezes: how many photos a square input distorts, and how much.
    """

    spreads: dict[str, Spread | None]
    by_class: dict[str, dict[str, Spread | None]]
    inputs: tuple[InputFit, ...]
    squeezes: tuple[Squeeze, ...]


def measure_sizes(table: pd.DataFrame, sizes_px: Sequence[int] = INPUT_SIZES_PX) -> Sizes:
    """The sizes in a described table, judged for some input sizes."""
    squeeze = table["squeeze"].to_numpy(dtype=np.float64)
    return Sizes(
        spreads={column: spread_of(table[column]) for column in SIZE_COLUMNS},
        by_class={column: spread_by_class(table, column) for column in SIZE_COLUMNS},
        inputs=tuple(_fit(table, size) for size in sizes_px),
        squeezes=tuple(Squeeze(factor, float((squeeze > factor).mean())) for factor in SQUEEZES),
    )


def _fit(table: pd.DataFrame, size_px: int) -> InputFit:
    short, long = table["short_side"].to_numpy(), table["long_side"].to_numpy()
    kept = np.minimum(1, size_px / short) * np.minimum(1, size_px / long)
    under = table["short_side"] < size_px
    by_class = under.groupby(table["class"]).mean()
    by_split = under.groupby(table["split"]).mean()
    return InputFit(
        size_px=size_px,
        under=float(under.mean()),
        over=float((short > size_px).mean()),
        under_both=float((long < size_px).mean()),
        lossless=float((long <= size_px).mean()),
        median_pixels_kept=float(np.median(kept)),
        under_by_split={name: float(by_split[name]) for name in splits_of(table)},
        under_by_class={str(name): float(share) for name, share in by_class.items()},
    )


_MIN_LEAF = 5
"""Photos a leaf of the tree: fewer would be learned by heart."""


@dataclass(frozen=True)
class SizeGuess:
    """How far a decision tree on width and height alone gets.

    One half of the photos (by their file's hash, so that copies stay together) teaches it, the
    other half tests it. A tree sees what a single measure's AUC does not: a class that was cut to
    a few fixed sizes.

    Attributes:
        source: the source that was looked at, or None for all together.
        accuracy: on the half that tests, 0..1.
        low: the lower end of its 95% interval (Wilson).
        high: the upper end.
        majority_share: the accuracy, on the same half, of always answering its largest class.
        n: photos tested.
    """

    source: str | None
    accuracy: float
    low: float
    high: float
    majority_share: float
    n: int


def guess_from_sizes(table: pd.DataFrame) -> tuple[SizeGuess, ...]:
    """The guess from the sizes in a described table: over all sources, and within each.

    Sources with fewer than `MIN_GROUP` photos of two classes are left out.
    """
    return tuple(_guesses(table))


def _guesses(table: pd.DataFrame) -> Iterator[SizeGuess]:
    half_of = halves(table)
    sources = sources_of(table)
    for source in (None, *(sources if len(sources) > 1 else ())):
        inside = np.full(len(table), True) if source is None else (table["source"] == source)
        teaching = table[np.asarray(inside) & (half_of == 0)]
        testing = table[np.asarray(inside) & (half_of == 1)]
        if _has_two_classes(teaching) and _has_two_classes(testing):
            yield _guess(source, teaching, testing)


def _guess(source: str | None, teaching: pd.DataFrame, testing: pd.DataFrame) -> SizeGuess:
    tree = DecisionTreeClassifier(min_samples_leaf=_MIN_LEAF, random_state=0)
    tree.fit(teaching[["width", "height"]].to_numpy(), teaching["label"].to_numpy())
    answers = tree.predict(testing[["width", "height"]].to_numpy())
    right = int((answers == testing["label"].to_numpy()).sum())
    interval = binomtest(right, len(testing)).proportion_ci(method="wilson")
    majority = testing["label"].value_counts(normalize=True).max()
    return SizeGuess(
        source=source,
        accuracy=right / len(testing),
        low=float(interval.low),
        high=float(interval.high),
        majority_share=float(majority),
        n=len(testing),
    )


def _has_two_classes(rows: pd.DataFrame) -> bool:
    return int((rows["label"].value_counts() >= MIN_GROUP).sum()) >= 2
