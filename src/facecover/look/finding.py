"""What each check found, in a plain sentence with its numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from facecover.copies.duplicates import KINDS, DuplicateGroups
from facecover.copies.identities import Identities
from facecover.look.leakage import EDITED_COPY, RANDOM, SAME_PICTURE, Conflicts, Leakage
from facecover.look.shortcuts import Shortcut
from facecover.look.suspect_images import REASONS


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        check: one of `look.CHECKS`.
        is_failed: whether it found something that should be looked at.
        sentence: what it found, in plain words.
        facts: its numbers, as JSON can hold them; ``missing`` says why there are none.
    """

    check: str
    is_failed: bool
    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_measured(self) -> bool:
        """Whether the check could be made."""
        return "missing" not in self.facts


def findings_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Findings as JSON can hold them: ``check``, ``is_failed``, ``sentence`` and ``facts``."""
    return [{**vars(one), "facts": dict(one.facts)} for one in findings]


def not_measured(check: str, why: str, **facts: object) -> Finding:
    """A check that could not be made, and why."""
    return Finding(check, False, f"Not measured: {why}.", {**facts, "missing": why})


def _counted(count: int, one: str, more: str) -> str:
    """A count with its words: ``1 picture carries``, ``2 pictures carry``."""
    return f"{count:,} {one if count == 1 else more}"


def of_duplicates(duplicates: DuplicateGroups) -> Finding:
    """How many images are copies of others."""
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
        alone = "There is one image." if count == 1 else f"All {count:,} images are different."
        return Finding("duplicates", False, alone, facts)
    copies = count - groups
    share = f"{copies / count:.0%}" if copies >= 0.01 * count else f"{copies / count:.2%}"
    sentence = (
        f"{count:,} images show {_counted(groups, 'different picture', 'different pictures')}: "
        f"{copies:,} {'is a copy' if copies == 1 else 'are copies'} ({share})."
    )
    return Finding("duplicates", True, sentence, facts)


def of_leakage(leakage: Leakage | None, identities: Identities) -> Finding:
    """What held-out images share with training images; a random split cannot fail."""
    patterns = [
        {"source": one.source, "pattern": one.pattern, "kind": one.kind, "files": one.files,
         "identities": one.identities, "example": one.example}
        for one in identities.patterns
    ]  # fmt: skip
    if leakage is None:
        return not_measured("leakage", "there are too few images to divide", patterns=patterns)
    facts = {**leakage.facts, "patterns": patterns}
    told = leakage.sentence
    if leakage.split_by == RANDOM:
        return Finding("leakage", False, f"If the images were split at random: {told}.", facts)
    return Finding("leakage", leakage.is_found, f"{told[0].upper()}{told[1:]}.", facts)


def of_conflicts(conflicts: Conflicts) -> Finding:
    """How many pictures have several labels; edited copies alone do not fail."""
    same, edited = conflicts.count(SAME_PICTURE), conflicts.count(EDITED_COPY)
    facts = {"pictures": same, "edited_photos": edited, "images": len(conflicts.rows)}
    pictures = _counted(same, "picture carries", "pictures carry") if same else "No picture carries"
    sentence = f"{pictures} more than one label"
    if edited:
        sentence += (
            f"; {_counted(edited, 'photo stands', 'photos stand')} beside an edited copy, such "
            "as one with a mask pasted onto it, under another label"
        )
    return Finding("conflicts", same > 0, f"{sentence}.", facts)


def of_shortcuts(shortcuts: Sequence[Shortcut], missing: str) -> Finding:
    """The strongest cue, if one is far above guessing, or why none was measured."""
    if missing:
        return not_measured("shortcuts", missing, cues=[])
    warnings = [one for one in shortcuts if one.is_warning]
    cues = [
        {**vars(one), "is_warning": one.is_warning, "sentence": one.sentence} for one in shortcuts
    ]
    if not warnings:
        sentence = "No cue beside the face tells the label much better than guessing."
        return Finding("shortcuts", False, sentence, {"cues": cues})
    strongest = max(warnings, key=lambda one: one.balanced_accuracy)
    return Finding("shortcuts", True, strongest.sentence, {"cues": cues})


def of_suspects(suspects: pd.DataFrame | None, missing: str, count: int) -> Finding:
    """How many labels trained models contradict, or why none was asked."""
    if suspects is None:
        return not_measured("suspects", missing)
    verb = "is" if len(suspects) == 1 else "are"
    sentence = (
        f"{len(suspects):,} of {count:,} labels {verb} contradicted by networks that did not see "
        "the image: a list to look through."
    )
    return Finding("suspects", len(suspects) > 0, sentence, {"suspects": len(suspects)})


def of_outliers(outliers: pd.DataFrame, count: int) -> Finding:
    """How many images are hardly one face, by reason."""
    counts = {
        reason: int(outliers["reasons"].str.contains(reason, regex=False).sum())
        for reason in REASONS
    }
    told = ", ".join(f"{number:,} {reason}" for reason, number in counts.items() if number)
    verb = "is" if len(outliers) == 1 else "are"
    sentence = f"{len(outliers):,} of {count:,} images {verb} hardly one face"
    sentence += f": {told}." if told else "."
    facts = {"outliers": len(outliers), "reasons": counts}
    return Finding("outliers", len(outliers) > 0, sentence, facts)
