"""All checks of a dataset at once, each with a plain sentence and its numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from facemask.data.arrays import Images
from facemask.data.audit.conflicts import EDITED_COPY, SAME_PICTURE, Conflicts, find_conflicts
from facemask.data.audit.duplicates import KINDS, DuplicateGroups, find_duplicates
from facemask.data.audit.identities import Identities, find_identities
from facemask.data.audit.leakage import Leakage, find_leakage, leakage_of_random_split
from facemask.data.audit.outliers import REASONS, find_outliers
from facemask.data.audit.settle import group_together
from facemask.data.audit.shortcuts import Shortcut, find_shortcuts
from facemask.errors import DatasetError

CHECKS = ("duplicates", "leakage", "conflicts", "shortcuts", "suspects", "outliers")
"""What can be checked, and named to `--fail-on`."""


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        check: one of `CHECKS`.
        is_failed: whether it found something that should be looked at.
        sentence: what it found, in plain words.
        facts: its numbers, as JSON can hold them.
    """

    check: str
    is_failed: bool
    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Audit:
    """Everything that was found in some samples.

    Attributes:
        duplicates: which images show the same picture.
        identities: the persons and series in file names.
        leakage: what held-out data shares with training data; of a random split where the data
            has no split of its own; None where there are too few samples to divide.
        conflicts: pictures with several labels.
        shortcuts: how well the label follows from what is not the face.
        shortcuts_missing: why they could not be measured, or "".
        outliers: images that are hardly one face, the worst first.
        suspects: labels that are probably wrong, the worst first; None where no model was asked.
    """

    duplicates: DuplicateGroups
    identities: Identities
    leakage: Leakage | None
    conflicts: Conflicts
    shortcuts: tuple[Shortcut, ...]
    shortcuts_missing: str
    outliers: pd.DataFrame
    suspects: pd.DataFrame | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """One for each check that was made, in the order of `CHECKS`."""
        found = [_of_duplicates(self.duplicates), _of_leakage(self.leakage, self.identities)]
        found += [_of_conflicts(self.conflicts), _of_shortcuts(self)]
        if self.suspects is not None:
            found.append(_of_suspects(self.suspects, len(self.duplicates)))
        return (*found, _of_outliers(self.outliers, len(self.duplicates)))


def audit(
    table: pd.DataFrame, images: Images, *, workers: int | None = None, seed: int = 0
) -> Audit:
    """Make every check that needs no trained model.

    Args:
        table: N samples with the columns of `manifest.COLUMNS`.
        images: ``uint8 (N, 64, 64, 3)``, RGB.
        workers: threads; by default one a core.
        seed: of what is drawn at random.

    Raises:
        DatasetError: if there is no image, or the images do not fit the table.
    """
    table = table.reset_index(drop=True)
    duplicates = find_duplicates(images, table, workers=workers)
    identities = find_identities(table)
    together = group_together(table, duplicates, identities.identity)
    groups = pd.factorize(together)[0].astype(np.int64)
    shortcuts, missing = _shortcuts(table, images, groups, seed)
    return Audit(
        duplicates=duplicates,
        identities=identities,
        leakage=_leakage(table, duplicates, identities, seed),
        conflicts=find_conflicts(table, duplicates),
        shortcuts=shortcuts,
        shortcuts_missing=missing,
        outliers=find_outliers(images, table, duplicates.group, seed=seed),
    )


def _shortcuts(
    table: pd.DataFrame, images: Images, groups: "np.ndarray[Any, np.dtype[np.int64]]", seed: int
) -> tuple[tuple[Shortcut, ...], str]:
    """The shortcuts, or why they cannot be measured; one class alone may be audited, too."""
    try:
        return find_shortcuts(table, images, groups, seed=seed), ""
    except DatasetError as error:
        return (), str(error)


def _leakage(
    table: pd.DataFrame, duplicates: DuplicateGroups, identities: Identities, seed: int
) -> Leakage | None:
    splits = set(table["split"].dropna())
    if "train" in splits and splits & {"val", "test"}:
        return find_leakage(table, duplicates, identities.identity)
    try:
        return leakage_of_random_split(table, duplicates, identities.identity, seed=seed)
    except DatasetError:  # too few samples to divide
        return None


def _of_duplicates(duplicates: DuplicateGroups) -> Finding:
    count, groups = len(duplicates), duplicates.group_count
    kinds = duplicates.pairs["kind"].value_counts()
    facts = {
        "images": count,
        "pictures": groups,
        "families": duplicates.family_count,
        "largest_group": int(np.bincount(duplicates.group).max()),
        "pairs": {kind: int(kinds.get(kind, 0)) for kind in KINDS},
    }
    if groups == count:
        return Finding("duplicates", False, f"All {count:,} images are different.", facts)
    sentence = (
        f"{count:,} images show {groups:,} different pictures: {count - groups:,} are copies "
        f"({(count - groups) / count:.0%})."
    )
    return Finding("duplicates", True, sentence, facts)


def _of_leakage(leakage: Leakage | None, identities: Identities) -> Finding:
    if leakage is None:
        return Finding("leakage", False, "There are too few images to divide.", {"splits": []})
    splits = [
        {
            "split": leak.split,
            "images": leak.images,
            "twins_in_training": leak.twins,
            "edited_copies_in_training": leak.edited,
            "twin_share": leak.twin_share,
            "identities": leak.identities,
            "identities_in_training": leak.shared_identities,
            "identity_share": leak.shared_identity_share,
        }
        for leak in leakage.splits
    ]
    patterns = [
        {"source": one.source, "pattern": one.pattern, "kind": one.kind, "files": one.files,
         "identities": one.identities, "example": one.example}
        for one in identities.patterns
    ]  # fmt: skip
    facts = {"split_by": leakage.split_by, "splits": splits, "patterns": patterns}
    is_real = leakage.split_by != "random"
    leaks = [
        leak
        for leak in leakage.splits
        if leak.twins or leak.edited or leak.shared_identities or leak.same_group
    ]
    told = "; ".join(
        f"{leak.twin_share:.1%} of the {leak.images:,} {leak.split} images have a twin in the "
        f"training data"
        + (
            f", and {leak.shared_identities:,} of {leak.identities:,} persons named there stand "
            "in it too"
            if leak.identities
            else ""
        )
        for leak in leakage.splits
    )
    if is_real:
        return Finding("leakage", bool(leaks), f"{told[0].upper()}{told[1:]}.", facts)
    return Finding("leakage", False, f"If the images were split at random: {told}.", facts)


def _of_conflicts(conflicts: Conflicts) -> Finding:
    same, edited = conflicts.count(SAME_PICTURE), conflicts.count(EDITED_COPY)
    sentence = (
        f"{same:,} pictures carry more than one label; {edited:,} photos stand beside an edited "
        "copy of themselves, such as one with a mask pasted onto it, under another label."
    )
    facts = {"pictures": same, "edited_photos": edited, "images": len(conflicts.rows)}
    return Finding("conflicts", same > 0, sentence, facts)


def _of_shortcuts(found: Audit) -> Finding:
    if found.shortcuts_missing:
        facts: dict[str, Any] = {"cues": [], "missing": found.shortcuts_missing}
        return Finding("shortcuts", False, f"Not measured: {found.shortcuts_missing}.", facts)
    warnings = [one for one in found.shortcuts if one.is_warning]
    cues = [
        {**vars(one), "is_warning": one.is_warning, "sentence": one.sentence}
        for one in found.shortcuts
    ]
    if not warnings:
        sentence = "No cue beside the face tells the label much better than guessing."
        return Finding("shortcuts", False, sentence, {"cues": cues})
    strongest = max(warnings, key=lambda one: one.balanced_accuracy)
    return Finding("shortcuts", True, strongest.sentence, {"cues": cues})


def _of_suspects(suspects: pd.DataFrame, count: int) -> Finding:
    sentence = f"{len(suspects):,} of {count:,} labels are probably wrong."
    return Finding("suspects", len(suspects) > 0, sentence, {"suspects": len(suspects)})


def _of_outliers(outliers: pd.DataFrame, count: int) -> Finding:
    counts = {
        reason: int(outliers["reasons"].str.contains(reason, regex=False).sum())
        for reason in REASONS
    }
    told = ", ".join(f"{number:,} {reason}" for reason, number in counts.items() if number)
    sentence = f"{len(outliers):,} of {count:,} images are hardly one face" + (
        f": {told}." if told else "."
    )
    facts = {"outliers": len(outliers), "reasons": counts}
    return Finding("outliers", len(outliers) > 0, sentence, facts)
