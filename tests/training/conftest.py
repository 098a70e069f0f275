"""A small dataset, a small experiment, and the run that the two make."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.training.small_dataset import (
    THREE_SPLITS,
    MakeDataset,
    MakeExperiment,
    write_dataset,
    write_experiment,
)

from facecover.dataset.arrays import Dataset
from facecover.training.experiments import load_experiment
from facecover.training.fit import fit
from facecover.workflows.train_run import Run


@pytest.fixture
def make_dataset(tmp_path: Path) -> MakeDataset:
    """Writes a dataset of its own for a test, see `write_dataset`."""

    def make(counts: Mapping[str, tuple[int, ...]], **options: int | str) -> Dataset:
        return write_dataset(tmp_path / "dataset", counts, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """48 training, 16 validation and 16 test images; do not write into it."""
    return write_dataset(tmp_path_factory.mktemp("data") / "dataset", THREE_SPLITS)


@pytest.fixture
def make_experiment(tmp_path: Path) -> MakeExperiment:
    """Loads an experiment small enough for a test, with overrides."""
    path = write_experiment(tmp_path / "small.yaml")
    return lambda *overrides: load_experiment(path, overrides)


@pytest.fixture(scope="session")
def finished(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of four epochs with dropout and test curves; do not write into its folder."""
    folder = tmp_path_factory.mktemp("finished")
    overrides = ("training.epochs=4", "training.test_curves=true", "network.dropout=0.5")
    experiment = load_experiment(write_experiment(folder / "small.yaml"), overrides)
    fit(experiment, dataset, folder / "run", device="cpu")
    return Run.open(folder / "run")


@pytest.fixture
def quick_export(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs end with the model file of `finished`: exporting takes longer than training."""

    def export(network: Any, experiment: Any, dataset: Any, path: Path, **_: str) -> None:  # noqa: ANN401
        shutil.copy(finished.files.model, path)

    monkeypatch.setattr("facecover.training.fit.export_model", export)
