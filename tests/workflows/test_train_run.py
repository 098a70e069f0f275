import json
from pathlib import Path

import pytest
from tests.training.small_dataset import THREE_SPLITS, Recorded, write_dataset, write_experiment

import facecover
from facecover.dataset.collect import DROPPED_NAME, write_drops
from facecover.errors import ConfigError, OutputError, RunError
from facecover.report import REPORT_NAME


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    write_dataset(folder / "dataset", THREE_SPLITS)
    write_drops(folder / "dataset" / DROPPED_NAME, [])
    write_experiment(folder / "small.yaml")
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> facecover.Run:
    return facecover.train(folder / "small.yaml", folder / "dataset", folder / "run", device="cpu")


def test_train_gives_the_run_and_writes_its_report(
    run: facecover.Run, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run.validation is not None
    assert run.validation.metrics.n == 16
    assert run.to_json()["validation"]["split"] == "val"
    assert len(run.to_pandas()) == 2
    assert "Measured on the validation images" in run._repr_html_()
    assert (run.folder / REPORT_NAME).is_file()
    assert capfd.readouterr() == ("", "")


def test_train_goes_on_and_says_how_far_it_is(folder: Path, run: facecover.Run) -> None:
    recorded, changes = Recorded(), ["training.epochs=3"]
    with pytest.raises(OutputError, match="found a run; go on with it"):
        facecover.train(folder / "small.yaml", folder / "dataset", run.folder, settings=changes)
    again = facecover.train(
        folder / "small.yaml",
        str(folder / "dataset"),
        folder / "again",
        settings=changes,
        device="cpu",
        progress=recorded,
    )
    assert len(again.curves) == 3
    assert [what for what, *_ in recorded.bars] == ["small", "evaluating small"]
    # The same epochs, from the same seed.
    measured = [name for name in run.curves if name != "seconds"]
    assert again.curves[measured].head(2).equals(run.curves[measured])


def test_export_says_what_was_measured(folder: Path, run: facecover.Run, tmp_path: Path) -> None:
    copied = facecover.export(run.folder, tmp_path / "copy.onnx")
    assert copied.file.data == run.files.model.read_bytes()
    assert list(copied.measured) == ["float32"]
    assert copied.measured["float32"]["milliseconds"] is None
    anew = facecover.export(str(run.folder), str(tmp_path / "new.onnx"), data=folder / "dataset")
    assert json.loads(json.dumps(anew.to_json()))["float32"]["milliseconds"] > 0
    assert anew.to_pandas().loc["float32", "bytes"] == (tmp_path / "new.onnx").stat().st_size
    assert "difference_from_pytorch" in anew._repr_html_()


def test_export_refuses_what_is_no_run(folder: Path, tmp_path: Path, run: facecover.Run) -> None:
    with pytest.raises(RunError, match="expected a run folder"):
        facecover.export(tmp_path, tmp_path / "out.onnx")
    with pytest.raises(ConfigError, match="--int8: expected the dataset"):
        facecover.export(run.folder, tmp_path / "out.onnx", int8=True)
