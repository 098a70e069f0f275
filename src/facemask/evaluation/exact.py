"""Intervals where the bootstrap gives none: all right, or all wrong.

Without a single mistake every resample is perfect too, and its interval has no width; that is
not certainty. Clopper and Pearson ("The use of confidence or fiducial limits", Biometrika 26,
1934) answer instead. A unit is an image, or a group of images that are not independent.
"""

import numpy as np
import numpy.typing as npt
from scipy import stats

from facemask.evaluation.answers import Answers
from facemask.evaluation.bootstrap import LEVEL, Units
from facemask.labels import MASK, NO_MASK

Interval = tuple[float, float]


def proportion_interval(share: float, trials: int) -> Interval:
    """The Clopper-Pearson interval of a share of that many independent trials, 0..1."""
    bounds = stats.binomtest(round(share * trials), trials).proportion_ci(LEVEL, method="exact")
    return float(bounds.low), float(bounds.high)


def exact_interval(key: str, answers: Answers, units: Units) -> Interval | None:
    """An interval for a metric that no resample moved, or None where there is none.

    Balanced accuracy and F1 combine the bounds of the shares that they are made of, and so are
    a little too wide. ROC-AUC takes as many disjoint pairs of images as there are, all of them
    in order or all out of order.

    Args:
        key: of the metric, one of `METRIC_KEYS`.
        answers: what the model answered.
        units: ``int64 (N,)``, see `bootstrap.units_of`.
    """
    if key == "accuracy":
        return _share(answers.is_right, np.ones(len(answers), dtype=bool), units)
    if len(answers.class_names) > 2:
        return None
    if key == "balanced_accuracy":
        return _balanced_accuracy(answers, units)
    if key == "precision":
        return _share(answers.labels == MASK, answers.predicted == MASK, units)
    if key == "recall":
        return _recall(answers, MASK, units)
    if key == "f1":
        return _f1(answers, units)
    return _roc_auc(answers, units) if key == "roc_auc" else None


def _share(
    is_hit: npt.NDArray[np.bool_], among: npt.NDArray[np.bool_], units: Units
) -> Interval | None:
    """The interval of the share of hits among some images, if it is 0 or 1."""
    hits = is_hit[among]
    if not hits.size or (hits.any() and not hits.all()):
        return None
    return proportion_interval(float(hits[0]), len(np.unique(units[among])))


def _recall(answers: Answers, label: int, units: Units) -> Interval | None:
    return _share(answers.predicted == label, answers.labels == label, units)


def _balanced_accuracy(answers: Answers, units: Units) -> Interval | None:
    bare, masked = _recall(answers, NO_MASK, units), _recall(answers, MASK, units)
    if bare is None or masked is None:
        return None
    return (bare[0] + masked[0]) / 2, (bare[1] + masked[1]) / 2


def _f1(answers: Answers, units: Units) -> Interval | None:
    recall = _recall(answers, MASK, units)
    precision = _share(answers.labels == MASK, answers.predicted == MASK, units)
    if recall is None:
        return None
    # A model that never answered mask has no precision, so nothing bounds it.
    low, high = precision or (0.0, 1.0)
    return _harmonic_mean(low, recall[0]), _harmonic_mean(high, recall[1])


def _harmonic_mean(first: float, second: float) -> float:
    return 2 * first * second / (first + second) if first + second else 0.0


def _roc_auc(answers: Answers, units: Units) -> Interval | None:
    scores, is_mask = answers.probabilities[:, MASK], answers.labels == MASK
    bare, masked = scores[~is_mask], scores[is_mask]
    n_units = [len(np.unique(units[~is_mask])), len(np.unique(units[is_mask]))]
    pairs = min(*n_units, len(np.unique(units)) // 2)
    in_order, out_of_order = masked.min() > bare.max(), masked.max() < bare.min()
    if not pairs or not (in_order or out_of_order):
        return None
    return proportion_interval(float(in_order), pairs)
