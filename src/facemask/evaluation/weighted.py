"""Every metric under many weightings of the same images at once: what a bootstrap asks for.

A resample with replacement is a weighting: each image counts as often as it was drawn. So no
image is copied, and a thousand resamples are a few matrix products and cumulative sums. NaN
stands where a weighting leaves a metric undefined; it never leaves this package's bootstrap.
"""

import numpy as np
import numpy.typing as npt

from facemask.evaluation.answers import Answers
from facemask.evaluation.calibration import BINS, bins_of
from facemask.labels import MASK

Floats = npt.NDArray[np.float64]


class WeightedMetrics:
    """The metrics of fixed answers as a function of the images' weights."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._n_classes = len(answers.class_names)
        self._columns = _columns(answers)
        scored = [MASK] if self._n_classes == 2 else range(self._n_classes)
        self._rankings = [
            _Ranking(answers.probabilities[:, label], answers.labels == label) for label in scored
        ]

    def __call__(self, weights: Floats) -> dict[str, Floats]:
        """Each metric by weighting.

        Args:
            weights: ``float64 (B, N)``, non-negative; each row a weighting of the N images.

        Returns:
            ``float64 (B,)`` for each of `METRIC_KEYS`, NaN where undefined, and ``confusion``,
            ``float64 (B, C, C)``, rows true, columns answered.
        """
        n_cells = self._n_classes**2
        sums = weights @ self._columns
        confusion = sums[:, :n_cells].reshape(-1, self._n_classes, self._n_classes)
        total = confusion.sum(axis=(1, 2))
        areas, precisions = zip(*(ranking(weights) for ranking in self._rankings), strict=True)
        return {
            **_count_metrics(confusion),
            "roc_auc": np.mean(areas, axis=0),
            "average_precision": np.mean(precisions, axis=0),
            "brier": sums[:, n_cells] / total,
            "log_loss": sums[:, n_cells + 1] / total,
            "ece": np.abs(sums[:, n_cells + 2 :]).sum(axis=1) / total,
            "confusion": confusion,
        }


def squared_errors(answers: Answers) -> Floats:
    """Each image's share of the Brier score: ``float64 (N,)``.

    With two classes (p - y)^2 on the probability of a mask, 0..1; with more, the squared
    distance summed over the classes, 0..2 (Brier 1950).
    """
    truth = np.eye(len(answers.class_names))[answers.labels]
    distances: Floats = ((answers.probabilities - truth) ** 2).sum(axis=1)
    return distances / 2 if len(answers.class_names) == 2 else distances


def log_losses(answers: Answers) -> Floats:
    """Each image's negative log likelihood in nats: ``float64 (N,)``.

    Probabilities are kept one rounding step away from 0 and 1, as scikit-learn does, so that a
    certain mistake costs 36 nats and not infinity.
    """
    step = np.finfo(np.float64).eps
    of_truth = answers.probabilities[np.arange(len(answers)), answers.labels]
    return -np.log(np.clip(of_truth, step, 1 - step))


def _columns(answers: Answers) -> Floats:
    """What is summed over images: confusion cells, both losses, and each bin's gap."""
    n, n_classes = len(answers), len(answers.class_names)
    columns = np.zeros((n, n_classes**2 + 2 + BINS))
    rows = np.arange(n)
    columns[rows, answers.labels * n_classes + answers.predicted] = 1
    columns[:, n_classes**2] = squared_errors(answers)
    columns[:, n_classes**2 + 1] = log_losses(answers)
    bins = n_classes**2 + 2 + bins_of(answers.confidence)
    columns[rows, bins] = answers.is_right - answers.confidence
    return columns


def _count_metrics(confusion: Floats) -> dict[str, Floats]:
    """What follows from the counts ``float64 (B, C, C)``; with 3 classes, class averages."""
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    true, answered, total = confusion.sum(axis=2), confusion.sum(axis=1), confusion.sum(axis=(1, 2))
    recalls = _ratio(hits, true)
    all_classes = (true > 0).all(axis=1)
    precisions = np.where(all_classes[:, None], _ratio(hits, answered), np.nan)
    f1s = np.where(all_classes[:, None], _ratio(2 * hits, true + answered), np.nan)
    return {
        "accuracy": hits.sum(axis=1) / total,
        "balanced_accuracy": recalls.mean(axis=1),
        "precision": _of_classes(precisions),
        "recall": _of_classes(recalls),
        "f1": _of_classes(f1s),
    }


def _of_classes(values: Floats) -> Floats:
    """The mask's value of two classes, the mean of more: ``(B, C)`` to ``(B,)``."""
    return values[:, MASK] if values.shape[1] == 2 else values.mean(axis=1)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


class _Ranking:
    """Images ordered by falling score, ties together, for the two ranking metrics."""

    def __init__(self, scores: Floats, is_positive: npt.NDArray[np.bool_]) -> None:
        self._order = np.argsort(-scores, kind="stable")
        self._is_positive = is_positive[self._order].astype(np.float64)
        ordered = scores[self._order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        self._starts = None if len(starts) == len(scores) else starts

    def __call__(self, weights: Floats) -> tuple[Floats, Floats]:
        """ROC-AUC and average precision by weighting: two ``float64 (B,)``."""
        ordered = weights[:, self._order]
        positive = self._by_score(ordered * self._is_positive)
        everything = self._by_score(ordered)
        hits, answered = positive.cumsum(axis=1), everything.cumsum(axis=1)
        n_positive, n_negative = hits[:, -1], answered[:, -1] - hits[:, -1]
        # A pair with equal scores counts half.
        pairs = ((everything - positive) * (hits - positive / 2)).sum(axis=1)
        area = _ratio(pairs, n_positive * n_negative)
        steps = np.divide(positive * hits, answered, out=np.zeros_like(hits), where=answered > 0)
        precision = np.where(n_negative > 0, _ratio(steps.sum(axis=1), n_positive), np.nan)
        return area, precision

    def _by_score(self, ordered: Floats) -> Floats:
        if self._starts is None:
            return ordered
        return np.add.reduceat(ordered, self._starts, axis=1)
