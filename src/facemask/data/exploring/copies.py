"""Samples that stand in the data more than once, byte for byte."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

_BOX = ("x0", "y0", "x1", "y1")
_EXAMPLES = 5


@dataclass(frozen=True)
class Copies:
    """Exact copies: the same bytes and, where there are boxes, the same box.

    Attributes:
        groups: the number of samples that have a copy, each counted once.
        extra: how many samples would go if one of each group stayed.
        across_sources: the number of groups that stand in more than one source.
        across_splits: the number of files that stand in more than one split.
        test_share: the share, 0..1, of test samples whose file stands in the training or
            validation data too; None without a test split.
        with_several_labels: the number of groups that carry more than one label.
        conflict_examples: the paths of some of those, a tuple a group.
    """

    groups: int
    extra: int
    across_sources: int
    across_splits: int
    test_share: float | None
    with_several_labels: int
    conflict_examples: tuple[tuple[str, ...], ...]


def find_copies(table: pd.DataFrame) -> Copies:
    """The exact copies in a described table."""
    group = table.groupby(["sha256", *_BOX], dropna=False, sort=False).ngroup()
    sizes = group.value_counts()
    sources = table.groupby(group)["source"].nunique()
    labels = table.groupby(group)["label"].nunique()
    splits = table.groupby("sha256")["split"].nunique()
    conflicts = labels.index[labels > 1]
    return Copies(
        groups=int((sizes > 1).sum()),
        extra=len(table) - len(sizes),
        across_sources=int((sources > 1).sum()),
        across_splits=int((splits > 1).sum()),
        test_share=_test_share(table),
        with_several_labels=len(conflicts),
        conflict_examples=tuple(
            tuple(f"{row.source}/{row.path}" for row in table[group == one].itertuples())
            for one in conflicts[:_EXAMPLES]
        ),
    )


def _test_share(table: pd.DataFrame) -> float | None:
    test = (table["split"] == "test").to_numpy()
    if not test.any():
        return None
    files = table["sha256"].to_numpy()
    seen = table["split"].isin(["train", "val"]).to_numpy()
    return float(np.isin(files[test].astype(str), files[seen].astype(str)).mean())
