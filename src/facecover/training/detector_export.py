"""From the weights of a detector to its model file."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper

import facecover
from facecover.dataset.photo_dataset import PhotoDataset
from facecover.errors import RunError
from facecover.files import written_file
from facecover.scenes.detector_file import DetectorInfo, sealed
from facecover.training.checkpoints import hash_weights
from facecover.training.detector_config import DetectorExperiment
from facecover.training.detector_network import STRIDES, FaceDetector, FromPhoto, count_parameters
from facecover.training.isolation import isolated
from facecover.training.onnx_export import OPSET, make_ours

DEFAULT_THRESHOLD = 0.35
"""Of the score: F1 was highest there on 120 validation photos of the package's detector."""

MOST_APART = 0.01
"""How far a score may be apart in PyTorch and in the file, whose weights are of half precision."""

_COMPARED = 16
_LEAST_HALVED = 64
"""Weights of fewer numbers stay as they are."""


def export_detector(
    network: FaceDetector, experiment: DetectorExperiment, dataset: PhotoDataset, path: Path
) -> DetectorInfo:
    """Write a detector's model file, after comparing it with PyTorch on validation photos.

    Raises:
        RunError: if ONNX Runtime and PyTorch are further apart than `MOST_APART`.
        OutputError: if the file cannot be written.
    """
    with isolated():
        model = detector_to_onnx(network)
    content = with_half_weights(model).SerializeToString(deterministic=True)
    photos = dataset.photos_of("val")[:_COMPARED]
    apart = max(_difference(network, content, dataset[int(one)].image) for one in photos)
    if apart > MOST_APART:
        raise RunError(
            f"{path}: expected the same scores from PyTorch and ONNX Runtime within "
            f"{MOST_APART:g}, found a difference of {apart:g}; no model file was written"
        )
    learned = dataset.photos.iloc[dataset.photos_of("train")]
    table = dataset.manifest.table
    info = DetectorInfo(
        name=experiment.name,
        threshold=DEFAULT_THRESHOLD,
        parameters=count_parameters(network),
        sources=tuple(dict.fromkeys(learned["source"])),  # none that is left out
        photos=len(learned),
        faces=int(((table["split"] == "train") & (table["kind"] != "ignore")).sum()),
        version=facecover.__version__,
        config=experiment.model_dump(),
        weights_sha256=hash_weights(network.state_dict()),
    )
    with written_file(path) as beside:
        beside.write_bytes(sealed(content, info))
    return info


def detector_to_onnx(network: FaceDetector) -> onnx.ModelProto:
    """The graph that `DetectorInfo` describes, for photos of any size.

    Raises:
        RunError: if PyTorch's exporter gives nothing.
    """
    step = STRIDES[-1]
    height, width = (torch.export.Dim(name, min=1, max=1024) for name in ("height", "width"))
    program = torch.onnx.export(
        FromPhoto(network.cpu()).eval(),
        (torch.zeros(1, 2 * step, 3 * step, 3, dtype=torch.uint8),),
        input_names=["images"],
        output_names=["boxes", "scores"],
        dynamic_shapes={"images": {1: step * height, 2: step * width}},
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise RunError("PyTorch's exporter gave no ONNX program")
    model: onnx.ModelProto = program.model_proto
    make_ours(model)
    return model


def with_half_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with its weights as float16: a file of half the size, for the same sums.

    ONNX Runtime makes them float32 once, when it opens the file.
    """
    halved = onnx.ModelProto()
    halved.CopyFrom(model)
    graph, casts = halved.graph, []
    for weights in graph.initializer:
        values = numpy_helper.to_array(weights)
        if weights.data_type != TensorProto.FLOAT or values.size < _LEAST_HALVED:
            continue
        name, half = weights.name, f"{weights.name}_half"
        weights.CopyFrom(numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [name], f"{name}_cast", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(halved, full_check=True)
    return halved


def _difference(network: FaceDetector, content: bytes, image: npt.NDArray[np.uint8]) -> float:
    """The largest of any score of a photo."""
    step = STRIDES[-1]
    sides = [(0, -side % step) for side in image.shape[:2]]
    padded = np.pad(image, [*sides, (0, 0)])[None]
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = session.run(["scores"], {"images": padded})[0]
    with torch.inference_mode():
        _, expected = FromPhoto(network).eval()(torch.from_numpy(padded))
    return float(np.abs(found - expected.numpy()).max())
