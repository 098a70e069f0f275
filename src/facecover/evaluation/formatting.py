"""Numbers as people read them: the same digits in the terminal and in the report."""

from collections.abc import Iterable

from facecover.evaluation.intervals import Interval, Metrics
from facecover.evaluation.metrics import METRICS, MetricKind
from facecover.evaluation.performance import Evaluation
from facecover.text import percent

UNDEFINED = "undefined"

FEW_IMAGES = 30
"""Under this many images of a class a bootstrap interval is too narrow to lean on."""

_BY_KEY = {kind.key: kind for kind in METRICS}


def kind_of(key: str) -> MetricKind:
    """How the metric with this key of `METRIC_KEYS` is named and read."""
    return _BY_KEY[key]


def in_sentence(kind: MetricKind) -> str:
    """A metric's name inside a sentence: ``accuracy``, ``ROC-AUC``, ``F1``."""
    return kind.title if kind.title[1:2].isupper() or kind.title == "F1" else kind.title.lower()


def number(kind: MetricKind, value: float | None, *, unit: bool = True) -> str:
    """A metric's value: ``97.3%``, ``0.9914`` or ``>0.9999``; ``undefined`` for None."""
    if value is None:
        return UNDEFINED
    if kind.is_percent:
        return percent(value, unit=unit)
    # No value short of perfect may look perfect.
    return ">0.9999" if 0.99995 <= value < 1 and kind.higher_is_better else f"{value:.4f}"


def interval(kind: MetricKind, bounds: Interval | None) -> str:
    """A 95% interval: ``96.4 to 98.0``; a dash where there is none."""
    if bounds is None:
        return "\N{EN DASH}"
    low, high = (number(kind, bound, unit=False) for bound in bounds)
    return f"{low} to {high}"


def points(difference: float) -> str:
    """A difference of shares in percentage points, without its sign: ``0.8 points``."""
    size = f"{abs(100 * difference):.1f}"
    return f"{size} point{'' if size == '1.0' else 's'}"


def signed_points(share: float) -> str:
    """Percentage points with a true minus sign; no sign at zero."""
    text = f"{100 * share:.1f}"
    return "0.0" if text == "-0.0" else text.replace("-", "\N{MINUS SIGN}")


def p_value(value: float) -> str:
    """``p = 0.012``, or ``p < 0.001``."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.{2 if value >= 0.1 else 3}f}"


def drawn_units(n: int, n_units: int) -> str:
    """What a bootstrap drew: ``images``, or how many groups of them and why."""
    if n == n_units:
        return "images"
    return (
        f"{n_units:,} groups of images ({n - n_units:,} of {n:,} are not independent of another, "
        "as copies or photos of one person)"
    )


def cautions(metrics: Metrics) -> tuple[str, ...]:
    """What a reader must know before leaning on the figures; nothing for a plain case."""
    found = []
    few = [
        f"{count} of {name}"
        for name, count in zip(metrics.class_names, metrics.n_by_class, strict=True)
        if count < FEW_IMAGES
    ]
    if few:
        found.append(
            f"Few images ({joined(few)}): intervals from a bootstrap are too narrow under about "
            f"{FEW_IMAGES} images a class."
        )
    for reason in dict.fromkeys(metrics.undefined.values()):
        keys = [kind_of(key).title for key, why in metrics.undefined.items() if why == reason]
        found.append(f"Undefined, because {reason}: {joined(keys)}.")
    return (*found, *_exchanged(metrics))


_FAR_UNDER_HALF = 0.3
"""A ROC-AUC that no honest classifier has: even one that learned nothing stays near 0.5."""


def _exchanged(metrics: Metrics) -> tuple[str, ...]:
    """A sentence if the model tells the classes apart, the wrong way round."""
    value, bounds = metrics.values["roc_auc"], metrics.ci95["roc_auc"]
    if value is None or value > _FAR_UNDER_HALF or (bounds is not None and bounds[1] > 0.5):
        return ()
    bare, masked = metrics.class_names[:2]
    return (
        f"ROC-AUC {number(kind_of('roc_auc'), value)} is far under 0.5: the model tells the two "
        f"classes apart the wrong way round, so {bare} and {masked} may be exchanged in these "
        "labels. Look at some photos; --map says what a class name means.",
    )


def flattery(evaluation: Evaluation, *, named: bool = False) -> tuple[str, ...]:
    """A sentence if the figures are too good, since the model has met these images before.

    Args:
        evaluation: of the model.
        named: begin with its name, where several models stand side by side.
    """
    if evaluation.n_seen:
        lead = f"{evaluation.name}: " if named else ""
        return (f"{lead}{_seen_in_training(evaluation)}",)
    seen = evaluation.seen_before
    if not seen:
        return ()
    lead = f"{evaluation.name}: {seen}" if named else f"{seen[0].upper()}{seen[1:]}"
    # A temperature changes no answer at a threshold of 0.5, only how sure it sounds.
    gave_temperature_alone = evaluation.split == "val" and evaluation.model.keeps_last_epoch
    too_good = "calibration and log loss" if gave_temperature_alone else "figures"
    return (f"{lead}; {too_good} on other images will be less good.",)


def _seen_in_training(evaluation: Evaluation) -> str:
    n, others = evaluation.metrics.n, evaluation.unseen
    if others is None:
        return f"All {n:,} images were seen in training; figures on other images will be less good."
    accuracy = kind_of("accuracy")
    return (
        f"{evaluation.n_seen:,} of these {n:,} images were seen in training; on the other "
        f"{others.n:,} the accuracy is {number(accuracy, others.values['accuracy'])} "
        f"({interval(accuracy, others.ci95['accuracy'])})."
    )


def joined(words: Iterable[str]) -> str:
    """``a, b and c``."""
    *head, last = list(words)
    return f"{', '.join(head)} and {last}" if head else last
