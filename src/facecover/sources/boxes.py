"""Boxes as people and tools write them, fitted to the picture as it is read.

Coordinates are taken as the edges of the box, counted from 0, the upper ones exclusive. Some
tools count from 1 and include the upper edge; that differs by a pixel, less than any annotator's
hand, and the files do not say which they mean.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from facecover.errors import ImageError
from facecover.images import Header, read_header, turned
from facecover.labels import Box
from facecover.sources.rows import Draft, Entry, Refused
from facecover.text import percent

MIN_SHARE_INSIDE = 0.5
"""A box that reaches over its picture's edge is clipped if so much of it lies inside."""

ASPECT_TOLERANCE = 0.02
"""So much the annotation's aspect ratio may differ from the picture's: scaling rounds."""


class Edges(NamedTuple):
    """A box as annotated, in pixels and parts of them."""

    x0: float
    y0: float
    x1: float
    y1: float


class Size(NamedTuple):
    """Width and height of a picture, in pixels."""

    width: float
    height: float


SHARES = Size(1, 1)
"""The size of pictures whose boxes are given in shares of their sides."""


def read_edges(texts: Mapping[str, str], names: Sequence[str], *, is_sized: bool = False) -> Edges:
    """The numbers of a box, or `Refused`; edges in the wrong order are sorted.

    Args:
        texts: the numbers as written, by name.
        names: of the left, upper, right and lower edge.
        is_sized: the last two are its width and height instead.
    """
    try:
        x0, y0, x1, y1 = (float(texts[name]) for name in names)
    except (KeyError, ValueError):
        x0 = y0 = x1 = y1 = math.nan
    if not all(map(math.isfinite, (x0, y0, x1, y1))):
        found = ", ".join(f"{name} {texts.get(name, 'missing')!r}" for name in names)
        raise Refused("broken box", f"expected four numbers, found {found}")
    if is_sized:
        x1, y1 = x0 + x1, y0 + y1
    if x0 == x1 or y0 == y1:
        raise Refused("empty box", f"expected two edges each way, found {_text((x0, y0, x1, y1))}")
    return Edges(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def bounds(points: Sequence[float]) -> Edges:
    """The box around some points ``x, y, x, y, ...``; `Refused` if it is empty or endless."""
    xs, ys = points[0::2], points[1::2]
    names = ("left", "upper", "right", "lower")
    edges = (min(xs), min(ys), max(xs), max(ys))
    return read_edges({n: str(edge) for n, edge in zip(names, edges, strict=True)}, names)


def read_size(width: str, height: str) -> Size | None:
    """The size of the picture that was annotated; None if it is no size."""
    try:
        size = Size(float(width), float(height))
    except ValueError:
        return None
    return size if 0 < min(size) <= max(size) < math.inf else None


@dataclass
class Frame:
    """Whether a source's boxes are of its pictures as stored, or upright by their EXIF orientation.

    Attributes:
        is_stored: what is taken for a picture that does not prove it itself.
        proved: what others proved.
        unproved: how many boxes of turned pictures prove nothing.
    """

    is_stored: bool = False
    proved: set[bool] = field(default_factory=set)
    unproved: int = 0

    def is_of_stored(self, edges: Edges, annotated: Size | None, stored: Size, up: Size) -> bool:
        """Whether a box of a turned picture is of it as stored; the sizes are those of both."""
        if annotated:
            fits = [_has_aspect(annotated, size) for size in (stored, up)]
        else:
            # Careless boxes reach a little over the edge, and prove nothing by it.
            fits = [
                max(edges.x1 / size.width, edges.y1 / size.height) < 1.1 for size in (stored, up)
            ]
        if fits[0] == fits[1]:  # turned by 180 degrees, mirrored, square, or in a corner of both
            self.unproved += 1
            return self.is_stored
        self.proved.add(fits[0])
        return fits[0]


def read_in_one_frame(read: Callable[[Frame], list[Entry]], draft: Draft) -> list[Entry]:
    """What a reader gives; it is called again where its first boxes prove another frame."""
    frame, before = Frame(), len(draft.drops)
    entries = read(frame)
    if frame.unproved and frame.proved == {True}:
        del draft.drops[before:]
        return read(Frame(is_stored=True))
    if frame.unproved and frame.proved != {False}:
        draft.notes.append(
            f"{frame.unproved:,} boxes of photos with an EXIF orientation are read as of the "
            "upright photos, which nothing proves"
        )
    return entries


def fit_box(
    edges: Edges, header: Header | None, annotated: Size | None = None, frame: Frame | None = None
) -> Box:
    """A box in pixels of the upright picture.

    A picture that was scaled after it was annotated has its boxes scaled; one that was annotated
    as stored, before its EXIF orientation is applied, has them turned.

    Args:
        edges: the box, in pixels of the picture that was annotated.
        header: the picture's own; None if it cannot be read.
        annotated: the size that the annotation gives; None if it gives none, and `SHARES` where
            the box is in shares of the upright picture's sides.
        frame: of the source's other boxes; it learns from this one.

    A box over the edge is clipped. `Refused` if most of it lies outside the picture, it is empty
    there, or the annotation is of a picture of another shape.
    """
    if header is None:
        return _rounded(edges, *((1000, 1000) if annotated == SHARES else (1, 1)))
    stored = Size(header.width, header.height)
    upright = Size(stored.height, stored.width) if header.orientation >= 5 else stored
    frame = frame or Frame()
    if annotated == SHARES:
        frame.unproved += header.orientation != 1
        return _scaled(_clipped(edges, SHARES), SHARES, upright)
    is_stored = header.orientation != 1 and frame.is_of_stored(edges, annotated, stored, upright)
    actual = stored if is_stored else upright
    annotated = annotated or actual
    if not _has_aspect(annotated, actual):
        raise Refused(
            "size disagrees with its picture",
            f"annotated at {annotated.width:g} x {annotated.height:g} pixels, but the picture has "
            f"{upright.width:g} x {upright.height:g}, another aspect ratio",
        )
    box = _scaled(_clipped(edges, annotated), annotated, actual)
    if not is_stored:
        return box
    return Box(*map(int, turned(box, (header.width, header.height), header.orientation)))


def _has_aspect(one: Size, other: Size) -> bool:
    across, down = other.width / one.width, other.height / one.height
    # Rounding to whole pixels may change the aspect of a small picture by more.
    allowed = max(ASPECT_TOLERANCE, 1 / min(*one, *other))
    return abs(across - down) <= allowed * max(across, down)


def _clipped(edges: Edges, size: Size) -> Edges:
    inside = Edges(
        max(edges.x0, 0), max(edges.y0, 0), min(edges.x1, size.width), min(edges.y1, size.height)
    )
    across = max(inside.x1 - inside.x0, 0) / (edges.x1 - edges.x0)
    down = max(inside.y1 - inside.y0, 0) / (edges.y1 - edges.y0)
    if across * down < MIN_SHARE_INSIDE:
        raise Refused(
            "box outside its picture",
            f"{percent(across * down, 0)} of the box {_text(edges)} lie inside the picture of "
            f"{size.width:g} x {size.height:g}; expected {percent(MIN_SHARE_INSIDE, 0)} or more",
        )
    return inside


def _scaled(edges: Edges, annotated: Size, actual: Size) -> Box:
    return _rounded(edges, actual.width / annotated.width, actual.height / annotated.height)


def _rounded(edges: Edges, across: float, down: float) -> Box:
    box = Box(
        round(edges.x0 * across), round(edges.y0 * down),
        round(edges.x1 * across), round(edges.y1 * down),
    )  # fmt: skip
    if box.x1 <= box.x0 or box.y1 <= box.y0:
        raise Refused("empty box", f"box {_text(edges)} holds no whole pixel of the picture")
    return box


def _text(edges: Iterable[float]) -> str:
    return f"({', '.join(f'{edge:g}' for edge in edges)})"


def header_or_none(path: Path) -> Header | None:
    """A picture's header; None if it cannot be read: decoding will list it as unreadable."""
    try:
        return read_header(path)
    except ImageError:
        return None


Boxes = npt.NDArray[np.float64]
"""``float64 (N, 4)``, x0, y0, x1, y1, in pixels of a photo."""


def overlaps(one: Boxes, other: Boxes) -> tuple[Boxes, Boxes]:
    """Intersection over union, and over the smaller area, of each box with each: ``(N, M)``."""
    first, second = one[:, None], other[None]
    low = np.maximum(first[..., :2], second[..., :2])
    high = np.minimum(first[..., 2:], second[..., 2:])
    inside = np.maximum(high - low, 0).prod(axis=-1)
    areas = (first[..., 2:] - first[..., :2]).prod(-1), (second[..., 2:] - second[..., :2]).prod(-1)
    return inside / (areas[0] + areas[1] - inside), inside / np.minimum(*areas)
