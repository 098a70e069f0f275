"""Training, validation and test: stratified, seeded, and never through a group."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from facemask.data.rows import SPLITS
from facemask.errors import ConfigError, DatasetError
from facemask.labels import class_name


@dataclass(frozen=True)
class Shares:
    """The wanted shares of validation and test data, each in 0..1; training takes the rest.

    Raises:
        ConfigError: if a share is outside 0..1 or nothing is left for training.
    """

    val: float = 0.1
    test: float = 0.2

    def __post_init__(self) -> None:
        if not (0 < self.val < 1 and 0 < self.test < 1 and self.val + self.test < 1):
            raise ConfigError(
                f"split shares: expected val and test over 0 and under 1 together, found val "
                f"{self.val} and test {self.test}"
            )


DEFAULT_SHARES = Shares()


def assign_splits(
    table: pd.DataFrame, shares: Shares = DEFAULT_SHARES, *, seed: int = 0
) -> "pd.Series[str]":
    """The split of every sample: ``train``, ``val`` or ``test``.

    A split that the data brings stands. A source that brings training and test data but no
    validation data gives a part of its training data for it. Samples of one `group` always go
    the same way; a group whose brought split differs keeps what the data says, and the audit
    reports it as leakage.

    Args:
        table: samples with `source`, `label`, `split` (null where to be decided) and `group`
            (null for a sample that is its own group).
        shares: the wanted shares.
        seed: the same seed and table give the same split.
    """
    splits = table["split"].astype("object").copy()
    groups = _groups(table)
    rng = np.random.default_rng(seed)
    for _, rows in table.groupby("source", sort=True):
        brought = set(splits.loc[rows.index].dropna())
        if "test" in brought and "val" not in brought:
            training = rows.index[splits.loc[rows.index] == "train"]
            wanted = {"train": 1 - shares.test - shares.val, "val": shares.val}
            splits.loc[training] = _assign(table.loc[training], groups, wanted, rng)
    open_rows = table.index[splits.isna()]
    wanted = {"train": 1 - shares.test - shares.val, "val": shares.val, "test": shares.test}
    splits.loc[open_rows] = _assign(table.loc[open_rows], groups, wanted, rng)
    return splits.astype("string")


def check_splits(table: pd.DataFrame) -> None:
    """Refuse a split that cannot be trained and tested on.

    Raises:
        DatasetError: if a class is missing from the training, validation or test data.
    """
    labels = sorted(table["label"].unique())
    if len(labels) < 2:
        raise DatasetError(
            f"every one of the {len(table):,} samples is {class_name(int(labels[0]))!r}; "
            "expected at least two classes: add photos of the other class"
        )
    counts = pd.crosstab(table["split"], table["label"]).reindex(SPLITS, fill_value=0)
    for split in SPLITS:
        for label in labels:
            if counts.loc[split, label] == 0:
                total = int((table["label"] == label).sum())
                raise DatasetError(
                    f"the {split} split has no {class_name(int(label))!r} image; there are "
                    f"{total:,} in all, in too few groups to divide: add photos, or change the "
                    "shares with --val and --test"
                )


def _groups(table: pd.DataFrame) -> "pd.Series[str]":
    alone = "row " + table.index.astype("string")
    return table["group"].astype("object").fillna(pd.Series(alone, index=table.index)).astype(str)


def _assign(
    rows: pd.DataFrame,
    groups: "pd.Series[str]",
    wanted: Mapping[str, float],
    rng: np.random.Generator,
) -> npt.NDArray[np.object_]:
    """A split for each row: groups in random order, each to the split that lacks most.

    Groups are dealt stratum by stratum (source and label of their first row), the large ones
    first, so that what they overshoot is evened out by the small.
    """
    names = list(wanted)
    share = np.array([wanted[name] for name in names]) / sum(wanted.values())
    keys = groups.loc[rows.index].to_numpy()
    if not len(keys):
        return keys
    unique, first, member, size = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    strata = (rows["source"].astype(str) + "/" + rows["label"].astype(str)).to_numpy()[first]
    choice = np.empty(len(unique), dtype=np.int64)
    for stratum in np.unique(strata):
        inside = np.flatnonzero(strata == stratum)
        order = rng.permutation(inside)
        order = order[np.argsort(-size[order], kind="stable")]
        lacking = share * size[inside].sum()
        for group in order:
            choice[group] = int(np.argmax(lacking))
            lacking[choice[group]] -= size[group]
    return np.array(names, dtype=object)[choice[member]]
