"""Pictures that carry more than one label."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from facemask.data.audit.duplicates import DuplicateGroups
from facemask.data.audit.exact import BOX
from facemask.labels import class_name

SAME_PICTURE, EDITED_COPY = "same picture", "edited copy"
RELATIONS = (SAME_PICTURE, EDITED_COPY)


@dataclass(frozen=True)
class Conflicts:
    """Groups and families of images with more than one label.

    One picture cannot be masked and bare at once, so one of its labels is wrong. A photo and its
    edited copy can: the edit may be a mask pasted onto the face. They are listed for a look and
    nothing is dropped for it.

    Attributes:
        rows: one line an image: ``conflict`` (a number from 0, conflicts of one picture first),
            ``relation`` (one of `RELATIONS`), ``row`` (in the table), ``source``, ``path``, the
            box, ``label``, ``class``, ``group``, ``family``.
    """

    rows: pd.DataFrame

    def count(self, relation: str) -> int:
        """How many conflicts there are of a relation."""
        return int(self.rows.loc[self.rows["relation"] == relation, "conflict"].nunique())


def find_conflicts(table: pd.DataFrame, duplicates: DuplicateGroups) -> Conflicts:
    """List the images that disagree about their label.

    Args:
        table: samples with ``source``, ``path``, box and ``label``.
        duplicates: their groups.
    """
    labels = table["label"].to_numpy(dtype=np.int64)
    same = _disagreeing(duplicates.group, labels)
    edited = _disagreeing(duplicates.family, labels) & ~_in_family_of(same, duplicates)
    parts = [
        _listed(table, np.flatnonzero(same), duplicates.group, SAME_PICTURE),
        _listed(table, np.flatnonzero(edited), duplicates.family, EDITED_COPY),
    ]
    rows = pd.concat(parts, ignore_index=True)
    keys = rows["relation"].astype(str) + " " + rows["key"].astype(str)
    rows["key"] = pd.factorize(keys)[0]
    rows = rows.rename(columns={"key": "conflict"})
    rows["group"] = duplicates.group[rows["row"].to_numpy(dtype=np.int64)]
    rows["family"] = duplicates.family[rows["row"].to_numpy(dtype=np.int64)]
    return Conflicts(rows)


def _disagreeing(
    groups: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Which samples are in a group with more than one label."""
    by_group = pd.Series(labels).groupby(groups)
    return (by_group.transform("min") != by_group.transform("max")).to_numpy(dtype=bool)


def _in_family_of(
    chosen: npt.NDArray[np.bool_], duplicates: DuplicateGroups
) -> npt.NDArray[np.bool_]:
    return np.isin(duplicates.family, np.unique(duplicates.family[chosen]))


def _listed(
    table: pd.DataFrame,
    rows: npt.NDArray[np.int64],
    groups: npt.NDArray[np.int64],
    relation: str,
) -> pd.DataFrame:
    rows = rows[np.argsort(groups[rows], kind="stable")]
    listed = table.iloc[rows][["source", "path", *BOX, "label"]].reset_index(drop=True)
    listed.insert(0, "row", rows)
    listed.insert(0, "relation", pd.Series([relation] * len(rows), dtype="string"))
    listed.insert(0, "key", groups[rows])
    listed["class"] = [class_name(int(label)) for label in listed["label"]]
    return listed
