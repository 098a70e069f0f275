"""A source while it is being read."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from facemask.data.rows import Drop, Row, Source
from facemask.errors import DatasetError, shown
from facemask.labels import resolve_label

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
    """

    name: str
    root: Path
    mapping: Mapping[str, str] = field(default_factory=dict)
    label: str | None = None
    rows: list[Row] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)
    class_labels: dict[str, int] = field(default_factory=dict)

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
            self.name, self.root, layout, tuple(self.rows), tuple(self.drops), self.class_labels
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
