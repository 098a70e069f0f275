"""Images that are hardly one face: odd shapes, tiny, blank, or unlike all the others."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from facemask.data.arrays import Images
from facemask.errors import DatasetError

EXTREME_ASPECT, TINY, BLANK, UNLIKE = (
    "extreme aspect ratio",
    "tiny",
    "nearly blank",
    "unlike the other images",
)
REASONS = (EXTREME_ASPECT, TINY, BLANK, UNLIKE)

MAX_ASPECT = 2.0
"""The longer side by the shorter; a head with its hair is up to 1.5."""

MIN_SIDE_PX = 20
"""A face of fewer pixels shows no mouth."""

MIN_CONTRAST = 0.04
"""Standard deviation of luma, 0..1."""

MAX_DEVIATION = 2.0
"""Robust standard deviations that an image may lie farther from the space of faces than most."""

FEWEST_IMAGES = 200
"""With fewer images there is no telling what most of them look like."""

_SIZE = 16
_COMPONENTS, _IMAGES_A_COMPONENT = 64, 8
_MOST_LEARNED = 5000
_LEAST_STD = 8.0  # grey levels; keeps the noise of blank images small
_MAD_TO_STD = 1.4826  # of a normal distribution
_CHUNK = 4096


def find_outliers(
    images: Images, table: pd.DataFrame, groups: npt.NDArray[np.int64], *, seed: int = 0
) -> pd.DataFrame:
    """The images that are outliers for a classifier of faces, the worst first.

    How far an image lies from the others is the part of it that the 64 main components of other
    images do not explain: its "distance from face space" (Turk and Pentland, 1991). Crowds,
    collages and scenes lie far; the distance to nearest neighbours, tried too, told them less.

    Args:
        images: ``uint8 (N, 64, 64, 3)``, RGB.
        table: N samples with ``source``, ``path``, ``width``, ``height`` and ``contrast``.
        groups: ``int64 (N,)``; of a group one image is learned from, so that many copies of a
            picture do not make it usual.
        seed: of what is drawn at random.

    Returns:
        One line an outlier: ``row``, ``source``, ``path``, ``reasons`` (joined by ``; ``),
        ``score`` (how many times beyond its limit it is, by its worst reason), ``distance``
        (the unexplained share of the image, 0..1, NaN with fewer than 200 images).

    Raises:
        DatasetError: if there is no image.
    """
    if not len(table):
        raise DatasetError("no image to look for outliers in: the table is empty")
    width, height = (table[name].to_numpy(dtype=np.float64) for name in ("width", "height"))
    contrast = table["contrast"].to_numpy(dtype=np.float64)
    # On busy cores the threads of these small decompositions wait for each other most of the time.
    with threadpool_limits(1):
        distance = face_space_distances(images, groups, seed=seed)
    scores = {
        EXTREME_ASPECT: np.maximum(width / height, height / width) / MAX_ASPECT,
        TINY: MIN_SIDE_PX / np.minimum(width, height),
        BLANK: MIN_CONTRAST / np.maximum(contrast, 1e-3),
        UNLIKE: _deviations(distance) / MAX_DEVIATION,
    }
    beyond = np.column_stack([scores[reason] for reason in REASONS])
    worst = np.nanmax(beyond, axis=1)
    rows = np.flatnonzero(worst > 1)
    rows = rows[np.argsort(-worst[rows], kind="stable")]
    listed = table.iloc[rows][["source", "path"]].reset_index(drop=True)
    listed.insert(0, "row", rows)
    listed["reasons"] = pd.Series([_reasons(beyond[row]) for row in rows], dtype="string")
    listed["score"] = worst[rows]
    listed["distance"] = distance[rows]
    return listed


def face_space_distances(
    images: Images, groups: npt.NDArray[np.int64], *, seed: int
) -> npt.NDArray[np.float64]:
    """The share of each image that the main components of others do not explain, 0..1.

    ``float64 (N,)``; NaN for all where fewer than 200 groups are given.

    Args:
        images: ``uint8 (N, 64, 64, 3)``, RGB.
        groups: ``int64 (N,)``.
        seed: of the halves that judge each other.
    """
    firsts, member = np.unique(groups, return_index=True, return_inverse=True)[1:]
    if len(firsts) < FEWEST_IMAGES:
        return np.full(len(images), np.nan)
    # Each half is judged by the other, so that no image explains itself or its copies.
    rng = np.random.default_rng(seed)
    half_of = rng.permutation(len(firsts)) % 2
    distances = np.empty(len(images))
    for half in (0, 1):
        learned = firsts[half_of != half]
        if len(learned) > _MOST_LEARNED:  # groups stand by source and class
            learned = rng.choice(learned, _MOST_LEARNED, replace=False)
        count = min(_COMPONENTS, len(learned) // _IMAGES_A_COMPONENT)
        space = PCA(count, svd_solver="randomized", random_state=seed)
        space.fit(_thumbnails(images[learned]))
        judged = np.flatnonzero(half_of[member] == half)
        for start in range(0, len(judged), _CHUNK):
            rows = judged[start : start + _CHUNK]
            distances[rows] = _unexplained(space, _thumbnails(images[rows]))
    return distances


def _unexplained(space: PCA, thumbnails: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    explained = space.inverse_transform(space.transform(thumbnails))
    left: npt.NDArray[np.float64] = ((thumbnails - explained) ** 2).mean(axis=1, dtype=np.float64)
    return left


def _thumbnails(images: Images) -> npt.NDArray[np.float32]:
    """16 x 16 RGB, each of mean 0 and standard deviation 1: ``float32 (n, 768)``."""
    step = images.shape[1] // _SIZE
    parts = images.reshape(len(images), _SIZE, step, _SIZE, step, 3)
    flat = parts.mean(axis=(2, 4), dtype=np.float32).reshape(len(images), -1)
    flat -= flat.mean(axis=1, keepdims=True)
    scaled: npt.NDArray[np.float32] = flat / np.maximum(
        flat.std(axis=1, keepdims=True), np.float32(_LEAST_STD)
    )
    return scaled


def _deviations(distances: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How many robust standard deviations above the median each distance is, on a log scale."""
    logs = np.log(np.maximum(distances, 1e-9))
    middle = np.median(logs)
    spread = np.median(np.abs(logs - middle)) * _MAD_TO_STD
    deviations: npt.NDArray[np.float64] = (logs - middle) / max(spread, 1e-9)
    return deviations


def _reasons(beyond: npt.NDArray[np.float64]) -> str:
    found = [reason for reason, score in zip(REASONS, beyond, strict=True) if score > 1]
    return "; ".join(found)
