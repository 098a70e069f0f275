"""The mean face of each class, and how far these alone tell the classes apart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.dataset.arrays import Images
from facecover.labels import CLASS_NAMES, MASK, NO_MASK
from facecover.look.class_differences import CERTAIN_AUC, STRONG_AUC
from facecover.look.finding import Finding
from facecover.look.statistics import MIN_GROUP, classes_of, halves, separation
from facecover.text import percent

DECISIVE_AUC = 0.9
"""A mean face that tells this much leaves a network little to learn."""


_CHUNK = 1024

MeanImage = npt.NDArray[np.float64]
"""``float64 (S, S, 3)``, RGB, 0..255."""


@dataclass(frozen=True)
class MeanFaceTest:
    """How far the mean faces alone tell `mask` from `no_mask`.

    One half of the photos (by their file's hash, so that copies stay together) gives the two mean
    images; each photo of the other half goes to the nearer one.

    Attributes:
        auc: the chance that a photo of `mask` lies more to the side of the mean mask.
        low: the lower end of its 95% interval.
        high: the upper end.
        balanced_accuracy: of answering the nearer mean, 0..1; 0.5 is chance.
        n: photos tested.
        size_px: the side of the images compared.
    """

    auc: float
    low: float
    high: float
    balanced_accuracy: float
    n: int
    size_px: int


def mean_faces(images: Images, table: pd.DataFrame) -> dict[str, MeanImage]:
    """The mean image of each class that occurs, by class name.

    Args:
        images: ``uint8 (N, S, S, 3)``, RGB; image i belongs to row i.
        table: from `statistics.described`.
    """
    names = table["class"].to_numpy()
    return {name: mean_image(images, np.flatnonzero(names == name)) for name in classes_of(table)}


def mean_image(images: Images, rows: npt.NDArray[np.int64]) -> MeanImage:
    """The mean of some images, exact.

    Args:
        images: ``uint8 (N, S, S, 3)``, RGB.
        rows: ``int64 (n,)``, which of them; at least one.
    """
    total = np.zeros(images.shape[1:], dtype=np.int64)
    for start in range(0, len(rows), _CHUNK):
        total += images[rows[start : start + _CHUNK]].sum(axis=0, dtype=np.int64)
    return total / len(rows)


def judge_mean_faces(images: Images, table: pd.DataFrame) -> MeanFaceTest | None:
    """How far the mean faces alone tell the classes apart.

    Args:
        images: ``uint8 (N, S, S, 3)``, RGB; image i belongs to row i.
        table: from `statistics.described`.

    Returns:
        The test, or None if a half has fewer than `MIN_GROUP` photos of a class.
    """
    rows = _halves(table)
    if any(len(part) < MIN_GROUP for part in rows.values()):
        return None
    bare, masked = mean_image(images, rows[NO_MASK, 0]), mean_image(images, rows[MASK, 0])
    # The nearer of two means is told by a plane between them.
    direction = masked - bare
    offset = float((direction * (masked + bare)).sum() / 2)
    scores = {
        label: _project(images, rows[label, 1], direction) - offset for label in (NO_MASK, MASK)
    }
    right = float((scores[NO_MASK] < 0).mean()), float((scores[MASK] >= 0).mean())
    return MeanFaceTest(
        *separation(scores[NO_MASK], scores[MASK]),
        balanced_accuracy=sum(right) / 2,
        n=len(scores[NO_MASK]) + len(scores[MASK]),
        size_px=images.shape[1],
    )


def _halves(table: pd.DataFrame) -> Mapping[tuple[int, int], npt.NDArray[np.int64]]:
    """Array indices by label and half."""
    half_of = halves(table)
    names = table["class"].to_numpy()
    return {
        (label, half): np.flatnonzero((names == CLASS_NAMES[label]) & (half_of == half))
        for label in (NO_MASK, MASK)
        for half in (0, 1)
    }


def _project(
    images: Images, rows: npt.NDArray[np.int64], direction: MeanImage
) -> npt.NDArray[np.float64]:
    parts = [
        images[rows[start : start + _CHUNK]].reshape(-1, direction.size) @ direction.ravel()
        for start in range(0, len(rows), _CHUNK)
    ]
    return np.concatenate(parts)


def mean_face_findings(test: MeanFaceTest | None) -> Iterator[Finding]:
    """Whether the mean faces alone tell the classes apart."""
    if test is None or test.auc < STRONG_AUC or test.low < CERTAIN_AUC:
        return
    yield Finding(
        "mean_faces",
        "warning" if test.auc > DECISIVE_AUC else "note",
        "The mean face alone",
        f"The mean faces of one half of the photos tell the classes of the other half apart with "
        f"an AUC of {test.auc:.2f} ({test.low:.2f} to {test.high:.2f}); answering the nearer one "
        f"is right on {percent(test.balanced_accuracy)}, both classes weighing the same.",
        "That much needs no network: colour at a fixed place is enough. A network is worth what "
        "it adds.",
        {"auc": test.auc, "balanced_accuracy": test.balanced_accuracy},
    )
