"""One model measured on one set of images.

As JSON it has these keys, which stay:

| key | value |
| --- | --- |
| ``format_version`` | of this layout; 1 |
| ``model`` | ``name``, ``experiment``, ``input_size_px``, ``parameters``, ``macs``, \
``temperature``, ``weights_sha256``, ``file_sha256``, ``trained_on`` (a dataset's digest) and \
``version`` of the package that wrote it |
| ``split``, ``data_digest`` | which images: the split, and the dataset's identity |
| ``seen_before`` | null, or what the model did with these images before: then the figures flatter \
it |
| ``n``, ``n_by_class``, ``class_names`` | images measured, by class in the order of the names |
| ``threshold`` | the probability of a mask from which the answer is mask; null with 3 classes |
| ``accuracy``, ``balanced_accuracy``, ``precision``, ``recall``, ``f1``, ``roc_auc``, \
``average_precision``, ``brier``, ``log_loss``, ``ece`` | shares 0..1 and losses, never \
percentages; null where undefined |
| ``undefined`` | for each metric that is null, why |
| ``confusion`` | counts, rows true, columns answered |
| ``ci95`` | for each metric ``[low, high]`` or null; for ``confusion`` a matrix of them |
| ``interval_notes`` | for each interval that is null or no percentile bootstrap's, why |
| ``chance_ece`` | the calibration error that exactly right confidences stay under, 19 of 20 |
| ``bootstrap`` | ``resamples``, ``seed``, and the ``units`` that were drawn |
| ``seconds``, ``images_per_second`` | the model's time on these images |
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from facemask.evaluation.answers import Answers
from facemask.evaluation.metrics import Metrics
from facemask.evaluation.plain import plain_json
from facemask.inference.model_info import ModelInfo

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
        model: what the model says of itself.
        split: the split that the images are from.
        data_digest: the identity of the dataset; empty if it has none.
        answers: labels and probabilities of every image.
        rows: ``int64 (N,)``, where each image stands in the dataset's arrays.
        groups: ``int64 (N,)``, what the bootstrap kept together; None for single images.
        metrics: every metric with its interval.
        seconds: how long the model took, reading the images included.
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
        """How many images the model answered in a second."""
        return len(self.answers) / self.seconds if self.seconds > 0 else 0.0

    def to_json(self) -> dict[str, Any]:
        """The evaluation with the keys of this module's table, ready for `json.dumps`.

        It holds no NaN and no infinity, so it also passes ``allow_nan=False``.
        """
        metrics = self.metrics
        document = {
            "format_version": FORMAT_VERSION,
            "model": self._model_json(),
            "split": self.split,
            "data_digest": self.data_digest,
            "seen_before": self.seen_before or None,
            "n": metrics.n,
            "n_by_class": metrics.n_by_class,
            "class_names": metrics.class_names,
            "threshold": metrics.threshold,
            **metrics.values,
            "undefined": metrics.undefined,
            "confusion": metrics.confusion,
            "ci95": {**metrics.ci95, "confusion": metrics.confusion_ci95},
            "interval_notes": metrics.interval_notes,
            "chance_ece": metrics.chance_ece,
            "bootstrap": {
                "resamples": metrics.resamples,
                "seed": metrics.seed,
                "units": metrics.n_units,
            },
            "seconds": self.seconds,
            "images_per_second": self.images_per_second,
        }
        return {key: plain_json(value) for key, value in document.items()}

    def _model_json(self) -> dict[str, Any]:
        model = self.model
        return {
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
        }
