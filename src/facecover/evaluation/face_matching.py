"""Which detected face is which true one, by the rules of COCO (Lin et al., 2014).

A detection takes the true face with which it overlaps most, the surest first, and each face is
taken once. Places to be ignored swallow the detections that lie in them for half or more.
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from facecover.errors import DatasetError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

COCO_IOUS: tuple[float, ...] = tuple(float(iou) for iou in np.linspace(0.5, 0.95, 10))
"""COCO's AP is the mean over these overlaps (intersection over union)."""

_MOST_DETECTIONS = 2000
"""Of one photo; COCO's own 100 are too few for a crowd."""

_ONE_CLASS = 0


class TrueFaces(NamedTuple):
    """What is known of one photo.

    Attributes:
        boxes: ``float (N, 4)``, x0, y0, x1, y1, in pixels.
        labels: ``int (N,)``, 0..C-1; -1 for a place that is neither to be found nor a false alarm.
        is_annotated: ``bool (N,)``; the others stand for a second opinion, and have no label.
    """

    boxes: npt.NDArray[Any]
    labels: npt.NDArray[Any]
    is_annotated: Flags


class DetectedBoxes(NamedTuple):
    """What a detector says of one photo.

    Attributes:
        boxes: ``float (M, 4)``, x0, y0, x1, y1, in pixels.
        scores: ``float (M,)``, 0..1.
        labels: ``int (M,)``, the class answered for each.
        probabilities: ``float (M, C)``, of each class.
    """

    boxes: npt.NDArray[Any]
    scores: npt.NDArray[Any]
    labels: npt.NDArray[Any]
    probabilities: npt.NDArray[Any]


@dataclass(frozen=True)
class Faces:
    """The faces of all photos, flat, the true or the detected ones.

    Attributes:
        n_photos: how many photos there are, those without a face included.
        photo: ``int64 (N,)``, the number of the photo of each.
        size: ``float64 (N,)``, the square root of its area, in pixels.
    """

    n_photos: int
    photo: Ints
    boxes: Floats
    labels: Ints
    size: Floats


def flat(photos: Sequence[TrueFaces | DetectedBoxes], what: str) -> Faces:
    """The faces of all photos in one row.

    Args:
        photos: their faces.
        what: they are, for messages.

    Raises:
        DatasetError: if the arrays of a photo do not fit together, or a box is empty.
    """
    for number, one in enumerate(photos):
        lengths = {len(array) for array in one}
        if len(lengths) > 1 or one.boxes.shape != (len(one.boxes), 4):
            shapes = ", ".join(f"{name} {array.shape}" for name, array in one._asdict().items())
            raise DatasetError(
                f"{what}, photo {number}: expected boxes of shape (N, 4) and as many of the "
                f"others, found {shapes}"
            )
    boxes = np.concatenate([np.zeros((0, 4)), *(one.boxes for one in photos)]).astype(np.float64)
    sides = boxes[:, 2:] - boxes[:, :2]
    if not (sides > 0).all():
        row = int(np.argmin((sides > 0).all(axis=1)))
        raise DatasetError(f"{what}: expected x0 < x1 and y0 < y1, found {boxes[row].tolist()}")
    labels = np.concatenate([np.zeros(0, np.int64), *(one.labels for one in photos)])
    photo = np.repeat(np.arange(len(photos)), [len(one.boxes) for one in photos])
    return Faces(len(photos), photo, boxes, labels.astype(np.int64), np.sqrt(sides.prod(axis=1)))


@dataclass(frozen=True)
class Matches:
    """The detections of one class and range of sizes, at one overlap.

    Attributes:
        detection: ``int64 (D,)``, positions among all detections; the surest first.
        found: ``int64 (D,)``, position of the true face that each takes; -1 for none.
        is_alarm: ``bool (D,)``: it takes no face, and lies in no place that is to be ignored.
        is_counted: ``bool (N,)``, which of all true faces are to be found.
        iou: the overlap asked for.
    """

    detection: Ints
    found: Ints
    is_alarm: Flags
    is_counted: Flags
    iou: float


def match(
    truths: Faces,
    detected: Faces,
    scores: Floats,
    *,
    known: Flags,
    labels: Sequence[int] | None,
    ious: Sequence[float],
    sizes: Sequence[tuple[float, float]],
) -> dict[tuple[int | None, tuple[float, float]], list[Matches]]:
    """Match detections with true faces, for each class and range of sizes.

    Args:
        truths: with label -1 where they are to be ignored.
        detected: with the labels answered.
        scores: ``float64 (M,)``, of the detections.
        known: ``bool (N,)``, which true faces there are; the others play no part.
        labels: the classes, each matched alone; None matches faces whatever is answered for them.
        ious: overlaps from which on a detection is a face's.
        sizes: from, and below, in pixels; see `Faces.size`. Smaller and larger faces are ignored.

    Returns:
        By class (None for all together) and range, a match for each overlap.
    """
    categories = [_ONE_CLASS] if labels is None else list(labels)
    evaluation = COCOeval(iouType="bbox")
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
        evaluation.cocoGt = _indexed(_true_annotations(truths, known, categories, labels is None))
        evaluation.cocoDt = _indexed(_detections(detected, scores, labels is None))
        evaluation.params.imgIds = list(range(truths.n_photos))
        evaluation.params.catIds = categories
        evaluation.params.iouThrs = np.array(ious)
        evaluation.params.maxDets = [_MOST_DETECTIONS]
        # COCO's upper bound is inclusive.
        evaluation.params.areaRng = [[low**2, np.nextafter(high**2, 0)] for low, high in sizes]
        evaluation.evaluate()
    images = iter(evaluation.evalImgs)  # class by class, range by range, photo by photo
    found = {}
    for category in categories:
        for size in sizes:
            part = [one for one in islice(images, truths.n_photos) if one is not None]
            key = (None if labels is None else category, size)
            found[key] = [
                _matches(part, len(truths.photo), len(categories), step, iou)
                for step, iou in enumerate(ious)
            ]
    return found


def _matches(
    part: Sequence[dict[str, Any]],
    n_truths: int,
    n_categories: int,
    step: int,
    iou: float,
) -> Matches:
    """What COCO's evaluation found in the photos, at one of its overlaps."""

    def joined(name: str, at: int | None = None) -> Floats:
        arrays = [one[name] if at is None else one[name][at] for one in part]
        return np.concatenate([np.zeros(0), *arrays])

    # In the order in which COCO accumulates them, of equal scores too.
    order = np.argsort(-joined("dtScores"), kind="mergesort")
    is_counted = np.zeros(n_truths, dtype=bool)
    # Identifiers count from 1, since 0 stands for no match, and each class has its own.
    counted = joined("gtIds")[joined("gtIgnore") == 0].astype(np.int64)
    is_counted[(counted - 1) // n_categories] = True
    truth = (joined("dtMatches", step)[order].astype(np.int64) - 1) // n_categories
    is_ignored = joined("dtIgnore", step)[order].astype(bool)
    return Matches(
        detection=joined("dtIds")[order].astype(np.int64) - 1,
        found=np.where(is_ignored, -1, truth),
        is_alarm=(truth < 0) & ~is_ignored,
        is_counted=is_counted,
        iou=iou,
    )


def _true_annotations(
    truths: Faces, known: Flags, categories: Sequence[int], is_one: bool
) -> list[Any]:
    """Each true face in its class; what is to be ignored, in every class."""
    found, boxes = [], _as_coco(truths.boxes)
    for row in np.flatnonzero(known).tolist():
        label, box = int(truths.labels[row]), boxes[row]
        wanted = categories if label < 0 else [_ONE_CLASS if is_one else label]
        for category in wanted:
            number = 1 + row * len(categories) + categories.index(category)
            found.append(
                {
                    "id": number, "image_id": int(truths.photo[row]), "category_id": category,
                    "bbox": box, "area": box[2] * box[3], "iscrowd": int(label < 0),
                }
            )  # fmt: skip
    return found


def _detections(detected: Faces, scores: Floats, is_one: bool) -> list[Any]:
    return [
        {
            "id": row + 1, "image_id": int(detected.photo[row]), "bbox": box,
            "category_id": _ONE_CLASS if is_one else int(detected.labels[row]),
            "area": box[2] * box[3], "score": float(scores[row]), "iscrowd": 0,
        }
        for row, box in enumerate(_as_coco(detected.boxes))
    ]  # fmt: skip


def _as_coco(boxes: Floats) -> list[list[float]]:
    found: list[list[float]] = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).tolist()
    return found


def _indexed(annotations: list[Any]) -> COCO:
    coco = COCO()
    coco.dataset = {"images": [], "categories": [], "annotations": annotations}
    coco.createIndex()
    return coco
