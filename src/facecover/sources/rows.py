"""What a layout reader gives: labelled rows, and the rows it had to leave out."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from facecover.errors import DatasetError, shown
from facecover.labels import Box, class_name, resolve_label

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled face: a photo, or a box in one.

    Attributes:
        path: the photo.
        source: the name of the source it came from.
        label: 0..2, see `facecover.labels`.
        box: the face inside the photo, or None for the whole photo.
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
        path: the file it concerns.
        source: the name of the source.
        reason: a short fixed phrase that can be counted, such as ``broken image``.
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
        layout: the layout that was recognised or forced, one of `layouts.LAYOUTS`.
        rows: its labelled faces, in a stable order.
        drops: what was left out.
        class_labels: each class name as found, with the label it was read as.
        skipped: how many files and folders were passed over, by reason; see `photos.walk`.
    """

    name: str
    root: Path
    layout: str
    rows: tuple[Row, ...]
    drops: tuple[Drop, ...] = ()
    class_labels: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)


# The reasons of drops.
BESIDE_CLASSES = "beside the class folders"
BESIDE_SPLITS = "beside the split folders"
NO_LABEL_IN_NAME = "no label in its name"
BROKEN_LINE = "broken line"
NO_LABEL = "no label"
NO_SUCH_FILE = "no such file"
LISTED_TWICE = "listed twice"
CONFLICTING_LABELS = "conflicting labels"
CONFLICTING_SPLITS = "conflicting splits"
BROKEN_ANNOTATION = "broken annotation"
NO_ANNOTATION = "no annotation"
NO_PICTURE = "no picture"
AMBIGUOUS_PICTURE = "ambiguous picture"
NO_BOX = "no box"
BROKEN_BOX = "broken box"
EMPTY_BOX = "empty box"
OUTSIDE_BOX = "box outside its picture"
OTHER_SIZE = "size disagrees with its picture"


class Refused(Exception):
    """A verdict on one row that cannot be used; it never leaves this package.

    Attributes:
        reason: why, in a fixed phrase.
        detail: expected and found.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


@contextmanager
def located(where: str) -> Iterator[None]:
    """Put the place into the detail of what is refused in the block."""
    try:
        yield
    except Refused as refused:
        raise Refused(refused.reason, f"{where}: {refused.detail}") from None


@dataclass
class Draft:
    """What is known of a source so far.

    Attributes:
        name: its name.
        root: its folder.
        mapping: the user's class names, each with a known one.
        label: the one class name given for the whole source, if any.
        rows: labelled faces so far.
        drops: what was left out so far.
        class_labels: each class name found so far, with its label.
        skipped: what was passed over so far, counted by reason.
    """

    name: str
    root: Path
    mapping: Mapping[str, str] = field(default_factory=dict)
    label: str | None = None
    rows: list[Row] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)
    class_labels: dict[str, int] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)

    def label_of(self, name: str, where: str) -> int:
        """The label a class name stands for; the name is kept in `class_labels`.

        Raises:
            LabelError: if it is unknown.
        """
        if name not in self.class_labels:
            self.class_labels[name] = resolve_label(name, self.mapping, where=where)
        return self.class_labels[name]

    def keep_all(self, images: Iterable[Path], label: int, split: str | None) -> None:
        """Take whole photos of one label."""
        self.rows.extend(Row(path, self.name, label, split=split) for path in images)

    def drop(self, path: Path, reason: str, detail: str, source: str | None = None) -> None:
        """Leave something out; the detail follows the path in the message."""
        self.drops.append(Drop(path, source or self.name, reason, f"{shown(path)}: {detail}"))

    def drop_all(self, images: Iterable[Path], reason: str, detail: str) -> None:
        """Leave photos out for the same reason."""
        for path in images:
            self.drop(path, reason, detail)

    @contextmanager
    def dropping(self, path: Path, source: str | None = None) -> Iterator[None]:
        """Turn a `Refused` in the block into a drop of this file."""
        try:
            yield
        except Refused as refused:
            self.drop(path, refused.reason, refused.detail, source)

    def finished(self, layout: str) -> Source:
        """The source as it stands.

        Raises:
            DatasetError: if not one row could be read.
        """
        if not self.rows:
            raise DatasetError(f"{shown(self.root)}: {self._why_empty(layout)}")
        return Source(
            self.name,
            self.root,
            layout,
            tuple(self.rows),
            tuple(self.drops),
            self.class_labels,
            self.skipped,
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


def settle(entries: Iterable[Entry], draft: Draft) -> None:
    """Keep each photo and box once; leave those out that are given two labels.

    Of entries that agree the first is kept, with its split and group. The rows of one photo
    come out together.
    """
    by_photo: dict[Path, dict[Box | None, list[Entry]]] = {}
    for entry in entries:
        by_photo.setdefault(entry.row.path, {}).setdefault(entry.row.box, []).append(entry)
    for faces in by_photo.values():
        for same in faces.values():
            _settle_face(same, draft)


def _settle_face(same: list[Entry], draft: Draft) -> None:
    if len({entry.row.label for entry in same}) > 1:
        given = ", ".join(f"{class_name(entry.row.label)} ({entry.where})" for entry in same)
        _drop(same, CONFLICTING_LABELS, f"two labels: {given}; keep the right one", draft)
    else:
        draft.rows.append(same[0].row)
        _drop(same[1:], LISTED_TWICE, f"already given ({same[0].where})", draft)


def _drop(entries: list[Entry], reason: str, detail: str, draft: Draft) -> None:
    for entry in entries:
        draft.drop(entry.row.path, reason, f"{entry.where}: {detail}", entry.row.source)
