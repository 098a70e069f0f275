"""Intervals from a bootstrap over images, or over groups of images that are not independent.

One rule makes them all, `interval_of`: the middle 95% of the resamples, unless they do not move.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from facecover.documents import Json, to_document
from facecover.errors import ConfigError, DatasetError
from facecover.evaluation.answers import Answers, Labels, Probabilities, check_answers
from facecover.evaluation.metrics import (
    METRIC_KEYS,
    Floats,
    WeightedMetrics,
    chance_calibration_error,
)
from facecover.labels import MASK, NO_MASK
from facecover.text import percent

LEVEL = 0.95
MIN_RESAMPLES = 100
"""Fewer resamples do not reach down to the 2.5th percentile in any useful way."""

UNDEFINED_SHARE = 0.05
"""A value that is undefined in more of the resamples than this gets no interval."""

_CHUNK_VALUES = 2**20
"""Weights held at once: 8 MB, and a few times that while they are worked on."""

_NO_WIDTH = 1e-12
"""Intervals narrower than this are rounding."""

Units = npt.NDArray[np.int64]
"""``int64 (N,)``: the unit of resampling that each image belongs to, 0..U-1."""

Interval = tuple[float, float]


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


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The same draws for every value of some images, so that differences of values are paired."""

    units: Units
    resamples: int
    seed: int

    @property
    def n_units(self) -> int:
        """What is drawn: images, or groups of images that belong together."""
        return int(self.units.max()) + 1

    def draws(self, value: Callable[[Floats], Floats]) -> Floats:
        """A value on each resample: ``float64 (R, ...)``.

        Args:
            value: gives ``float64 (B, ...)`` for weights of the images, ``float64 (B, N)``.

        Raises:
            ConfigError: as `resample_weights`.
        """
        chunks = resample_weights(self.units, resamples=self.resamples, seed=self.seed)
        return np.concatenate([value(weights) for weights in chunks])

    def metric_draws(self, answers: Answers) -> dict[str, Floats]:
        """What `WeightedMetrics` gives for each resample; raises as `resample_weights`."""
        metrics = WeightedMetrics(answers)
        chunks = resample_weights(self.units, resamples=self.resamples, seed=self.seed)
        found = [metrics(weights) for weights in chunks]
        return {key: np.concatenate([one[key] for one in found]) for key in found[0]}


def percentile_interval(draws: Floats) -> Interval:
    """The middle `LEVEL` of ``float64 (R,)``; NaN is left out, and at least one is not NaN."""
    tail = 50 * (1 - LEVEL)
    low, high = np.nanpercentile(draws, (tail, 100 - tail))
    return float(low), float(high)


def interval_of(draws: Floats) -> Interval | None:
    """The 95% interval of a value, from its resamples: ``float64 (R,)``, NaN where undefined.

    None where more than `UNDEFINED_SHARE` of them are undefined, and where none of them moves the
    value: then they say nothing of how far chance reaches.
    """
    if np.isnan(draws).mean() > UNDEFINED_SHARE or not moves(draws):
        return None
    return percentile_interval(draws)


def moves(draws: Floats) -> bool:
    """Whether the resamples of a value differ: ``float64 (R,)``."""
    low, high = percentile_interval(draws)
    return high - low > _NO_WIDTH


def share_interval(draws: Floats, share: float, n_units: int) -> Interval:
    """The 95% interval of a share that is defined in every resample.

    Where none moves it, as with no mistake at all, that of `proportion_interval`.
    """
    return interval_of(draws) or proportion_interval(share, n_units)


def basic_interval(draws: Floats, point: float) -> Interval:
    """The percentile interval mirrored at the point value, from 0 up, with the point inside.

    For a quantity that cannot be negative and that resampling pushes up, such as a calibration
    error: the resamples lie above the point value by about as much as it lies above the truth
    (Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 5.2).
    """
    low, high = percentile_interval(draws)
    return max(0.0, 2 * point - high), max(point, 2 * point - low)


def proportion_interval(share: float, trials: int) -> Interval:
    """The Clopper-Pearson interval of a share of that many independent trials, 0..1."""
    bounds = stats.binomtest(round(share * trials), trials).proportion_ci(LEVEL, method="exact")
    return float(bounds.low), float(bounds.high)


def exact_interval(key: str, answers: Answers, units: Units) -> Interval | None:
    """An interval for a metric that no resample moved, or None where there is none.

    Balanced accuracy and F1 combine the bounds of the shares that they are made of, and so are
    a little too wide. ROC-AUC takes as many disjoint pairs of images as there are, all of them
    in order or all out of order.
    """
    if key == "accuracy":
        return _share(answers.is_right, np.ones(len(answers), dtype=bool), units)
    if len(answers.class_names) > 2:
        return None
    if key == "balanced_accuracy":
        return _balanced_accuracy(answers, units)
    if key == "precision":
        return _precision(answers, units)
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


def _precision(answers: Answers, units: Units) -> Interval | None:
    return _share(answers.labels == MASK, answers.predicted == MASK, units)


def _balanced_accuracy(answers: Answers, units: Units) -> Interval | None:
    bare, masked = _recall(answers, NO_MASK, units), _recall(answers, MASK, units)
    if bare is None or masked is None:
        return None
    return (bare[0] + masked[0]) / 2, (bare[1] + masked[1]) / 2


def _f1(answers: Answers, units: Units) -> Interval | None:
    recall = _recall(answers, MASK, units)
    if recall is None:
        return None
    # A model that never answered mask has no precision, so nothing bounds it.
    low, high = _precision(answers, units) or (0.0, 1.0)
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


@dataclass(frozen=True, slots=True)
class Metrics:
    """Every metric of one model on one set of images.

    Attributes:
        values: each of `METRIC_KEYS`; None where it is undefined.
        undefined: for each undefined metric, why.
        ci95: for each metric its 95% interval; None where there is none.
        interval_notes: for each interval that is missing or does not come from percentiles of
            the bootstrap, why, or where from.
        confusion: images by true class (rows) and answer (columns).
        threshold: the probability from which the answer is mask; None with 3 classes.
        chance_ece: see `chance_calibration_error`.
        n_units: what was resampled: n images, or fewer groups of images that belong together.
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

    def to_json(self) -> dict[str, Json]:
        """What every set of images has, the values by their keys."""
        document: dict[str, Json] = to_document(
            {
                "n": self.n,
                "n_by_class": self.n_by_class,
                **self.values,
                "undefined": self.undefined,
                "ci95": self.ci95,
                "interval_notes": self.interval_notes,
                "confusion": self.confusion,
            }
        )
        return document


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
    three 0..2; log loss is in nats.

    Args:
        labels: ``int64 (N,)``, 0..C-1.
        probabilities: ``float64 (N, C)``, 0..1, rows sum to 1; C is 2 or 3.
        threshold: with two classes, an image is answered mask from this probability on.
        seed: of the bootstrap.
        resamples: how many the bootstrap draws.
        groups: ``int64 (N,)``, see `units_of`: images of one group are drawn together.
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
    bootstrap = Bootstrap(units_of(len(answers), groups), resamples, seed)
    draws = bootstrap.metric_draws(answers)
    plain = WeightedMetrics(answers)(np.ones((1, len(answers))))
    undefined = _undefined(answers)
    values = {key: None if key in undefined else float(plain[key][0]) for key in METRIC_KEYS}
    chance = chance_calibration_error(answers, draws=resamples, seed=seed)
    ci95, notes = _metric_intervals(answers, bootstrap.units, values, draws, chance)
    return Metrics(
        n=len(answers),
        class_names=answers.class_names,
        n_by_class=tuple(answers.n_by_class.tolist()),
        values=values,
        undefined=undefined,
        ci95=ci95,
        interval_notes=notes,
        confusion=plain["confusion"][0].astype(np.int64).tolist(),
        confusion_ci95=_confusion_intervals(draws["confusion"], bootstrap),
        threshold=answers.threshold,
        chance_ece=chance,
        n_units=bootstrap.n_units,
        resamples=resamples,
        seed=seed,
    )


def _undefined(answers: Answers) -> dict[str, str]:
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


def _metric_intervals(
    answers: Answers,
    units: Units,
    values: Mapping[str, float | None],
    draws: Mapping[str, Floats],
    chance_ece: float,
) -> tuple[dict[str, Interval | None], dict[str, str]]:
    """The interval of each metric and, where it is not the bootstrap's percentiles, a note."""
    ci95: dict[str, Interval | None] = dict.fromkeys(METRIC_KEYS)
    notes: dict[str, str] = {}
    for key, point in values.items():
        if point is not None:
            ci95[key], note = _metric_interval(key, point, draws[key], answers, units)
            if note:
                notes[key] = note
    interval, error = ci95["ece"], values["ece"]
    if interval is not None and error is not None and error <= chance_ece:
        # Exactly right confidences explain the error, so 0 is not ruled out.
        ci95["ece"] = (0.0, interval[1])
    return ci95, notes


def _metric_interval(
    key: str, point: float, draws: Floats, answers: Answers, units: Units
) -> tuple[Interval | None, str]:
    if not moves(draws):
        exact = exact_interval(key, answers, units)
        if exact is None:
            return None, "no interval: every resample gives the same value"
        return exact, "Clopper-Pearson: every resample gives the same value"
    interval = interval_of(draws)
    if interval is None:
        share = float(np.isnan(draws).mean())
        return (
            None,
            f"no interval: undefined in {percent(share, 0)} of the resamples, too few images",
        )
    if key == "ece":
        return basic_interval(draws, point), "basic bootstrap: resampling pushes this error up"
    return interval, ""


def _confusion_intervals(draws: Floats, bootstrap: Bootstrap) -> list[list[Interval]]:
    """The interval of each cell's count, from ``float64 (R, C, C)``."""
    n, n_classes = len(bootstrap.units), draws.shape[1]
    # Groups differ in size, so a resample may hold more or fewer images than there are.
    shares = draws / draws.sum(axis=(1, 2), keepdims=True)

    def interval(cell: Floats) -> Interval:
        low, high = share_interval(cell, float(cell[0]), bootstrap.n_units)
        return low * n, high * n

    return [[interval(shares[:, i, j]) for j in range(n_classes)] for i in range(n_classes)]
