"""How far a photo's width and height alone tell its class."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.tree import DecisionTreeClassifier

from facemask.data.exploring.columns import halves, sources_of
from facemask.data.exploring.measures import MIN_GROUP

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
