"""What is wrong with a dataset before anything is trained on it.

Every check works on the table and the 64 x 64 images of a `Collection` or a `Dataset`; no photo
is read again.

``duplicates``  images that show the same picture, and families that edited copies join
``leakage``     what the held-out splits share with the training split: twins and persons
``conflicts``   pictures with more than one label
``shortcuts``   how well the label follows from what is not the face
``suspects``    labels that trained models contradict
``outliers``    images that are hardly one face
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.copies.duplicates import DuplicateGroups, find_duplicates, group_together
from facecover.copies.identities import Identities, find_identities
from facecover.dataset.arrays import Images
from facecover.errors import DatasetError
from facecover.look.finding import Finding
from facecover.look.leakage import (
    Leakage,
    find_leakage,
    leakage_finding,
    leakage_of_random_split,
    random_splits,
)
from facecover.look.repeated_images import (
    Conflicts,
    conflicts_finding,
    duplicates_finding,
    find_conflicts,
)
from facecover.look.shortcuts import Shortcut, find_shortcuts, shortcuts_finding
from facecover.look.suspect_images import find_outliers, outliers_finding, suspects_finding


@dataclass(frozen=True)
class Audit:
    """Everything that was found in some samples.

    Attributes:
        leakage: what held-out data shares with training data; of a random split where the data
            has no split of its own; None where there are too few samples to divide.
        splits: the split of each sample that `leakage` was measured on, or null.
        shortcuts_missing: why they could not be measured, or "".
        outliers: images that are hardly one face, the worst first.
        suspects: labels that networks contradict, the worst first; None where no model was asked.
        suspects_missing: why the models that were to be asked could not be, or "".
    """

    duplicates: DuplicateGroups
    identities: Identities
    leakage: Leakage | None
    splits: "pd.Series[str]"
    conflicts: Conflicts
    shortcuts: tuple[Shortcut, ...]
    shortcuts_missing: str
    outliers: pd.DataFrame
    suspects: pd.DataFrame | None = None
    suspects_missing: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """One for each check that was made or tried, in the order of `CHECKS`."""
        return tuple(self._findings())

    def _findings(self) -> Iterator[Finding]:
        count = len(self.duplicates)
        yield duplicates_finding(self.duplicates)
        yield leakage_finding(self.leakage, self.identities.patterns)
        yield conflicts_finding(self.conflicts)
        yield shortcuts_finding(self.shortcuts, self.shortcuts_missing)
        if self.suspects is not None or self.suspects_missing:
            yield suspects_finding(self.suspects, self.suspects_missing, count)
        yield outliers_finding(self.outliers, count)


def run_checks(
    table: pd.DataFrame,
    images: Images,
    *,
    duplicates: DuplicateGroups | None = None,
    identities: Identities | None = None,
    split_by: str = "source data",
    workers: int | None = None,
    seed: int = 0,
) -> Audit:
    """Make every check that needs no trained model.

    Args:
        table: N samples with the columns of `manifest.COLUMNS`.
        images: ``uint8 (N, 64, 64, 3)``, RGB.
        duplicates: of these samples, where they were found before.
        identities: the same.
        split_by: what made the splits of the samples; not `leakage.RANDOM`.
        workers: threads; by default one a core.
        seed: of what is drawn at random.

    Raises:
        DatasetError: if there is no image, or the images do not fit the table.
    """
    table = table.reset_index(drop=True)
    if duplicates is None:
        duplicates = find_duplicates(images, table, workers=workers)
    if identities is None:
        identities = find_identities(table)
    leakage, splits = _leakage(table, duplicates, identities, split_by, seed)
    groups = group_together(table, duplicates, identities.identity)
    shortcuts, missing = _shortcuts(table, images, groups, seed)
    return Audit(
        duplicates=duplicates,
        identities=identities,
        leakage=leakage,
        splits=splits,
        conflicts=find_conflicts(table, duplicates),
        shortcuts=shortcuts,
        shortcuts_missing=missing,
        outliers=find_outliers(images, table, duplicates.group, seed=seed),
    )


def _shortcuts(
    table: pd.DataFrame, images: Images, groups: npt.NDArray[np.int64], seed: int
) -> tuple[tuple[Shortcut, ...], str]:
    """The shortcuts, or why they cannot be measured; one class alone may be audited, too."""
    try:
        return find_shortcuts(table, images, groups, seed=seed), ""
    except DatasetError as error:
        return (), str(error)


def _leakage(
    table: pd.DataFrame,
    duplicates: DuplicateGroups,
    identities: Identities,
    split_by: str,
    seed: int,
) -> tuple[Leakage | None, "pd.Series[str]"]:
    """The leakage, and the splits that it was measured on."""
    identity = identities.identity
    present = set(table["split"].dropna())
    if "train" in present and present & {"val", "test"}:
        return find_leakage(table, duplicates, identity, split_by=split_by), table["split"]
    try:
        leakage = leakage_of_random_split(table, duplicates, identity, seed=seed)
        return leakage, random_splits(table, seed=seed)
    except DatasetError:  # too few samples to divide
        return None, table["split"]
