"""A model measured on images: its answers, every metric, calibration, the surest mistakes."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from facecover.documents import Json, to_document
from facecover.errors import DatasetError, ModelFileError
from facecover.evaluation.answers import Answers, Labels, Probabilities, check_answers
from facecover.evaluation.intervals import (
    Bootstrap,
    Interval,
    Metrics,
    interval_of,
    measure_answers,
    proportion_interval,
    units_of,
)
from facecover.inference.model_info import ModelInfo
from facecover.labels import CLASS_NAMES

FORMAT_VERSION = 1

_SEEN_BEFORE = {
    "train": "it learned from these images",
    "val": "these images chose its {chosen}",
    "all": "it learned from some of these images, and others chose its {chosen}",
}
"""By the split, if the dataset is the one that the model was trained on."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One model on one set of images.

    Attributes:
        name: of the model, for people.
        data_digest: the identity of the dataset; empty if it has none.
        rows: ``int64 (N,)``, where each image stands in the dataset's arrays.
        groups: ``int64 (N,)``, what the bootstrap kept together; None for single images.
        seconds: how long the model took, reading the images included.
        n_seen: how many of the photos the model learned from; None where its file does not say.
        unseen: every metric on the other images; None where all or none were seen.
    """

    name: str
    model: ModelInfo
    split: str
    data_digest: str
    answers: Answers
    rows: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64] | None
    metrics: Metrics
    seconds: float
    n_seen: int | None = None
    unseen: Metrics | None = None

    @property
    def images_in_words(self) -> str:
        """Which images, for a sentence: ``validation images``, ``test images``, ``images``."""
        word = {"train": "training ", "val": "validation ", "all": ""}.get(
            self.split, f"{self.split} "
        )
        return f"{word}images"

    @property
    def counted_images(self) -> str:
        """How many of which images: ``1,777 test images``, ``1 image``."""
        n = len(self.answers)
        return f"{n:,} {self.images_in_words.removesuffix('s') if n == 1 else self.images_in_words}"

    @property
    def seen_before(self) -> str:
        """What the model did with these very images before; empty where nothing is known."""
        if not self.data_digest or self.model.data.digest != self.data_digest:
            return ""
        chosen = "temperature" if self.model.keeps_last_epoch else "weights and its temperature"
        met_as = "train" if self.split in self.model.learned_splits else self.split
        return _SEEN_BEFORE.get(met_as, "").format(chosen=chosen)

    @property
    def images_per_second(self) -> float:
        """Of the model, reading included."""
        return len(self.answers) / self.seconds if self.seconds > 0 else 0.0

    @property
    def bootstrap(self) -> Bootstrap:
        """The draws that its metrics' intervals are from."""
        units = units_of(len(self.answers), self.groups)
        return Bootstrap(units, self.metrics.resamples, self.metrics.seed)

    def measured(self, answers: Answers) -> Metrics:
        """Every metric of other answers to the same images."""
        known = self.metrics
        return measure_answers(
            answers, seed=known.seed, resamples=known.resamples, groups=self.groups
        )

    def part(self, chosen: npt.NDArray[np.int64]) -> Metrics:
        """Every metric on some of the images: ``int64 (K,)``, places among the answers."""
        known, groups = self.metrics, self.groups
        return measure_answers(
            self.answers.of(chosen),
            seed=known.seed,
            resamples=known.resamples,
            groups=None if groups is None else groups[chosen],
        )

    def to_json(self) -> dict[str, Any]:
        """Keys as docs/evaluation.md lists them; no NaN and no infinity."""
        metrics, model = self.metrics, self.model
        known = metrics.to_json()
        document: dict[str, Any] = to_document(
            {
                "format_version": FORMAT_VERSION,
                "model": {
                    "name": self.name,
                    "experiment": model.name,
                    "input_size_px": model.input_size_px,
                    "parameters": model.network.parameters,
                    "macs": model.network.macs,
                    "temperature": model.temperature,
                    "weights_sha256": model.weights_sha256,
                    "file_sha256": model.file_sha256,
                    "trained_on": model.data.digest,
                    "version": model.version,
                },
                "split": self.split,
                "data_digest": self.data_digest,
                "seen_before": self.seen_before or None,
                "seen_in_training": self._seen_json(),
                "class_names": metrics.class_names,
                "threshold": metrics.threshold,
                **known,
                "ci95": {**metrics.ci95, "confusion": metrics.confusion_ci95},
                "chance_ece": metrics.chance_ece,
                "bootstrap": {
                    "resamples": metrics.resamples,
                    "seed": metrics.seed,
                    "units": metrics.n_units,
                },
                "seconds": self.seconds,
                "images_per_second": self.images_per_second,
            }
        )
        return document

    def _seen_json(self) -> dict[str, Any] | None:
        if self.n_seen is None:
            return None
        others = self.unseen if self.n_seen else self.metrics
        return {
            "n": self.n_seen,
            "n_others": 0 if others is None else others.n,
            "accuracy_on_others": None if others is None else others.values["accuracy"],
            "ci95": None if others is None else others.ci95["accuracy"],
        }


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over n images, with its 95% interval; no value where there is no image."""

    value: float | None
    ci95: Interval | None
    n: int


def share(
    evaluation: Evaluation, flags: npt.NDArray[np.bool_], among: npt.NDArray[np.bool_] | None = None
) -> Estimate:
    """The share of the images with a flag, ``bool (N,)``, among all or some of them."""
    among = np.ones(len(flags), dtype=bool) if among is None else among
    found = mean(evaluation, flags.astype(np.float64), among)
    if found.value in (0.0, 1.0):
        units = np.unique(evaluation.bootstrap.units[among])
        return Estimate(found.value, proportion_interval(found.value, len(units)), found.n)
    return found


def mean(
    evaluation: Evaluation,
    values: npt.NDArray[np.float64],
    among: npt.NDArray[np.bool_] | None = None,
) -> Estimate:
    """The mean of ``float64 (N,)`` over the images of an evaluation, all or some of them."""
    among = np.ones(len(values), dtype=bool) if among is None else among
    n = int(np.count_nonzero(among))
    if not n:
        return Estimate(None, None, 0)
    columns = np.column_stack([np.where(among, values, 0.0), among.astype(np.float64)])
    sums = evaluation.bootstrap.draws(lambda weights: weights @ columns)
    draws = np.full(len(sums), np.nan)
    np.divide(sums[:, 0], sums[:, 1], out=draws, where=sums[:, 1] > 0)
    return Estimate(float(values[among].mean()), interval_of(draws), n)


MEASURES = ("ece", "log_loss", "brier")
"""The metrics that look at probabilities and not at answers."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A model before and after its temperature, on the same images.

    Attributes:
        before: with a temperature of 1; the same evaluation where it is 1.
    """

    before: Evaluation
    after: Evaluation

    @property
    def temperature(self) -> float:
        """Of the model file."""
        return self.after.model.temperature

    def to_json(self) -> dict[str, Json]:
        """``fitted_on`` is how many images gave the temperature, or null."""
        fit = self.after.model.temperature_fit
        return {
            "temperature": self.temperature,
            "fitted_on": None if fit is None else fit.images,
            "note": None if fit is None else fit.note or None,
            "before": _figures(self.before.metrics),
            "after": _figures(self.after.metrics),
        }


def measure_calibration(evaluation: Evaluation) -> Calibration:
    """The same answers with the confidence that a temperature of 1 gives them."""
    if evaluation.model.temperature == 1:
        return Calibration(evaluation, evaluation)
    answers = uncalibrated(evaluation.answers, evaluation.model.temperature)
    before = dataclasses.replace(evaluation, answers=answers, metrics=evaluation.measured(answers))
    return Calibration(before, evaluation)


def uncalibrated(answers: Answers, temperature: float) -> Answers:
    """The answers with the probabilities that a temperature of 1 gives.

    Logits over T have probabilities p, so the logits are T log p up to a constant. The classes
    answered stay: what changes is how sure they are.
    """
    powers = answers.probabilities**temperature
    before = powers / powers.sum(axis=1, keepdims=True)
    return dataclasses.replace(answers, probabilities=np.asarray(before, dtype=np.float64))


def _figures(metrics: Metrics) -> dict[str, Json]:
    return {
        **{key: metrics.values[key] for key in MEASURES},
        "ci95": to_document({key: metrics.ci95[key] for key in MEASURES}),
        "chance_ece": metrics.chance_ece,
    }


Images = npt.NDArray[np.uint8]
"""``uint8 (N, S, S, 3)``, RGB."""

BATCH_SIZE = 256
"""Images at a time: 3 MB of pixels at 64 x 64, and memory stays flat however many there are."""


class ImageClassifier(Protocol):
    """A model that answers on decoded images, as `inference.classifier.Classifier` does."""

    @property
    def info(self) -> ModelInfo:
        """What the model knows of itself."""

    def classify_images(self, images: Images) -> Probabilities:
        """The probability of each class: ``float64 (N, C)`` for ``uint8 (N, S, S, 3)``, RGB."""


def evaluate_images(
    classifier: ImageClassifier,
    images: Images,
    labels: Labels,
    *,
    name: str = "",
    split: str = "test",
    data_digest: str = "",
    rows: npt.NDArray[np.int64] | None = None,
    groups: npt.NDArray[np.int64] | None = None,
    seen: npt.NDArray[np.bool_] | None = None,
    threshold: float | None = None,
    seed: int = 0,
    resamples: int = 1000,
    on_batch: Callable[[int], None] | None = None,
) -> Evaluation:
    """Run a model over images and measure its answers.

    Args:
        classifier: answers.
        images: ``uint8 (M, S, S, 3)``, RGB; may be memory-mapped, it is read batch by batch.
        labels: ``int64 (M,)``.
        name: of the model, for people; the name that it gives itself by default.
        split: the split that the images are from.
        data_digest: the identity of the dataset.
        rows: ``int64 (N,)``, the images to measure on; all of them by default.
        groups: ``int64 (M,)``, see `intervals.units_of`.
        seen: ``bool (M,)``, which photos the model learned from; None where nobody knows.
        threshold: from which the answer is mask; the model's own by default.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        on_batch: called after each batch with the number of images in it.

    Raises:
        ConfigError: if the threshold, the seed or the number of resamples is out of range.
        DatasetError: if the arrays do not fit together, no image is left, or a label is none of
            the model's classes.
        ModelFileError: if the model's classes are not the package's, or its answers are no
            probabilities.
    """
    _check_classes(classifier.info)
    if len(images) != len(labels):
        raise DatasetError(
            f"expected a label for each of {len(images)} images, found {len(labels)}"
        )
    rows = np.arange(len(labels)) if rows is None else rows
    start = time.perf_counter()
    probabilities = _probabilities(classifier, images, rows, on_batch)
    seconds = time.perf_counter() - start
    info = classifier.info
    answers = check_answers(
        labels[rows],
        probabilities,
        threshold=info.threshold if threshold is None else threshold,
        class_names=info.class_names,
    )
    chosen = None if groups is None else groups[rows]
    metrics = measure_answers(answers, seed=seed, resamples=resamples, groups=chosen)
    evaluation = Evaluation(
        name=name or info.name,
        model=info,
        split=split,
        data_digest=data_digest,
        answers=answers,
        rows=rows,
        groups=chosen,
        metrics=metrics,
        seconds=seconds,
    )
    return evaluation if seen is None else _with_seen(evaluation, seen[rows])


def _with_seen(evaluation: Evaluation, seen: npt.NDArray[np.bool_]) -> Evaluation:
    some = seen.any() and not seen.all()
    others = evaluation.part(np.flatnonzero(~seen)) if some else None
    return dataclasses.replace(evaluation, n_seen=int(seen.sum()), unseen=others)


def _check_classes(info: ModelInfo) -> None:
    # Labels are positions: with other names, or in another order, they would mean other things.
    known = CLASS_NAMES[: len(info.class_names)]
    if info.class_names != known:
        raise ModelFileError(
            f"{info.name}: expected a model with the classes {', '.join(CLASS_NAMES[:2])} (and "
            f"{CLASS_NAMES[2]}) in this order, found {', '.join(info.class_names)}; its answers "
            "cannot be measured with these labels"
        )


def _probabilities(
    classifier: ImageClassifier,
    images: Images,
    rows: npt.NDArray[np.int64],
    on_batch: Callable[[int], None] | None,
) -> Probabilities:
    if not len(rows):
        raise DatasetError("expected at least one image to evaluate on, found none")
    parts = []
    for start in range(0, len(rows), BATCH_SIZE):
        batch = np.ascontiguousarray(images[rows[start : start + BATCH_SIZE]])
        parts.append(classifier.classify_images(batch))
        if on_batch:
            on_batch(len(batch))
    return np.concatenate(parts)


def most_confident_mistakes(answers: Answers, count: int) -> npt.NDArray[np.int64]:
    """The wrong answers with the highest confidence: ``int64 (K,)``, K at most `count`.

    They index the answers; equal confidences keep the order of the images.
    """
    wrong = np.flatnonzero(~answers.is_right)
    order = np.argsort(-answers.confidence[wrong], kind="stable")
    return wrong[order][:count]
