"""Images to look at, the worst first: hardly one face, or with a label that is probably wrong."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from facecover.dataset.arrays import Images
from facecover.dataset.manifest import BOX
from facecover.errors import DatasetError
from facecover.images import BLANK_BELOW
from facecover.labels import class_name
from facecover.look.finding import Finding, not_measured, of_check

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
        BLANK: BLANK_BELOW / np.maximum(contrast, 1e-3),
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


Probabilities = npt.NDArray[np.float64]
"""``float64 (N, C)``, rows that sum to 1, by label."""

FEWEST_OF_A_CLASS = 5

_SUM_TOLERANCE = 1e-3

_CHOSEN_BY = "prune_by_noise_rate"
"""How cleanlab ends the list. Of 356 flipped labels among 7,117 it lists 81% at a precision of
60%; ``confident_learning`` and ``low_self_confidence`` list 70% and 71% at 68% and 70%, so that
the harmonic means are the same. The order does not depend on it: who wants fewer false alarms
stops earlier, and what is not listed is not found. With two classes ``both`` and
``prune_by_class`` give the same list."""


def rank_suspects(table: pd.DataFrame, probabilities: Probabilities) -> pd.DataFrame:
    """The samples whose labels are probably wrong, the worst first.

    Confident learning (Northcutt, Jiang and Chuang, 2021) compares each label with what models
    that have not seen the sample say of it. The list is a `suspects.csv` to be edited: change
    ``label``, fill in ``who``, ``when`` and ``why``, and give it to `--relabel`.

    Args:
        table: N samples with ``source``, ``path``, box and ``label``.
        probabilities: out of fold, by models trained without the sample's group.

    Returns:
        One line a suspect: ``row``, ``source``, ``path``, the box, ``label`` (its name),
        ``suggested`` (the most probable class), ``quality`` (of the label, 0..1, low is bad),
        ``probability`` (of the suggested class), and empty ``who``, ``when`` and ``why``.

    Raises:
        DatasetError: if the probabilities do not fit the table, or a class has fewer than five
            samples.
    """
    labels = table["label"].to_numpy(dtype=np.int64)
    _check(labels, probabilities)
    # Where labels are missing from the data in between, cleanlab needs them numbered anew.
    present, known = np.unique(labels, return_inverse=True)
    shares = probabilities[:, present]
    shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
    is_suspect = find_label_issues(known, shares, filter_by=_CHOSEN_BY, n_jobs=1)
    quality = get_label_quality_scores(known, shares, method="self_confidence")
    suggested = present[shares.argmax(axis=1)]
    rows = np.flatnonzero(is_suspect & (suggested != labels))
    rows = rows[np.argsort(quality[rows], kind="stable")]
    listed = table.iloc[rows][["source", "path", *BOX]].reset_index(drop=True)
    listed.insert(0, "row", rows)
    listed["label"] = [class_name(int(label)) for label in labels[rows]]
    listed["suggested"] = [class_name(int(label)) for label in suggested[rows]]
    listed["quality"] = quality[rows]
    listed["probability"] = shares.max(axis=1)[rows]
    for name in ("who", "when", "why"):
        listed[name] = pd.Series([""] * len(rows), dtype="string")
    return listed


def _check(labels: npt.NDArray[np.int64], probabilities: Probabilities) -> None:
    if not len(labels):
        raise DatasetError("no label to judge: the table is empty")
    highest = int(labels.max())
    shape = probabilities.shape
    if len(shape) != 2 or shape[0] != len(labels) or shape[1] <= highest:
        raise DatasetError(
            f"out-of-fold probabilities: expected shape ({len(labels)}, {highest + 1} or more), "
            f"found {shape}"
        )
    if not np.isfinite(probabilities).all() or probabilities.min() < 0:
        raise DatasetError(
            "out-of-fold probabilities: expected numbers of 0 and more, found others"
        )
    off = np.abs(probabilities.sum(axis=1) - 1).max()
    if off > _SUM_TOLERANCE:
        raise DatasetError(
            f"out-of-fold probabilities: expected rows that sum to 1, found one that is {off:.3g} "
            "off"
        )
    present, counts = np.unique(labels, return_counts=True)
    if len(present) < 2:
        raise DatasetError(
            f"every label is {class_name(highest)!r}; suspects need two classes or more"
        )
    if counts.min() < FEWEST_OF_A_CLASS:
        rare = class_name(int(present[counts.argmin()]))
        raise DatasetError(
            f"only {counts.min()} samples are {rare!r}; suspects need at least "
            f"{FEWEST_OF_A_CLASS} of each class"
        )


def suspects_finding(suspects: pd.DataFrame | None, missing: str, count: int) -> Finding:
    """How many labels trained models contradict, or why none was asked."""
    if suspects is None:
        return not_measured("suspects", missing)
    verb = "is" if len(suspects) == 1 else "are"
    sentence = (
        f"{len(suspects):,} of {count:,} labels {verb} contradicted by networks that did not see "
        "the image: a list to look through."
    )
    facts = {"suspects": len(suspects)}
    return of_check("suspects", is_failed=len(suspects) > 0, sentence=sentence, facts=facts)


def outliers_finding(outliers: pd.DataFrame, count: int) -> Finding:
    """How many images are hardly one face, by reason."""
    counts = {
        reason: int(outliers["reasons"].str.contains(reason, regex=False).sum())
        for reason in REASONS
    }
    told = ", ".join(f"{number:,} {reason}" for reason, number in counts.items() if number)
    verb = "is" if len(outliers) == 1 else "are"
    sentence = f"{len(outliers):,} of {count:,} images {verb} hardly one face"
    sentence += f": {told}." if told else "."
    facts = {"outliers": len(outliers), "reasons": counts}
    return of_check("outliers", is_failed=len(outliers) > 0, sentence=sentence, facts=facts)
