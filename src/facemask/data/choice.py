"""Which of the collected samples stay in a dataset, and which belong together."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from facemask.data.audit.duplicates import DuplicateGroups
from facemask.data.audit.left_out import leave_out, training_first
from facemask.data.audit.settle import Settled, settle

SplitBy = Literal["group", "source", "random"]

_BROUGHT_RANKS = {"test": 0, "val": 1}
"""Of a picture with copies in several brought splits, the one held out stays: a test set that
others use too keeps its pictures. Samples without a split come last, with training data."""


def choose_samples(
    table: pd.DataFrame,
    duplicates: DuplicateGroups,
    identity: "pd.Series[str]",
    roots: Mapping[str, Path],
    split_by: SplitBy,
    left_out: Sequence[str] = (),
) -> Settled:
    """What stays, what goes and why, and the group of each sample.

    Args:
        table: the samples, as they were read.
        duplicates: their groups.
        identity: the person in each sample, or null.
        roots: by source name, the folder that its paths stand under.
        split_by: ``random`` keeps all; the others keep one image of every picture.
        left_out: the sources to test on, where ``split_by`` is ``source``.

    Raises:
        DatasetError: as `settle`.
    """
    if split_by == "random":
        every = np.arange(len(table))
        return Settled(np.ones(len(table), dtype=bool), (), every, table["group"])
    if split_by == "source":
        rank = training_first(table, left_out)
        settled = settle(table, duplicates, identity, roots, rank=rank)
        return leave_out(table, settled, duplicates, identity, left_out, roots)
    lowest = len(_BROUGHT_RANKS)
    rank = np.asarray(table["split"].map(_BROUGHT_RANKS).fillna(lowest), dtype=np.int64)
    return settle(table, duplicates, identity, roots, rank=rank)
