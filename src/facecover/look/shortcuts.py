"""How well the label follows from what is not the face.

A small model is trained on each cue and judged on pictures and persons that it has not seen. A
network can learn the same: what it then scores says nothing about masks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits

from facecover.dataset.arrays import Images
from facecover.errors import DatasetError
from facecover.labels import CLASS_NAMES
from facecover.look.finding import Finding, not_measured, of_check
from facecover.text import percent

Features = npt.NDArray[np.float64]
"""``float64 (N, F)``; NaN where something is not known."""

BORDER_PX = 4
"""How far the border of a 64 x 64 image reaches in."""

CUE_WORDS = {
    "size": "width and height",
    "aspect": "the aspect ratio",
    "file": "file format and JPEG quality",
    "file size": "the size of the file",
    "colour": "the mean colour",
    "border": "the pixels of the border",
    "sharpness": "sharpness",
    "source": "the source",
    "together": "size, file, colour, border, sharpness and source together",
}
"""Each cue with its words in a sentence; ``together`` is all the others."""

_CHUNK = 1024


def cues_of(table: pd.DataFrame, images: Images) -> Mapping[str, Features]:
    """The numbers behind each cue of `CUE_WORDS`.

    Args:
        table: N samples with the columns of `manifest.COLUMNS`.
        images: ``uint8 (N, 64, 64, 3)``, RGB.
    """
    width, height = _numbers(table, "width"), _numbers(table, "height")
    cues = {
        "size": np.hstack([width, height]),
        "aspect": width / height,
        "file": np.hstack([_one_hot(table["format"]), _numbers(table, "jpeg_quality")]),
        "file size": _numbers(table, "file_bytes"),
        "colour": np.hstack([_numbers(table, name) for name in ("red", "green", "blue")]),
        "border": border_statistics(images),
        "sharpness": _numbers(table, "sharpness"),
        "source": _one_hot(table["source"]),
    }
    return {**cues, "together": np.hstack(list(cues.values()))}


def border_statistics(images: Images) -> Features:
    """Mean and standard deviation of R, G and B in each of the four borders: ``(N, 24)``."""
    done = [_border(images[row : row + _CHUNK]) for row in range(0, len(images), _CHUNK)]
    return np.concatenate([np.zeros((0, 24)), *done])


def _border(images: Images) -> Features:
    sides = (
        images[:, :BORDER_PX],
        images[:, -BORDER_PX:],
        images[:, :, :BORDER_PX],
        images[:, :, -BORDER_PX:],
    )
    parts: list[Features] = []
    for side in sides:
        pixels = side.reshape(len(images), -1, 3).astype(np.float64)
        parts += [pixels.mean(axis=1), pixels.std(axis=1)]
    return np.hstack(parts)


def _numbers(table: pd.DataFrame, column: str) -> Features:
    return table[column].to_numpy(dtype=np.float64, na_value=np.nan)[:, None]


def _one_hot(values: "pd.Series[str]") -> Features:
    return pd.get_dummies(values.astype("object"), dtype=np.float64).to_numpy()


Fold = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""The rows to learn from and the rows to judge by."""

Odds = npt.NDArray[np.float64]
"""``float64 (N, C)``: the probability of each class that the data has."""

FOLDS = 5
FEWEST_GROUPS = 10
"""Of each class; with fewer, the folds say nothing."""

PARTLY_MASK = frozenset(("colour", "sharpness", "together"))
"""Cues that a mask changes, too; the others have nothing to do with it."""

WARNING_GAIN = 0.2
"""A cue is a shortcut if even the lower end of its interval closes so much of the gap between
guessing and knowing: for two classes, a balanced accuracy of 60%."""

MOST_SAMPLES = 20_000
"""More samples do not change the answer; a random part of them is taken."""

_RESAMPLES = 1000
_LEVEL = 0.95


@dataclass(frozen=True)
class Shortcut:
    """How well the label follows from one cue.

    Attributes:
        cue: one of `CUE_WORDS`.
        accuracy: share of right answers on unseen groups, 0..1, with its 95% interval.
        balanced_accuracy: the mean over classes of the share of right answers, 0..1, of a model
            that takes all classes for equally frequent, with its 95% interval.
        majority_share: what always answering the larger class would score, 0..1.
        classes: how many.
    """

    cue: str
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    balanced_accuracy: float
    balanced_low: float
    balanced_high: float
    majority_share: float
    classes: int

    @property
    def is_warning(self) -> bool:
        """Whether the cue is far above chance."""
        chance = 1 / self.classes
        return self.balanced_low >= chance + WARNING_GAIN * (1 - chance)

    @property
    def sentence(self) -> str:
        """What was found and what it means."""
        meaning = "that is little above guessing"
        if self.is_warning:
            meaning = (
                "a network can score as well without looking at the face, and will fail on "
                "photos where this is otherwise"
            )
            if self.cue in PARTLY_MASK:
                meaning += "; part of it may be the mask's own colour or smoothness"
        right, low, high, mean, larger = (
            percent(share, 0)
            for share in (self.accuracy, self.accuracy_low, self.accuracy_high,
                          self.balanced_accuracy, self.majority_share)
        )  # fmt: skip
        return (
            f"From {CUE_WORDS[self.cue]} alone, without the face, {right} of unseen photos are "
            f"labelled rightly (95% interval {low} to {high}; {mean} as the mean over classes; "
            f"always answering the larger class: {larger}): {meaning}."
        )


def find_shortcuts(
    table: pd.DataFrame,
    images: Images,
    groups: npt.NDArray[np.int64],
    *,
    cues: Sequence[str] = tuple(CUE_WORDS),
    seed: int = 0,
) -> tuple[Shortcut, ...]:
    """Measure how well the label follows from each cue.

    Args:
        table: N samples with the columns of `manifest.COLUMNS`.
        images: ``uint8 (N, 64, 64, 3)``, RGB.
        groups: ``int64 (N,)``, samples that may not stand on both sides of a fold.
        cues: which of `CUE_WORDS`; ``source`` is left out where there is only one.
        seed: of the folds, the models and the interval.

    Raises:
        DatasetError: if there is one class only, or one with fewer than ten groups.
    """
    chosen = _chosen(len(table), seed)
    table, images, groups = table.iloc[chosen], images[chosen], groups[chosen]
    labels = table["label"].to_numpy(dtype=np.int64)
    _check(labels, groups)
    features = cues_of(table, images)
    wanted = [cue for cue in cues if cue != "source" or table["source"].nunique() > 1]
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    folds = list(splitter.split(labels, labels, groups))
    # On busy cores the threads of these small fits wait for each other most of the time.
    with threadpool_limits(1):
        odds = {cue: _out_of_fold(features[cue], labels, folds, seed) for cue in wanted}
    return tuple(_measured(cue, odds[cue], labels, groups, seed) for cue in wanted)


def _chosen(count: int, seed: int) -> npt.NDArray[np.int64]:
    if count <= MOST_SAMPLES:
        return np.arange(count)
    picked = np.random.default_rng(seed).choice(count, MOST_SAMPLES, replace=False)
    return np.sort(picked)


def _check(labels: npt.NDArray[np.int64], groups: npt.NDArray[np.int64]) -> None:
    present = np.unique(labels)
    if len(present) < 2:
        names = ", ".join(CLASS_NAMES[label] for label in present) or "no class"
        raise DatasetError(
            f"shortcuts cannot be measured: expected two classes or more, found {names}"
        )
    for label in present:
        found = len(np.unique(groups[labels == label]))
        if found < FEWEST_GROUPS:
            raise DatasetError(
                f"shortcuts cannot be measured: expected at least {FEWEST_GROUPS} different "
                f"pictures or persons of {CLASS_NAMES[label]!r}, found {found}; add photos"
            )


def _measured(
    cue: str,
    odds: Odds,
    labels: npt.NDArray[np.int64],
    groups: npt.NDArray[np.int64],
    seed: int,
) -> Shortcut:
    """Accuracy by the most probable class; balanced accuracy by the class that gains most."""
    present, counts = np.unique(labels, return_counts=True)
    shares = counts / counts.sum()
    is_right = present[odds.argmax(axis=1)] == labels
    # Dividing by the shares lets a rare class win, as if all classes were as frequent.
    is_right_balanced = present[(odds / shares).argmax(axis=1)] == labels
    accuracy, _ = _resampled(is_right, labels, groups, seed)
    _, balanced = _resampled(is_right_balanced, labels, groups, seed)
    edges = [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]
    accuracy_low, accuracy_high = np.quantile(accuracy, edges)
    balanced_low, balanced_high = np.quantile(balanced, edges)
    recalls = [is_right_balanced[labels == label].mean() for label in present]
    return Shortcut(
        cue=cue,
        accuracy=float(is_right.mean()),
        accuracy_low=float(accuracy_low),
        accuracy_high=float(accuracy_high),
        balanced_accuracy=float(np.mean(recalls)),
        balanced_low=float(balanced_low),
        balanced_high=float(balanced_high),
        majority_share=float(shares.max()),
        classes=len(present),
    )


def _out_of_fold(
    features: Features, labels: npt.NDArray[np.int64], folds: Sequence[Fold], seed: int
) -> Odds:
    """For each sample the probabilities of a model that has not seen its group."""
    present = np.unique(labels)
    odds = np.zeros((len(labels), len(present)))
    for train, test in folds:
        model = HistGradientBoostingClassifier(
            max_iter=60,
            max_leaf_nodes=15,
            min_samples_leaf=5,
            early_stopping=False,
            random_state=seed,
        )
        # A column without any value, such as the JPEG quality of PNG files, cannot be binned.
        is_empty = np.isnan(features[train]).all(axis=0)
        filled = np.where(is_empty, 0.0, features)
        model.fit(filled[train], labels[train])
        known = np.searchsorted(present, model.classes_)
        odds[np.ix_(test, known)] = model.predict_proba(filled[test])
    return odds


def _resampled(
    is_right: npt.NDArray[np.bool_],
    labels: npt.NDArray[np.int64],
    groups: npt.NDArray[np.int64],
    seed: int,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Accuracy and balanced accuracy over bootstrap samples of groups: ``float64 (R,)`` each.

    Groups are drawn, not images, because the images of one group are not independent.
    """
    _, member = np.unique(groups, return_inverse=True)
    _, label = np.unique(labels, return_inverse=True)
    shape = (int(member.max()) + 1, int(label.max()) + 1)
    seen, right = np.zeros(shape), np.zeros(shape)
    np.add.at(seen, (member, label), 1)
    np.add.at(right, (member, label), is_right)
    rng = np.random.default_rng(seed)
    accuracy, balanced = np.empty(_RESAMPLES), np.empty(_RESAMPLES)
    for draw in range(_RESAMPLES):
        weight = np.bincount(rng.integers(0, shape[0], shape[0]), minlength=shape[0])
        total, hits = weight @ seen, weight @ right
        accuracy[draw] = hits.sum() / total.sum()
        # A class that was not drawn at all has no say in this resample.
        drawn = total > 0
        balanced[draw] = (hits[drawn] / total[drawn]).mean()
    return accuracy, balanced


def shortcuts_finding(shortcuts: Sequence[Shortcut], missing: str) -> Finding:
    """The strongest cue, if one is far above guessing, or why none was measured."""
    if missing:
        return not_measured("shortcuts", missing, cues=[])
    warnings = [one for one in shortcuts if one.is_warning]
    cues = [
        {**vars(one), "is_warning": one.is_warning, "sentence": one.sentence} for one in shortcuts
    ]
    sentence = "No cue beside the face tells the label much better than guessing."
    if warnings:
        sentence = max(warnings, key=lambda one: one.balanced_accuracy).sentence
    return of_check("shortcuts", is_failed=bool(warnings), sentence=sentence, facts={"cues": cues})
