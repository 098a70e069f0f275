"""Training, validation and test: stratified, seeded, and never through a group."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.dataset import DEFAULT_TEST_SHARE, DEFAULT_VAL_SHARE
from facecover.errors import ConfigError, DatasetError, did_you_mean, shown
from facecover.labels import class_name
from facecover.sources.rows import SPLITS


@dataclass(frozen=True)
class Shares:
    """The wanted shares of validation and test data, each in 0..1; training takes the rest.

    Raises:
        ConfigError: if a share is outside 0..1 or nothing is left for training.
    """

    val: float = DEFAULT_VAL_SHARE
    test: float = DEFAULT_TEST_SHARE

    def __post_init__(self) -> None:
        if not (0 < self.val < 1 and 0 < self.test < 1 and self.val + self.test < 1):
            raise ConfigError(
                f"split shares: expected val and test over 0 and under 1 together, found val "
                f"{self.val} and test {self.test}"
            )


DEFAULT_SHARES = Shares()

_HELD_OUT_FIRST = ("test", "val", "train")
"""Where a sample goes whose group has several splits already."""


def assign_splits(
    table: pd.DataFrame, shares: Shares = DEFAULT_SHARES, *, seed: int = 0
) -> "pd.Series[str]":
    """The split of every sample: ``train``, ``val`` or ``test``.

    A split that the data brings stands, but what is missing is taken from the training data: see
    `missing_splits`. Samples of one `group` always go the same way, and after those of the group
    that bring a split: to the test data before the validation data before the training data. Only
    a group whose own splits differ stays divided; the audit reports it as leakage.

    Args:
        table: samples with `source`, `label`, `split` (null where to be decided) and `group`
            (null for a sample that is its own group).
        shares: of validation and test data.
        seed: the same seed and table give the same split.
    """
    splits = table["split"].astype("object").copy()
    groups = _groups(table)
    rng = np.random.default_rng(seed)
    wanted = {"train": 1 - shares.test - shares.val, "val": shares.val, "test": shares.test}
    missing, gives = missing_splits(table)
    others = splits.where(~gives & splits.isin(["train", "val"]))
    if "val" not in missing:
        others = others.replace("val", "train")  # what the data brings as training data stays so
    taken = {split: wanted[split] for split in ("train", *missing)}
    splits.loc[gives] = _as_their_groups(table.loc[gives], groups, others, taken, rng)
    undecided = splits.isna()
    splits.loc[undecided] = _as_their_groups(table.loc[undecided], groups, splits, wanted, rng)
    return splits.astype("string")


def missing_splits(table: pd.DataFrame) -> tuple[tuple[str, ...], "pd.Series[bool]"]:
    """Which of ``val`` and ``test`` must be taken from training data that the data brings as such.

    Test data are taken where no source brings any, validation data also where a source brings
    test data and none for validation.

    Args:
        table: samples with `source` and `split` (null where to be decided).

    Returns:
        The missing splits, and which samples are the training data that give them.
    """
    brought = {split: set(table.loc[table["split"].isin([split]), "source"]) for split in SPLITS}
    training = table["split"].isin(["train"])
    if not training.any():
        return (), training
    missing = tuple(split for split in ("val", "test") if not brought[split])
    if missing:
        return missing, training
    gives = training & table["source"].isin(list(brought["test"] - brought["val"]))
    return (("val",) if gives.any() else ()), gives


def leave_out_splits(
    table: pd.DataFrame,
    leave_out: Collection[str],
    shares: Shares = DEFAULT_SHARES,
    *,
    seed: int = 0,
) -> "pd.Series[str]":
    """Whole sources as test data; the others divided into training and validation data.

    Args:
        table: samples with `source`, `label` and `group`; splits of the data's own are ignored.
        leave_out: the names of the sources to test on.
        shares: of validation data, in the sources that are not left out.
        seed: the same seed and table give the same split.
    """
    splits = pd.Series("test", index=table.index, dtype="object")
    rest = ~table["source"].isin(list(leave_out))
    wanted = {"train": 1 - shares.val, "val": shares.val}
    rng = np.random.default_rng(seed)
    splits.loc[rest] = _by_shares(table.loc[rest], _groups(table), wanted, rng)
    return splits.astype("string")


def check_splits(
    table: pd.DataFrame, *, leave_out: Collection[str] = (), brought: Collection[str] = ()
) -> None:
    """Refuse a split that cannot be trained and tested on.

    Args:
        table: samples with `label` and `split`.
        leave_out: the sources that are the test data, if so: they may lack a class.
        brought: the splits that the data brings itself.

    Raises:
        DatasetError: if a class is missing from the training, validation or test data, or
            nothing is left to test on.
    """
    labels = sorted(table["label"].unique())
    if len(labels) < 2:
        raise DatasetError(
            f"every one of the {len(table):,} samples is {class_name(int(labels[0]))!r}; "
            "expected at least two classes: add photos of the other class"
        )
    counts = pd.crosstab(table["split"], table["label"]).reindex(SPLITS, fill_value=0)
    if leave_out and not counts.loc["test"].any():
        raise DatasetError(
            f"no image of {', '.join(sorted(leave_out))} is left to test on: each shows a picture "
            "or a person that the other sources show too; leave out another source"
        )
    advice = "leave out another source" if leave_out else "change the shares with --val and --test"
    for split in ("train", "val") if leave_out else SPLITS:
        for label in labels:
            if counts.loc[split, label] == 0:
                total = int((table["label"] == label).sum())
                lack = f"the {split} split has no {class_name(int(label))!r} image"
                if split in brought or (brought and split == "train"):
                    raise DatasetError(
                        f"{lack}, as the photos are divided; there are {total:,} in all: put some "
                        f"of them into the {split} data"
                    )
                raise DatasetError(
                    f"{lack}; there are {total:,} in all, in too few groups to divide: add "
                    f"photos, or {advice}"
                )


def check_left_out(split_by: str, leave_out: Sequence[str], names: Sequence[str]) -> None:
    """Refuse to leave out no source, one that is not there, or all, where it is split by source.

    Raises:
        ConfigError: if `leave_out` does not fit `split_by` and the sources' names.
    """
    known = f"the sources are {', '.join(shown(name) for name in names)}"
    if split_by != "source":
        if leave_out:
            raise ConfigError(
                f"--leave-out {leave_out[0]}: expected --split-by source with it, found --split-by "
                f"{split_by}; add the one, or leave the other away"
            )
        return
    if not leave_out:
        raise ConfigError(
            f"--split-by source: name the sources to test on with --leave-out; {known}"
        )
    check_are_sources(leave_out, names)
    if not set(names) - set(leave_out):
        raise ConfigError(
            f"--leave-out: all {len(names)} sources are left out, and none is left to train on; "
            f"leave out fewer; {known}"
        )


def check_are_sources(leave_out: Sequence[str], names: Sequence[str]) -> None:
    """Refuse to leave out a source that is not there.

    Raises:
        ConfigError: if a name is no source's.
    """
    for name in leave_out:
        if name not in names:
            known = ", ".join(shown(one) for one in names)
            raise ConfigError(
                f"--leave-out {name}: no source is called {name!r}{did_you_mean(name, names)}; "
                f"the sources are {known}"
            )


def missing_classes(table: pd.DataFrame, split: str) -> tuple[str, ...]:
    """The names of the classes that a table has, but one of its splits lacks."""
    present = set(table.loc[table["split"] == split, "label"])
    return tuple(
        class_name(int(label)) for label in sorted(table["label"].unique()) if label not in present
    )


def _as_their_groups(
    rows: pd.DataFrame,
    groups: "pd.Series[str]",
    known: "pd.Series[str]",
    wanted: Mapping[str, float],
    rng: np.random.Generator,
) -> "pd.Series[str]":
    """A split for each row: that of its group where one is known, else by the shares."""
    ranks = known.map({split: rank for rank, split in enumerate(_HELD_OUT_FIRST)})
    split_of = ranks.groupby(groups).min().dropna()
    splits = groups.loc[rows.index].map(split_of).map(dict(enumerate(_HELD_OUT_FIRST)))
    free = splits.index[splits.isna()]
    splits = splits.astype("object")
    splits.loc[free] = _by_shares(rows.loc[free], groups, wanted, rng)
    return splits


def _groups(table: pd.DataFrame) -> "pd.Series[str]":
    alone = "row " + table.index.astype("string")
    return table["group"].astype("object").fillna(pd.Series(alone, index=table.index)).astype(str)


def _by_shares(
    rows: pd.DataFrame,
    groups: "pd.Series[str]",
    wanted: Mapping[str, float],
    rng: np.random.Generator,
) -> npt.NDArray[np.object_]:
    """A split for each row: groups in random order, each to the split that lacks most.

    Stratum by stratum (source and label of a group's first row), and the large groups first, so
    that what they overshoot is evened out by the small.
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
