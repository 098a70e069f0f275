"""A finished run as a model file elsewhere: as it stands, made anew, or in INT8."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import CalibrationDataReader
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from facecover.dataset.arrays import Dataset
from facecover.errors import ConfigError, RunError
from facecover.files import scratch_folder, written_file
from facecover.inference.classifier import Images, Model
from facecover.inference.model_file import ModelFile, read_model_file
from facecover.inference.model_info import NO_DIGEST, BandFit, ModelInfo, Quantization
from facecover.training.checkpoints import hash_weights, load_checkpoint, network_weights
from facecover.training.experiments import load_experiment
from facecover.training.network import Network
from facecover.training.onnx_export import (
    best_network,
    bytes_with,
    compare,
    export_model,
    fit_temperature,
    make_ours,
    pytorch_logits,
    split_of,
    spread,
    write_model,
)
from facecover.training.run_folder import RunFolder, RunRecord, load_record

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

    The network has the weights that `float32` was made from, and learned from the dataset.

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
    info = msgspec.structs.replace(
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
    # Products of matrices crop the looks, if there are two; see `blocks.cropped`.
    before = [number for number, node in enumerate(layers, 1) if node.op_type == "MatMul"]
    first = max(before, default=0)
    return [node.name for node in (*layers[: first + 1], layers[-1])]


def _quantized(float32: ModelFile, images: Images) -> onnx.ModelProto:
    with scratch_folder() as folder:
        prepared = _prepared(float32, folder / "prepared.onnx")
        made = folder / "int8.onnx"
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


def export_run(run: Path, path: Path, dataset: Dataset | None, *, int8: bool) -> list[ModelFile]:
    """Write the model file of a finished run; of INT8, the float32 file before it comes first.

    Without a dataset the run's own file is checked and copied. With it the file is made anew from
    the weights kept: the temperature is fitted and the difference from PyTorch measured again.

    Raises:
        ConfigError: if INT8 is wanted without a dataset.
        RunError: if the folder is no finished run, or its parts do not belong together, or the
            run learned from another dataset, or INT8 answers worse than `MAX_LOSS` lets.
        ModelFileError: if the run's model file is missing or was changed.
        OutputError: if the file cannot be written.
    """
    folder = RunFolder(run)
    record = load_record(run)
    if not record.is_finished:
        raise RunError(
            f"{run}: the run is not finished ({record.epochs} epochs done); go on with 'facecover "
            "train ... --resume'"
        )
    if dataset is None:
        if int8:
            raise ConfigError(
                "--int8: expected the dataset that the run learned from, found none; name it with "
                "--data"
            )
        return [_copied(folder, path)]
    return _made_anew(folder, record, path, dataset, int8=int8)


def with_band(
    file: ModelFile, band: tuple[float, float] | None, fit: BandFit, path: Path
) -> ModelFile:
    """Write the same network with another uncertain band.

    Raises:
        OutputError: if the file cannot be written.
    """
    info = msgspec.structs.replace(
        file.info, uncertain_band=band, band_fit=fit, file_sha256=NO_DIGEST
    )
    write_model(onnx.load_from_string(file.data), info, path)
    return read_model_file(path)


def _copied(folder: RunFolder, path: Path) -> ModelFile:
    file = read_model_file(folder.model)
    weights = hash_weights(network_weights(load_checkpoint(folder.best)))
    if file.info.weights_sha256 != weights:
        raise RunError(
            f"{folder.model}: expected the weights of {folder.best.name} "
            f"({weights[:12]}), found {file.info.weights_sha256[:12]}; export with --data, which "
            "makes the model file anew"
        )
    with written_file(path) as beside:
        beside.write_bytes(file.data)
    return read_model_file(path)


def _made_anew(
    folder: RunFolder, record: RunRecord, path: Path, dataset: Dataset, *, int8: bool
) -> list[ModelFile]:
    digest = dataset.manifest.info.digest
    if record.data_digest != digest:
        raise RunError(
            f"{folder.folder}: the run learned from another dataset: expected the digest "
            f"{record.data_digest[:12]}, found {digest[:12]} in {dataset.folder}; name that "
            "dataset with --data"
        )
    experiment = load_experiment(folder.config)
    network = best_network(folder, experiment, dataset)
    if not int8:
        export_model(network, experiment, dataset, path, chosen_by=record.chosen_by)
        return [read_model_file(path)]
    with scratch_folder() as scratch:
        beside = scratch / "float32.onnx"
        export_model(network, experiment, dataset, beside, chosen_by=record.chosen_by)
        float32 = read_model_file(beside)
    export_int8(network, float32, dataset, path)
    return [float32, read_model_file(path)]
