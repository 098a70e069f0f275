import pytest
import torch

from facecover.errors import ConfigError
from facecover.inference.model_info import NetworkFacts
from facecover.training.architectures import NETWORKS, NetworkSpec
from facecover.training.config import NetworkConfig
from facecover.training.experiments import load_experiment
from facecover.training.network import Network, Normalisation, check_budget, describe_network

GREY = Normalisation((0.5, 0.4, 0.3), (0.2, 0.2, 0.2))


def _config(name: str, *overrides: str) -> NetworkConfig:
    return load_experiment(name, [f"network.{override}" for override in overrides]).network


def _facts(name: str, *overrides: str) -> NetworkFacts:
    return describe_network(_config(name, *overrides))


def _kinds(facts: NetworkFacts, kind: str) -> list[str]:
    return [layer.kind for layer in facts.layers if layer.kind.startswith(kind)]


def test_net1_is_the_study_table() -> None:
    facts = _facts("net1")
    assert (facts.parameters, facts.macs) == (399_730, 26_645_504)
    assert facts.share_of_budget == pytest.approx(0.079946)
    assert (facts.input_size_px, facts.receptive_field_px) == (32, 52)
    convolutions = ["convolution 5 x 5, ReLU"] + ["convolution 3 x 3, ReLU"] * 5
    assert _kinds(facts, "convolution") == convolutions
    assert _kinds(facts, "fully") == ["fully connected"]


def test_net2_is_the_study_table() -> None:
    facts = _facts("net2")
    assert (facts.parameters, facts.macs) == (1_107_666, 85_201_920)
    assert facts.share_of_budget == pytest.approx(0.2215332)
    assert (facts.input_size_px, facts.receptive_field_px) == (64, 188)
    assert _kinds(facts, "convolution") == ["convolution 5 x 5, ReLU"] * 7
    assert _kinds(facts, "fully") == ["fully connected"]


def test_net1_layer_by_layer() -> None:
    rows = [
        (layer.name, layer.output_shape, layer.parameters, layer.macs, layer.receptive_field_px)
        for layer in _facts("net1").layers
    ]
    assert rows == [
        ("conv1", (32, 32, 32), 2_432, 2_457_600, 5),
        ("pool1", (32, 16, 16), 0, 0, 6),
        ("conv2", (48, 16, 16), 13_872, 3_538_944, 10),
        ("conv3", (64, 16, 16), 27_712, 7_077_888, 14),
        ("pool2", (64, 8, 8), 0, 0, 16),
        ("conv4", (96, 8, 8), 55_392, 3_538_944, 24),
        ("conv5", (128, 8, 8), 110_720, 7_077_888, 32),
        ("pool3", (128, 4, 4), 0, 0, 36),
        ("conv6", (160, 4, 4), 184_480, 2_949_120, 52),
        ("linear", (2,), 5_122, 5_120, 52),
    ]


@pytest.mark.parametrize("name", ["net1", "net2"])
@pytest.mark.parametrize("override", ["width=0.5", "first_filter_px=3", "input_size_px=96"])
def test_the_table_is_the_network(name: str, override: str) -> None:
    config = _config(name, override)
    facts = describe_network(config, 3)
    network = Network(config, GREY, 3)
    assert facts.parameters == sum(weights.numel() for weights in network.parameters())
    assert facts.parameters == sum(layer.parameters for layer in facts.layers)
    assert facts.layers[-1].output_shape == (3,)


def test_each_choice_changes_what_it_should() -> None:
    plain = _facts("net1")
    assert plain.parameters - _facts("net1", "first_filter_px=3").parameters == 3 * 32 * (25 - 9)
    assert _facts("net1", "dropout=0.5").parameters == plain.parameters
    assert _kinds(_facts("net1", "dropout=0.5"), "dropout") == ["dropout 0.5"]
    assert not _kinds(plain, "dropout")
    # Four times the area: the convolutions cost four times as much, and the last layer grows.
    larger = _facts("net1", "input_size_px=64")
    assert larger.macs == 4 * plain.macs
    assert larger.parameters - plain.parameters == 3 * 160 * 4 * 4 * 2


def test_a_network_over_the_budget_is_refused() -> None:
    wide = _facts("net2", "width=3")
    with pytest.raises(ConfigError, match=r"at most 5,000,000 .* found 9,927,794.*--set network"):
        check_budget(wide)


def test_a_budget_raised_by_name_is_kept() -> None:
    wide = _facts("net2", "width=3", "budget=9927794")
    check_budget(wide)
    with pytest.raises(ConfigError, match="at most 9,927,793 parameters"):
        check_budget(_facts("net2", "width=3", "budget=9927793"))


@pytest.mark.parametrize("name", ["net1", "net2"])
def test_first_logits_are_near_zero(name: str) -> None:
    torch.manual_seed(0)
    config = _config(name)
    network = Network(config, GREY, 2)
    images = torch.randint(0, 256, (4, 3, config.input_size_px, config.input_size_px)).byte()
    logits = network(images)
    assert logits.shape == (4, 2)
    assert logits.abs().max() < 1


def test_pixels_are_normalised_inside() -> None:
    network = Network(_config("net1"), GREY, 2)
    grey = torch.tensor(GREY.mean).mul(255).round().byte().reshape(1, 3, 1, 1)
    assert network.normalise(grey).abs().max() < 0.02
    white = network.normalise(torch.full((1, 3, 1, 1), 255, dtype=torch.uint8))
    torch.testing.assert_close(white.flatten(), torch.tensor([2.5, 3.0, 3.5]))


@pytest.mark.parametrize(
    ("count", "stages"),
    [
        (4, ((32,), (64,), (128,), (160,))),
        (5, ((32,), (48, 64), (128,), (160,))),
        (6, ((32,), (48, 64), (96, 128), (160,))),
        (8, ((32, 32), (48, 64), (96, 128), (160, 160))),
        (9, ((32, 32), (48, 64), (96, 128), (160, 160, 160))),
    ],
)
def test_a_deeper_or_shallower_network_keeps_its_stages(
    count: int, stages: tuple[tuple[int, ...], ...]
) -> None:
    spec = NETWORKS["net1"]
    assert isinstance(spec, NetworkSpec)
    assert spec.with_convolutions(count) == stages
    config = load_experiment("net1", [f"network.convolutions={count}"]).network
    convolutions = [one for one in describe_network(config).layers if "convolution" in one.kind]
    assert [one.output_shape[0] for one in convolutions] == [width for s in stages for width in s]


def test_a_network_with_fewer_convolutions_than_stages_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="expected 4 or more, one for each stage of net1, found 3"
    ):
        load_experiment("net1", ["network.convolutions=3"])
