"""Whole sources as test data: nothing of them may be known from the sources that train."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from facemask.data.audit.duplicates import DuplicateGroups
from facemask.data.audit.leakage import codes, shares_with
from facemask.data.audit.settle import DUPLICATE, Settled
from facemask.data.rows import Drop

TRAINED_PICTURE = "left-out source: picture in a training source"
TRAINED_EDIT = "left-out source: edited copy in a training source"
TRAINED_PERSON = "left-out source: person in a training source"
TRAINED_GROUP = "left-out source: group in a training source"


class _Relation(NamedTuple):
    """One way to know an image from the training sources: why it goes, and who knows whom."""

    reason: str
    words: str
    groups: npt.NDArray[np.int64]


def leave_out(
    table: pd.DataFrame,
    settled: Settled,
    duplicates: DuplicateGroups,
    identity: "pd.Series[str]",
    sources: Collection[str],
    roots: Mapping[str, Path],
) -> Settled:
    """Drop what the left-out sources share with the others, so that it is new in the test.

    Of a picture that both have, the training sources' image was kept already, when `settle` was
    given `training_first`; its copies get a reason of their own here. Of the rest go the images
    in a group with an image of a training source: edited copies of it, photos of its person, and
    what is related through others or by a group that the data gives.

    Args:
        table: samples with ``source`` and ``path``.
        settled: which of them stay when every picture stands once.
        duplicates: their groups.
        identity: the person in each sample, or null.
        sources: the names of those left out.
        roots: by source name, the folder that its paths stand under.
    """
    is_left_out = table["source"].isin(list(sources)).to_numpy(dtype=bool)
    training = settled.kept & ~is_left_out
    relations = (
        _Relation(TRAINED_EDIT, "edited from the same photo as", duplicates.family),
        _Relation(TRAINED_PERSON, "names the same person as", codes(identity)),
        _Relation(TRAINED_GROUP, "belongs to one group with", codes(settled.group)),
    )
    dropped = _renamed(settled, is_left_out)
    kept = settled.kept.copy()
    names = (table["source"] + ": " + table["path"]).tolist()
    for relation in relations:
        gone = kept & is_left_out & shares_with(relation.groups, training)
        known = _first_of(relation.groups, training)
        for row in np.flatnonzero(gone).tolist():
            path, source = _place(table, row, roots)
            detail = f"{path}: {relation.words} {names[known[int(relation.groups[row])]]}"
            dropped[row] = Drop(path, source, relation.reason, detail)
        kept &= ~gone
    drops = tuple(dropped[row] for row in sorted(dropped))
    return dataclasses.replace(settled, kept=kept, drops=drops)


def training_first(table: pd.DataFrame, sources: Sequence[str]) -> npt.NDArray[np.int64]:
    """The rank of each sample for `settle`: 0 in a training source, 1 in one left out."""
    return np.asarray(table["source"].isin(list(sources)), dtype=np.int64)


def _renamed(settled: Settled, is_left_out: npt.NDArray[np.bool_]) -> dict[int, Drop]:
    """The drops by row; copies of a training source's image say so."""
    dropped = {}
    for row, drop in zip(np.flatnonzero(~settled.kept).tolist(), settled.drops, strict=True):
        is_known = is_left_out[row] and not is_left_out[settled.keeper[row]]
        if drop.reason == DUPLICATE and is_known:
            drop = dataclasses.replace(drop, reason=TRAINED_PICTURE)
        dropped[row] = drop
    return dropped


def _first_of(groups: npt.NDArray[np.int64], chosen: npt.NDArray[np.bool_]) -> dict[int, int]:
    """The first chosen row of each group."""
    rows = np.flatnonzero(chosen)
    found, first = np.unique(groups[rows], return_index=True)
    return dict(zip(found.tolist(), rows[first].tolist(), strict=True))


def _place(table: pd.DataFrame, row: int, roots: Mapping[str, Path]) -> tuple[Path, str]:
    source, path = (str(table[name].iloc[row]) for name in ("source", "path"))
    return roots.get(source, Path()) / path, source
