from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.small_dataset import Recorded, write_dataset, write_experiment
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from facecover.dataset.arrays import Dataset
from facecover.errors import ConfigError
from facecover.inference.classifier import Classifier
from facecover.inference.model_file import read_model_file
from facecover.training import locator_training, trainer
from facecover.training.checkpoints import hash_weights, load_checkpoint, network_weights
from facecover.training.config import Experiment
from facecover.training.experiments import load_experiment
from facecover.training.fit import fit
from facecover.training.network import describe_network
from facecover.training.onnx_export import best_network
from facecover.training.residual_blocks import FaceLocator, closer_look, cropped
from facecover.training.run_export import export_int8
from facecover.training.run_folder import RunFolder
from facecover.training.trainer import new_network
from facecover.workflows.train_run import Run

INPUT_PX, LOOK_PX = 32, 16
COUNTS = {"train": (30, 30), "val": (8, 8)}
TWICE = (f"network.input_size_px={INPUT_PX}", f"network.look_size_px={LOOK_PX}")
WIDE = "augmentation={wide_cuts: 1, flip: 0.5}"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("two-looks") / "dataset"
    return write_dataset(folder, COUNTS, size_px=INPUT_PX, wide_cuts=40)


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    path = write_experiment(tmp_path_factory.mktemp("experiment") / "small.yaml")
    return load_experiment(path, [*TWICE, WIDE])


@pytest.fixture(scope="module")
def quick() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(locator_training, "LEAST_CUTS", 10)
        patch.setattr(trainer, "STEPS", 4)
        yield patch


@pytest.fixture(scope="module")
def run(
    quick: pytest.MonkeyPatch,
    dataset: Dataset,
    experiment: Experiment,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    folder = tmp_path_factory.mktemp("run") / "run"
    fit(experiment, dataset, folder, device="cpu")
    return Run.open(folder)


def weights(path: Path) -> dict[str, Tensor]:
    return network_weights(load_checkpoint(path))


def test_the_model_file_looks_twice_as_pytorch_does(run: Run, dataset: Dataset) -> None:
    assert run.info.input_size_px == INPUT_PX
    assert run.info.parity.images == 16
    assert run.info.parity.largest_difference < 1e-4
    images = np.array(dataset.images(INPUT_PX)[:5])
    alone = [Classifier(run.files.model).classify_images(images[i : i + 1]) for i in range(5)]
    together = Classifier(run.files.model).classify_images(images)
    np.testing.assert_allclose(np.concatenate(alone), together, atol=1e-5)


def test_where_faces_are_is_learned_once_and_then_left(
    run: Run, dataset: Dataset, experiment: Experiment
) -> None:
    first = new_network(experiment, dataset).locator
    assert first is not None
    learned = {
        name.removeprefix("locator."): value
        for name, value in weights(run.files.last).items()
        if name.startswith("locator.")
    }
    assert learned.keys() == first.state_dict().keys()
    assert not torch.equal(learned["last.weight"], first.last.weight)
    torch.manual_seed(experiment.seed)
    network = new_network(experiment, dataset)
    trainer.teach_locator(network, experiment, dataset, "cpu")
    assert network.locator is not None
    for name, value in network.locator.state_dict().items():
        assert torch.equal(value, learned[name]), name


@pytest.mark.usefixtures("exported_once")
def test_a_run_that_goes_on_is_the_run_in_one_go(
    run: Run,
    dataset: Dataset,
    experiment: Experiment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fewer = experiment.model_copy(
        update={"training": experiment.training.model_copy(update={"epochs": 1})}
    )
    folder = tmp_path / "run"
    fit(fewer, dataset, folder, device="cpu")
    # It is among the weights, so nothing is learned again.
    monkeypatch.setattr(trainer, "learn_locator", None)
    fit(experiment, dataset, folder, resume=True, device="cpu")
    in_one_go, in_two = weights(run.files.last), weights(RunFolder(folder).last)
    assert hash_weights(in_one_go) == hash_weights(in_two)


def test_what_is_learned_first_is_told(
    dataset: Dataset, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "STEPS", 1)
    recorded = Recorded()
    for least in (40, 41):
        monkeypatch.setattr(trainer, "LEAST_CUTS", least)
        network = new_network(experiment, dataset)
        trainer.teach_locator(network, experiment, dataset, "cpu", recorded)
    assert recorded.notes == [
        "small: learning where faces are from 40 wide cuts in the training data",
        "small: found 40 wide cuts in the training data, expected 41 or more to learn from where "
        "faces are; both looks are at the whole image: add photos with boxes",
    ]


def test_int8_keeps_the_locator_and_the_crop_as_they_are(
    run: Run, dataset: Dataset, experiment: Experiment, tmp_path: Path
) -> None:
    network = best_network(run.files, experiment, dataset)
    path = tmp_path / "int8.onnx"
    info = export_int8(network, read_model_file(run.files.model), dataset, path)
    assert info.quantization is not None
    assert info.quantization.method.endswith("and what finds and crops the face")
    images = np.array(dataset.images(INPUT_PX))
    expected = Classifier(run.files.model).classify_images(images)
    np.testing.assert_allclose(Classifier(path).classify_images(images), expected, atol=0.1)
    assert network.locator is not None
    last = network.locator.last.weight
    as_it_is = (last.numpy().tobytes(), last.T.contiguous().numpy().tobytes())
    assert any(weights in path.read_bytes() for weights in as_it_is)


def test_a_locator_that_learned_nothing_leaves_the_whole_and_its_mirror_image(
    dataset: Dataset, experiment: Experiment
) -> None:
    network = new_network(experiment, dataset).eval()
    images = torch.from_numpy(np.array(dataset.images(INPUT_PX)[:6])).permute(0, 3, 1, 2)
    torch.nn.init.normal_(network.get_parameter("layers.linear.weight"))
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(6, 4)
    small = cropped(images.float(), whole, LOOK_PX)
    looks = [network.look(small), network.look(small.flip(3))]
    torch.testing.assert_close(network(images), (looks[0] + looks[1]) / 2, rtol=1e-4, atol=1e-4)


def test_the_answer_is_the_mean_of_both_looks(dataset: Dataset, experiment: Experiment) -> None:
    network = new_network(experiment, dataset).eval()
    assert network.locator is not None
    network.locator.last.bias.copy_(torch.tensor([0.4, 0.6, 0.2, 0.2, 0.0]))
    torch.nn.init.normal_(network.get_parameter("layers.linear.weight"))
    images = torch.from_numpy(np.array(dataset.images(INPUT_PX)[:6])).permute(0, 3, 1, 2).float()
    closer = torch.tensor([[0.4 - 0.165, 0.6 - 0.15, 0.4 + 0.165, 0.6 + 0.15]]).expand(6, 4)
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(6, 4)
    looks = [
        network.look(cropped(images.flip(3), whole, LOOK_PX)),
        network.look(cropped(images, closer, LOOK_PX)),
    ]
    assert (looks[0] - looks[1]).abs().max() > 0.01
    torch.testing.assert_close(network(images), (looks[0] + looks[1]) / 2, rtol=1e-4, atol=1e-4)


def test_both_looks_and_the_locator_are_counted(experiment: Experiment) -> None:
    twice = describe_network(experiment.network)
    once = describe_network(
        experiment.network.model_copy(update={"input_size_px": LOOK_PX, "look_size_px": None})
    )
    assert (twice.input_size_px, once.input_size_px) == (INPUT_PX, LOOK_PX)
    locator, *layers = twice.layers
    assert (locator.name, locator.kind) == (
        "locator",
        "face locator, sees 48 x 48; two looks follow",
    )
    assert locator.parameters == sum(weight.numel() for weight in FaceLocator().parameters())
    assert twice.parameters == locator.parameters + once.parameters
    assert twice.macs == locator.macs + 2 * once.macs
    assert [msgspec.structs.replace(layer, macs=layer.macs // 2) for layer in layers] == list(
        once.layers
    )


@given(
    st.lists(st.tuples(*[st.floats(0, 1)] * 4), min_size=1, max_size=4),
    st.sampled_from([12, 32, 96]),
    st.sampled_from([16, 32]),
)
@settings(max_examples=40)
def test_a_crop_is_what_a_sampling_grid_gives(
    corners: list[tuple[float, ...]], pixels: int, side_px: int
) -> None:
    torch.manual_seed(0)
    parts = torch.tensor([[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in corners])
    images = torch.rand(len(parts), 3, pixels, pixels)
    size, middle = parts[:, 2:] - parts[:, :2], parts[:, 2:] + parts[:, :2] - 1
    rows = torch.cat([torch.diag_embed(size), middle.unsqueeze(2)], dim=2)
    grid = affine_grid(rows, [len(parts), 3, side_px, side_px], align_corners=False)
    expected = grid_sample(images, grid, padding_mode="border", align_corners=False)
    torch.testing.assert_close(cropped(images, parts, side_px), expected, rtol=1e-3, atol=1e-3)


@given(st.lists(st.floats(-3, 3), min_size=5, max_size=5))
def test_a_closer_look_is_inside_and_no_smaller_than_a_twentieth(values: list[float]) -> None:
    x0, y0, x1, y1 = closer_look(torch.tensor([values]))[0].tolist()
    assert 0 <= x0 < x1 <= 1
    assert 0 <= y0 < y1 <= 1
    assert min(x1 - x0, y1 - y0) > 0.05


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["network.look_size_px=32"], "less than network.input_size_px 16, .* null looks once"),
        (
            ["network.input_size_px=32", "network.look_size_px=20"],
            "expected a multiple of 8, since net1 halves",
        ),
        (TWICE, "expected augmentation.wide_cuts 1 or more with it"),
        ([*TWICE, "augmentation={flip: 0.5}"], "expected augmentation.wide_cuts 1 or more"),
        (
            [*TWICE, "augmentation={wide_cuts: 1, source_size_px: 16}", "network.look_size_px=24"],
            "source_size_px: expected network.look_size_px 24 or more, found 16",
        ),
    ],
)
def test_looks_that_cannot_be_are_refused(
    tmp_path: Path, overrides: list[str], message: str
) -> None:
    path = write_experiment(tmp_path / "small.yaml")
    with pytest.raises(ConfigError, match=message):
        load_experiment(path, overrides)
