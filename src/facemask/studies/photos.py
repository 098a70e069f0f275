"""All photos of a study, decoded once, with what may not stand on both sides of a division."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from facemask.data.arrays import Dataset
from facemask.data.audit.duplicates import COMPARED_SIZE_PX, DuplicateGroups, find_duplicates
from facemask.data.audit.identities import find_identities
from facemask.data.audit.settle import group_together
from facemask.errors import DatasetError

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

    Args:
        dataset: the dataset.
        workers: threads; by default one a core.

    Raises:
        DatasetError: if it holds no image.
    """
    table = dataset.manifest.table.reset_index(drop=True)
    duplicates = find_duplicates(dataset.images(COMPARED_SIZE_PX), table, workers=workers)
    together = group_together(table, duplicates, find_identities(table).identity)
    return Photos(table, _codes(together), duplicates)


def photos_once(dataset: Dataset) -> Photos:
    """The photos of a dataset that holds every picture once, with its own groups and split.

    Raises:
        DatasetError: if it was not divided by group.
    """
    table = dataset.manifest.table.reset_index(drop=True)
    split_by = dataset.manifest.info.split_by
    if split_by not in ("group", "source data") or not table["group"].notna().any():
        raise DatasetError(
            f"{dataset.folder}: expected a dataset with one image a picture, divided by group, "
            f"found one divided by {split_by}; prepare it with --split-by group, or name the "
            "photos themselves with --data"
        )
    alone = pd.Series([f"row {row}" for row in range(len(table))], index=table.index)
    return Photos(table, _codes(table["group"].astype("object").fillna(alone)), None)


def _codes(values: "pd.Series[str]") -> npt.NDArray[np.int64]:
    codes, _ = pd.factorize(values)
    return codes.astype(np.int64)
