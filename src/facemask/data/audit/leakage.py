"""What the test and validation data share with the training data."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from facemask.data.audit.duplicates import DuplicateGroups
from facemask.data.split import DEFAULT_SHARES, Shares, assign_splits
from facemask.errors import DatasetError

HELD_OUT = ("test", "val")


@dataclass(frozen=True)
class SplitLeak:
    """What one held-out split shares with the training split.

    Attributes:
        split: ``test`` or ``val``.
        images: how many images it has.
        twins: how many of them show the picture of a training image.
        edited: how many have no such twin, but a training image that was edited from the same
            photo, or from which they were edited.
        same_group: how many belong to a group, given by the data, with a training image.
        named: how many show a person who is named in the file name.
        named_in_training: how many of those show a person of whom the training split has photos.
        identities: how many persons are named in this split.
        shared_identities: how many of them are named in the training split too.
        rows: ``int64 (n,)``, the images counted in `twins` and `edited`.
    """

    split: str
    images: int
    twins: int
    edited: int
    same_group: int
    named: int
    named_in_training: int
    identities: int
    shared_identities: int
    rows: npt.NDArray[np.int64]

    @property
    def twin_share(self) -> float:
        """The share of images with a twin in training, edited ones included, 0..1."""
        return (self.twins + self.edited) / self.images

    @property
    def shared_identity_share(self) -> float:
        """The share of this split's named persons that training has too, 0..1."""
        return self.shared_identities / self.identities if self.identities else 0.0


@dataclass(frozen=True)
class Leakage:
    """What held-out data shares with the training data.

    Attributes:
        splits: one for each held-out split that the data has, `HELD_OUT` in order.
        split_by: where the splits came from: ``source data``, ``random`` or what made them.
    """

    splits: tuple[SplitLeak, ...]
    split_by: str

    @property
    def worst_share(self) -> float:
        """The largest share of a held-out split with a twin in training, 0..1."""
        return max(leak.twin_share for leak in self.splits)


def find_leakage(
    table: pd.DataFrame,
    duplicates: DuplicateGroups,
    identity: "pd.Series[str]",
    *,
    split_by: str = "source data",
) -> Leakage:
    """Measure what validation and test images share with training images.

    Args:
        table: samples with ``split`` and ``group``; samples without a split are left aside.
        duplicates: their groups.
        identity: the person in each sample, or null.
        split_by: where the splits came from, for the reader.

    Raises:
        DatasetError: if there is no training split, or nothing is held out.
    """
    splits = table["split"].fillna("").to_numpy(dtype=object)
    training = splits == "train"
    if not training.any():
        raise DatasetError("no training split to look for leaks from; split the data first")
    present = [name for name in HELD_OUT if (splits == name).any()]
    if not present:
        raise DatasetError("no validation or test split to look for leaks in; split the data first")
    twin = _shares_with(duplicates.group, training)
    related = _shares_with(duplicates.family, training)
    grouped = _shares_with(_codes(table["group"]), training)
    persons = _codes(identity)
    known = _shares_with(persons, training)
    leaks = []
    for name in present:
        held = splits == name
        leaks.append(
            SplitLeak(
                split=name,
                images=int(held.sum()),
                twins=int((held & twin).sum()),
                edited=int((held & related & ~twin).sum()),
                same_group=int((held & grouped).sum()),
                named=int((held & (persons >= 0)).sum()),
                named_in_training=int((held & known).sum()),
                identities=len(np.unique(persons[held & (persons >= 0)])),
                shared_identities=len(np.unique(persons[held & known])),
                rows=np.flatnonzero(held & (twin | related)),
            )
        )
    return Leakage(tuple(leaks), split_by)


def leakage_of_random_split(
    table: pd.DataFrame,
    duplicates: DuplicateGroups,
    identity: "pd.Series[str]",
    *,
    shares: Shares = DEFAULT_SHARES,
    seed: int = 0,
) -> Leakage:
    """What a split that knows nothing of groups would leak on the same samples.

    Args:
        table: samples; their own splits and groups are not looked at.
        duplicates: their groups.
        identity: the person in each sample, or null.
        shares: of validation and test data.
        seed: of the split.

    Raises:
        DatasetError: if there are too few samples to divide.
    """
    nothing = pd.Series(pd.NA, index=table.index, dtype="string")
    free = table.assign(split=nothing, group=nothing)
    free["split"] = assign_splits(free, shares, seed=seed)
    return find_leakage(free, duplicates, identity, split_by="random")


def _codes(values: "pd.Series[str]") -> npt.NDArray[np.int64]:
    """A number for each value, -1 for null: ``int64 (N,)``."""
    codes, _ = pd.factorize(values)
    return codes.astype(np.int64)


def _shares_with(
    groups: npt.NDArray[np.int64], chosen: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Which samples are in a group, not -1, with a chosen sample."""
    return np.isin(groups, np.unique(groups[chosen & (groups >= 0)]))
