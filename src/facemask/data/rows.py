"""What a layout reader gives: labelled rows, and the rows it had to leave out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from facemask.images import Box

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled face: a photo, or a box in one.

    Attributes:
        path: the photo.
        source: the name of the source it came from.
        label: 0..2, see `facemask.labels`.
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
    """

    name: str
    root: Path
    layout: str
    rows: tuple[Row, ...]
    drops: tuple[Drop, ...] = ()
    class_labels: Mapping[str, int] = field(default_factory=dict)
