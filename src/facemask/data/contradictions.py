"""Sources that cannot be merged, since they mean different things by their labels."""

from collections.abc import Iterable
from itertools import combinations

import pandas as pd

from facemask.data.audit.duplicates import DuplicateGroups
from facemask.data.rows import Source
from facemask.errors import DatasetError, LabelError, shown
from facemask.labels import class_name

FEWEST_SHARED = 10
"""Two sources with fewer pictures in common tell nothing of each other's labels."""

MOST_DISAGREEING = 0.5
"""Labels of public sets are wrong for some percent of their photos, never for half of them."""


def check_class_names(sources: Iterable[Source]) -> None:
    """Refuse sources that read the same class name as different labels.

    Raises:
        LabelError: if two sources do.
    """
    known: dict[str, tuple[str, int]] = {}
    for source in sources:
        for name, label in source.class_labels.items():
            other, before = known.setdefault(name, (source.name, label))
            if before != label:
                raise LabelError(
                    f"{shown(source.name)}: the class {name!r} is read as {class_name(label)}, but "
                    f"in {shown(other)} as {class_name(before)}; expected one meaning: map it the "
                    "same way for both, or rename the class in one of them"
                )


def check_shared_pictures(table: pd.DataFrame, duplicates: DuplicateGroups) -> None:
    """Refuse two sources that disagree about most of the pictures that both have.

    Numbers as labels cannot be checked by their names: where 0 means a mask in one source and
    none in the other, only the pictures that stand in both tell.

    Args:
        table: samples with ``source`` and ``label``.
        duplicates: their groups.

    Raises:
        DatasetError: if two sources do.
    """
    labelled = table[["source", "label"]].assign(picture=duplicates.group)
    by_picture = labelled.groupby(["source", "picture"])["label"].agg(["min", "max"])
    # A source that contradicts itself about a picture says nothing about the other.
    labels = by_picture.loc[by_picture["min"] == by_picture["max"], "min"]
    sources = [str(name) for name in labels.index.unique("source")]
    for first, second in combinations(sources, 2):
        both = pd.concat([labels.loc[first], labels.loc[second]], axis=1, join="inner")
        disagreeing = int((both.iloc[:, 0] != both.iloc[:, 1]).sum())
        if len(both) >= FEWEST_SHARED and disagreeing > MOST_DISAGREEING * len(both):
            raise DatasetError(
                f"{shown(first)} and {shown(second)} have {len(both):,} pictures in common and "
                f"label {disagreeing:,} of them differently; expected one meaning of the classes: "
                "check which of them has its labels swapped, and correct it in the source, or its "
                "photos with --relabel"
            )
