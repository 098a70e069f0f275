"""From the weights that a run kept to one ONNX file that knows itself."""

import math
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import onnx
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from torch import Tensor, nn
from torchmetrics.functional.classification import multiclass_calibration_error

import facecover
from facecover.dataset.arrays import Dataset
from facecover.dataset.manifest import pixel_digests
from facecover.errors import RunError
from facecover.files import written_file
from facecover.inference.classifier import Images, Model, softmax
from facecover.inference.model_file import ModelFile, read_model_file, seal
from facecover.inference.model_info import (
    METADATA_KEY,
    DataFacts,
    ModelInfo,
    Parity,
    TemperatureFit,
    info_to_json,
)
from facecover.inference.onnx_file import PRODUCER
from facecover.inference.seen_photos import pack_fingerprints
from facecover.sources.rows import SPLITS
from facecover.training.checkpoints import hash_weights, load_checkpoint, network_weights
from facecover.training.config import Experiment
from facecover.training.data_loader import EVALUATION_BATCH
from facecover.training.isolation import isolated
from facecover.training.network import Network, describe_network
from facecover.training.run_folder import RunFolder
from facecover.training.trainer import new_network

OPSET = 20
"""Understood by ONNX Runtime from 1.17 on."""


class FromPixels(nn.Module):
    """A network that takes images as they lie in arrays: ``uint8 (N, S, S, 3)``, RGB.

    Args:
        network: what makes logits of them.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Logits, ``float32 (N, C)``, for images, ``uint8 (N, S, S, 3)``, RGB."""
        logits: Tensor = self.network(images.permute(0, 3, 1, 2))
        return logits


def to_onnx(network: Network, size_px: int) -> onnx.ModelProto:
    """The ONNX graph of a network: ``images`` as pixels in, ``logits`` out, any number at once.

    The network is moved to the CPU.

    Raises:
        RunError: if PyTorch's exporter gives nothing.
    """
    module = FromPixels(network.cpu()).eval()
    example = torch.zeros(2, size_px, size_px, 3, dtype=torch.uint8)
    program = torch.onnx.export(
        module,
        (example,),
        input_names=["images"],
        output_names=["logits"],
        dynamic_shapes={"images": {0: torch.export.Dim("N")}},
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise RunError("PyTorch's exporter gave no ONNX program")
    model: onnx.ModelProto = program.model_proto
    make_ours(model)
    return model


def make_ours(model: onnx.ModelProto) -> None:
    """Put the package's name on a graph, and check that it is a whole ONNX model.

    What the programs that made it wrote beside it goes: notes hold paths of their machine.
    """
    _strip(model)
    used = {node.domain for node in model.graph.node}
    opsets = [opset for opset in model.opset_import if opset.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    model.producer_name, model.producer_version = PRODUCER, facecover.__version__
    onnx.checker.check_model(model, full_check=True)


def bytes_with(model: onnx.ModelProto, info: ModelInfo) -> bytes:
    """The bytes of a graph that carries facts, not yet sealed; the same for the same two."""
    del model.metadata_props[:]
    model.metadata_props.add(key=METADATA_KEY, value=info_to_json(info))
    return bytes(model.SerializeToString(deterministic=True))


def _strip(model: onnx.ModelProto) -> None:
    graph = model.graph
    del model.metadata_props[:], graph.metadata_props[:], graph.value_info[:]
    for part in (*graph.node, *graph.initializer, *graph.input, *graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
    model.doc_string = graph.doc_string = ""


Logits = npt.NDArray[np.float32]


def pytorch_logits(network: Network, images: Images) -> Logits:
    """What a network gives in PyTorch on the CPU: ``float32 (N, C)``.

    Args:
        network: it is moved to the CPU and to evaluation.
        images: ``uint8 (N, S, S, 3)``, RGB.
    """
    module = FromPixels(network).cpu().eval()
    with torch.inference_mode():
        batches = [
            module(torch.from_numpy(np.array(images[start : start + EVALUATION_BATCH]))).numpy()
            for start in range(0, len(images), EVALUATION_BATCH)
        ]
    return np.concatenate(batches)


def compare(expected: Logits, found: Logits, temperature: float) -> Parity:
    """How far the probabilities of the same images are apart.

    Args:
        expected: ``float32 (N, C)``.
        found: likewise.
        temperature: see `softmax`.
    """
    ours, theirs = softmax(expected, temperature), softmax(found, temperature)
    return Parity(
        images=len(expected),
        largest_difference=float(np.abs(ours - theirs).max()),
        label_agreement=float(np.mean(ours.argmax(axis=1) == theirs.argmax(axis=1))),
    )


LOWEST, HIGHEST = 0.25, 10.0
"""Bounds of the temperature. Networks that were trained to the end come out between 1 and 4 (Guo
et al. 2017, and the runs of this package); beyond the bounds the images are too few or too easy
to tell."""

MIN_IMAGES = 100
"""With fewer images the temperature stays 1."""

MIN_MISTAKES = 5
"""With fewer answers that are wrong, labels are smoothed for the fit. Without a mistake the
likelihood grows as the temperature falls to zero, whatever the network's true confidence."""

_BINS = 15
"""As in `evaluation.performance`."""

_DIGITS = 4
"""Of the temperature: the last bits of logits differ between machines, and this hides them."""


def fit_temperature(
    logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]
) -> tuple[float, TemperatureFit]:
    """The temperature that makes the labels likeliest, and what it does to the errors.

    Args:
        logits: ``float32 (N, C)``, of validation images.
        labels: ``int64 (N,)``, 0..C-1.
    """
    temperature, note = 1.0, ""
    mistakes = int(np.count_nonzero(logits.argmax(axis=1) != labels))
    as_labelled = np.eye(logits.shape[1])[labels]
    if len(labels) < MIN_IMAGES:
        note = f"not fitted: {len(labels)} validation images, fewer than {MIN_IMAGES}"
    elif mistakes < MIN_MISTAKES:
        temperature, note = _fit(logits, _smoothed(labels, logits.shape[1]))
        words = f"{mistakes} mistakes on validation images, fewer than {MIN_MISTAKES}"
        note = "; ".join(filter(None, (f"fitted to smoothed labels: {words}", note)))
    else:
        temperature, note = _fit(logits, as_labelled)
    return temperature, TemperatureFit(
        images=len(labels),
        log_loss_before=_log_loss(logits, as_labelled, 1.0),
        log_loss_after=_log_loss(logits, as_labelled, temperature),
        ece_before=_calibration_error(logits, labels, 1.0),
        ece_after=_calibration_error(logits, labels, temperature),
        note=note,
    )


def _smoothed(labels: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.float64]:
    """As if each class had one image more of itself, and one of another.

    Platt, "Probabilistic Outputs for Support Vector Machines", 1999, has it so for two classes. The
    surest that an answer may sound then grows with the images that say so.
    """
    counts = np.bincount(labels, minlength=classes)[labels][:, None]
    own = np.eye(classes)[labels] > 0
    return np.where(own, (counts + 1) / (counts + 2), 1 / (counts + 2) / (classes - 1))


def _fit(logits: npt.NDArray[np.float32], targets: npt.NDArray[np.float64]) -> tuple[float, str]:
    """The likelihood is concave in 1 / temperature, so it has one peak, which a search finds."""
    bounds = math.log(LOWEST), math.log(HIGHEST)
    found = minimize_scalar(
        lambda log: _log_loss(logits, targets, math.exp(log)), bounds=bounds, method="bounded"
    )
    temperature = round(math.exp(found.x), _DIGITS)
    for bound in (LOWEST, HIGHEST):
        if math.isclose(temperature, bound, rel_tol=1e-3):
            return bound, f"kept at its bound of {bound:g}"
    return temperature, ""


def _log_loss(
    logits: npt.NDArray[np.float32], targets: npt.NDArray[np.float64], temperature: float
) -> float:
    log_probabilities = log_softmax(logits.astype(np.float64) / temperature, axis=1)
    return float(-(targets * log_probabilities).sum(axis=1).mean())


def _calibration_error(
    logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], temperature: float
) -> float:
    probabilities = torch.from_numpy(softmax(logits, temperature))
    error = multiclass_calibration_error(
        probabilities, torch.from_numpy(labels), num_classes=logits.shape[1], n_bins=_BINS
    )
    return float(error)


TOLERANCE = 1e-4
"""How far a probability may be apart in PyTorch and ONNX Runtime."""

_COMPARED = 256
_NOT_MEASURED = Parity(images=0, largest_difference=0.0, label_agreement=1.0)


def export_model(
    network: Network, experiment: Experiment, dataset: Dataset, path: Path, *, chosen_by: str
) -> ModelInfo:
    """Write a calibrated model file, after comparing it with PyTorch on validation images.

    The same weights, experiment and dataset give the same bytes.

    For `chosen_by`, which measure chose the weights, see `ModelInfo`.

    Raises:
        RunError: if ONNX Runtime and PyTorch are further apart than `TOLERANCE`.
        OutputError: if the file cannot be written.
    """
    size_px = experiment.network.input_size_px
    with isolated():
        model = to_onnx(network, size_px)
    info = _describe(network, experiment, dataset, chosen_by)
    trial = Model(ModelFile(path, bytes_with(model, info), info))
    images, labels = split_of(dataset, "val", size_px)
    temperature, fitted = fit_temperature(trial.logits(images), labels)
    some = images[spread(len(images), _COMPARED)]
    parity = compare(pytorch_logits(network, some), trial.logits(some), temperature)
    if parity.largest_difference > TOLERANCE:
        raise RunError(
            f"{path}: expected the same probabilities from PyTorch and ONNX Runtime within "
            f"{TOLERANCE:g}, found a difference of {parity.largest_difference:g} on "
            f"{parity.images} images; no model file was written"
        )
    measured = msgspec.structs.replace(
        info, temperature=temperature, temperature_fit=fitted, parity=parity
    )
    return write_model(model, measured, path)


def write_model(model: onnx.ModelProto, info: ModelInfo, path: Path) -> ModelInfo:
    """Write a sealed model file; gives what it then says of itself.

    Raises:
        OutputError: if the file cannot be written.
    """
    with written_file(path) as beside:
        beside.write_bytes(seal(bytes_with(model, info)))
    return read_model_file(path).info


def best_network(run: RunFolder, experiment: Experiment, dataset: Dataset) -> Network:
    """The network of a run with the weights that it kept.

    Raises:
        RunError: if its checkpoint is missing, broken, or of another network.
    """
    weights = network_weights(load_checkpoint(run.best))
    with isolated():
        network = new_network(experiment, dataset)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise RunError(
            f"{run.best}: expected the weights of the network in {run.config}, found others; "
            "train again into a new folder"
        ) from error
    return network.eval()


def split_of(dataset: Dataset, split: str, size_px: int) -> tuple[Images, npt.NDArray[np.int64]]:
    """A split's images, ``uint8 (N, S, S, 3)``, RGB, and labels, ``int64 (N,)``.

    Raises:
        DatasetError: if there is no such split or size.
    """
    rows = dataset.rows_of(split)
    return np.asarray(dataset.images(size_px)[rows]), dataset.labels[rows]


def spread(n: int, most: int) -> npt.NDArray[np.int64]:
    """Up to `most` of the numbers 0..n-1, evenly over them and so over a split's sources."""
    return np.unique(np.linspace(0, n - 1, min(most, n)).astype(np.int64))


def _describe(
    network: Network, experiment: Experiment, dataset: Dataset, chosen_by: str
) -> ModelInfo:
    known = dataset.manifest.info
    size_px = experiment.network.input_size_px
    info = ModelInfo(
        name=experiment.name,
        network=describe_network(experiment.network, len(known.class_names)),
        class_names=known.class_names,
        channel_mean=known.channel_mean[size_px],
        channel_std=known.channel_std[size_px],
        temperature=1.0,
        threshold=0.5,
        uncertain_band=None,
        data=DataFacts(
            digest=known.digest,
            sources=tuple(source.name for source in known.sources),
            split_by=known.split_by,
            counts=_counts(dataset),
        ),
        config=experiment.model_dump(),
        chosen_by=chosen_by,
        weights_sha256=hash_weights(network.state_dict()),
        parity=_NOT_MEASURED,
        version=facecover.__version__,
    )
    learned = dataset.rows_of(*info.learned_splits)
    digests = pixel_digests(dataset.comparable_images, learned)
    return msgspec.structs.replace(info, seen_photos=pack_fingerprints(digests))


def _counts(dataset: Dataset) -> dict[str, dict[str, int]]:
    names = dataset.manifest.info.class_names
    splits = dataset.manifest.table["split"].to_numpy()
    labels = dataset.labels
    return {
        split: {
            name: int(np.count_nonzero((splits == split) & (labels == label)))
            for label, name in enumerate(names)
        }
        for split in SPLITS
        if np.any(splits == split)
    }
