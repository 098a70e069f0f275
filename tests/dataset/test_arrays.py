from pathlib import Path

import numpy as np
import pytest

from facecover.dataset.arrays import UNUSED, Dataset, channel_statistics, with_table
from facecover.drawn.drawn_dataset import draw_dataset
from facecover.errors import DatasetError
from facecover.preparation.pipeline import PrepareOptions, write_dataset
from facecover.sources.reading import read_sources


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("views")
    draw_dataset(folder / "photos", 40, 20, 0)
    options = PrepareOptions(split_by="random")
    return write_dataset(read_sources([folder / "photos"]), folder / "dataset", options)


def test_a_view_with_the_same_table_is_the_same_data(dataset: Dataset) -> None:
    view = with_table(dataset, dataset.manifest.table, split_by="source data")
    assert view.manifest.info.digest == dataset.manifest.info.digest
    assert view.manifest.info.channel_mean == dataset.manifest.info.channel_mean


def test_a_view_takes_its_statistics_from_its_own_training_images(dataset: Dataset) -> None:
    table = dataset.manifest.table.copy()
    rows = dataset.rows_of("train")
    table.loc[rows[10:], "split"] = UNUSED
    view = with_table(dataset, table, split_by="test of views")
    expected = dataset.images(32)[rows[:10]].mean(axis=(0, 1, 2)) / 255
    assert view.manifest.info.channel_mean[32] == pytest.approx(expected, abs=1e-5)
    assert view.manifest.info.digest != dataset.manifest.info.digest
    assert view.rows_of("train").tolist() == rows[:10].tolist()
    assert view.manifest.info.counts[UNUSED] == len(rows) - 10


def test_a_view_writes_nothing(dataset: Dataset) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path(dataset.folder).iterdir()}
    with_table(dataset, dataset.manifest.table, split_by="source data")
    assert {path: path.stat().st_mtime_ns for path in Path(dataset.folder).iterdir()} == before


def test_a_view_refuses_what_it_cannot_serve(dataset: Dataset) -> None:
    table = dataset.manifest.table
    with pytest.raises(DatasetError, match=r"expected 60 rows .* found 59 rows"):
        with_table(dataset, table.iloc[1:], split_by="group")
    with pytest.raises(DatasetError, match="found 60 rows with holdout"):
        with_table(dataset, table.assign(split="holdout"), split_by="group")
    with pytest.raises(DatasetError, match="no training image"):
        with_table(dataset, table.assign(split=np.array("test")), split_by="group")


def test_channel_statistics_are_those_of_the_rows_asked_for() -> None:
    some = np.random.default_rng(0).integers(0, 256, (3000, 8, 8, 3), dtype=np.uint8)
    rows = np.arange(0, 3000, 2)
    mean, std = channel_statistics(some, rows)
    np.testing.assert_allclose(mean, (some[rows] / 255).mean(axis=(0, 1, 2)), atol=1e-6)
    np.testing.assert_allclose(std, (some[rows] / 255).std(axis=(0, 1, 2)), atol=1e-6)
