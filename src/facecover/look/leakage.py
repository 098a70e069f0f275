"""What the test and validation data share with the training data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.copies.duplicates import DuplicateGroups, codes, shares_with
from facecover.copies.identities import NamePattern
from facecover.dataset.split import DEFAULT_SHARES, Shares, assign_splits
from facecover.errors import DatasetError
from facecover.look.finding import Finding, not_measured, of_check
from facecover.text import percent

HELD_OUT = ("test", "val")

RANDOM = "random"
"""What made the splits of data that brings none, only to see what they would leak."""


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

    @property
    def is_found(self) -> bool:
        """Whether any image shares a picture, a person or a group with training."""
        return bool(self.twins or self.edited or self.shared_identities or self.same_group)

    @property
    def sentence(self) -> str:
        """What this split shares with the training data, in plain words."""
        told = (
            f"{percent(self.twin_share)} of the {self.images:,} {self.split} images have a twin "
            "in the training data"
        )
        if self.identities:
            told += (
                f", and {self.shared_identities:,} of {self.identities:,} persons named there "
                "stand in it too"
            )
        if self.same_group > self.twins + self.edited + self.named_in_training:
            told += f", and {self.same_group:,} of them share a group with it"
        return told

    @property
    def facts(self) -> dict[str, Any]:
        """The numbers, as JSON can hold them."""
        return {
            "split": self.split,
            "images": self.images,
            "twins_in_training": self.twins,
            "edited_copies_in_training": self.edited,
            "twin_share": self.twin_share,
            "identities": self.identities,
            "identities_in_training": self.shared_identities,
            "identity_share": self.shared_identity_share,
            "images_in_groups_with_training": self.same_group,
        }


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
    def is_found(self) -> bool:
        """Whether any held-out image shares a picture, a person or a group with training."""
        return any(leak.is_found for leak in self.splits)

    @property
    def sentence(self) -> str:
        """What each held-out split shares with the training data, without a full stop."""
        return "; ".join(leak.sentence for leak in self.splits)

    @property
    def facts(self) -> dict[str, Any]:
        """The numbers, as JSON can hold them."""
        return {"split_by": self.split_by, "splits": [leak.facts for leak in self.splits]}


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
    twin = shares_with(duplicates.group, training)
    related = shares_with(duplicates.family, training)
    grouped = shares_with(codes(table["group"]), training)
    persons = codes(identity)
    known = shares_with(persons, training)
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
    splits = random_splits(table, shares=shares, seed=seed)
    free = table.assign(split=splits, group=pd.Series(pd.NA, index=table.index, dtype="string"))
    return find_leakage(free, duplicates, identity, split_by=RANDOM)


def random_splits(
    table: pd.DataFrame, *, shares: Shares = DEFAULT_SHARES, seed: int = 0
) -> "pd.Series[str]":
    """The split of each sample by a division that knows nothing of groups.

    Raises:
        DatasetError: if there are too few samples to divide.
    """
    nothing = pd.Series(pd.NA, index=table.index, dtype="string")
    return assign_splits(table.assign(split=nothing, group=nothing), shares, seed=seed)


def leakage_finding(leakage: Leakage | None, patterns: Sequence[NamePattern]) -> Finding:
    """What held-out images share with training images; a random split cannot fail."""
    told = [
        {"source": one.source, "pattern": one.pattern, "kind": one.kind, "files": one.files,
         "identities": one.identities, "example": one.example}
        for one in patterns
    ]  # fmt: skip
    if leakage is None:
        return not_measured("leakage", "there are too few images to divide", patterns=told)
    is_random = leakage.split_by == RANDOM
    sentence = leakage.sentence
    return of_check(
        "leakage",
        is_failed=leakage.is_found and not is_random,
        sentence=f"If the images were split at random: {sentence}."
        if is_random
        else f"{sentence[0].upper()}{sentence[1:]}.",
        facts={**leakage.facts, "patterns": told},
    )
