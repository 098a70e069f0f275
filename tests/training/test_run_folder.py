import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.training.small_dataset import MakeExperiment

import facecover
from facecover.dataset.arrays import Dataset
from facecover.errors import ModelFileError, OutputError, RunError
from facecover.locks import LOCK_NAME
from facecover.training.fit import fit
from facecover.training.run_folder import RECORD_NAME, RunFolder, locked_run
from facecover.workflows.train_run import Run

pytestmark = pytest.mark.usefixtures("quick_export")


def test_two_trainings_do_not_share_a_folder(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    folder, experiment = tmp_path / "run", make_experiment("training.epochs=1")
    holder = rf"found process {os.getpid()}, since 20\d\d-\d\d-\d\d \d\d:\d\d.*; wait for it to end"
    for resume in (False, True):
        with locked_run(RunFolder(folder)):
            with pytest.raises(OutputError, match=holder) as caught:
                fit(experiment, dataset, folder, resume=resume, device="cpu")
            assert "\n" not in str(caught.value)
            assert [path.name for path in folder.iterdir()] == [LOCK_NAME]
    fit(experiment, dataset, folder, device="cpu")
    assert not (folder / LOCK_NAME).exists()


def test_a_training_that_was_killed_holds_nothing(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    code = (
        "import os, sys, pathlib\n"
        "from facecover.training.run_folder import RunFolder, locked_run\n"
        "with locked_run(RunFolder(pathlib.Path(sys.argv[1]))):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, folder], check=False).returncode == -9
    assert (folder / LOCK_NAME).is_file()
    fit(make_experiment("training.epochs=1"), dataset, folder, device="cpu")
    assert not (folder / LOCK_NAME).exists()


def test_a_folder_of_somebody_is_not_locked(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).touch()
    (tmp_path / "thesis.txt").touch()
    with (
        pytest.raises(OutputError, match="found other files"),
        locked_run(RunFolder(tmp_path)),
    ):
        pass
    assert len(list(tmp_path.iterdir())) == 2


def test_a_run_is_opened(finished: Run) -> None:
    run = facecover.Run.open(str(finished.folder))
    assert run == finished
    assert run.to_pandas()["epoch"].tolist() == [1, 2, 3, 4]
    assert run.classifier.info == run.info
    document = json.loads(json.dumps(run.to_json()))
    assert document.pop("folder") == str(finished.folder)
    assert document.pop("validation") is None
    assert document == json.loads(finished.files.record.read_text("utf-8"))
    assert "The dashed line is the epoch" in run._repr_html_()


def test_an_unfinished_run_has_curves_alone(finished: Run, tmp_path: Path) -> None:
    for name in (RECORD_NAME, "metrics.csv"):
        (tmp_path / name).write_bytes((finished.folder / name).read_bytes())
    run = Run.open(tmp_path)
    assert len(run.curves) == 4
    with pytest.raises(ModelFileError, match=r"model\.onnx"):
        _ = run.info
    (tmp_path / "metrics.csv").write_text("epoch,loss\n1,\x1b[2J\n")
    with pytest.raises(RunError, match=r"metrics\.csv: broken curves: Unable to parse .*\\x1b"):
        _ = Run.open(tmp_path).curves
    (tmp_path / "metrics.csv").write_text("epoch,loss\n1,0.5\n")
    with pytest.raises(RunError, match=r"expected the epochs 1 to 4, each in a row; train again"):
        _ = Run.open(tmp_path).curves
    (tmp_path / "metrics.csv").write_bytes(finished.files.metrics.read_bytes()[:-2])
    with pytest.raises(RunError, match=r"broken curves: its last row is cut off; train again"):
        _ = Run.open(tmp_path).curves
    (tmp_path / "metrics.csv").write_text("")
    with pytest.raises(RunError, match=r"metrics\.csv: broken curves: No columns .*; train again"):
        _ = Run.open(tmp_path).curves
