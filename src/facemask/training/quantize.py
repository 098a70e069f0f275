"""From float32 to static INT8, accepted only where it costs next to nothing.

Weights are kept in 8 bits and most sums are made of them. The recipe was chosen on validation
images of real photos (see the page on model files): ranges from the smallest and largest values
seen, activations without a sign, weights with one and a scale for each channel, and the first
convolution and the last layer left as they are. Weights use 7 of the 8 bits, since processors
without VNNI instructions add pairs of products in 16 bits, which 8 bits can overflow: the answers
would differ from one machine to the next.
"""

import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import CalibrationDataReader
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from facemask.data.arrays import Dataset
from facemask.errors import RunError
from facemask.inference.model import Images, Model
from facemask.inference.model_file import ModelFile
from facemask.inference.model_info import NO_DIGEST, ModelInfo, Quantization
from facemask.training.export import split_of, spread, write_model
from facemask.training.network import Network
from facemask.training.onnx_graph import bytes_with, make_ours
from facemask.training.parity import compare, pytorch_logits
from facemask.training.temperature import fit_temperature

MAX_LOSS = 0.003
"""INT8 may answer this share fewer validation images right than float32: 0.3 points."""

CALIBRATION_IMAGES = 256
"""Training images that the ranges are taken from; twice as many changed no figure."""

METHOD = (
    "static, QDQ; activations of 8 bits without sign, weights of 7 bits with sign and a scale "
    "for each channel; ranges by MinMax; first convolution and last layer in float32"
)
METHOD_OF_TWO_LOOKS = f"{METHOD}, and what finds and crops the face"

_LAYERS = ("Conv", "Gemm", "MatMul")
_QUANTIZED = (*_LAYERS, "Relu", "MaxPool", "Pad")
_BATCH = 32


def export_int8(network: Network, float32: ModelFile, dataset: Dataset, path: Path) -> ModelInfo:
    """Write an INT8 model file, if it answers as well as float32 on the validation split.

    Args:
        network: with the weights that `float32` was made from.
        float32: the model file to begin with.
        dataset: what it learned from.
        path: the file to write.

    Raises:
        RunError: if accuracy falls by more than `MAX_LOSS`, or ONNX Runtime cannot make it.
        OutputError: if the file cannot be written.
    """
    size_px = float32.info.input_size_px
    training = dataset.rows_of("train")
    seen = dataset.images(size_px)[training[spread(len(training), CALIBRATION_IMAGES)]]
    model = _quantized(float32, seen)
    images, labels = split_of(dataset, "val", size_px)
    trial = Model(ModelFile(path, bytes_with(model, float32.info), float32.info))
    before, after = Model(float32).logits(images), trial.logits(images)
    temperature, fitted = fit_temperature(after, labels)
    measured = Quantization(
        method=METHOD if network.locator is None else METHOD_OF_TWO_LOOKS,
        float32_sha256=float32.info.file_sha256,
        calibration_images=len(seen),
        images=len(labels),
        float32_accuracy=float(np.mean(before.argmax(axis=1) == labels)),
        int8_accuracy=float(np.mean(after.argmax(axis=1) == labels)),
        parity=compare(before, after, temperature),
    )
    check_loss(measured, path)
    info = dataclasses.replace(
        float32.info,
        precision="int8",
        temperature=temperature,
        temperature_fit=fitted,
        quantization=measured,
        parity=compare(pytorch_logits(network, images), after, temperature),
        file_sha256=NO_DIGEST,
    )
    return write_model(model, info, path)


def check_loss(measured: Quantization, path: Path) -> None:
    """Refuse INT8 that answers worse.

    Raises:
        RunError: if accuracy falls by more than `MAX_LOSS`.
    """
    loss = measured.float32_accuracy - measured.int8_accuracy
    if loss > MAX_LOSS + 1e-9:
        raise RunError(
            f"{path}: INT8 refused: expected an accuracy within {100 * MAX_LOSS:.1f} points of "
            f"float32 on {measured.images:,} validation images, found "
            f"{100 * measured.int8_accuracy:.2f}% after {100 * measured.float32_accuracy:.2f}%, "
            f"with {100 * measured.parity.label_agreement:.2f}% of the labels alike; no file was "
            "written: export without --int8"
        )


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime has no types
    """Training images, a batch at a time, as ONNX Runtime asks for them."""

    def __init__(self, images: Images) -> None:
        self._batches: Iterator[Images] = iter(
            np.ascontiguousarray(images[start : start + _BATCH])
            for start in range(0, len(images), _BATCH)
        )

    def get_next(self) -> dict[str, Images] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"images": batch}


def _kept_as_float32(graph: onnx.GraphProto) -> list[str]:
    """The layers that stay as they are: the classifier's first, all before it, and its last."""
    layers = [node for node in graph.node if node.op_type in _LAYERS]
    # Products of matrices crop the looks, if there are two; see `face_locator.cropped`.
    before = [number for number, node in enumerate(layers, 1) if node.op_type == "MatMul"]
    first = max(before, default=0)
    return [node.name for node in (*layers[: first + 1], layers[-1])]


def _quantized(float32: ModelFile, images: Images) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as name:
        prepared = _prepared(float32, Path(name) / "prepared.onnx")
        made = Path(name) / "int8.onnx"
        quantize_static(
            prepared,
            made,
            _Reader(images),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_QUANTIZED),
            nodes_to_exclude=_kept_as_float32(prepared.graph),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        model = onnx.load(made)
    make_ours(model)
    return model


def _prepared(float32: ModelFile, path: Path) -> onnx.ModelProto:
    """The graph with what belongs together joined, as a convolution and its normalisation."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 3
    ort.InferenceSession(float32.data, options, providers=["CPUExecutionProvider"])
    model = onnx.load(path)
    add_pre_process_metadata(model)  # else ONNX Runtime advises to do what was just done
    return model
