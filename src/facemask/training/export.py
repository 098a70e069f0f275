"""From a run's best weights to one ONNX file that knows itself."""

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import torch

import facemask
from facemask.data.arrays import Dataset
from facemask.data.rows import SPLITS
from facemask.errors import RunError
from facemask.files import written_file
from facemask.inference.model import Images, Model, softmax
from facemask.inference.model_file import ModelFile, read_model_file, seal
from facemask.inference.model_info import (
    METADATA_KEY,
    DataFacts,
    ModelInfo,
    Parity,
    info_to_json,
)
from facemask.training.config import Experiment
from facemask.training.isolation import isolated
from facemask.training.layers import describe_network
from facemask.training.network import Network
from facemask.training.onnx_graph import FromPixels, to_onnx
from facemask.training.weights import hash_weights

TOLERANCE = 1e-4
"""How far a probability may be apart in PyTorch and ONNX Runtime."""

_COMPARED = 256
_NOT_MEASURED = Parity(images=0, largest_difference=0.0, label_agreement=1.0)


def export_model(
    network: Network, experiment: Experiment, dataset: Dataset, path: Path, *, chosen_by: str
) -> ModelInfo:
    """Write a model file, after comparing it with PyTorch on validation images.

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
    _set_info(model, info)
    trial = ModelFile(path, model.SerializeToString(deterministic=True), info)
    parity = compare_with_pytorch(network, Model(trial), _spread(dataset, size_px))
    if parity.largest_difference > TOLERANCE:
        raise RunError(
            f"{path}: expected the same probabilities from PyTorch and ONNX Runtime within "
            f"{TOLERANCE:g}, found a difference of {parity.largest_difference:g} on "
            f"{parity.images} images; no model file was written"
        )
    _set_info(model, dataclasses.replace(info, parity=parity))
    with written_file(path) as beside:
        beside.write_bytes(seal(model.SerializeToString(deterministic=True)))
    return read_model_file(path).info


def compare_with_pytorch(network: Network, model: Model, images: Images) -> Parity:
    """The largest difference between a network in PyTorch and in ONNX Runtime.

    Args:
        network: with the weights that the model was made from.
        model: the same network in ONNX Runtime.
        images: ``uint8 (N, S, S, 3)``, RGB.
    """
    network.cpu().eval()
    with torch.inference_mode():
        logits = FromPixels(network)(torch.from_numpy(np.array(images))).numpy()
    ours, theirs = softmax(logits), softmax(model.logits(images))
    return Parity(
        images=len(images),
        largest_difference=float(np.abs(ours - theirs).max()),
        label_agreement=float(np.mean(ours.argmax(axis=1) == theirs.argmax(axis=1))),
    )


def _set_info(model: onnx.ModelProto, info: ModelInfo) -> None:
    del model.metadata_props[:]
    model.metadata_props.add(key=METADATA_KEY, value=info_to_json(info))


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


def _spread(dataset: Dataset, size_px: int) -> Images:
    """Up to `_COMPARED` validation images, evenly over the split and so over its sources."""
    rows = dataset.rows_of("val")
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(_COMPARED, len(rows))).astype(np.int64))
    return np.asarray(dataset.images(size_px)[rows[chosen]])
