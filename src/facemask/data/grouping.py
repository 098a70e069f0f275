"""Which samples are not independent: copies of one picture, photos of one person, one photo."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from facemask.data.arrays import Images
from facemask.data.audit.duplicates import find_duplicates
from facemask.data.audit.identities import find_identities


def group_samples(
    images: Images, table: pd.DataFrame, *, workers: int | None = None
) -> "pd.Series[str]":
    """A group for every sample, such that samples of different groups are independent.

    Two samples share a group if they show the same picture (exact, near, mirrored or edited
    copies, see `audit.duplicates`), if their file names carry the same person's name (see
    `audit.identities`), if the data puts them into one group, or through a third sample.

    Args:
        images: ``uint8 (N, 64, 64, 3)``, RGB.
        table: N samples with the columns of `manifest.COLUMNS`.
        workers: threads; by default one a core.

    Raises:
        DatasetError: if there is no sample, or the images do not fit the table.
    """
    families = find_duplicates(images, table, workers=workers).family
    identities = _codes(find_identities(table).identity)
    brought = _codes(table["group"])
    number = _components([families, identities, brought])
    width = len(str(max(number, default=0)))
    return pd.Series([f"{one:0{width}d}" for one in number], index=table.index, dtype="string")


def crossing_share(table: pd.DataFrame, split: str = "test") -> float:
    """The share of a split's samples, 0..1, whose group has samples in another split too."""
    inside = table["split"] == split
    if not inside.any():
        return 0.0
    splits_of = table.groupby("group")["split"].nunique()
    return float((table.loc[inside, "group"].map(splits_of) > 1).mean())


def _codes(values: "pd.Series[str]") -> npt.NDArray[np.int64]:
    """A number for each value, -1 for null."""
    return np.asarray(pd.factorize(values)[0], dtype=np.int64)


def _components(partitions: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """Connected components of samples that share a number in any partition; -1 shares nothing."""
    count = len(partitions[0])
    links = [np.zeros((0, 2), np.int64)]
    for numbers in partitions:
        members = np.flatnonzero(numbers >= 0)
        order = members[np.argsort(numbers[members], kind="stable")]
        same = numbers[order[1:]] == numbers[order[:-1]]
        links.append(np.column_stack([order[:-1][same], order[1:][same]]))
    first, second = np.concatenate(links).T
    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)
