import shutil
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from tests.training.small_dataset import SIZE_PX

from facecover.dataset.arrays import Dataset
from facecover.errors import RunError
from facecover.inference.classifier import Classifier
from facecover.inference.model_file import ModelFile, read_model_file
from facecover.inference.model_info import Parity, Quantization
from facecover.inference.onnx_file import PRODUCER
from facecover.training import run_export
from facecover.training.experiments import load_experiment
from facecover.training.network import Network
from facecover.training.onnx_export import best_network
from facecover.training.run_export import check_loss, export_int8
from facecover.workflows.train_run import Run


@pytest.fixture(scope="module")
def network(finished: Run, dataset: Dataset) -> Network:
    return best_network(finished.files, load_experiment(finished.files.config), dataset)


@pytest.fixture(scope="module")
def int8(
    finished: Run,
    dataset: Dataset,
    network: Network,
    tmp_path_factory: pytest.TempPathFactory,
) -> ModelFile:
    path = tmp_path_factory.mktemp("int8") / "int8.onnx"
    export_int8(network, read_model_file(finished.files.model), dataset, path)
    return read_model_file(path)


def test_it_answers_nearly_as_float32_does(
    finished: Run, dataset: Dataset, int8: ModelFile
) -> None:
    images = np.array(dataset.images(SIZE_PX))
    expected = Classifier(finished.files.model).classify_images(images)
    np.testing.assert_allclose(Classifier(int8.path).classify_images(images), expected, atol=0.1)


def test_it_is_one_of_ours_and_knows_itself(finished: Run, int8: ModelFile) -> None:
    before, info = finished.info, int8.info
    assert (before.precision, info.precision) == ("float32", "int8")
    assert info.quantization is not None
    assert info.quantization.float32_sha256 == before.file_sha256
    assert (info.quantization.images, info.quantization.calibration_images) == (16, 48)
    assert info.parity.images == 16
    # The two are compared with the same INT8 answers, and float32 is PyTorch's to a millionth.
    assert info.parity.largest_difference == pytest.approx(
        info.quantization.parity.largest_difference, abs=1e-5
    )
    changed = {"precision", "temperature", "temperature_fit", "quantization", "parity"}
    for field in msgspec.structs.fields(info):
        if field.name not in changed | {"file_sha256"}:
            assert getattr(info, field.name) == getattr(before, field.name)


def test_weights_are_of_8_bits_and_normalisation_is_not(finished: Run, int8: ModelFile) -> None:
    assert len(int8.data) < finished.files.model.stat().st_size / 2
    model = onnx.load_from_string(int8.data)
    assert model.producer_name == PRODUCER
    assert [opset.domain for opset in model.opset_import] == [""]
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    weights = [name for name in kinds if name.endswith("weight_quantized")]
    assert len(weights) == 5  # of six convolutions and one layer, all but the first and the last
    assert {kinds[name] for name in weights} == {onnx.TensorProto.INT8}
    assert kinds["network.normalise.mean"] == onnx.TensorProto.FLOAT


def test_the_same_weights_give_the_same_bytes(
    finished: Run, dataset: Dataset, network: Network, int8: ModelFile, tmp_path: Path
) -> None:
    export_int8(network, read_model_file(finished.files.model), dataset, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == int8.data


def test_what_answers_worse_is_refused_and_leaves_the_old_file(
    finished: Run,
    dataset: Dataset,
    network: Network,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "int8.onnx"
    shutil.copy(finished.files.model, path)
    monkeypatch.setattr(run_export, "MAX_LOSS", -1.0)
    with pytest.raises(RunError, match=r"INT8 refused: .* on 16 validation images.*no file was"):
        export_int8(network, read_model_file(finished.files.model), dataset, path)
    assert path.read_bytes() == finished.files.model.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["int8.onnx"]


@pytest.mark.parametrize(("wrong", "is_refused"), [(0, False), (3, False), (4, True)])
def test_three_answers_in_a_thousand_may_be_lost(wrong: int, is_refused: bool) -> None:
    measured = Quantization("", "", 9, 1000, 0.95, 0.95 - wrong / 1000, Parity(1000, 0.1, 0.99))
    if is_refused:
        with pytest.raises(RunError, match=r"within 0.3 points of float32 on 1,000 .* 94\.60%"):
            check_loss(measured, Path("int8.onnx"))
    else:
        check_loss(measured, Path("int8.onnx"))
