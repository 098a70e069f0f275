import dataclasses
import shutil
from pathlib import Path

import pytest
import torch
from tests.training.small_dataset import THREE_SPLITS, MakeDataset

from facecover.dataset.arrays import Dataset
from facecover.documents import write_document
from facecover.errors import ConfigError, RunError
from facecover.inference.model_file import read_model_file
from facecover.training.checkpoints import load_checkpoint
from facecover.training.run_export import export_run
from facecover.training.run_folder import RunFolder, load_record
from facecover.workflows.train_run import Run


@pytest.fixture
def run(finished: Run, tmp_path: Path) -> RunFolder:
    """A copy of the finished run that a test may change."""
    return RunFolder(Path(shutil.copytree(finished.folder, tmp_path / "run")))


def test_without_a_dataset_the_file_is_copied(run: RunFolder, tmp_path: Path) -> None:
    (copied,) = export_run(run.folder, tmp_path / "out.onnx", None, int8=False)
    assert copied.data == run.model.read_bytes() == (tmp_path / "out.onnx").read_bytes()


def test_with_the_dataset_the_same_file_is_made_anew(
    run: RunFolder, dataset: Dataset, tmp_path: Path
) -> None:
    before = run.model.read_bytes()
    run.model.unlink()
    export_run(run.folder, tmp_path / "out.onnx", dataset, int8=False)
    assert (tmp_path / "out.onnx").read_bytes() == before


def test_int8_is_made_from_the_runs_own_float32(
    run: RunFolder, dataset: Dataset, tmp_path: Path
) -> None:
    float32, int8 = export_run(run.folder, tmp_path / "out.onnx", dataset, int8=True)
    quantization = int8.info.quantization
    assert quantization is not None
    assert quantization.float32_sha256 == read_model_file(run.folder).info.file_sha256
    assert float32.data == run.model.read_bytes()


def test_int8_needs_the_dataset(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--int8: expected the dataset.*--data"):
        export_run(run.folder, tmp_path / "out.onnx", None, int8=True)


def test_another_dataset_is_refused(
    run: RunFolder, make_dataset: MakeDataset, tmp_path: Path
) -> None:
    other = make_dataset(THREE_SPLITS, digest="f" * 64)
    with pytest.raises(RunError, match="learned from another dataset: expected the digest dddd"):
        export_run(run.folder, tmp_path / "out.onnx", other, int8=True)
    assert not (tmp_path / "out.onnx").exists()


def test_an_unfinished_run_is_refused(run: RunFolder, tmp_path: Path) -> None:
    write_document(run.record, dataclasses.replace(load_record(run.folder), is_finished=False))
    with pytest.raises(RunError, match=r"not finished \(4 epochs done\).*--resume"):
        export_run(run.folder, tmp_path / "out.onnx", None, int8=False)


def test_weights_of_another_run_are_refused(run: RunFolder, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(run.best)
    checkpoint["state_dict"]["network.layers.linear.bias"] += 1
    torch.save(checkpoint, run.best)
    with pytest.raises(RunError, match=r"expected the weights of best\.ckpt"):
        export_run(run.folder, tmp_path / "out.onnx", None, int8=False)
