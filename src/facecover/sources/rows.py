"""What a layout reader gives: labelled rows, and the rows it had to leave out."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from facecover.errors import DatasetError, shown
from facecover.labels import Box, class_name, is_ignored, resolve_label

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled face: a photo, or a box in one.

    Attributes:
        source: the name of the source it came from.
        label: 0..2, see `facecover.labels`.
        box: None for the whole photo.
        split: one of `SPLITS` where the data brings a split, else None.
        group: photos of one group never stand on both sides of a split; None if not known.
        extra: further columns that the data brings, by name.
    """

    path: Path
    source: str
    label: int
    box: Box | None = None
    split: str | None = None
    group: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drop:
    """A photo, box or line that was left out, and why.

    Attributes:
        source: the name of the source.
        reason: a fixed phrase that can be counted: a `Reason`, or one of a later room.
        detail: the whole message: what, where, expected, found.
    """

    path: Path
    source: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Source:
    """One folder or file of photos, read.

    Attributes:
        name: the last part of its path, made unique among the sources read together.
        root: the folder that the rows' paths stand under.
        layout: one of `sources.LAYOUTS`, recognised or forced.
        rows: its labelled faces, in a stable order.
        class_labels: each class name as found, with the label it was read as.
        skipped: how many files and folders were passed over, by reason; see `photos.walk`.
        notes: what is not certain of how it was read.
        archive: what was unpacked into the root, for the moment.
    """

    name: str
    root: Path
    layout: str
    rows: tuple[Row, ...]
    drops: tuple[Drop, ...] = ()
    class_labels: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    archive: Path | None = None

    @property
    def place(self) -> Path:
        """Where its photos stay: the archive, or the root."""
        return self.archive or self.root


def in_their_place(drops: Iterable[Drop], sources: Iterable[Source]) -> tuple[Drop, ...]:
    """Drops with the archive in place of the folder that it was unpacked into."""
    places = {str(source.root): source.archive for source in sources if source.archive}
    return tuple(_in_its_place(drop, places) for drop in drops)


def _in_its_place(drop: Drop, places: Mapping[str, Path]) -> Drop:
    for root, archive in places.items():
        if drop.path.is_relative_to(root):
            detail = drop.detail.replace(root, shown(archive))
            return replace(drop, path=archive / drop.path.relative_to(root), detail=detail)
    return drop


Reason = Literal[
    "beside the class folders", "beside the split folders", "no label in its name", "broken line",
    "no label", "name mapped to ignore", "no such file", "listed twice", "conflicting labels",
    "conflicting splits",
    "broken annotation", "no annotation", "no picture", "ambiguous picture", "no box", "broken box",
    "empty box", "box outside its picture", "size disagrees with its picture",
]  # fmt: skip
"""Why something that a source holds is left out; docs/preparing.md explains each."""

IGNORED: Reason = "name mapped to ignore"


class Refused(Exception):
    """One row cannot be used: why, and what was expected and found; it never leaves this room."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason: Reason = reason
        self.detail = detail


@dataclass
class Draft:
    """A source while it is read; see `Source`.

    Attributes:
        mapping: the user's class names, each with a known one.
        label: the one class name given for the whole source, if any.
    """

    name: str
    root: Path
    mapping: Mapping[str, str] = field(default_factory=dict)
    label: str | None = None
    rows: list[Row] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)
    class_labels: dict[str, int] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def label_of(self, name: str, where: str) -> int:
        """The label a class name stands for, kept in `class_labels`; `Refused` if it is ignored."""
        if is_ignored(name, self.mapping):
            raise Refused(IGNORED, f"{name!r} is mapped to ignore")
        if name not in self.class_labels:
            self.class_labels[name] = resolve_label(name, self.mapping, where=where)
        return self.class_labels[name]

    def drop(self, path: Path, reason: Reason, detail: str, source: str | None = None) -> None:
        """Leave something out; the detail follows the path in the message."""
        self.drops.append(Drop(path, source or self.name, reason, f"{shown(path)}: {detail}"))

    def drop_all(self, images: Iterable[Path], reason: Reason, detail: str) -> None:
        """Leave photos out for the same reason."""
        for path in images:
            self.drop(path, reason, detail)

    @contextmanager
    def dropping(self, path: Path, source: str | None = None, where: str = "") -> Iterator[None]:
        """Turn a `Refused` in the block into a drop of this file, told of under `where`."""
        try:
            yield
        except Refused as refused:
            detail = f"{where}: {refused.detail}" if where else refused.detail
            self.drop(path, refused.reason, detail, source)

    def finished(self, layout: str) -> Source:
        """The source, or an error if not one row could be read."""
        if not self.rows:
            raise DatasetError(f"{shown(self.root)}: {self._why_empty(layout)}")
        rows, drops, notes = tuple(self.rows), tuple(self.drops), tuple(self.notes)
        return Source(
            self.name, self.root, layout, rows, drops, self.class_labels, self.skipped, notes
        )

    def _why_empty(self, layout: str) -> str:
        if not self.drops:
            return f"read as {layout}: expected photos, found none; force another with --layout"
        reasons = ", ".join(
            f"{count:,} x {reason}"
            for reason, count in Counter(drop.reason for drop in self.drops).most_common()
        )
        return (
            f"read as {layout}: nothing of it can be used ({reasons}); the first: "
            f"{self.drops[0].detail}; mend it, or force another layout with --layout"
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """A row, and where it was written down: ``line 7``, ``a.xml, object 2``."""

    row: Row
    where: str


def keep_once(entries: Iterable[Entry], draft: Draft) -> None:
    """Keep each photo and box once; leave those out that are given two labels.

    Of entries that agree the first is kept, with its split and group. The rows of one photo
    come out together.
    """
    by_photo: dict[Path, dict[Box | None, list[Entry]]] = {}
    for entry in entries:
        by_photo.setdefault(entry.row.path, {}).setdefault(entry.row.box, []).append(entry)
    for faces in by_photo.values():
        for same in faces.values():
            if len({entry.row.label for entry in same}) > 1:
                given = ", ".join(f"{class_name(one.row.label)} ({one.where})" for one in same)
                detail = f"two labels: {given}; keep the right one"
                _drop(same, "conflicting labels", detail, draft)
            else:
                draft.rows.append(same[0].row)
                _drop(same[1:], "listed twice", f"already given ({same[0].where})", draft)


def _drop(entries: list[Entry], reason: Reason, detail: str, draft: Draft) -> None:
    for entry in entries:
        draft.drop(entry.row.path, reason, f"{entry.where}: {detail}", entry.row.source)
