import contextlib
import csv
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from tests.training.small_dataset import (
    THREE_SPLITS,
    MakeDataset,
    MakeExperiment,
    rows_of,
    write_experiment,
)
from torch import Tensor

from facecover.dataset.arrays import Dataset
from facecover.documents import write_document
from facecover.errors import OutputError, RunError
from facecover.training.checkpoints import load_checkpoint, network_weights
from facecover.training.config import Experiment
from facecover.training.data_loader import Batch
from facecover.training.fit import fit
from facecover.training.lightning_module import Classification
from facecover.training.run_folder import RunFolder, load_record
from facecover.workflows.train_run import Run

pytestmark = pytest.mark.usefixtures("quick_export")

DROPOUT = "network.dropout=0.5"


def _fit(experiment: Experiment, dataset: Dataset, run: Path, *, resume: bool = False) -> Run:
    fit(experiment, dataset, run, resume=resume, device="cpu")
    return Run.open(run)


def _weights(run: Path) -> dict[str, Tensor]:
    return network_weights(load_checkpoint(RunFolder(run).last))


def _rows(run: Path) -> list[dict[str, str]]:
    with RunFolder(run).metrics.open(encoding="utf-8") as stream:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(stream)]


def _assert_same(run: Path, straight: Path) -> None:
    found, expected = _weights(run), _weights(straight)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert torch.equal(found[name], values), name
    assert _rows(run) == _rows(straight)


@contextlib.contextmanager
def _failing(monkeypatch: pytest.MonkeyPatch, epoch: int, error: BaseException) -> Iterator[None]:
    """Training in which the second step of an epoch (from 1 on) raises."""
    step = Classification.training_step

    def failing(self: Classification, batch: Batch, batch_idx: int) -> Tensor:
        if self.current_epoch + 1 == epoch and batch_idx == 1:
            raise error
        return step(self, batch, batch_idx)

    with monkeypatch.context() as patched:
        patched.setattr(Classification, "training_step", failing)
        yield


@pytest.fixture
def experiment(make_experiment: MakeExperiment) -> Experiment:
    """That of `finished`: four epochs with dropout, whose random numbers must be taken up too."""
    return make_experiment("training.epochs=4", "training.test_curves=true", DROPOUT)


@pytest.fixture
def straight(finished: Run) -> Path:
    """A run of `experiment` that was never interrupted; do not write into it."""
    return finished.folder


@pytest.fixture
def own(finished: Run, tmp_path: Path) -> Path:
    """A copy of `straight` that may be changed."""
    return shutil.copytree(finished.folder, tmp_path / "own")


@pytest.mark.parametrize("epoch", [1, 3])
def test_ctrl_c_leaves_a_run_that_goes_on(
    dataset: Dataset,
    experiment: Experiment,
    straight: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    epoch: int,
) -> None:
    run = tmp_path / "run"
    handler = signal.getsignal(signal.SIGINT)
    message = rf"run: interrupted after epoch {epoch - 1} of 4; go on with --resume"
    with (
        _failing(monkeypatch, epoch, KeyboardInterrupt()),
        pytest.raises(KeyboardInterrupt, match=message),
    ):
        _fit(experiment, dataset, run)
    assert signal.getsignal(signal.SIGINT) is handler
    record = load_record(run)
    assert (record.epochs, record.is_finished) == (epoch - 1, False)
    _fit(experiment, dataset, run, resume=True)
    _assert_same(run, straight)
    assert load_record(run).is_finished


def test_a_crash_leaves_a_run_that_goes_on(
    dataset: Dataset,
    experiment: Experiment,
    straight: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = tmp_path / "run"
    with (
        _failing(monkeypatch, 3, MemoryError("no more")),
        pytest.raises(MemoryError, match="no more"),
    ):
        _fit(experiment, dataset, run)
    _fit(experiment, dataset, run, resume=True)
    _assert_same(run, straight)


def test_more_epochs_go_on_as_if_asked_for_at_once(
    dataset: Dataset,
    make_experiment: MakeExperiment,
    experiment: Experiment,
    straight: Path,
    tmp_path: Path,
) -> None:
    run = tmp_path / "run"
    shorter = make_experiment("training.epochs=2", "training.test_curves=true", DROPOUT)
    _fit(shorter, dataset, run)
    _fit(experiment, dataset, run, resume=True)
    _assert_same(run, straight)


def test_a_full_disk_leaves_the_last_whole_epoch(
    dataset: Dataset,
    experiment: Experiment,
    straight: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = tmp_path / "run"
    save = Trainer.save_checkpoint

    def half(self: Trainer, filepath: Path, *args: Any, **options: Any) -> None:  # noqa: ANN401
        save(self, filepath, *args, **options)
        if self.current_epoch == 2:
            os.truncate(filepath, 1000)
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "save_checkpoint", half)
        with pytest.raises(OutputError, match="the disk is full"):
            _fit(experiment, dataset, run)
    assert not [path for path in run.iterdir() if path.name.startswith(".")]
    _fit(experiment, dataset, run, resume=True)
    _assert_same(run, straight)


def test_an_export_that_failed_is_made_up_for(
    dataset: Dataset, experiment: Experiment, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(own)
    expected = folder.model.read_bytes()
    folder.model.unlink()
    with monkeypatch.context() as patched:
        patched.setattr(Classification, "training_step", None)  # nothing is trained again
        _fit(experiment, dataset, own, resume=True)
    assert folder.model.read_bytes() == expected


def test_a_finished_run_is_given_back(dataset: Dataset, experiment: Experiment, own: Path) -> None:
    folder = RunFolder(own)
    before = folder.model.stat().st_mtime_ns
    result = _fit(experiment, dataset, own, resume=True)
    assert result.record.is_finished
    assert len(rows_of(result)) == 4
    assert folder.model.stat().st_mtime_ns == before


def test_resuming_nothing_begins(
    dataset: Dataset, experiment: Experiment, straight: Path, tmp_path: Path
) -> None:
    _fit(experiment, dataset, tmp_path / "run", resume=True)
    _assert_same(tmp_path / "run", straight)


def test_a_run_is_not_written_over(dataset: Dataset, experiment: Experiment, own: Path) -> None:
    with pytest.raises(OutputError, match="go on with it with --resume, or name another folder"):
        _fit(experiment, dataset, own)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed=9", "begun with seed 0, found 9; set it back with --set seed=0"),
        ("network.width=0.5", r"begun with network\.width 0\.25, found 0\.5"),
        ("training.test_curves=true", "found true; set it back with --set training.test_curves=f"),
        ("training.early_stopping_epochs=1", "--set training.early_stopping_epochs=null"),
    ],
)
def test_another_experiment_is_refused(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path, override: str, message: str
) -> None:
    _fit(make_experiment("training.epochs=1"), dataset, tmp_path / "run")
    with pytest.raises(RunError, match=message):
        _fit(make_experiment("training.epochs=1", override), dataset, tmp_path / "run", resume=True)


@pytest.mark.parametrize("begun", [(), ("augmentation.flip=0.5",)])
def test_augmentation_is_not_switched(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path, begun: tuple[str, ...]
) -> None:
    now = () if begun else ("augmentation.flip=0.5",)
    _fit(make_experiment("training.epochs=1", *begun), dataset, tmp_path / "run")
    had, has = ("with", "without") if begun else ("without", "with")
    with pytest.raises(RunError, match=rf"begun {had} augmentation, found an experiment {has} it"):
        _fit(make_experiment("training.epochs=1", *now), dataset, tmp_path / "run", resume=True)


def test_fewer_epochs_than_trained_are_refused(
    dataset: Dataset, make_experiment: MakeExperiment, own: Path
) -> None:
    fewer = make_experiment("training.epochs=3", "training.test_curves=true", DROPOUT)
    before = RunFolder(own).config.read_text("utf-8")
    with pytest.raises(RunError, match=r"has 4 epochs already, more than the 3 of training\.ep"):
        _fit(fewer, dataset, own, resume=True)
    assert RunFolder(own).config.read_text("utf-8") == before


def test_a_record_that_lags_behind_is_made_good(
    dataset: Dataset, experiment: Experiment, own: Path
) -> None:
    folder = RunFolder(own)
    finished = load_record(own)
    # As a kill between the last checkpoint and the record leaves it.
    lagging = dataclasses.replace(
        finished, epochs=0, best_epoch=0, best_value=None, is_finished=False
    )
    write_document(folder.record, lagging)
    folder.model.unlink()
    result = _fit(experiment, dataset, own, resume=True)
    assert result.record == load_record(own) == finished
    assert result.info.chosen_by == finished.chosen_by


def test_other_data_are_refused(
    make_dataset: MakeDataset, experiment: Experiment, own: Path
) -> None:
    other = make_dataset(THREE_SPLITS, digest="a" * 64)
    with pytest.raises(RunError, match="another dataset: expected the digest dddddddddddd, found"):
        _fit(experiment, other, own, resume=True)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"no checkpoint"])
def test_a_broken_checkpoint_is_named(
    dataset: Dataset, experiment: Experiment, own: Path, content: bytes
) -> None:
    RunFolder(own).last.write_bytes(content)
    with pytest.raises(RunError, match=r"last\.ckpt: broken checkpoint"):
        _fit(experiment, dataset, own, resume=True)


def test_a_foreign_checkpoint_is_named(dataset: Dataset, experiment: Experiment, own: Path) -> None:
    torch.save({"state_dict": {}}, RunFolder(own).last)
    with pytest.raises(RunError, match="broken checkpoint: Object missing required field"):
        _fit(experiment, dataset, own, resume=True)


@pytest.mark.parametrize(
    ("part", "value"),
    [("loops", None), ("epoch", "1"), ("callbacks", {}), ("optimizer_states", [None])],
)
def test_a_checkpoint_with_another_part_is_named(
    dataset: Dataset, experiment: Experiment, own: Path, part: str, value: object
) -> None:
    path = RunFolder(own).last
    torch.save({**load_checkpoint(path), part: value}, path)
    with pytest.raises(RunError, match=rf"last\.ckpt: broken checkpoint: .* `\$\.{part}"):
        _fit(experiment, dataset, own, resume=True)


@pytest.mark.parametrize(
    ("part", "value"), [("optimizer_states", [{"state": {}}]), ("state_dict", {})]
)
def test_a_checkpoint_that_does_not_fit_is_named(
    dataset: Dataset, make_experiment: MakeExperiment, own: Path, part: str, value: object
) -> None:
    path = RunFolder(own).last
    torch.save({**load_checkpoint(path), part: value}, path)
    longer = make_experiment("training.epochs=9", "training.test_curves=true", DROPOUT)
    with pytest.raises(RunError, match=r"last\.ckpt: broken checkpoint: its parts do not fit"):
        _fit(longer, dataset, own, resume=True)


def test_a_changed_weight_is_noticed(own: Path) -> None:
    path = RunFolder(own).best
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    with pytest.raises(RunError, match=r"best\.ckpt: broken checkpoint: it was changed in .*data/"):
        load_checkpoint(path)


def test_a_checkpoint_without_weights_is_named(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "best.ckpt")
    with pytest.raises(
        RunError, match=r"best\.ckpt: broken checkpoint: .* `state_dict`; train again"
    ):
        load_checkpoint(tmp_path / "best.ckpt")


def test_a_broken_record_is_named(dataset: Dataset, experiment: Experiment, own: Path) -> None:
    RunFolder(own).record.write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match=r"run\.json: broken: .*; train again into a new folder"):
        _fit(experiment, dataset, own, resume=True)


def test_a_folder_without_a_record_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"expected a run folder with a run\.json"):
        load_record(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_a_kill_leaves_a_run_that_goes_on(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from facecover.dataset.arrays import Dataset\n"
        "from facecover.training.experiments import load_experiment\n"
        "from facecover.training.fit import fit\n"
        "path, data, run, epochs = sys.argv[1:]\n"
        "experiment = load_experiment(path, ['training.epochs=' + epochs])\n"
        "fit(experiment, Dataset.open(Path(data)), Path(run), device='cpu')\n"
    )
    run, path = tmp_path / "run", write_experiment(tmp_path / "own.yaml")
    command = [sys.executable, "-c", code, str(path), str(dataset.folder), str(run), "10000"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while not (run / "metrics.csv").is_file() and process.poll() is None:
            time.sleep(0.05)
        time.sleep(0.3)  # most likely in the middle of an epoch
        process.kill()
    assert process.returncode == -signal.SIGKILL
    done = len(load_checkpoint(run / "last.ckpt")["callbacks"]["History"]["rows"])
    epochs = f"training.epochs={done + 1}"
    _fit(make_experiment(epochs), dataset, run, resume=True)
    _fit(make_experiment(epochs), dataset, tmp_path / "straight")
    _assert_same(run, tmp_path / "straight")


SCHEDULE = ("optimizer.name=adamw", "optimizer.schedule=one-cycle", "training.label_smoothing=0.1")


def test_a_schedule_goes_on_where_it_was(
    dataset: Dataset,
    make_experiment: MakeExperiment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    experiment = make_experiment("training.epochs=3", *SCHEDULE)
    straight, run = tmp_path / "straight", tmp_path / "run"
    rates = [float(row["learning_rate"]) for row in rows_of(_fit(experiment, dataset, straight))]
    assert rates[0] > rates[1] > rates[2]
    assert rates[2] < 0.1 * experiment.optimizer.learning_rate
    with (
        _failing(monkeypatch, 2, MemoryError("no more")),
        pytest.raises(MemoryError, match="no more"),
    ):
        _fit(experiment, dataset, run)
    _fit(experiment, dataset, run, resume=True)
    _assert_same(run, straight)


def test_a_schedule_is_not_given_more_epochs(
    dataset: Dataset, make_experiment: MakeExperiment, tmp_path: Path
) -> None:
    _fit(make_experiment("training.epochs=1", *SCHEDULE), dataset, tmp_path / "run")
    with pytest.raises(RunError, match=r"begun with training\.epochs 1, found 2"):
        _fit(
            make_experiment("training.epochs=2", *SCHEDULE), dataset, tmp_path / "run", resume=True
        )
