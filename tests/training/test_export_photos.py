"""PyTorch, float32 and INT8 on real photos, where some are at hand: see `test_real_photos`."""

from pathlib import Path

import numpy as np
import pytest
from tests.test_real_photos import EVERY, PHOTOS

from facecover.dataset.arrays import Dataset
from facecover.dataset.split import Shares
from facecover.inference.classifier import Model
from facecover.inference.model_file import ModelFile
from facecover.preparation.pipeline import PrepareOptions, write_dataset
from facecover.sources.reading import read_source
from facecover.sources.rows import Source
from facecover.training import run_export
from facecover.training.experiments import load_experiment
from facecover.training.fit import fit
from facecover.training.onnx_export import best_network, compare, pytorch_logits, split_of
from facecover.training.run_export import export_run
from facecover.training.run_folder import RunFolder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PHOTOS.is_dir(), reason=f"no real photos at {PHOTOS}"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("photos")


@pytest.fixture(scope="module")
def photos(folder: Path) -> Dataset:
    whole = read_source(PHOTOS, "photos")
    part = Source(whole.name, whole.root, whole.layout, whole.rows[::EVERY])
    return write_dataset([part], folder / "dataset", PrepareOptions(shares=Shares(0.2, 0.2)))


@pytest.fixture(scope="module")
def files(folder: Path, photos: Dataset) -> tuple[ModelFile, ModelFile]:
    """Net #1 after three epochs, in float32 and INT8."""
    experiment = load_experiment("net1", ["training.epochs=3"])
    fit(experiment, photos, folder / "run", device="cpu")
    with pytest.MonkeyPatch.context() as patch:
        # Of so few validation images a single one is more than may be lost.
        patch.setattr(run_export, "MAX_LOSS", 0.02)
        float32, int8 = export_run(folder / "run", folder / "int8.onnx", photos, int8=True)
    return float32, int8


def test_all_three_answer_alike(
    folder: Path, photos: Dataset, files: tuple[ModelFile, ModelFile]
) -> None:
    float32, int8 = files
    images, _ = split_of(photos, "test", 32)
    network = best_network(
        RunFolder(folder / "run"), load_experiment(folder / "run" / "config.yaml"), photos
    )
    pytorch = pytorch_logits(network, images)
    exact = compare(pytorch, Model(float32).logits(images), float32.info.temperature)
    coarse = compare(pytorch, Model(int8).logits(images), int8.info.temperature)
    assert exact.largest_difference < 1e-4
    assert exact.label_agreement == 1
    assert coarse.largest_difference < 0.15
    assert coarse.label_agreement > 0.97


def test_the_file_states_the_difference(
    photos: Dataset, files: tuple[ModelFile, ModelFile]
) -> None:
    float32, int8 = files
    images, labels = split_of(photos, "val", 32)
    found = Model(int8).logits(images)
    stated = int8.info.quantization
    assert stated is not None
    assert stated.parity == compare(Model(float32).logits(images), found, int8.info.temperature)
    assert stated.int8_accuracy == np.mean(found.argmax(axis=1) == labels)
    assert stated.float32_sha256 == float32.info.file_sha256
