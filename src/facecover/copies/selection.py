"""Which samples stay: one image of every picture, and nothing of what left-out sources share."""

import dataclasses
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.copies.duplicates import (
    DuplicateGroups,
    codes,
    group_together,
    same_file_keys,
    shares_with,
)
from facecover.errors import DatasetError, LabelError, shown
from facecover.labels import class_name
from facecover.sources.rows import Drop, Source

DUPLICATE = "duplicate of a kept image"
OUTVOTED = "label outvoted by its duplicates"
CONTRADICTED = "duplicates with contradicting labels"
TRAINED_PICTURE = "left-out source: picture in a training source"
TRAINED_EDIT = "left-out source: edited copy in a training source"
TRAINED_PERSON = "left-out source: person in a training source"
TRAINED_GROUP = "left-out source: group in a training source"

SplitBy = Literal["group", "source", "random"]

MAJORITY = (2, 3)
"""Of three different files of one picture, two must agree on its label."""

FEWEST_SHARED = 10
"""Two sources with fewer pictures in common tell nothing of each other's labels."""

MOST_DISAGREEING = 0.5
"""Labels of public sets are wrong for some percent of their photos, never for half of them."""

_SPLIT_RANKS = {"test": 0, "val": 1}
"""Of a picture with copies in several given splits, the one held out stays: a test set that
others use too keeps its pictures. Samples without a split come last, with training data."""

_Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Deduplicated:
    """What is left when every picture stands once.

    Attributes:
        dropped: by row, why a sample goes.
        keeper: ``int64 (N,)``, the row that stays for the picture of each sample: its own, of
            a kept one; -1 where none does.
        group: the group of each sample, kept or not; see `duplicates.group_together`.
    """

    dropped: Mapping[int, Drop]
    keeper: _Numbers
    group: "pd.Series[str]"

    @property
    def kept(self) -> npt.NDArray[np.bool_]:
        """Which samples stay: ``bool (N,)``."""
        kept = np.ones(len(self.keeper), dtype=bool)
        kept[list(self.dropped)] = False
        return kept

    @property
    def drops(self) -> tuple[Drop, ...]:
        """One for each sample that goes, in table order."""
        return tuple(self.dropped[row] for row in sorted(self.dropped))


def choose_samples(
    table: pd.DataFrame,
    duplicates: DuplicateGroups,
    identity: "pd.Series[str]",
    roots: Mapping[str, Path],
    split_by: SplitBy,
    left_out: Sequence[str] = (),
) -> Deduplicated:
    """What stays, what goes and why, and the group of each sample.

    Args:
        table: the samples, as they were read.
        duplicates: their groups.
        identity: the person in each sample, or null.
        roots: by source name, the folder that its paths stand under.
        split_by: ``random`` keeps all; the others keep one image of every picture, ``source``
            that of a source that is not left out.
        left_out: the sources to test on: of these goes what is known from the others.

    Raises:
        DatasetError: as `deduplicate`.
    """
    if split_by == "random":
        return Deduplicated({}, np.arange(len(table)), table["group"])
    if split_by == "source":
        is_left_out = table["source"].isin(list(left_out)).to_numpy(dtype=bool)
        found = deduplicate(table, duplicates, identity, roots, rank=is_left_out.astype(np.int64))
        return _without_known(table, found, duplicates, identity, is_left_out, roots)
    lowest = len(_SPLIT_RANKS)
    rank = np.asarray(table["split"].map(_SPLIT_RANKS).fillna(lowest), dtype=np.int64)
    return deduplicate(table, duplicates, identity, roots, rank=rank)


def deduplicate(
    table: pd.DataFrame,
    duplicates: DuplicateGroups,
    identity: "pd.Series[str]",
    roots: Mapping[str, Path],
    *,
    rank: _Numbers | None = None,
) -> Deduplicated:
    """Keep one image of every picture, and say which images belong together.

    Of a picture the image with the most pixels stays, the first of several. Where its images
    have different labels, each different file has a vote: a label with two thirds of the votes
    or more wins and the others go, otherwise the whole picture goes. Where labels of a picture
    were corrected (see `label_corrections`), those alone vote. Edited copies all stay.

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
        raise DatasetError("no image to choose: the table is empty")
    ranks = np.zeros(len(table), np.int64) if rank is None else rank
    keeper = _keepers(table, duplicates.group, ranks)
    columns = table[["source", "path", "label", "width", "height"]]
    samples = columns.assign(corrected=_is_corrected(table)).to_dict("records")
    dropped = {
        row: _drop(samples[row], samples[keeper[row]] if keeper[row] >= 0 else None, roots)
        for row in np.flatnonzero(keeper != np.arange(len(table))).tolist()
    }
    numbers = group_together(table, duplicates, identity)
    group = pd.Series([f"group {one}" for one in numbers], index=table.index, dtype="string")
    found = Deduplicated(dropped, keeper, group)
    _check_left(table, found, duplicates)
    return found


def _winners(table: pd.DataFrame, groups: _Numbers) -> _Numbers:
    """The label that each row's group agrees on, -1 where it does not: ``int64 (N,)``."""
    ballots = pd.DataFrame({"group": groups, "file": same_file_keys(table)})
    ballots["label"] = table["label"].to_numpy(dtype=np.int64)
    # Copies that nobody checked must not undo what somebody checked.
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


def _keepers(table: pd.DataFrame, groups: _Numbers, rank: _Numbers) -> _Numbers:
    """The row that stays for each row's picture, -1 where none does: ``int64 (N,)``."""
    pixels = table["width"].to_numpy(np.int64) * table["height"].to_numpy(np.int64)
    is_valid = table["label"].to_numpy(dtype=np.int64) == _winners(table, groups)
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


def _check_left(table: pd.DataFrame, found: Deduplicated, duplicates: DuplicateGroups) -> None:
    count = len(table)
    if duplicates.group_count == 1 and count > 1:
        raise DatasetError(f"all {count:,} images show the same picture; add different photos")
    labels = table["label"].to_numpy(dtype=np.int64)
    for label in np.unique(labels):
        if not (found.kept & (labels == label)).any():
            raise DatasetError(
                f"no {class_name(int(label))!r} image is left of {(labels == label).sum():,}: "
                "each shows a picture that has another label too; list them with "
                "'facecover audit', correct the labels with --relabel, or add photos"
            )
    if found.group.nunique() == 1 and count > 1:
        raise DatasetError(
            f"all {count:,} images belong to one group (a person, a photo or edits of it), which "
            "cannot be divided into training and test data; add photos of others"
        )


def _without_known(
    table: pd.DataFrame,
    found: Deduplicated,
    duplicates: DuplicateGroups,
    identity: "pd.Series[str]",
    is_left_out: npt.NDArray[np.bool_],
    roots: Mapping[str, Path],
) -> Deduplicated:
    """Drop what the left-out sources share with the others, so that it is new in the test.

    Copies of a training source's image have gone, and get a reason of their own. Of the rest go
    the images in a group with an image of a training source.
    """
    dropped = dict(found.dropped)
    for row, drop in found.dropped.items():
        is_known = is_left_out[row] and not is_left_out[found.keeper[row]]
        if drop.reason == DUPLICATE and is_known:
            dropped[row] = dataclasses.replace(drop, reason=TRAINED_PICTURE)
    sources, paths, kept = table["source"].tolist(), table["path"].tolist(), found.kept
    is_training = kept & ~is_left_out
    backwards = np.flatnonzero(is_training)[::-1]
    relations = (
        (TRAINED_EDIT, "edited from the same photo as", duplicates.family),
        (TRAINED_PERSON, "names the same person as", codes(identity)),
        (TRAINED_GROUP, "belongs to one group with", codes(found.group)),
    )
    for reason, words, groups in relations:
        gone = kept & is_left_out & shares_with(groups, is_training)
        first = dict(zip(groups[backwards].tolist(), backwards.tolist(), strict=True))
        for row in np.flatnonzero(gone).tolist():
            path, known = roots.get(sources[row], Path()) / paths[row], first[int(groups[row])]
            detail = f"{path}: {words} {sources[known]}: {paths[known]}"
            dropped[row] = Drop(path, sources[row], reason, detail)
        kept &= ~gone
    return dataclasses.replace(found, dropped=dropped)


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
