"""Every metric of a model's answers, computed once: for any weighting of the images."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from facecover.evaluation.answers import Answers, Probabilities
from facecover.labels import MASK


@dataclass(frozen=True, slots=True)
class MetricKind:
    """How a metric is named and read; its key in JSON never changes."""

    key: str
    title: str
    is_percent: bool
    higher_is_better: bool
    meaning: str


METRICS: tuple[MetricKind, ...] = (
    MetricKind("accuracy", "Accuracy", True, True, "share of images answered right"),
    MetricKind(
        "balanced_accuracy", "Balanced accuracy", True, True,
        "share answered right within each class, averaged over the classes",
    ),
    MetricKind(
        "precision", "Precision", True, True, "of the images answered mask, the share that are"
    ),
    MetricKind("recall", "Recall", True, True, "of the images with a mask, the share found"),
    MetricKind("f1", "F1", True, True, "harmonic mean of precision and recall"),
    MetricKind(
        "roc_auc", "ROC-AUC", False, True,
        "chance that an image with a mask gets a higher probability than one without",
    ),
    MetricKind(
        "average_precision", "Average precision", False, True,
        "precision averaged over the recall steps of all thresholds",
    ),
    MetricKind(
        "brier", "Brier score", False, False,
        "mean squared distance of the probability from the truth; 0 is perfect",
    ),
    MetricKind(
        "log_loss", "Log loss", False, False,
        "mean negative log likelihood of the true class, in nats; 0 is perfect",
    ),
    MetricKind(
        "ece", "Expected calibration error", True, False,
        "mean distance of the stated confidence from the share that is right",
    ),
)  # fmt: skip
"""In the order in which they are shown."""

METRIC_KEYS: tuple[str, ...] = tuple(kind.key for kind in METRICS)


BINS = 15
"""Equal-width bins over (0, 1], as in Guo et al., "On Calibration of Modern Neural Networks",
ICML 2017, section 2 (their M)."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """Answers sorted into bins by confidence; bin i covers (i / B, (i + 1) / B].

    Attributes:
        counts: ``int64 (B,)``, images in the bin.
        right: ``int64 (B,)``, images in the bin answered right.
        confidence: ``float64 (B,)``, mean confidence in the bin; 0 where it is empty.
    """

    counts: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    confidence: Probabilities


def bins_of(confidence: Probabilities) -> npt.NDArray[np.int64]:
    """The bin of each confidence, ``int64 (N,)``, 0..`BINS` - 1."""
    return np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)


def reliability(answers: Answers) -> Reliability:
    """The bins of a reliability diagram, on the confidence in the class answered."""
    confidence = answers.confidence
    bins = bins_of(confidence)
    counts = np.bincount(bins, minlength=BINS)
    right = np.bincount(bins[answers.is_right], minlength=BINS)
    total = np.bincount(bins, weights=confidence, minlength=BINS)
    return Reliability(counts, right, total / np.maximum(counts, 1))


def chance_calibration_error(answers: Answers, *, draws: int, seed: int) -> float:
    """The calibration error that a model with exactly right confidences stays under 19 times of 20.

    The 95th percentile of the error when each image is right with the probability stated for it:
    the consistency resampling of Bröcker and Smith, "Increasing the Reliability of Reliability
    Diagrams", Weather and Forecasting 22, 2007. An error below it shows nothing.
    """
    rng = np.random.default_rng(seed)
    confidence = answers.confidence
    order = np.argsort(confidence, kind="stable")
    ordered = confidence[order]
    starts = np.flatnonzero(np.diff(bins_of(ordered), prepend=-1))
    errors = [
        np.abs(np.add.reduceat((rng.random(len(answers)) < ordered) - ordered, starts)).sum()
        for _ in range(draws)
    ]
    return float(np.percentile(errors, 95) / len(answers))


Floats = npt.NDArray[np.float64]


class WeightedMetrics:
    """The metrics of fixed answers as a function of the images' weights.

    All weights alike give the metrics themselves, which tests compare with scikit-learn's. That
    takes one weighting a call: 1,000 resamples of 6,000 images are 12 s there and 0.1 s here.

    The calibration error is the mean over images of |share right - mean confidence| in their bin
    (Guo et al. 2017, equation 3). It is never negative, so with few images a perfectly calibrated
    model gets more than 0 too. Brier score and log loss are means over images.
    """

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
            **count_metrics(confusion),
            "roc_auc": np.mean(areas, axis=0),
            "average_precision": np.mean(precisions, axis=0),
            "brier": sums[:, n_cells] / total,
            "log_loss": sums[:, n_cells + 1] / total,
            "ece": np.abs(sums[:, n_cells + 2 :]).sum(axis=1) / total,
            "confusion": confusion,
        }


def _squared_errors(answers: Answers) -> Floats:
    """``float64 (N,)``: (p - y)^2 with two classes, with more summed over them (Brier 1950)."""
    truth = np.eye(len(answers.class_names))[answers.labels]
    distances: Floats = ((answers.probabilities - truth) ** 2).sum(axis=1)
    return distances / 2 if len(answers.class_names) == 2 else distances


def _log_losses(answers: Answers) -> Floats:
    """``float64 (N,)``, in nats."""
    # One rounding step away from 0 and 1, as scikit-learn does, so that a certain mistake costs 36
    # nats and not infinity.
    step = np.finfo(np.float64).eps
    of_truth = answers.probabilities[np.arange(len(answers)), answers.labels]
    return -np.log(np.clip(of_truth, step, 1 - step))


def _columns(answers: Answers) -> Floats:
    """What is summed over images: confusion cells, both losses, and each bin's gap."""
    n, n_classes = len(answers), len(answers.class_names)
    columns = np.zeros((n, n_classes**2 + 2 + BINS))
    rows = np.arange(n)
    columns[rows, answers.labels * n_classes + answers.predicted] = 1
    columns[:, n_classes**2] = _squared_errors(answers)
    columns[:, n_classes**2 + 1] = _log_losses(answers)
    bins = n_classes**2 + 2 + bins_of(answers.confidence)
    columns[rows, bins] = answers.is_right - answers.confidence
    return columns


def count_metrics(confusion: npt.NDArray[Any]) -> dict[str, Floats]:
    """What follows from confusion counts ``(B, C, C)``; with 3 classes, class averages."""
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


def _ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> Floats:
    """NaN where there is no whole."""
    ratio: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return ratio


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
