"""One image a picture: which stay, which go and why, and what must not be split apart."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from facemask.data.audit.components import Pairs, components
from facemask.data.audit.duplicates import DuplicateGroups
from facemask.data.audit.exact import same_file_keys
from facemask.data.rows import Drop
from facemask.errors import DatasetError
from facemask.labels import class_name

DUPLICATE = "duplicate of a kept image"
OUTVOTED = "label outvoted by its duplicates"
CONTRADICTED = "duplicates with contradicting labels"

MAJORITY = (2, 3)
"""Of three different files of one picture, two must agree on its label."""


@dataclass(frozen=True)
class Settled:
    """What is left when every picture stands once.

    Attributes:
        kept: ``bool (N,)``, which samples stay.
        drops: one for each sample that goes, in table order; its reason is `DUPLICATE`,
            `OUTVOTED` or `CONTRADICTED`.
        keeper: ``int64 (N,)``, the row that stays for the picture of each sample: its own, of
            a kept one; -1 where none does.
        group: the group of each sample, kept or not: samples that share a family, a person, a
            photo, or a group given by the data, directly or through others.
    """

    kept: npt.NDArray[np.bool_]
    drops: tuple[Drop, ...]
    keeper: npt.NDArray[np.int64]
    group: "pd.Series[str]"


def settle(
    table: pd.DataFrame,
    duplicates: DuplicateGroups,
    identity: "pd.Series[str]",
    roots: Mapping[str, Path],
    *,
    rank: npt.NDArray[np.int64] | None = None,
) -> Settled:
    """Keep one image of every picture, and say which images belong together.

    Of a picture the image with the most pixels stays, the first of several. Where its images
    have different labels, each different file has a vote: a label with two thirds of the votes
    or more wins and the others go, otherwise the whole picture goes. Where labels of a picture
    were corrected (see `corrections`), those alone vote. Edited copies all stay.

    Args:
        table: samples with the columns of `manifest.COLUMNS`.
        duplicates: their groups.
        identity: the person in each sample, or null.
        roots: by source name, the folder that its paths stand under.
        rank: ``int64 (N,)``, of a picture's images those of the lowest rank come first, and
            pixels are counted among them; by default all have the same.

    Raises:
        DatasetError: if fewer than two pictures or groups, or fewer than two classes, are left
            where there were more.
    """
    if not len(table):
        raise DatasetError("no image to settle: the table is empty")
    winner = _winners(table, duplicates.group)
    ranks = np.zeros(len(table), np.int64) if rank is None else rank
    keeper = _keepers(table, duplicates.group, winner, ranks)
    kept = keeper == np.arange(len(table))
    columns = table[["source", "path", "label", "width", "height"]]
    samples = columns.assign(corrected=_is_corrected(table)).to_dict("records")
    drops = [
        _drop(samples[row], samples[keeper[row]] if keeper[row] >= 0 else None, roots)
        for row in np.flatnonzero(~kept)
    ]
    group = group_together(table, duplicates, identity)
    _check_left(table, kept, duplicates, group)
    return Settled(kept, tuple(drops), keeper, group)


def _winners(table: pd.DataFrame, groups: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The label that each row's group agrees on, -1 where it does not: ``int64 (N,)``."""
    ballots = pd.DataFrame({"group": groups, "file": same_file_keys(table)})
    ballots["label"] = table["label"].to_numpy(dtype=np.int64)
    # Copies that were not looked at must not undo what somebody looked at.
    corrected = pd.Series(_is_corrected(table))
    ballots = ballots[corrected | ~corrected.groupby(groups).transform("any")]
    votes = ballots.drop_duplicates().groupby(["group", "label"]).size().unstack(fill_value=0)
    # In whole numbers, so that exactly two thirds count.
    share, whole = MAJORITY
    has_majority = votes.max(axis=1) * whole >= votes.sum(axis=1) * share
    winner = votes.idxmax(axis=1).where(has_majority, -1)
    return np.asarray(winner.reindex(groups), dtype=np.int64)


def _is_corrected(table: pd.DataFrame) -> npt.NDArray[np.bool_]:
    if "label_before" not in table:
        return np.zeros(len(table), dtype=bool)
    return np.asarray(table["label_before"].notna(), dtype=bool)


def _keepers(
    table: pd.DataFrame,
    groups: npt.NDArray[np.int64],
    winner: npt.NDArray[np.int64],
    rank: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """The row that stays for each row's picture, -1 where none does: ``int64 (N,)``."""
    pixels = table["width"].to_numpy(np.int64) * table["height"].to_numpy(np.int64)
    is_valid = table["label"].to_numpy(dtype=np.int64) == winner
    order = np.lexsort((np.arange(len(table)), -pixels, rank, ~is_valid, groups))
    _, first = np.unique(groups[order], return_index=True)
    best = order[first]
    _, member = np.unique(groups, return_inverse=True)
    return np.where(is_valid[best], best, -1)[member]


def _drop(
    sample: Mapping[Hashable, Any], keeper: Mapping[Hashable, Any] | None, roots: Mapping[str, Path]
) -> Drop:
    source = str(sample["source"])
    path = roots.get(source, Path()) / str(sample["path"])
    own = class_name(int(sample["label"]))
    if keeper is None:
        detail = f"{path}: {own} here, but other files of the same picture disagree"
        return Drop(path, source, CONTRADICTED, detail)
    there = f"{keeper['source']}: {keeper['path']}, {keeper['width']} x {keeper['height']} pixels"
    if sample["label"] == keeper["label"]:
        return Drop(path, source, DUPLICATE, f"{path}: same picture as {there}")
    other = class_name(int(keeper["label"]))
    by = "by a correction" if keeper["corrected"] else "by most files"
    detail = f"{path}: {own} here, {other} {by} of the same picture; kept: {there}"
    return Drop(path, source, OUTVOTED, detail)


def group_together(
    table: pd.DataFrame, duplicates: DuplicateGroups, identity: "pd.Series[str]"
) -> "pd.Series[str]":
    """The samples that may not be split apart: one name for each group, ``group 0`` onwards.

    Samples that share a family, a person, a photo or a group given by the data stand in one
    group, directly or through others.

    Args:
        table: samples with ``group`` and ``sha256``.
        duplicates: their groups.
        identity: the person in each sample, or null.
    """
    links = [
        _linked(duplicates.family),
        _linked(pd.factorize(identity)[0]),
        _linked(pd.factorize(table["group"])[0]),
        _linked(pd.factorize(table["sha256"])[0]),  # the faces of one photo
    ]
    found = components(len(table), np.concatenate(links))
    return pd.Series([f"group {number}" for number in found], index=table.index, dtype="string")


def _linked(groups: npt.NDArray[np.int64]) -> Pairs:
    """Each member with the first of its group; -1 is no group."""
    members = np.flatnonzero(groups >= 0)
    _, first, inverse = np.unique(groups[members], return_index=True, return_inverse=True)
    return np.column_stack([members[first][inverse], members]).astype(np.int64)


def _check_left(
    table: pd.DataFrame,
    kept: npt.NDArray[np.bool_],
    duplicates: DuplicateGroups,
    group: "pd.Series[str]",
) -> None:
    count = len(table)
    if duplicates.group_count == 1 and count > 1:
        raise DatasetError(f"all {count:,} images show the same picture; add different photos")
    labels = table["label"].to_numpy(dtype=np.int64)
    for label in np.unique(labels):
        if not (kept & (labels == label)).any():
            raise DatasetError(
                f"no {class_name(int(label))!r} image is left of {(labels == label).sum():,}: "
                "each shows a picture that has another label too; list them with 'facemask audit', "
                "correct the labels with --relabel, or add photos"
            )
    if group.nunique() == 1 and count > 1:
        raise DatasetError(
            f"all {count:,} images belong to one group (a person, a photo or edits of it), which "
            "cannot be divided into training and test data; add photos of others"
        )
