"""Every metric the package reports: its key in JSON, its name for people, and what it means."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MetricKind:
    """How a metric is named and read.

    Attributes:
        key: its key in JSON and in `Metrics.values`; never changes.
        title: its name for people.
        is_percent: whether people read it as a percentage.
        higher_is_better: whether more is better.
        meaning: what it says, in one line.
    """

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
