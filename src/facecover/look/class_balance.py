"""How many samples there are, by class, split and source, and what that means."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from facecover.look.finding import Finding
from facecover.look.statistics import NOT_SPLIT, classes_of, sources_of, splits_of
from facecover.text import listed, percent, photos


@dataclass(frozen=True)
class CellCount:
    """The number of samples of one class in one split of one source."""

    split: str
    source: str
    class_name: str
    n: int


@dataclass(frozen=True)
class Counts:
    """How many samples there are.

    Attributes:
        by_split: ``not split`` where the data brings none.
        cells: every combination that occurs; they add up to `n`.
        majority_share: its share, 0..1: the accuracy of always answering it.
        left_out: what was left out on the way, by reason.
        source_guess_share: the accuracy, 0..1, of answering each source's largest class.
    """

    n: int
    by_class: dict[str, int]
    by_split: dict[str, int]
    by_source: dict[str, int]
    cells: tuple[CellCount, ...]
    majority_class: str
    majority_share: float
    left_out: dict[str, int]
    source_guess_share: float

    def share_of(self, class_name: str, *, split: str) -> float:
        """The share, 0..1, of a class in a split; 0 if the split is empty."""
        total = self.by_split.get(split, 0)
        return self.n_of(split=split, class_name=class_name) / total if total else 0.0

    def n_of(self, **of: str) -> int:
        """The samples of a ``split``, ``source`` and ``class_name``, those that are given."""
        return sum(
            cell.n for cell in self.cells if all(getattr(cell, key) == of[key] for key in of)
        )


def count_samples(table: pd.DataFrame, left_out: Mapping[str, int]) -> Counts:
    """The counts of a described table; `left_out` is what was dropped on the way, by reason."""
    found = table.groupby(["split", "source", "class"]).size().to_dict()
    cells = tuple(
        CellCount(split, source, name, int(found[split, source, name]))
        for split in splits_of(table)
        for source in sources_of(table)
        for name in classes_of(table)
        if (split, source, name) in found
    )
    by_class = {name: int((table["class"] == name).sum()) for name in classes_of(table)}
    majority = max(by_class, key=lambda name: by_class[name])
    return Counts(
        n=len(table),
        by_class=by_class,
        by_split={name: int((table["split"] == name).sum()) for name in splits_of(table)},
        by_source={name: int((table["source"] == name).sum()) for name in sources_of(table)},
        cells=cells,
        majority_class=majority,
        majority_share=by_class[majority] / len(table),
        left_out=dict(left_out),
        source_guess_share=guess_share(table, "source"),
    )


def guess_share(table: pd.DataFrame, column: str) -> float:
    """The accuracy, 0..1, of answering the most frequent class of each value of a column."""
    return float(pd.crosstab(table[column], table["class"]).max(axis=1).sum() / len(table))


UNBALANCED_SHARE = 0.8
"""A majority of 4 to 1: always answering it already looks like a good accuracy."""

SPLIT_SHIFT = 0.05
"""Five points between a class's shares in two splits: more than a stratified split leaves."""

TRUSTED_MARGIN = 0.02
"""A test split so small that an accuracy of 95% carries more than 2 points either way cannot
tell apart the networks that this package compares."""

_USUAL_ACCURACY = 0.95
_Z95 = 1.96

LOST_SHARE = 0.01
"""More than one sample in a hundred left out is worth a warning."""


def balance_findings(counts: Counts) -> Iterator[Finding]:
    """What the counts mean."""
    yield _one_class(counts) if len(counts.by_class) == 1 else _balance(counts)
    yield from _one_class_sources(counts)
    yield from _splits(counts)
    yield from _test_size(counts)
    yield from _left_out(counts)


def _one_class(counts: Counts) -> Finding:
    return Finding(
        "one_class",
        "warning",
        "One class only",
        f"Every one of the {photos(counts.n)} is {counts.majority_class}.",
        "There is nothing to tell apart: add photos of the other class.",
        {"n": counts.n},
    )


def _balance(counts: Counts) -> Finding:
    is_unbalanced = counts.majority_share > UNBALANCED_SHARE
    shares = listed([f"{n:,} {name} ({percent(n / counts.n)})" for name, n in _sizes(counts)])
    return Finding(
        "class_balance",
        "warning" if is_unbalanced else "note",
        "Class balance",
        f"The {photos(counts.n)} are {shares}; always answering {counts.majority_class} is right "
        f"on {percent(counts.majority_share)}.",
        "Accuracy hides how the small class fares: read balanced accuracy and F1."
        if is_unbalanced
        else "An accuracy says something only by what it is above that.",
        {"n": counts.n, "majority_share": counts.majority_share},
    )


def _sizes(counts: Counts) -> list[tuple[str, int]]:
    return sorted(counts.by_class.items(), key=lambda item: -item[1])


def _one_class_sources(counts: Counts) -> Iterator[Finding]:
    classes = {
        source: sorted({cell.class_name for cell in counts.cells if cell.source == source})
        for source in counts.by_source
    }
    pure = [source for source in counts.by_source if len(classes[source]) == 1]
    if len(counts.by_class) == 1 or not pure:
        return
    share = sum(counts.by_source[source] for source in pure) / counts.n
    named = [f"{one} ({classes[one][0]}, {photos(counts.by_source[one])})" for one in pure]
    yield Finding(
        "one_class_sources",
        "warning",
        "Source and label go together",
        f"Only one class stands in {listed(named)}: {percent(share)} of all photos."
        f"{_source_guess(counts)}",
        "What sets such a source apart (camera, crop, compression) goes with the label, and a "
        "network may learn that in place of the mask.",
        {"share": share, "source_guess_share": counts.source_guess_share},
    )


def _source_guess(counts: Counts) -> str:
    if counts.source_guess_share <= counts.majority_share:
        return ""
    return (
        f" Answering each source's larger class is right on {percent(counts.source_guess_share)}, "
        f"where the majority class has {percent(counts.majority_share)}."
    )


def _splits(counts: Counts) -> Iterator[Finding]:
    open_n = counts.by_split.get(NOT_SPLIT, 0)
    if open_n == counts.n:
        yield Finding(
            "no_split",
            "note",
            "No split yet",
            "The data brings no split into training and test photos.",
            "facecover prepare makes one, seeded and stratified by class and source.",
        )
    for split in counts.by_split:
        if split not in ("val", "test") or "train" not in counts.by_split:
            continue
        shift, name = max(
            (abs(counts.share_of(one, split=split) - counts.share_of(one, split="train")), one)
            for one in counts.by_class
        )
        if shift > SPLIT_SHIFT:
            yield _shift(counts, split, name, shift)


def _shift(counts: Counts, split: str, name: str, shift: float) -> Finding:
    here, there = (counts.share_of(name, split=one) for one in (split, "train"))
    return Finding(
        f"class_shift_{split}",
        "warning",
        f"Another balance in the {split} split",
        f"{name} is {percent(here)} of the {split} split, but {percent(there)} of the training "
        "split.",
        "Accuracy and precision move with the class balance: compare balanced accuracy, or split "
        "again, stratified.",
        {"shift": shift, "share": here, "train_share": there},
    )


def _test_size(counts: Counts) -> Iterator[Finding]:
    n = counts.by_split.get("test", 0)
    if not n:
        return
    margin = _Z95 * math.sqrt(_USUAL_ACCURACY * (1 - _USUAL_ACCURACY) / n)
    if margin > TRUSTED_MARGIN:
        yield Finding(
            "small_test_split",
            "warning",
            "Few test photos",
            f"The test split has {photos(n)}: an accuracy of {_USUAL_ACCURACY:.0%} on it carries "
            f"{margin * 100:.1f} points either way.",
            "Smaller differences between networks cannot be seen on it.",
            {"n": n, "margin": margin},
        )


def _left_out(counts: Counts) -> Iterator[Finding]:
    lost = sum(counts.left_out.values())
    if not lost:
        return
    share = lost / (lost + counts.n)
    reasons = [f"{n:,} {reason}" for reason, n in sorted(counts.left_out.items())]
    yield Finding(
        "left_out",
        "warning" if share > LOST_SHARE else "note",
        "Left out",
        f"{lost:,} of {lost + counts.n:,} samples ({percent(share)}) were left out: "
        f"{listed(reasons)}.",
        "If one class lost more than the other, what is left is no fair picture of it.",
        {"n": lost, "share": share},
    )
