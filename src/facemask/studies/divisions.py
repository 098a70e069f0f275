"""How photos become training, validation and test data: the naive ways and the honest ones.

| division | trained and tested on |
| --- | --- |
| ``each-random`` | each source alone: all its photos, copies included, divided at random |
| ``each-group`` | each source alone: one image a picture, no group in two parts |
| ``merged-random`` | all sources together: all photos, copies included, divided at random |
| ``merged-group`` | all sources together: one image a picture, no group in two parts |
| ``left-out`` | tested on one source, trained on all others, nothing of the one in the others |
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from facemask.data.arrays import Dataset
from facemask.data.audit.settle import settle
from facemask.data.rows import SPLITS
from facemask.data.split import assign_splits, check_are_sources, leave_out_splits
from facemask.data.views import UNUSED, with_table
from facemask.errors import DatasetError
from facemask.labels import class_name
from facemask.studies.photos import Photos, Rows
from facemask.studies.study import Division

ALL_SOURCES = "all"
"""Stands for the source where all are merged."""

SEED = 0
"""Of every division: all variants and seeds are tested on the same images."""

Splits = npt.NDArray[np.object_]
"""``object (N,)``: ``train``, ``val``, ``test`` or `UNUSED` for every photo."""


@dataclass(frozen=True)
class Part:
    """One training and test data set that a division makes.

    Attributes:
        division: the division.
        source: the source it is about, or `ALL_SOURCES`.
        splits: where every photo goes.
    """

    division: Division
    source: str
    splits: Splits


@dataclass(frozen=True)
class Skipped:
    """A part that cannot be made of these photos, and why."""

    division: Division
    source: str
    reason: str


def divide(
    photos: Photos, division: Division, leave_out: Sequence[str] = ()
) -> tuple[list[Part], list[Skipped]]:
    """The parts that a division makes of some photos.

    Splits that the photos bring are not looked at.

    Args:
        photos: all of them.
        division: how to divide.
        leave_out: the sources that ``left-out`` leaves out in turn; each one, if none is named.

    Raises:
        ConfigError: if a source to leave out is not there.
        DatasetError: if the division needs the copies and they are not there.
    """
    if photos.duplicates is None:
        return [_as_it_is(photos, division)], []
    check_are_sources(leave_out, photos.sources)
    parts: list[Part] = []
    skipped: list[Skipped] = []
    for source, make in _makers(photos, division, leave_out):
        try:
            splits = make()
            _check(splits, photos.labels, is_left_out=division == "left-out")
            parts.append(Part(division, source, splits))
        except DatasetError as error:
            skipped.append(Skipped(division, source, str(error)))
    return parts, skipped


def with_splits(dataset: Dataset, photos: Photos, splits: Splits, division: Division) -> Dataset:
    """The photos of a dataset, divided, with the groups that are known of them.

    Args:
        dataset: the photos, decoded.
        photos: what is known of them.
        splits: of a `Part`.
        division: that made the splits.

    Raises:
        DatasetError: if there is nothing to train on.
    """
    table = photos.table.assign(split=splits, group=photos.group_names)
    table["split"] = table["split"].astype("string")
    return with_table(dataset, table, split_by=division, seed=SEED)


def _makers(
    photos: Photos, division: Division, leave_out: Sequence[str]
) -> Iterator[tuple[str, Callable[[], Splits]]]:
    """For each part of a division its source, and what makes its splits."""
    if division == "left-out":
        for source in leave_out or photos.sources:
            yield source, partial(_left_out, photos, source)
        return
    by_group = division in ("each-group", "merged-group")
    if division in ("merged-random", "merged-group"):
        yield ALL_SOURCES, partial(_divided, photos, np.arange(len(photos)), by_group=by_group)
        return
    for source in photos.sources:
        yield source, partial(_divided, photos, photos.rows_of(source), by_group=by_group)


def _as_it_is(photos: Photos, division: Division) -> Part:
    if division != "merged-group":
        raise DatasetError(
            f"division {division}: a prepared dataset holds each picture once and brings its own "
            "split; expected merged-group (--division merged-group), or photos with --data"
        )
    return Part(division, ALL_SOURCES, photos.table["split"].to_numpy(dtype=object))


def _divided(photos: Photos, rows: Rows, *, by_group: bool) -> Splits:
    """Some photos, divided; the others are left out."""
    _check_two_classes(photos.labels[rows])
    kept = _one_a_picture(photos, rows) if by_group else rows
    splits = np.full(len(photos), UNUSED, dtype=object)
    table = _undivided(photos, kept, by_group=by_group)
    splits[kept] = assign_splits(table, seed=SEED).to_numpy(dtype=object)
    return splits


def _left_out(photos: Photos, source: str) -> Splits:
    """One source as test data; the others, one image a picture, as training and validation.

    What the source shares with the others, be it a picture, an edit of it or a person, is
    neither trained nor tested on there.
    """
    own = photos.rows_of(source)
    others = np.setdiff1d(np.arange(len(photos)), own)
    if not len(others):
        raise DatasetError("there is no other source to train on; name two or more with --data")
    _check_two_classes(photos.labels[others])
    trained = _one_a_picture(photos, others)
    table = _undivided(photos, trained, by_group=True)
    assigned = leave_out_splits(table, (), seed=SEED).to_numpy(dtype=object)
    tested = _one_a_picture(photos, own)
    tested = tested[~np.isin(photos.group[tested], photos.group[others])]
    splits = np.full(len(photos), UNUSED, dtype=object)
    splits[trained] = assigned
    splits[tested] = "test"
    return splits


def _one_a_picture(photos: Photos, rows: Rows) -> Rows:
    """The rows that stay when every picture stands once and contradictions are settled."""
    if photos.duplicates is None:
        return rows
    table = photos.table.iloc[rows].reset_index(drop=True)
    nobody = pd.Series(pd.NA, index=table.index, dtype="string")
    roots: dict[str, Path] = {}  # they would only stand in the drops
    settled = settle(table, photos.duplicates.of_rows(rows), nobody, roots)
    return rows[settled.kept]


def _undivided(photos: Photos, rows: Rows, *, by_group: bool) -> pd.DataFrame:
    """Some photos without the splits, and with or without the groups, that they have."""
    nothing = pd.Series(pd.NA, index=photos.table.index, dtype="string")
    group = photos.group_names if by_group else nothing
    return photos.table.assign(split=nothing, group=group).iloc[rows].reset_index(drop=True)


def _check_two_classes(labels: npt.NDArray[np.int64]) -> None:
    found = np.unique(labels)
    if len(found) < 2:
        raise DatasetError(
            f"every one of its {len(labels):,} photos is {class_name(int(found[0]))!r}: there is "
            "nothing to tell apart"
        )


def _check(splits: Splits, labels: npt.NDArray[np.int64], *, is_left_out: bool) -> None:
    """Refuse a part that cannot be learned from or judged on.

    Raises:
        DatasetError: if a class is missing from its training, validation or test data; a source
            that is left out may have one class.
    """
    classes = np.unique(labels)
    for split in SPLITS:
        found = np.unique(labels[splits == split])
        if is_left_out and split == "test":
            if not len(found):
                raise DatasetError("each of its photos is shared with the sources trained on")
        elif len(found) < len(classes):
            missing = ", ".join(class_name(int(one)) for one in np.setdiff1d(classes, found))
            raise DatasetError(f"its {split} data would have no photo of {missing}: too few groups")
