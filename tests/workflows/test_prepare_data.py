"""`prepare` from Python: what the command does, and not a word printed."""

import inspect
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from facecover.cli.prepare import prepare_command
from facecover.dataset.arrays import Dataset
from facecover.dataset.manifest import COLUMNS
from facecover.errors import DatasetError
from facecover.workflows.prepare_data import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from facecover.progress import OnProgress


class Recorded:
    """Progress that is kept."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.done = 0

    def note(self, text: str) -> None:
        self.notes.append(text)

    @contextmanager
    def bar(self, what: str, total: int | None) -> "Iterator[OnProgress]":
        assert (what, total) == ("preparing", 120)

        def advance(count: int) -> None:
            self.done += count

        yield advance


def test_it_reports_to_its_caller_and_prints_nothing(
    class_folders: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    progress = Recorded()
    dataset = prepare(str(class_folders), str(tmp_path / "d"), seed=3, progress=progress)
    assert progress.done == 120
    assert progress.notes[0].startswith("faces: class-folders, 120 faces")
    assert any(note.startswith("found in the photos: ") for note in progress.notes)
    again = prepare(class_folders, tmp_path / "e", seed=3)
    assert again.to_json() == dataset.to_json()
    assert capfd.readouterr() == ("", "")


def test_a_dataset_tells_of_itself(class_folders: Path, tmp_path: Path) -> None:
    prepared = prepare([class_folders], tmp_path / "d", split_by="random", size=[48])
    dataset = Dataset.open(str(tmp_path / "d"))
    facts = dataset.to_json()
    assert facts == prepared.to_json()
    assert facts["sizes_px"] == [32, 48, 64, 96]
    assert facts["counts"] == {"read": 120, "kept": 120}
    table = dataset.to_pandas()
    assert list(table.columns) == list(COLUMNS)
    table["label"] = 1
    assert set(np.unique(dataset.labels)) == {0, 1}  # the table was a copy
    counts = pd.crosstab(dataset.manifest.table["split"], dataset.labels)
    page = dataset._repr_html_()
    assert page.startswith("<p>120 faces in ")
    assert all(f"<td>{count}</td>" in page for count in counts.to_numpy().ravel())
    with pytest.raises(DatasetError, match=r"expected a dataset with a manifest\.parquet"):
        Dataset.open(class_folders)


def test_the_command_has_the_same_options_with_the_same_defaults() -> None:
    def options(function: object) -> dict[str, object]:
        assert callable(function)
        found = inspect.signature(function).parameters.values()
        return {
            one.name: tuple(one.default) if isinstance(one.default, list) else one.default
            for one in found
            if one.name != "progress"
        }

    assert options(prepare) == options(prepare_command)
