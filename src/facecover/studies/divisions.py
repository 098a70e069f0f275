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

from facecover.copies.duplicates import DuplicateGroups, find_duplicates, group_together
from facecover.copies.identities import find_identities
from facecover.copies.selection import deduplicate
from facecover.dataset import MEASURE_SIZE_PX
from facecover.dataset.arrays import UNUSED, Dataset, with_table
from facecover.dataset.manifest import AS_READ, group_numbers
from facecover.dataset.split import assign_splits, check_are_sources, leave_out_splits
from facecover.errors import DatasetError
from facecover.labels import class_name
from facecover.sources.rows import SPLITS
from facecover.studies.definition import Division
from facecover.studies.results import SkippedPart

Rows = npt.NDArray[np.int64]
"""``int64 (n,)``, rows of the dataset's table."""


@dataclass(frozen=True)
class Photos:
    """The photos of a study, before any division.

    Attributes:
        table: one row a photo, the columns of `manifest.COLUMNS`.
        group: ``int64 (N,)``; photos of one picture, edits of it, and photos of one named
            person share a number.
        duplicates: which photos show the same picture; None where a dataset holds every picture
            once and brings its own split.
    """

    table: pd.DataFrame
    group: npt.NDArray[np.int64]
    duplicates: DuplicateGroups | None

    def __len__(self) -> int:
        return len(self.table)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The label of every photo: ``int64 (N,)``."""
        return self.table["label"].to_numpy(dtype=np.int64)

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources' names, in the order of their first photos."""
        return tuple(dict.fromkeys(self.table["source"].astype(str)))

    def rows_of(self, source: str) -> Rows:
        """The rows of one source."""
        return np.flatnonzero(self.table["source"].to_numpy(dtype=object) == source)

    @property
    def group_names(self) -> "pd.Series[str]":
        """The groups as the ``group`` column of a manifest."""
        names = [f"group {number}" for number in self.group]
        return pd.Series(names, index=self.table.index, dtype="string")


def photos_with_copies(dataset: Dataset, *, workers: int | None = None) -> Photos:
    """The photos of a dataset that kept every copy (``prepare`` with ``split_by="random"``).

    Raises:
        DatasetError: if it holds no image.
    """
    table = dataset.manifest.table.reset_index(drop=True)
    duplicates = find_duplicates(dataset.images(MEASURE_SIZE_PX), table, workers=workers)
    together = group_together(table, duplicates, find_identities(table).identity)
    return Photos(table, together, duplicates)


def photos_once(dataset: Dataset) -> Photos:
    """The photos of a dataset that holds every picture once, with its own groups and split.

    Raises:
        DatasetError: if it was not divided by group.
    """
    table = dataset.manifest.table.reset_index(drop=True)
    split_by = dataset.manifest.info.split_by
    groups = group_numbers(table)
    if split_by not in ("group", AS_READ) or groups is None:
        raise DatasetError(
            f"{dataset.folder}: expected a dataset with one image a picture, divided by group, "
            f"found one divided by {split_by}; prepare it with --split-by group, or name the "
            "photos themselves with --data"
        )
    return Photos(table, groups, None)


ALL_SOURCES = "all"
"""Stands for the source where all are merged."""

SEED = 0
"""Of every division: all variants and seeds are tested on the same images."""

Splits = npt.NDArray[np.object_]
"""``object (N,)``: ``train``, ``val``, ``test`` or `UNUSED` for every photo."""


@dataclass(frozen=True)
class StudyPart:
    """One training and test data set that a division makes of a source, or of `ALL_SOURCES`."""

    division: Division
    source: str
    splits: Splits


def divide(
    photos: Photos, division: Division, leave_out: Sequence[str] = ()
) -> tuple[list[StudyPart], list[SkippedPart]]:
    """The parts that a division makes of some photos, whatever splits they bring.

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
    parts: list[StudyPart] = []
    skipped: list[SkippedPart] = []
    for source, make in _makers(photos, division, leave_out):
        try:
            splits = make()
            _check(splits, photos.labels, is_left_out=division == "left-out")
            parts.append(StudyPart(division, source, splits))
        except DatasetError as error:
            skipped.append(SkippedPart(division, source, str(error)))
    return parts, skipped


def with_splits(dataset: Dataset, photos: Photos, splits: Splits, division: Division) -> Dataset:
    """The photos of a dataset, divided as a part says, with the groups that are known of them.

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


def _as_it_is(photos: Photos, division: Division) -> StudyPart:
    if division != "merged-group":
        raise DatasetError(
            f"division {division}: a prepared dataset holds each picture once and brings its own "
            "split; expected merged-group (--division merged-group), or photos with --data"
        )
    return StudyPart(division, ALL_SOURCES, photos.table["split"].to_numpy(dtype=object))


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

    What it shares with the others, be it a picture, an edit of it or a person, is not tested on.
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
    """The rows that stay when every picture stands once and contradictions are out."""
    if photos.duplicates is None:
        return rows
    table = photos.table.iloc[rows].reset_index(drop=True)
    nobody = pd.Series(pd.NA, index=table.index, dtype="string")
    roots: dict[str, Path] = {}  # they would only stand in the drops
    found = deduplicate(table, photos.duplicates.of_rows(rows), nobody, roots)
    return rows[found.kept]


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
    """Refuse a part that cannot be learned from; a source that is left out may have one class."""
    classes = np.unique(labels)
    for split in SPLITS:
        found = np.unique(labels[splits == split])
        if is_left_out and split == "test":
            if not len(found):
                raise DatasetError("each of its photos is shared with the sources trained on")
        elif len(found) < len(classes):
            missing = ", ".join(class_name(int(one)) for one in np.setdiff1d(classes, found))
            raise DatasetError(f"its {split} data would have no photo of {missing}: too few groups")


def limited(splits: Splits, photos: Photos, share: float, *, seed: int) -> Splits:
    """Splits with a share of the training groups, 0..1, and the rest of them left out.

    Groups are drawn from each source and label by themselves, at least one of each; with one
    seed a smaller share is part of a larger one.
    """
    if share == 1:
        return splits
    training = np.flatnonzero(splits == "train")
    groups, first = np.unique(photos.group[training], return_index=True)
    leaders = photos.table.iloc[training[first]]
    strata = (leaders["source"].astype(str) + "/" + leaders["label"].astype(str)).to_numpy()
    rng = np.random.default_rng(seed)
    kept = [
        rng.permutation(groups[strata == stratum])[: _count(share, strata == stratum)]
        for stratum in np.unique(strata)
    ]
    limited = splits.copy()
    limited[training[~np.isin(photos.group[training], np.concatenate(kept))]] = UNUSED
    return limited


def _count(share: float, is_inside: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> int:
    # Rounded first: 0.1 of 70 is a little more than 7 in floating point.
    return int(np.ceil(round(share * np.count_nonzero(is_inside), 9)))
