"""What a model file knows of itself, and how it is written down as JSON."""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from facecover.errors import ConfigError
from facecover.text import percent

FORMAT_VERSION = 3
"""Goes up when a reader of the version before would misread or refuse the file.

Since 2 a file may say how its temperature was fitted, and be of INT8; since 3 it may hold
fingerprints of the photos that it learned from. From 3 on, readers pass over keys they do not know.
"""

METADATA_KEY = "facecover"
"""The key of the ONNX metadata that holds a `ModelInfo` as JSON."""

LAST_EPOCH = "last"
"""Begins `ModelInfo.chosen_by` where no measure chose the weights: ``last, epoch 67``."""

NO_DIGEST = "0" * 64
"""Stands where the file's own SHA-256 goes, while that is computed."""


class LayerFacts(Struct, frozen=True):
    """One layer of a network.

    Attributes:
        output_shape: channels, height and width, or the number of features.
        parameters: numbers learned, biases included.
        macs: multiply-accumulates for one image; biases, pooling and activations not counted.
        receptive_field_px: the side of the square of input pixels that one output value sees.
            It may be larger than the input, whose border is then filled up with zeros.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    macs: int
    receptive_field_px: int


class NetworkFacts(Struct, frozen=True):
    """A network's layers, from the input to the logits, and its costs.

    Attributes:
        name: its name in the table of networks.
        macs: multiply-accumulates of all layers for one image.
        receptive_field_px: of the last layer that looks at neighbourhoods.
        budget: the parameters that it may have.
    """

    name: str
    input_size_px: int
    layers: tuple[LayerFacts, ...]
    parameters: int
    macs: int
    receptive_field_px: int
    budget: int

    @property
    def share_of_budget(self) -> float:
        """Parameters as a share of the budget, 0..1."""
        return self.parameters / self.budget


class DataFacts(Struct, frozen=True):
    """The dataset that a model learned from.

    Attributes:
        digest: the dataset's identity, SHA-256.
        split_by: how it was split, see `ManifestInfo`.
        counts: samples by split and class name.
    """

    digest: str
    sources: tuple[str, ...]
    split_by: str
    counts: Mapping[str, Mapping[str, int]]


class Parity(Struct, frozen=True):
    """How far ONNX Runtime and PyTorch are apart on the same images.

    Attributes:
        images: how many were compared; validation images, spread over the split.
        largest_difference: of any probability, 0..1.
        label_agreement: the share of images that both give the same likeliest class, 0..1.
    """

    images: int
    largest_difference: float
    label_agreement: float


class TemperatureFit(Struct, frozen=True):
    """What dividing the logits by the temperature did on the images that it was fitted on.

    Attributes:
        images: how many; validation images.
        log_loss_before: the mean negative log likelihood at a temperature of 1, in nats.
        ece_before: the expected calibration error at a temperature of 1, 0..1.
        note: why the temperature stayed at 1 or at a bound, or was fitted to smoothed labels; empty
            where it was fitted freely.
    """

    images: int
    log_loss_before: float
    log_loss_after: float
    ece_before: float
    ece_after: float
    note: str = ""


class Quantization(Struct, frozen=True):
    """What INT8 costs, measured on the validation split.

    Attributes:
        float32_sha256: the hash of the float32 model file that it was made from.
        calibration_images: training images that the ranges of values were taken from.
        images: validation images that the two were compared on.
        float32_accuracy: the share of them that float32 answers right, 0..1.
        int8_accuracy: the share that INT8 answers right, 0..1.
    """

    method: str
    float32_sha256: str
    calibration_images: int
    images: int
    float32_accuracy: float
    int8_accuracy: float
    parity: Parity


class BandFit(Struct, frozen=True):
    """What the uncertain band does on the validation images that it was chosen on.

    Attributes:
        target: the accuracy that was wanted of what is answered, 0..1.
        images: how many there are.
        coverage: the share of them that is answered, 0..1.
        accuracy: the share of those that is right, 0..1.
    """

    target: float
    images: int
    coverage: float
    accuracy: float


class ModelInfo(Struct, frozen=True):
    """All that a model file knows beside its graph.

    Attributes:
        name: the experiment's name.
        class_names: class names by label.
        channel_mean: of R, G and B, 0..1; already inside the graph, as is `channel_std`.
        temperature: the logits are divided by it before the softmax.
        threshold: with two classes, the probability of a mask from which the answer is mask.
        uncertain_band: the probabilities of a mask, from and to, that are no answer; or None.
        band_fit: how that was chosen; None where nobody chose it on images.
        config: the whole experiment.
        chosen_by: which split, metric and epoch chose the weights, such as
            ``val_loss, epoch 12``; see `LAST_EPOCH` too.
        weights_sha256: of the network's weights, see `run_folder.hash_weights`.
        version: of the package that wrote it.
        file_sha256: of the file itself, with this field's digits as zeros.
        precision: what most of its sums are made of, ``float32`` or ``int8``.
        seen_photos: fingerprints of the photos that it learned from, see `seen_photos`; None in
            files that hold none.
    """

    name: str
    network: NetworkFacts
    class_names: tuple[str, ...]
    channel_mean: tuple[float, float, float]
    channel_std: tuple[float, float, float]
    temperature: float
    threshold: float
    uncertain_band: tuple[float, float] | None
    data: DataFacts
    config: Mapping[str, Any]
    chosen_by: str
    weights_sha256: str
    parity: Parity
    version: str
    file_sha256: str = NO_DIGEST
    precision: str = "float32"
    temperature_fit: TemperatureFit | None = None
    quantization: Quantization | None = None
    seen_photos: str | None = None
    band_fit: BandFit | None = None

    @property
    def input_size_px(self) -> int:
        """The side of the square images that it takes."""
        return self.network.input_size_px

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def keeps_last_epoch(self) -> bool:
        """Whether its weights are the last that it learned, and no measure chose them."""
        return self.chosen_by.startswith(LAST_EPOCH)

    @property
    def chosen_in_words(self) -> str:
        """What chose the weights: ``validation loss, epoch 12``, or ``the last epoch, 67``."""
        if self.keeps_last_epoch:
            return f"the last epoch, {self.kept_epoch}"
        words = re.sub(r"\bval_", "validation ", self.chosen_by)
        return re.sub(r"\b(train|test)_", r"\1 ", words).replace("_", " ")

    @property
    def band_in_words(self) -> str:
        """The uncertain band and what it was chosen by; empty where there is none."""
        if self.uncertain_band is None:
            return ""
        low, high = map(percent, self.uncertain_band)
        found, fit = f"a probability of a mask from {low} to {high}", self.band_fit
        if fit is None:
            return found
        return (
            f"{found}; of {fit.images:,} validation images the others are {percent(fit.coverage)}, "
            f"{percent(fit.accuracy)} of them answered right (chosen for {percent(fit.target)})"
        )

    @property
    def is_refit(self) -> bool:
        """Whether it learned from the test split, too, so that no figure on it is fair."""
        return bool(self.config.get("training", {}).get("refit", False))

    @property
    def learned_splits(self) -> tuple[str, ...]:
        """The splits of its dataset that it learned from."""
        return ("train", "test") if self.is_refit else ("train",)

    @property
    def learned_images(self) -> int:
        """How many images it learned from."""
        return sum(sum(self.data.counts.get(split, {}).values()) for split in self.learned_splits)

    def to_json(self) -> dict[str, Any]:
        """What lists of models say of it."""
        return {
            "name": self.name,
            "task": "face",
            "precision": self.precision,
            "input_size_px": self.input_size_px,
            "parameters": self.network.parameters,
            "classes": list(self.class_names),
            "threshold": self.threshold,
            "uncertain_band": self.uncertain_band,
            "band_fit": msgspec.to_builtins(self.band_fit),
            "sources": list(self.data.sources),
            "training_images": self.learned_images,
            "file_sha256": self.file_sha256,
            "version": self.version,
        }

    @property
    def kept_epoch(self) -> int | None:
        """The epoch whose weights were kept."""
        match = re.search(r"epoch (\d+)", self.chosen_by)
        return int(match[1]) if match else None


def info_to_json(info: ModelInfo) -> str:
    """A model's facts as one line of JSON, the same for the same facts."""
    document = {"format_version": FORMAT_VERSION, **msgspec.to_builtins(info)}
    return json.dumps(document, allow_nan=False)


def info_from_json(text: bytes | str) -> ModelInfo:
    """A model's facts from what `info_to_json` wrote, now or in an older version.

    Raises:
        msgspec.DecodeError: if a field is missing or not of its kind, or the text is no JSON.
        UnicodeError: if the text is no UTF-8.
    """
    return msgspec.json.decode(text, type=ModelInfo)


def with_choices(
    info: ModelInfo,
    *,
    threshold: float | None = None,
    uncertain_band: tuple[float, float] | None = None,
) -> ModelInfo:
    """A model's facts with a threshold and a band that were chosen.

    Args:
        info: of the model.
        threshold: replaces its own; None keeps that.
        uncertain_band: replaces its own. None keeps that, unless the new threshold lies outside:
            it was chosen around another one, and there is none then.

    Raises:
        ConfigError: if they are not within 0..1, the threshold is not inside the band, or the
            model has more than two classes.
    """
    if threshold is None and uncertain_band is None:
        return info
    if info.classes != 2:
        raise ConfigError(
            f"{info.name}: expected a model of two classes for a threshold or a band, found "
            f"{', '.join(info.class_names)}"
        )
    chosen = info.threshold if threshold is None else threshold
    band = uncertain_band
    if band is None and info.uncertain_band is not None:
        low, high = info.uncertain_band
        band = info.uncertain_band if low <= chosen <= high else None
    low, high = (chosen, chosen) if band is None else band
    if not 0 < low <= chosen <= high < 1:
        raise ConfigError(
            f"threshold {chosen:g}, band {low:g} to {high:g}: expected 0 < low <= threshold <= "
            "high < 1; choose both for the same threshold"
        )
    fit = info.band_fit if band == info.uncertain_band and chosen == info.threshold else None
    return msgspec.structs.replace(info, threshold=chosen, uncertain_band=band, band_fit=fit)
