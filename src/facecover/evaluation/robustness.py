"""A model on corrupted images: what it still gets right, and which answers change.

The mean corruption error is that of Hendrycks and Dietterich ("Benchmarking Neural Network
Robustness to Common Corruptions and Perturbations", ICLR 2019): a kind's error, summed over its
severities, is divided by the reference model's, and the quotients are averaged over the kinds.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from facecover.documents import Json, to_document
from facecover.errors import ConfigError, DatasetError
from facecover.evaluation.answers import Labels, check_answers
from facecover.evaluation.corruptions import BASE_PX, KINDS, Kind, corrupted
from facecover.evaluation.formatting import joined
from facecover.evaluation.intervals import (
    Bootstrap,
    Interval,
    interval_of,
    share_interval,
    units_of,
)
from facecover.evaluation.metrics import Floats, count_metrics
from facecover.evaluation.performance import BATCH_SIZE, ImageClassifier, Images
from facecover.images import resized

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Severity:
    """A model on n images corrupted by one kind at one severity.

    Attributes:
        severity: from 1 on.
        amount: see the kind's `unit`.
        balanced_accuracy: None where a class has no image.
        flip_rate: the share of images answered otherwise than uncorrupted, 0..1.
    """

    severity: int
    amount: float
    n: int
    accuracy: float
    accuracy_ci95: Interval
    balanced_accuracy: float | None
    flip_rate: float
    flip_ci95: Interval

    def to_json(self) -> dict[str, Json]:
        """The intervals stand together under ``ci95``."""
        return {
            "severity": self.severity,
            "amount": self.amount,
            "n": self.n,
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            "flip_rate": self.flip_rate,
            "ci95": to_document({"accuracy": self.accuracy_ci95, "flip_rate": self.flip_ci95}),
        }


@dataclass(frozen=True, slots=True)
class Ratio:
    """A corruption error: a model's errors, divided by the reference's on the same images.

    Under 1 the model errs less; where there is no value, `undefined` says why.
    """

    value: float | None
    ci95: Interval | None
    undefined: str


@dataclass(frozen=True, slots=True)
class KindResult:
    """A model on images corrupted by one kind, with the error over all severities together."""

    kind: Kind
    severities: tuple[Severity, ...]
    ce: Ratio

    @property
    def mean_accuracy(self) -> float:
        """Of its severities."""
        return sum(one.accuracy for one in self.severities) / len(self.severities)

    @property
    def mean_flip_rate(self) -> float:
        """Of its severities."""
        return sum(one.flip_rate for one in self.severities) / len(self.severities)

    def to_json(self) -> dict[str, Json]:
        """``ce`` is the corruption error."""
        return {
            "key": self.kind.key,
            "title": self.kind.title,
            "unit": self.kind.unit,
            "source": self.kind.source,
            "mean_accuracy": self.mean_accuracy,
            "mean_flip_rate": self.mean_flip_rate,
            "ce": self.ce.value,
            "ce_ci95": to_document(self.ce.ci95),
            "ce_undefined": self.ce.undefined or None,
            "severities": [one.to_json() for one in self.severities],
        }


@dataclass(frozen=True, slots=True)
class Robustness:
    """A model on images corrupted in every way.

    Attributes:
        size_px: the side of the images that were corrupted.
        clean: on the same images as they are, brought to the model's size the same way.
        n_units: what was resampled: images, or fewer groups of images that belong together.
        kinds: the worst mean accuracy first.
        reference: the name of the model that errors are compared with; empty without one.
        mce: the mean of the kinds' corruption errors.
        seconds: that it took, with the reference.
    """

    size_px: int
    clean: Severity
    n_units: int
    kinds: tuple[KindResult, ...]
    reference: str
    mce: Ratio
    seed: int
    resamples: int
    seconds: float

    def to_json(self) -> dict[str, Json]:
        """``mce`` is the mean corruption error."""
        return {
            "format_version": FORMAT_VERSION,
            "n": self.clean.n,
            "units": self.n_units,
            "size_px": self.size_px,
            "clean": {
                "accuracy": self.clean.accuracy,
                "ci95": to_document(self.clean.accuracy_ci95),
                "balanced_accuracy": self.clean.balanced_accuracy,
            },
            "reference": self.reference or None,
            "mce": self.mce.value,
            "mce_ci95": to_document(self.mce.ci95),
            "mce_undefined": self.mce.undefined or None,
            "kinds": [kind.to_json() for kind in self.kinds],
            "seed": self.seed,
            "resamples": self.resamples,
            "seconds": self.seconds,
        }


def corruption_size(kept_px: Sequence[int], input_px: Sequence[int]) -> int:
    """The side at which images are corrupted: the smallest kept that no model enlarges.

    A camera spoils the photo, not the few pixels that a model takes, so it is `BASE_PX` or more
    where images of that side were kept, and the largest side kept where they were not.
    """
    least = max(BASE_PX, *input_px)
    return min((size for size in kept_px if size >= least), default=max(kept_px))


def corruption_steps(kinds: Sequence[Kind] = KINDS) -> int:
    """How many times `corrupted_answers` answers on each image, once as it is included."""
    return 1 + sum(len(kind.amounts) for kind in kinds)


def corrupted_answers(
    models: Sequence[ImageClassifier],
    images: Images,
    labels: Labels,
    rows: npt.NDArray[np.int64],
    kinds: Sequence[Kind],
    *,
    seed: int,
    on_images: Callable[[int], None] | None = None,
) -> Labels:
    """The classes answered: ``int64 (M, 1 + K, N)``, first those on the images as they are.

    Each image is corrupted once, at the size it comes in, and then brought to each model's size.

    Args:
        models: M of them.
        images: ``uint8 (I, S, S, 3)``, RGB; may be memory-mapped.
        labels: ``int64 (I,)``, for the checks alone.
        rows: ``int64 (N,)``, the images to answer on.
        kinds: of corruption; K severities in all.
        seed: of the corruptions.
        on_images: called with the number of images after each batch at each severity.

    Raises:
        ConfigError: if the seed is negative.
        DatasetError: if a label is none of a model's classes.
        ModelFileError: if a model's answers are no probabilities.
    """
    steps = [(kind, severity) for kind in kinds for severity in range(1, len(kind.amounts) + 1)]
    answers = np.zeros((len(models), 1 + len(steps), len(rows)), dtype=np.int64)
    for start in range(0, len(rows), BATCH_SIZE):
        part = slice(start, start + BATCH_SIZE)
        chosen = rows[part]
        batch = np.ascontiguousarray(images[chosen])
        for place, step in enumerate((None, *steps)):
            changed = batch if step is None else corrupted(batch, *step, rows=chosen, seed=seed)
            for model, answered in zip(models, answers, strict=True):
                answered[place, part] = _predicted(model, changed, labels[chosen])
            if on_images:
                on_images(len(batch))
    return answers


def _predicted(model: ImageClassifier, images: Images, labels: Labels) -> Labels:
    info = model.info
    probabilities = model.classify_images(_fitted(images, info.input_size_px))
    return check_answers(
        labels, probabilities, threshold=info.threshold, class_names=info.class_names
    ).predicted


def _fitted(images: Images, size_px: int) -> Images:
    """The images at a model's size, resized as photos are."""
    if images.shape[1] == size_px:
        return images
    return np.stack([resized(Image.fromarray(one), size_px) for one in images])


Flags = npt.NDArray[np.bool_]
"""``bool (K, N)``: a row for each severity of each kind, a column for each image."""


def measure_robustness(
    classifier: ImageClassifier,
    images: Images,
    labels: Labels,
    *,
    rows: npt.NDArray[np.int64] | None = None,
    groups: npt.NDArray[np.int64] | None = None,
    reference: ImageClassifier | None = None,
    reference_name: str = "",
    no_reference: str = "no reference model was given",
    kinds: Sequence[Kind] = KINDS,
    seed: int = 0,
    resamples: int = 1000,
    on_images: Callable[[int], None] | None = None,
) -> Robustness:
    """A model's accuracy, and how many of its answers change, by kind and severity.

    Args:
        classifier: the model.
        images: ``uint8 (I, S, S, 3)``, RGB, of any side, see `corruption_size`; may be
            memory-mapped.
        labels: ``int64 (I,)``.
        rows: ``int64 (N,)``, the images to measure on; all of them by default.
        groups: ``int64 (I,)``, see `intervals.units_of`.
        reference: the model that errors are divided by; sees the same corrupted images.
        reference_name: for people; the name that it gives itself by default.
        no_reference: why there is no mean corruption error where there is no reference.
        kinds: of corruption, at least one.
        seed: of the corruptions and of the bootstrap.
        resamples: of the bootstrap.
        on_images: called with the number of images after each batch at each severity.

    Raises:
        ConfigError: if there is no kind, or the seed or the number of resamples is out of range.
        DatasetError: if the arrays do not fit together, no image is left, or a label is none of
            the models' classes.
        ModelFileError: if a model's answers are no probabilities.
    """
    rows = np.arange(len(labels)) if rows is None else rows
    _check(images, labels, rows, kinds)
    units = units_of(len(rows), None if groups is None else groups[rows])
    bootstrap = Bootstrap(units, resamples, seed)
    models = [classifier, *([] if reference is None else [reference])]
    start = time.perf_counter()
    answers = corrupted_answers(models, images, labels, rows, kinds, seed=seed, on_images=on_images)
    seconds = time.perf_counter() - start
    n_classes = len(classifier.info.class_names)
    severities = _severities(answers[0], labels[rows], n_classes, kinds, bootstrap)
    wrong = answers[:, 1:] != labels[rows]
    errors = (
        [Ratio(None, None, no_reference)] * (1 + len(kinds))
        if reference is None
        else _errors(wrong, kinds, bootstrap)
    )
    results = [
        KindResult(kind, part, error)
        for kind, part, error in zip(kinds, severities[1:], errors[1:], strict=True)
    ]
    return Robustness(
        size_px=images.shape[1],
        clean=severities[0][0],
        n_units=bootstrap.n_units,
        kinds=tuple(sorted(results, key=lambda result: result.mean_accuracy)),
        reference=(reference_name or reference.info.name) if reference is not None else "",
        mce=errors[0],
        seed=seed,
        resamples=resamples,
        seconds=seconds,
    )


def _check(
    images: Images, labels: Labels, rows: npt.NDArray[np.int64], kinds: Sequence[Kind]
) -> None:
    if len(images) != len(labels):
        raise DatasetError(
            f"expected a label for each of {len(images)} images, found {len(labels)}"
        )
    if not len(rows):
        raise DatasetError("expected at least one image to measure on, found none")
    if not kinds:
        raise ConfigError("expected at least one kind of corruption, found none")


def _severities(
    answers: Labels, labels: Labels, n_classes: int, kinds: Sequence[Kind], bootstrap: Bootstrap
) -> list[tuple[Severity, ...]]:
    """The figures of the images as they are, alone in the first place, then each kind's."""
    is_right, flips = answers == labels, answers != answers[0]
    cells = np.stack(
        [np.bincount(labels * n_classes + one, minlength=n_classes**2) for one in answers]
    )
    balanced = count_metrics(cells.reshape(-1, n_classes, n_classes))["balanced_accuracy"]
    numbered = [(0, 0.0), *(pair for kind in kinds for pair in enumerate(kind.amounts, 1))]
    figures = [
        Severity(
            severity=severity,
            amount=amount,
            n=len(labels),
            accuracy=float(right.mean()),
            accuracy_ci95=right_ci95,
            balanced_accuracy=None if np.isnan(recall) else float(recall),
            flip_rate=float(flipped.mean()),
            flip_ci95=flip_ci95,
        )
        for (severity, amount), right, right_ci95, recall, flipped, flip_ci95 in zip(
            numbered,
            is_right,
            _share_intervals(is_right, bootstrap),
            balanced,
            flips,
            _share_intervals(flips, bootstrap),
            strict=True,
        )
    ]
    return [(figures[0],), *(tuple(figures[part]) for part in _parts(kinds, 1))]


def _share_intervals(flags: Flags, bootstrap: Bootstrap) -> list[Interval]:
    """The 95% interval of the share of images with each flag."""
    columns = flags.T.astype(np.float64)
    shares = bootstrap.draws(lambda weights: weights @ columns / weights.sum(axis=1, keepdims=True))
    return [
        share_interval(drawn, float(flag.mean()), bootstrap.n_units)
        for drawn, flag in zip(shares.T, flags, strict=True)
    ]


def _parts(kinds: Sequence[Kind], first: int) -> Iterator[slice]:
    """Where each kind's severities stand."""
    for kind in kinds:
        yield slice(first, first + len(kind.amounts))
        first += len(kind.amounts)


def _errors(wrong: Flags, kinds: Sequence[Kind], bootstrap: Bootstrap) -> list[Ratio]:
    """The mean corruption error, then each kind's; ``bool (2, K, N)``: the model, the reference."""
    points = np.stack([_sums(one.sum(axis=1)[None], kinds)[0] for one in wrong])
    ours, theirs = (one.T.astype(np.float64) for one in wrong)
    draws = [
        _sums(bootstrap.draws(lambda weights: weights @ ours), kinds),
        _sums(bootstrap.draws(lambda weights: weights @ theirs), kinds),
    ]
    drawn = np.divide(draws[0], draws[1], out=np.full_like(draws[0], np.nan), where=draws[1] > 0)
    ratios = [
        Ratio(float(own / other), interval_of(column), "")
        if other
        else Ratio(None, None, "the reference makes no errors")
        for own, other, column in zip(*points, drawn.T, strict=True)
    ]
    return [_mean_error(ratios, kinds, drawn), *ratios]


def _sums(counts: npt.NDArray[np.number], kinds: Sequence[Kind]) -> Floats:
    """Counts ``(R, K)`` summed over each kind's severities: ``float64 (R, kinds)``."""
    columns = [counts[:, part].sum(axis=1) for part in _parts(kinds, 0)]
    return np.stack(columns, axis=1).astype(np.float64)


def _mean_error(ratios: Sequence[Ratio], kinds: Sequence[Kind], drawn: Floats) -> Ratio:
    missing = [kind.title for kind, one in zip(kinds, ratios, strict=True) if one.value is None]
    if missing:
        return Ratio(None, None, f"the reference makes no errors under {joined(missing)}")
    values = [one.value for one in ratios if one.value is not None]
    return Ratio(sum(values) / len(values), interval_of(drawn.mean(axis=1)), "")
