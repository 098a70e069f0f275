"""From the weights that a run kept to one ONNX file that knows itself."""

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

import facemask
from facemask.data.arrays import Dataset
from facemask.data.rows import SPLITS
from facemask.errors import RunError
from facemask.files import written_file
from facemask.inference.model import Images, Model
from facemask.inference.model_file import ModelFile, read_model_file, seal
from facemask.inference.model_info import DataFacts, ModelInfo, Parity
from facemask.training.config import Experiment
from facemask.training.isolation import isolated
from facemask.training.layers import describe_network
from facemask.training.learn import new_network
from facemask.training.network import Network
from facemask.training.onnx_graph import bytes_with, to_onnx
from facemask.training.parity import compare, pytorch_logits
from facemask.training.run import RunFolder
from facemask.training.temperature import fit_temperature
from facemask.training.weights import hash_weights, load_checkpoint, network_weights

TOLERANCE = 1e-4
"""How far a probability may be apart in PyTorch and ONNX Runtime."""

_COMPARED = 256
_NOT_MEASURED = Parity(images=0, largest_difference=0.0, label_agreement=1.0)


def export_model(
    network: Network, experiment: Experiment, dataset: Dataset, path: Path, *, chosen_by: str
) -> ModelInfo:
    """Write a calibrated model file, after comparing it with PyTorch on validation images.

    The same weights, experiment and dataset give the same bytes.

    Args:
        network: with the weights to ship.
        experiment: what made it.
        dataset: what it learned from.
        path: the file to write.
        chosen_by: which measure chose the weights, see `ModelInfo`.

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
    measured = dataclasses.replace(
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
    return ModelInfo(
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
        version=facemask.__version__,
    )


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
