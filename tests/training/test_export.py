from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from tests.training.small_dataset import SIZE_PX

from facecover.dataset.arrays import Dataset
from facecover.errors import RunError
from facecover.inference.classifier import Classifier
from facecover.inference.model_file import read_model_file
from facecover.training import onnx_export
from facecover.training.checkpoints import hash_weights, load_checkpoint, network_weights
from facecover.training.experiments import load_experiment
from facecover.training.network import Network, describe_network
from facecover.training.onnx_export import OPSET, export_model
from facecover.training.trainer import new_network
from facecover.workflows.train_run import Run


@pytest.fixture
def network(finished: Run, dataset: Dataset) -> Network:
    """The network of the finished run, with its best weights."""
    network = new_network(load_experiment(finished.files.config), dataset)
    network.load_state_dict(network_weights(load_checkpoint(finished.files.best)))
    return network.eval()


def test_the_model_file_answers_as_pytorch_does(
    finished: Run, dataset: Dataset, network: Network
) -> None:
    images = np.array(dataset.images(SIZE_PX))
    with torch.no_grad():
        logits = network(torch.from_numpy(images).permute(0, 3, 1, 2))
    found = Classifier(finished.folder).classify_images(images)
    np.testing.assert_allclose(found, logits.double().softmax(1).numpy(), atol=1e-5)


def test_any_number_of_images_goes_in(finished: Run, dataset: Dataset) -> None:
    classifier = Classifier(finished.folder)
    images = np.array(dataset.images(SIZE_PX))
    together = classifier.classify_images(images[:7])
    single = np.concatenate([classifier.classify_images(images[i : i + 1]) for i in range(7)])
    np.testing.assert_allclose(together, single, atol=1e-6)


def test_the_model_file_knows_itself(finished: Run, dataset: Dataset, network: Network) -> None:
    info = read_model_file(finished.folder).info
    assert info == finished.info
    experiment = load_experiment(finished.files.config)
    assert info.network == describe_network(experiment.network)
    assert info.config == experiment.model_dump()
    assert info.data.digest == dataset.manifest.info.digest
    assert info.data.counts["train"] == {"no_mask": 24, "mask": 24}
    assert list(info.data.counts) == ["train", "val", "test"]
    assert info.channel_mean == dataset.manifest.info.channel_mean[SIZE_PX]
    assert info.weights_sha256 == hash_weights(network.state_dict())
    assert (info.temperature, info.threshold, info.uncertain_band) == (1.0, 0.5, None)
    assert info.parity.images == 16
    assert info.parity.largest_difference < 1e-5
    assert info.parity.label_agreement == 1


def test_the_file_is_a_plain_onnx_model(finished: Run) -> None:
    model = onnx.load(finished.files.model)
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", OPSET)]
    assert model.producer_name == "facecover"
    inputs, outputs = model.graph.input, model.graph.output
    assert [tensor.name for tensor in (*inputs, *outputs)] == ["images", "logits"]
    assert inputs[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    shape = [dim.dim_param or dim.dim_value for dim in inputs[0].type.tensor_type.shape.dim]
    assert shape == ["N", SIZE_PX, SIZE_PX, 3]


def test_the_file_says_nothing_of_this_machine(finished: Run, dataset: Dataset) -> None:
    data = finished.files.model.read_bytes()
    for place in (Path.cwd(), Path(torch.__file__).parent, dataset.folder, Path.home()):
        assert str(place).encode() not in data


def test_the_same_run_gives_the_same_bytes(
    finished: Run, dataset: Dataset, network: Network, tmp_path: Path
) -> None:
    experiment = load_experiment(finished.files.config)
    chosen_by = finished.info.chosen_by
    export_model(network, experiment, dataset, tmp_path / "again.onnx", chosen_by=chosen_by)
    assert (tmp_path / "again.onnx").read_bytes() == finished.files.model.read_bytes()


def test_a_difference_from_pytorch_is_refused(
    finished: Run,
    dataset: Dataset,
    network: Network,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(onnx_export, "TOLERANCE", -1.0)
    experiment = load_experiment(finished.files.config)
    with pytest.raises(RunError, match=r"found a difference of .* on 16 images; no model file"):
        export_model(network, experiment, dataset, tmp_path / "off.onnx", chosen_by="")
    assert not (tmp_path / "off.onnx").exists()


def test_weights_are_known_by_name_and_value(network: Network) -> None:
    weights = network.state_dict()
    known = hash_weights(weights)
    assert hash_weights(dict(reversed(weights.items()))) == known
    name = "layers.linear.bias"
    assert hash_weights({**weights, name: weights[name] + 1}) != known
