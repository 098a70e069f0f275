"""The 95% interval of each metric, and what is to be said of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from facecover.errors import ConfigError, DatasetError
from facecover.evaluation.answers import Answers, Labels, Probabilities, check_answers
from facecover.evaluation.metrics import (
    METRIC_KEYS,
    Floats,
    WeightedMetrics,
    chance_calibration_error,
    confusion_counts,
    point_values,
)
from facecover.labels import MASK, NO_MASK

LEVEL = 0.95
MIN_RESAMPLES = 100
"""Fewer resamples do not reach down to the 2.5th percentile in any useful way."""

_CHUNK_VALUES = 2**20
"""Weights held at once: 8 MB, and a few times that while they are worked on."""

Units = npt.NDArray[np.int64]
"""``int64 (N,)``: the unit of resampling that each image belongs to, 0..U-1."""


def units_of(n: int, groups: npt.NDArray[np.int64] | None = None) -> Units:
    """What is resampled: each image, or each group of images that are not independent.

    Args:
        n: the number of images.
        groups: ``int64 (N,)``, the same number for near-duplicates or photos of one person; a
            negative number is an image that stands alone (as `pandas.factorize` gives it).

    Raises:
        DatasetError: if there is not one group for each image.
    """
    if groups is None:
        return np.arange(n)
    groups = np.asarray(groups)
    if groups.shape != (n,):
        raise DatasetError(
            f"groups: expected shape ({n},), one for each image, found {groups.shape}"
        )
    alone = groups < 0
    codes = np.where(alone, groups.max(initial=0) + 1 + np.arange(n), groups)
    units: Units = np.unique(codes, return_inverse=True)[1]
    return units


def resample_weights(units: Units, *, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each image was drawn, in chunks of ``float64 (B, N)``, `resamples` rows in all.

    Units are drawn with replacement, as many as there are; every image of a drawn unit counts.

    Raises:
        ConfigError: if `resamples` is under `MIN_RESAMPLES`, or the seed is negative.
    """
    if resamples < MIN_RESAMPLES:
        raise ConfigError(f"resamples {resamples}: expected {MIN_RESAMPLES} or more")
    if seed < 0:
        raise ConfigError(f"seed {seed}: expected 0 or more")
    rng = np.random.default_rng(seed)
    n_units = int(units.max()) + 1
    rows = max(1, _CHUNK_VALUES // len(units))
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        drawn = rng.integers(n_units, size=(count, n_units))
        drawn += np.arange(count)[:, None] * n_units
        times = np.bincount(drawn.ravel(), minlength=count * n_units).reshape(count, n_units)
        yield times[:, units].astype(np.float64)


def resampled_values(
    answers: Answers, units: Units, *, resamples: int, seed: int
) -> dict[str, Floats]:
    """Each metric on each resample.

    The draws depend on the units and the seed alone, so two models on the same images are
    resampled alike, and the difference of their values is a paired bootstrap.

    Args:
        answers: what the model answered.
        units: from `units_of`.
        resamples: how many.
        seed: of the draws.

    Returns:
        ``float64 (R,)`` for each of `METRIC_KEYS`, NaN where undefined, and ``confusion``,
        ``float64 (R, C, C)``.

    Raises:
        ConfigError: if `resamples` is too small, or the seed is negative.
    """
    metrics = WeightedMetrics(answers)
    chunks = [
        metrics(weights) for weights in resample_weights(units, resamples=resamples, seed=seed)
    ]
    return {key: np.concatenate([chunk[key] for chunk in chunks]) for key in chunks[0]}


def percentile_interval(values: Floats) -> tuple[float, float]:
    """The middle `LEVEL` of the values that are defined.

    Args:
        values: ``float64 (R,)``; NaN is left out, and at least one is not NaN.
    """
    tail = 50 * (1 - LEVEL)
    low, high = np.nanpercentile(values, (tail, 100 - tail))
    return float(low), float(high)


def basic_interval(values: Floats, point: float) -> tuple[float, float]:
    """The percentile interval mirrored at the point value, from 0 up, with the point inside.

    For a quantity that cannot be negative and that resampling pushes up, such as a calibration
    error: the resamples lie above the point value by about as much as it lies above the truth
    (Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 5.2).

    Args:
        values: ``float64 (R,)``; NaN is left out.
        point: the value on the images themselves, 0 or more.
    """
    low, high = percentile_interval(values)
    return max(0.0, 2 * point - high), max(point, 2 * point - low)


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


UNDEFINED_SHARE = 0.05
"""A metric that is undefined in more of the resamples than this gets no interval."""

_NO_WIDTH = 1e-12
"""Intervals narrower than this are rounding."""


def metric_intervals(
    answers: Answers,
    units: Units,
    values: Mapping[str, float | None],
    draws: Mapping[str, Floats],
    chance_ece: float,
) -> tuple[dict[str, Interval | None], dict[str, str]]:
    """The interval of each metric and, where it is not the bootstrap's percentiles, a note.

    Args:
        answers: what the model answered.
        units: what was resampled, see `bootstrap.units_of`.
        values: each metric on the images themselves, None where undefined.
        draws: each metric on each resample, see `bootstrap.resampled_values`.
        chance_ece: the calibration error that exactly right confidences stay under.
    """
    ci95: dict[str, Interval | None] = {}
    notes: dict[str, str] = {}
    for key in METRIC_KEYS:
        point = values[key]
        if point is None:
            ci95[key] = None
            continue
        ci95[key], note = _interval(key, point, draws[key], answers, units)
        if note:
            notes[key] = note
    interval, error = ci95["ece"], values["ece"]
    if interval is not None and error is not None and error <= chance_ece:
        # Exactly right confidences explain the error, so 0 is not ruled out.
        ci95["ece"] = (0.0, interval[1])
    return ci95, notes


def _interval(
    key: str, point: float, draws: Floats, answers: Answers, units: Units
) -> tuple[Interval | None, str]:
    """A metric's interval, and what is to be said of it."""
    low, high = percentile_interval(draws)
    if high - low <= _NO_WIDTH:
        exact = exact_interval(key, answers, units)
        if exact is None:
            return None, "no interval: every resample gives the same value"
        return exact, "Clopper-Pearson: every resample gives the same value"
    share = float(np.isnan(draws).mean())
    if share > UNDEFINED_SHARE:
        return None, f"no interval: undefined in {share:.0%} of the resamples, too few images"
    if key == "ece":
        return basic_interval(draws, point), "basic bootstrap: resampling pushes this error up"
    return (low, high), ""


def confusion_intervals(draws: Floats, units: Units) -> list[list[Interval]]:
    """The interval of each cell's count; an empty or full cell gets the exact one.

    Args:
        draws: ``float64 (R, C, C)``, the counts on each resample.
        units: what was resampled, see `bootstrap.units_of`.
    """
    n, n_units = len(units), int(units.max()) + 1
    # Groups differ in size, so a resample may hold more or fewer images than there are.
    shares = draws / draws.sum(axis=(1, 2), keepdims=True)

    def interval(share: Floats) -> Interval:
        low, high = percentile_interval(share)
        if high - low <= _NO_WIDTH:
            low, high = proportion_interval(low, n_units)
        return low * n, high * n

    n_classes = draws.shape[1]
    return [[interval(shares[:, i, j]) for j in range(n_classes)] for i in range(n_classes)]


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
