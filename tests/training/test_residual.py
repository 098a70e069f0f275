"""The residual network, from its table to its model file."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from tests.training.small_dataset import write_dataset, write_experiment
from torch.nn.functional import avg_pool2d

from facecover.dataset.arrays import Dataset
from facecover.errors import ConfigError
from facecover.inference.classifier import Classifier
from facecover.inference.model_file import read_model_file
from facecover.training.checkpoints import load_checkpoint, network_weights
from facecover.training.config import NetworkConfig
from facecover.training.experiments import load_experiment
from facecover.training.fit import fit
from facecover.training.network import Network, Normalisation, describe_network
from facecover.training.onnx_export import best_network
from facecover.training.residual_blocks import Averaging, Blur
from facecover.training.run_export import export_int8
from facecover.training.run_folder import RunFolder
from facecover.workflows.train_run import Run

SIZE_PX = 32
GREY = Normalisation((0.5, 0.4, 0.3), (0.2, 0.2, 0.2))


def _config(*overrides: str) -> NetworkConfig:
    chosen = ["network.name=residual", "network.squeeze_excite=true"]
    chosen += [f"network.{override}" for override in overrides]
    return load_experiment("net2", chosen).network


def test_its_costs() -> None:
    facts = describe_network(_config())
    assert (facts.parameters, facts.macs) == (674_304, 54_554_400)
    assert [layer.output_shape for layer in facts.layers] == [
        (24, 32, 32), (24, 32, 32), (48, 16, 16), (48, 16, 16), (96, 8, 8), (96, 8, 8),
        (128, 4, 4), (128, 1, 1), (2,),
    ]  # fmt: skip
    assert sum(layer.parameters for layer in facts.layers) == facts.parameters
    stem, first = facts.layers[:2]
    # By hand: 3 channels by 5 x 5 at each of 24 x 32 x 32 values; then two of 24 by 3 x 3 for
    # each value, and 24 to 6 to 24 once.
    assert stem.macs == 24 * 32 * 32 * 3 * 25
    assert first.macs == 2 * 24 * 32 * 32 * 24 * 9 + 2 * 24 * 6


def test_squeeze_excite_can_be_left_out() -> None:
    with_it, without = (
        describe_network(_config()),
        describe_network(_config("squeeze_excite=false")),
    )
    widths = (24, 48, 48, 96, 96, 128)
    # By hand: to a quarter of the channels and back, with biases.
    assert with_it.parameters - without.parameters == sum(
        2 * width * (width // 4) + width // 4 + width for width in widths
    )
    assert with_it.macs - without.macs == sum(2 * width * (width // 4) for width in widths)
    assert "squeeze-excite" in with_it.layers[1].kind
    assert "squeeze-excite" not in without.layers[1].kind
    network = Network(_config("squeeze_excite=false"), GREY, 2)
    assert not any("excite" in name for name in network.state_dict())


def test_maps_can_be_blurred_before_they_are_halved() -> None:
    plain, blurred = (
        describe_network(_config("squeeze_excite=false", f"antialias={antialias}"))
        for antialias in ("false", "true")
    )
    assert blurred.parameters == plain.parameters
    # By hand: 3 x 3 at each value of the maps that three blocks halve.
    assert blurred.macs - plain.macs == 9 * (24 * 32**2 + 48 * 16**2 + 96 * 8**2)
    kinds = [layer.kind for layer in blurred.layers]
    assert [number for number, kind in enumerate(kinds) if "blur" in kind] == [2, 4, 6]
    # Two values more at each of the three, which lie 2, 4 and 8 pixels apart.
    assert blurred.receptive_field_px - plain.receptive_field_px == 2 * (2 + 4 + 8)
    names = [
        set(Network(_config(f"antialias={antialias}"), GREY, 2).state_dict())
        for antialias in ("false", "true")
    ]
    assert names[0] == names[1]


def test_a_blur_weighs_neighbours_and_keeps_edges() -> None:
    maps = torch.zeros(1, 2, 5, 5)
    maps[0, 0, 2, 2] = 16
    maps[0, 1] = 3
    dot, even = Blur(2)(maps)[0]
    assert dot[1:4, 1:4].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    assert float(dot.sum()) == 16
    assert torch.equal(even, maps[0, 1])


@pytest.mark.parametrize("size_px", [32, 48, 96])
def test_any_size_that_can_be_halved_gives_logits(size_px: int) -> None:
    network = Network(_config(f"input_size_px={size_px}"), GREY, 3).eval()
    images = torch.randint(0, 256, (2, 3, size_px, size_px), dtype=torch.uint8)
    assert network(images).shape == (2, 3)


def test_width_is_kept_in_eights() -> None:
    facts = describe_network(_config("width=0.4"))
    assert {layer.output_shape[0] % 8 for layer in facts.layers[:-1]} == {0}
    assert facts.parameters < 200_000


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("network.convolutions=6", "expected null, since residual is made of blocks, found 6"),
        ("network.input_size_px=40", "a multiple of 16, since residual halves its input 4 times"),
        ("network.input_size_px=16", "expected 32 or more, since the last maps .* single pixel"),
    ],
)
def test_what_it_cannot_be_is_refused(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_experiment("net2", ["network.name=residual", override])


@pytest.mark.parametrize("side_px", [1, 2, 3])
def test_an_average_is_that_of_pooling(side_px: int) -> None:
    torch.manual_seed(0)
    maps = torch.randn(2, 5, 12, 6)
    torch.testing.assert_close(Averaging(side_px)(maps), avg_pool2d(maps, side_px))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Dataset]:
    """A run at the smallest size, of 85 images: one is left when batches are full."""
    folder = tmp_path_factory.mktemp("residual")
    counts = {"train": (43, 42), "val": (20, 20)}
    dataset = write_dataset(folder / "dataset", counts, size_px=SIZE_PX)
    overrides = (
        "name=residual",
        "squeeze_excite=true",
        "antialias=true",
        f"input_size_px={SIZE_PX}",
        "width=0.4",
        "dropout=0.2",
    )
    experiment = load_experiment(
        write_experiment(folder / "small.yaml"),
        [*(f"network.{override}" for override in overrides), "training.epochs=2"],
    )
    fit(experiment, dataset, folder / "run", device="cpu")
    return Run.open(folder / "run"), dataset


@pytest.mark.usefixtures("quick_export")
def test_more_epochs_go_on_as_if_asked_for_at_once(
    run: tuple[Run, Dataset], tmp_path: Path
) -> None:
    result, dataset = run
    straight = load_experiment(result.files.config)
    shorter = load_experiment(result.files.config, ["training.epochs=1"])
    again = tmp_path / "again"
    fit(shorter, dataset, again, device="cpu")
    fit(straight, dataset, again, resume=True, device="cpu")
    found = network_weights(load_checkpoint(RunFolder(again).last))
    expected = network_weights(load_checkpoint(result.files.last))
    assert all(torch.equal(found[name], values) for name, values in expected.items())


def test_its_model_file_answers_as_pytorch_does(run: tuple[Run, Dataset]) -> None:
    result, dataset = run
    assert result.info.parity.largest_difference < 1e-5
    network = best_network(result.files, load_experiment(result.files.config), dataset)
    # What batch normalisation saw in training is part of the weights.
    assert any(
        float(value.abs().sum()) > 0
        for name, value in network.state_dict().items()
        if name.endswith("running_mean")
    )
    graph = onnx.load_from_string(read_model_file(result.files.model).data).graph
    used = Counter(node.op_type for node in graph.node)
    # Pixels to numbers, the convolutions with batch normalisation inside, and the last layer.
    assert set(used) == {
        "Transpose", "Cast", "Sub", "Div",
        "Pad", "Conv", "Relu", "Add", "ReduceMean", "Sigmoid", "Mul",
        "Reshape", "Gemm",
    }  # fmt: skip
    # The first one, four in each block, and three more where it halves: to blur, average and mix.
    assert used["Conv"] == 1 + 6 * 4 + 3 * 3
    assert (used["Add"], used["Sigmoid"], used["Pad"]) == (6, 6, 3)


def test_int8_answers_nearly_alike(run: tuple[Run, Dataset], tmp_path: Path) -> None:
    result, dataset = run
    network = best_network(result.files, load_experiment(result.files.config), dataset)
    float32 = read_model_file(result.files.model)
    info = export_int8(network, float32, dataset, tmp_path / "int8.onnx")
    assert info.quantization is not None
    images = np.array(dataset.images(SIZE_PX))
    expected = Classifier(result.files.model).classify_images(images)
    found = Classifier(tmp_path / "int8.onnx").classify_images(images)
    np.testing.assert_allclose(found, expected, atol=0.05)
    assert np.array_equal(found.argmax(axis=1), expected.argmax(axis=1))
    assert np.ptp(expected[:, 1]) > 0.5  # else agreement would say nothing
    assert len((tmp_path / "int8.onnx").read_bytes()) < len(float32.data) / 2


@pytest.mark.parametrize(
    "override",
    [
        "width=0.5",
        "width=1.3",
        "first_filter_px=3",
        "dropout=0.3",
        "squeeze_excite=false",
        "antialias=true",
    ],
)
def test_the_table_is_the_network(override: str) -> None:
    config = _config(override)
    facts = describe_network(config, 3)
    network = Network(config, GREY, 3)
    assert facts.parameters == sum(weights.numel() for weights in network.parameters())
    assert facts.parameters == sum(layer.parameters for layer in facts.layers)
