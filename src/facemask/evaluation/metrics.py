"""How good the answers are, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from facemask.evaluation.answers import Answers, Labels, Probabilities, check_answers
from facemask.evaluation.bootstrap import resampled_values, units_of
from facemask.evaluation.calibration import chance_calibration_error
from facemask.evaluation.exact import Interval
from facemask.evaluation.intervals import confusion_intervals, metric_intervals
from facemask.evaluation.metric_kinds import METRIC_KEYS
from facemask.evaluation.points import confusion_counts, point_values
from facemask.labels import MASK


@dataclass(frozen=True, slots=True)
class Metrics:
    """Every metric of one model on one set of images.

    Attributes:
        n: images measured.
        class_names: names by label.
        n_by_class: images by label.
        values: each of `METRIC_KEYS`; None where it is undefined.
        undefined: for each undefined metric, why.
        ci95: for each metric its 95% interval; None where there is none.
        interval_notes: for each interval that is missing or does not come from percentiles of
            the bootstrap, why, or where from.
        confusion: images by true class (rows) and answer (columns).
        confusion_ci95: the 95% interval of each cell.
        threshold: the probability from which the answer is mask; None with 3 classes.
        chance_ece: the calibration error that a model with exactly right confidences stays under
            on these images 19 times of 20.
        n_units: what was resampled: n images, or fewer groups of images that belong together.
        resamples: how many resamples were drawn.
        seed: of the bootstrap.
    """

    n: int
    class_names: tuple[str, ...]
    n_by_class: tuple[int, ...]
    values: dict[str, float | None]
    undefined: dict[str, str]
    ci95: dict[str, Interval | None]
    interval_notes: dict[str, str]
    confusion: list[list[int]]
    confusion_ci95: list[list[Interval]]
    threshold: float | None
    chance_ece: float
    n_units: int
    resamples: int
    seed: int


def measure(
    labels: Labels,
    probabilities: Probabilities,
    threshold: float = 0.5,
    seed: int = 0,
    resamples: int = 1000,
    groups: npt.NDArray[np.int64] | None = None,
    class_names: Sequence[str] = (),
) -> Metrics:
    """Every metric, each with a 95% interval from a seeded bootstrap over images.

    The positive class is the mask. With 3 classes precision, recall, F1, ROC-AUC (one class
    against the rest) and average precision are averaged over the classes, each counting the
    same, and the likeliest class is the answer. The Brier score of two classes is 0..1, of
    three 0..2; log loss is in nats; the calibration error is `calibration`'s.

    Args:
        labels: ``int64 (N,)``, 0..C-1.
        probabilities: ``float64 (N, C)``, 0..1, rows sum to 1; C is 2 or 3.
        threshold: with two classes, an image is answered mask from this probability on.
        seed: of the bootstrap.
        resamples: how many the bootstrap draws.
        groups: ``int64 (N,)``, the same number for images that belong together (near-duplicates,
            one person), which are then drawn together; a negative number stands alone.
        class_names: names by label; the package's own where none are given.

    Raises:
        ConfigError: if the threshold, the seed or the number of resamples is out of range.
        DatasetError: if there is no image, the arrays do not fit together, or a label is none of
            the model's classes.
        ModelFileError: if the probabilities are none.
    """
    answers = check_answers(labels, probabilities, threshold=threshold, class_names=class_names)
    return measure_answers(answers, seed=seed, resamples=resamples, groups=groups)


def measure_answers(
    answers: Answers,
    *,
    seed: int = 0,
    resamples: int = 1000,
    groups: npt.NDArray[np.int64] | None = None,
) -> Metrics:
    """What `measure` gives, for answers that were checked before.

    Raises:
        ConfigError: if the seed or the number of resamples is out of range.
        DatasetError: if the groups do not fit.
    """
    units = units_of(len(answers), groups)
    draws = resampled_values(answers, units, resamples=resamples, seed=seed)
    undefined = undefined_metrics(answers)
    values = point_values(answers, undefined)
    chance = chance_calibration_error(answers, draws=resamples, seed=seed)
    ci95, notes = metric_intervals(answers, units, values, draws, chance)
    return Metrics(
        n=len(answers),
        class_names=answers.class_names,
        n_by_class=tuple(answers.n_by_class.tolist()),
        values=values,
        undefined=undefined,
        ci95=ci95,
        interval_notes=notes,
        confusion=confusion_counts(answers),
        confusion_ci95=confusion_intervals(draws["confusion"], units),
        threshold=answers.threshold,
        chance_ece=chance,
        n_units=int(units.max()) + 1,
        resamples=resamples,
        seed=seed,
    )


def undefined_metrics(answers: Answers) -> dict[str, str]:
    """The metrics that have no value on these answers, each with the reason."""
    counts, names = answers.n_by_class, answers.class_names
    missing = [name for name, count in zip(names, counts, strict=True) if not count]
    if missing:
        reason = f"no image of {len(answers):,} is {' or '.join(missing)}"
        keys = ["balanced_accuracy", "precision", "f1", "roc_auc", "average_precision"]
        if len(names) > 2 or not counts[MASK]:
            keys.append("recall")
        return {key: reason for key in METRIC_KEYS if key in keys}
    answered = np.bincount(answers.predicted, minlength=len(names))
    scored = {MASK: names[MASK]} if len(names) == 2 else dict(enumerate(names))
    never = [name for label, name in scored.items() if not answered[label]]
    return {"precision": f"the model never answered {' or '.join(never)}"} if never else {}
