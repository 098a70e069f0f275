"""Images that repeat others: exact copies, the same picture, and what their labels say."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.copies.duplicates import KINDS, DuplicateGroups, codes, same_file_keys, shares_with
from facecover.dataset.manifest import BOX
from facecover.labels import class_name
from facecover.look.finding import Finding, of_check
from facecover.text import listed, percent, photos

Rows = npt.NDArray[np.int64]

_EXAMPLES = 5


@dataclass(frozen=True)
class ExactCopies:
    """Exact copies: the same bytes and, where there are boxes, the same box.

    Attributes:
        groups: samples that have a copy, each counted once.
        extra: samples that would go if one of each group stayed.
        across_sources: groups that stand in more than one source.
        across_splits: files that stand in more than one split.
        test_share: the share, 0..1, of test samples whose file stands in the training or
            validation data too; None without a test split.
        with_several_labels: groups that carry more than one label.
        conflict_examples: the paths of some of those, a tuple a group.
    """

    groups: int
    extra: int
    across_sources: int
    across_splits: int
    test_share: float | None
    with_several_labels: int
    conflict_examples: tuple[tuple[str, ...], ...]


def find_exact_copies(table: pd.DataFrame) -> ExactCopies:
    """The exact copies in a described table."""
    group = same_file_keys(table)
    labels = table["label"].to_numpy(dtype=np.int64)
    names = (table["source"].astype(str) + "/" + table["path"].astype(str)).to_numpy()
    conflicts = np.unique(group[disagreeing(group, labels)])
    sizes = np.bincount(group)
    return ExactCopies(
        groups=int((sizes > 1).sum()),
        extra=len(table) - len(sizes),
        across_sources=int((table.groupby(group)["source"].nunique() > 1).sum()),
        across_splits=int((table.groupby("sha256")["split"].nunique() > 1).sum()),
        test_share=_test_share(table),
        with_several_labels=len(conflicts),
        conflict_examples=tuple(
            tuple(names[group == one].tolist()) for one in conflicts[:_EXAMPLES]
        ),
    )


def _test_share(table: pd.DataFrame) -> float | None:
    is_test = (table["split"] == "test").to_numpy(dtype=bool)
    is_known = table["split"].isin(["train", "val"]).to_numpy(dtype=bool)
    shared = shares_with(codes(table["sha256"]), is_known)
    return float(shared[is_test].mean()) if is_test.any() else None


COPIES_SHARE = 0.01
"""One sample in a hundred that is a copy: a random split then tests on photos it trained on."""


def copy_findings(copies: ExactCopies, count: int, *, is_unsplit: bool) -> Iterator[Finding]:
    """What the exact copies among so many samples mean."""
    if copies.extra:
        yield _copies(copies, count, is_unsplit)
    yield from _copies_across_splits(copies)
    yield from _conflicts(copies)


def _copies(copies: ExactCopies, n: int, is_unsplit: bool) -> Finding:
    across = (
        f"; {copies.across_sources:,} of these stand in more than one source"
        if copies.across_sources
        else ""
    )
    return Finding(
        "exact_copies",
        "warning" if copies.extra / n > COPIES_SHARE else "note",
        "Exact copies",
        f"{copies.extra:,} of {n:,} samples ({percent(copies.extra / n)}) are byte for byte copies "
        f"of another: {photos(copies.groups)} occur more than once{across}.",
        "Copies of a photo must stay in one split; a random split would test on photos that were "
        "trained on."
        if is_unsplit
        else "What occurs twice weighs twice, in training and in the scores.",
        {"extra": copies.extra, "groups": copies.groups, "share": copies.extra / n},
    )


def _copies_across_splits(copies: ExactCopies) -> Iterator[Finding]:
    if copies.across_splits:
        tested = (
            f"; {percent(copies.test_share)} of the test photos were seen before"
            if copies.test_share
            else ""
        )
        yield Finding(
            "copies_across_splits",
            "warning",
            "Copies across splits",
            f"{copies.across_splits:,} files stand in more than one split{tested}.",
            "Scores on them measure memory, not skill: they come out too good.",
            {"n": copies.across_splits, "test_share": copies.test_share or 0.0},
        )


def _conflicts(copies: ExactCopies) -> Iterator[Finding]:
    if copies.with_several_labels:
        yield Finding(
            "copies_with_both_labels",
            "warning",
            "Two labels on one photo",
            f"{copies.with_several_labels:,} photos stand in the data under more than one label, "
            f"such as {listed(copies.conflict_examples[0])}.",
            "One of the labels is wrong; correct it at the source.",
            {"n": copies.with_several_labels},
        )


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
    """The images that disagree about their label with others of their group or family."""
    labels = table["label"].to_numpy(dtype=np.int64)
    same = disagreeing(duplicates.group, labels)
    edited = disagreeing(duplicates.family, labels) & ~shares_with(duplicates.family, same)
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


def disagreeing(groups: Rows, labels: Rows) -> npt.NDArray[np.bool_]:
    """Which samples are in a group with more than one label."""
    by_group = pd.Series(labels).groupby(groups)
    return (by_group.transform("min") != by_group.transform("max")).to_numpy(dtype=bool)


def _listed(table: pd.DataFrame, rows: Rows, groups: Rows, relation: str) -> pd.DataFrame:
    rows = rows[np.argsort(groups[rows], kind="stable")]
    listed = table.iloc[rows][["source", "path", *BOX, "label"]].reset_index(drop=True)
    listed.insert(0, "row", rows)
    listed.insert(0, "relation", pd.Series([relation] * len(rows), dtype="string"))
    listed.insert(0, "key", groups[rows])
    listed["class"] = [class_name(int(label)) for label in listed["label"]]
    return listed


def duplicates_finding(duplicates: DuplicateGroups) -> Finding:
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
        return of_check("duplicates", is_failed=False, sentence=alone, facts=facts)
    copies = count - groups
    share = percent(copies / count, 0 if copies >= 0.01 * count else 2)
    sentence = (
        f"{count:,} images show {_counted(groups, 'different picture', 'different pictures')}: "
        f"{copies:,} {'is a copy' if copies == 1 else 'are copies'} ({share})."
    )
    return of_check("duplicates", is_failed=True, sentence=sentence, facts=facts)


def conflicts_finding(conflicts: Conflicts) -> Finding:
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
    return of_check("conflicts", is_failed=same > 0, sentence=f"{sentence}.", facts=facts)


def _counted(count: int, one: str, more: str) -> str:
    """A count with its words: ``1 picture carries``, ``2 pictures carry``."""
    return f"{count:,} {one if count == 1 else more}"
