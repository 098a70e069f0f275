"""Faces without a box: a second opinion on the places where a photo shows a face.

What nobody annotated must not be learned as background, nor count as a false alarm.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from facecover.dataset.manifest import BOX, FOUND, IGNORE, UNLABELLED
from facecover.errors import DatasetError, shown
from facecover.sources.boxes import Boxes, overlaps, read_edges
from facecover.sources.csv_tables import read_records
from facecover.sources.rows import Refused

SAME_FACE_IOU = 0.4
"""From this overlap on (intersection over union) a found face is an annotated one: annotators and
detectors draw the same small face with less."""

PART_OF_FACE = 0.5
"""A place that has so much of the smaller of itself and an annotated box in common with it may be
another view of the same face, such as a box from the eyes to the chin, or a face behind it."""


class Found(NamedTuple):
    """Where detectors see faces in a photo.

    Attributes:
        boxes: in pixels of the upright photo, ``float64 (N, 4)``.
        is_agreed: ``bool (N,)``, whether both detectors see it.
    """

    boxes: Boxes
    is_agreed: npt.NDArray[np.bool_]


FOUND_COLUMNS = ("path", *BOX, "score_a", "score_b")


class FoundFaces:
    """A table of faces that two detectors found: ``source,path,x0,y0,x1,y1,score_a,score_b``.

    A score is 0 where a detector does not see the face. The photo of a line is known by its path:
    the source and the path of the table, one after the other, are the end of it.

    Raises:
        DatasetError: if it cannot be read, lacks a column, or a line is broken.
    """

    def __init__(self, table: Path) -> None:
        lines: dict[str, list[tuple[float, ...]]] = {}
        for record in read_records(table, FOUND_COLUMNS):
            fields, where = record.fields, f"{shown(table)}, line {record.line}"
            if fields is None:
                raise DatasetError(f"{where}: expected as many values as the header has columns")
            try:
                edges = read_edges(fields, BOX)
                scores = float(fields["score_a"]), float(fields["score_b"])
            except Refused as error:
                raise DatasetError(f"{where}: {error.detail}") from error
            except ValueError as error:
                raise DatasetError(f"{where}: expected two scores, {error}") from error
            photo = PurePosixPath(fields.get("source", ""), fields["path"])
            lines.setdefault(str(photo), []).append((*edges, min(scores) > 0))
        arrays = {path: np.array(found) for path, found in lines.items()}
        self._table = table
        self._found = {path: Found(one[:, :4], one[:, 4] > 0) for path, one in arrays.items()}

    def of(self, photos: Sequence[Path]) -> list[Found]:
        """The faces found in each of some photos; none where the table does not know it.

        Raises:
            DatasetError: if it knows none of them.
        """
        known = [next((one for one in _ends(path) if one in self._found), "") for path in photos]
        if not any(known):
            example = next(iter(self._found), "nothing")
            raise DatasetError(
                f"{shown(self._table)}: tells of none of the {len(photos):,} photos; expected "
                f"source and path as the end of a photo's path, found {shown(example)}"
            )
        nothing = Found(np.zeros((0, 4)), np.zeros(0, bool))
        return [self._found.get(one, nothing) for one in known]


def _ends(path: Path) -> Iterator[str]:
    """A path, and it without its first parts, the longest first."""
    return ("/".join(path.parts[start:]) for start in range(len(path.parts)))


def without_box(found: Found, annotated: Boxes) -> tuple[Boxes, list[str]]:
    """The places of a photo where a face was found, but none annotated, and the kind of each.

    One that both detectors see is a face without a label; one that a single detector sees, or that
    lies partly on an annotated face, is to be ignored.

    Args:
        found: in the photo.
        annotated: its annotated boxes.
    """
    iou, part = overlaps(found.boxes, annotated)
    is_new = ~(iou >= SAME_FACE_IOU).any(axis=1)
    is_sure = found.is_agreed & ~(part >= PART_OF_FACE).any(axis=1)
    return found.boxes[is_new], [UNLABELLED if sure else IGNORE for sure in is_sure[is_new]]


MIN_PAIRS = 30
"""Of an annotated and a found box of one face, to tell how a source draws its boxes."""

_SAME_FACE_DRAWN_APART = 0.3
"""An overlap from which on an annotated and a found box are of one face: boxes from the eyes to the
chin overlap with such from the forehead on by half."""

Redrawing = tuple[float, float, float, float]
"""How a box is drawn anew: its middle moves by the first two numbers times its width and height,
and the logarithms of these grow by the last two."""


def pairs_of(annotated: Boxes, found: Boxes) -> npt.NDArray[np.float64]:
    """How annotated boxes are drawn, each against the found one of its face, if there is one.

    Returns:
        ``float64 (n, 4)``: as `Redrawing`, from the found box to the annotated one.
    """
    iou, _ = overlaps(annotated, found)
    if not iou.size:
        return np.zeros((0, 4))
    best = iou.argmax(axis=1)
    is_pair = iou.max(axis=1) >= _SAME_FACE_DRAWN_APART
    ours, theirs = annotated[is_pair], found[best[is_pair]]
    our_sides, their_sides = ours[:, 2:] - ours[:, :2], theirs[:, 2:] - theirs[:, :2]
    moved = (ours[:, :2] + ours[:, 2:] - theirs[:, :2] - theirs[:, 2:]) / 2 / their_sides
    return np.hstack([moved, np.log(our_sides / their_sides)])


def drawn_alike(pairs: Mapping[str, npt.NDArray[np.float64]]) -> dict[str, Redrawing]:
    """For each source how its boxes are drawn anew so that those of all are drawn alike.

    That is as the sources draw them together, by the median of all pairs; the found boxes, under
    `FOUND`, are drawn so, too. A source with fewer pairs than `MIN_PAIRS` is left as it is.

    Args:
        pairs: of each source, from `pairs_of`.
    """
    known = {source: ours for source, ours in pairs.items() if len(ours) >= MIN_PAIRS}
    if not known:
        return {}
    common = np.median(np.concatenate([*known.values()]), axis=0)
    redrawn = {FOUND: _as_redrawing(common)}
    for source, ours in known.items():
        own = np.median(ours, axis=0)
        moved = (common[:2] - own[:2]) * np.exp(-own[2:])
        redrawn[source] = _as_redrawing(np.concatenate([moved, common[2:] - own[2:]]))
    return redrawn


def _as_redrawing(values: npt.NDArray[np.float64]) -> Redrawing:
    x, y, width, height = (round(float(value), 4) for value in values)
    return x, y, width, height
