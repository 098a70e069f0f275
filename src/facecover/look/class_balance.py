"""How many samples there are: by class, split and source, and how many were left out."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from facecover.look.statistics import classes_of, sources_of, splits_of


@dataclass(frozen=True)
class Cell:
    """The number of samples of one class in one split of one source."""

    split: str
    source: str
    class_name: str
    n: int


@dataclass(frozen=True)
class Counts:
    """How many samples there are.

    Attributes:
        n: samples in all.
        by_class: by class name.
        by_split: by split; ``not split`` where the data brings none.
        by_source: by source.
        cells: every combination that occurs; they add up to `n`.
        majority_class: the largest class.
        majority_share: its share, 0..1: the accuracy of always answering it.
        left_out: what was left out on the way, by reason.
        source_guess_share: the accuracy, 0..1, of answering each source's largest class.
    """

    n: int
    by_class: dict[str, int]
    by_split: dict[str, int]
    by_source: dict[str, int]
    cells: tuple[Cell, ...]
    majority_class: str
    majority_share: float
    left_out: dict[str, int]
    source_guess_share: float

    def share_of(self, class_name: str, *, split: str) -> float:
        """The share, 0..1, of a class in a split; 0 if the split is empty."""
        inside = [cell for cell in self.cells if cell.split == split]
        total = sum(cell.n for cell in inside)
        wanted = sum(cell.n for cell in inside if cell.class_name == class_name)
        return wanted / total if total else 0.0


def count_samples(table: pd.DataFrame, left_out: Mapping[str, int]) -> Counts:
    """The counts of a described table.

    Args:
        table: from `columns.described`.
        left_out: the number of samples left out on the way, by reason.
    """
    found = table.groupby(["split", "source", "class"]).size().to_dict()
    cells = tuple(
        Cell(split, source, name, int(found[split, source, name]))
        for split in splits_of(table)
        for source in sources_of(table)
        for name in classes_of(table)
        if (split, source, name) in found
    )
    by_class = {name: int((table["class"] == name).sum()) for name in classes_of(table)}
    majority = max(by_class, key=lambda name: by_class[name])
    return Counts(
        n=len(table),
        by_class=by_class,
        by_split={name: int((table["split"] == name).sum()) for name in splits_of(table)},
        by_source={name: int((table["source"] == name).sum()) for name in sources_of(table)},
        cells=cells,
        majority_class=majority,
        majority_share=by_class[majority] / len(table),
        left_out=dict(left_out),
        source_guess_share=guess_share(table, "source"),
    )


def guess_share(table: pd.DataFrame, column: str) -> float:
    """The accuracy, 0..1, of answering the most frequent class of each value of a column."""
    return float(pd.crosstab(table[column], table["class"]).max(axis=1).sum() / len(table))
