import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from facecover.dataset.arrays import UNUSED, Dataset, channel_statistics, with_table
from facecover.dataset.manifest import MANIFEST_NAME
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


@pytest.fixture
def own(dataset: Dataset, tmp_path: Path) -> Path:
    """A copy of the dataset that a test may damage."""
    return Path(shutil.copytree(dataset.folder, tmp_path / "dataset"))


def _rewritten(folder: Path, columns: dict[str, Any], *, older: bool = False) -> None:
    """The manifest with other values, its own header, and no checksums where it is older."""
    path = folder / MANIFEST_NAME
    arrow = pq.read_table(path)
    meta = arrow.schema.metadata
    header = json.loads(meta[b"facecover"])
    if older:
        del header["files_crc32"]
        meta = {b"facecover": json.dumps(header).encode()}
    table = pa.Table.from_pandas(arrow.to_pandas().assign(**columns), preserve_index=False)
    pq.write_table(table.replace_schema_metadata(meta), path)


def test_images_that_changed_are_refused(own: Path) -> None:
    path = own / "images_32.npy"
    images = np.load(path, mmap_mode="r+")
    Dataset.open(own).images(32)
    images[3:] = 0
    images.flush()
    with pytest.raises(
        DatasetError, match=r"images_32\.npy: broken images: the file was changed since"
    ):
        Dataset.open(own).images(32)
    assert Dataset.open(own).images(64).any()


def test_a_dataset_without_checksums_is_read(own: Path) -> None:
    _rewritten(own, {}, older=True)
    dataset = Dataset.open(own)
    assert dataset.manifest.info.files_crc32 == {}
    assert dataset.images(32).any()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": -1}, r"expected labels 0 to 1 \(no_mask, mask\), found others in 60 of 60 rows"),
        ({"label": 2}, r"expected labels 0 to 1"),
        ({"split": "holdout"}, "expected the splits train, val, test, found others"),
        ({"wide_cut": -3}, "expected wide cuts from 0 on"),
    ],
)
def test_values_of_no_meaning_are_refused(
    own: Path, columns: dict[str, object], message: str
) -> None:
    _rewritten(own, columns)
    with pytest.raises(DatasetError, match=rf"manifest\.parquet: {message}.*run prepare again"):
        Dataset.open(own)


def test_a_header_that_changed_is_refused(own: Path) -> None:
    path = own / MANIFEST_NAME
    arrow = pq.read_table(path)
    meta = arrow.schema.metadata
    meta[b"facecover"] = meta[b"facecover"].replace(b'"seed": 0', b'"seed": 1')
    pq.write_table(arrow.replace_schema_metadata(meta), path)
    with pytest.raises(DatasetError, match="broken manifest header: it was changed since"):
        Dataset.open(own)
