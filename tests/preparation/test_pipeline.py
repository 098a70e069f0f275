import dataclasses
import errno
import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

from facecover.dataset import PREPARED_SIZES_PX
from facecover.dataset.arrays import Dataset
from facecover.dataset.collect import read_drops, write_drops
from facecover.dataset.manifest import COLUMNS, Manifest, load_manifest
from facecover.errors import DatasetError, OutputError
from facecover.images import RESAMPLING
from facecover.inference.model_file import packaged_models, read_model_file
from facecover.labels import Box
from facecover.preparation.pipeline import PrepareOptions, write_dataset
from facecover.sources.reading import read_sources
from facecover.sources.rows import Drop, Row, Source


def as_source(root: Path) -> Source:
    rows = tuple(
        Row(path, "faces", label)
        for label, name in enumerate(("without_mask", "with_mask"))
        for path in sorted((root / name).iterdir())
    )
    return Source("faces", root, "class-folders", rows, (), {"without_mask": 0, "with_mask": 1})


def prepared(source: Source, folder: Path, **options: Any) -> Dataset:  # noqa: ANN401
    """Every photo as it is: what copies do is tested in `test_pipeline_merging.py`."""
    settings = {"split_by": "random", "audits": False, **options}
    return write_dataset([source], folder, PrepareOptions(**settings))


def test_pixels_are_those_of_a_plain_loop(class_folders: Path, tmp_path: Path) -> None:
    dataset = prepared(as_source(class_folders), tmp_path / "d", sizes_px=(48,))
    assert len(dataset) == 120
    for size in (32, 48, 64):
        images = dataset.images(size)
        for index in range(0, 120, 7):
            path = class_folders / str(dataset.manifest.table["path"].iloc[index])
            plain = Image.open(path).convert("RGB").resize((size, size), RESAMPLING)
            np.testing.assert_array_equal(images[index], np.asarray(plain))


def test_the_manifest_comes_back_as_it_was(class_folders: Path, tmp_path: Path) -> None:
    dataset = prepared(as_source(class_folders), tmp_path / "d")
    again = load_manifest(tmp_path / "d")
    pd.testing.assert_frame_equal(again.table, dataset.manifest.table)
    assert again.info == dataset.manifest.info
    assert {name: str(dtype) for name, dtype in again.table.dtypes.items()} == COLUMNS


def test_what_the_table_says_of_a_file(class_folders: Path, tmp_path: Path) -> None:
    table = prepared(as_source(class_folders), tmp_path / "d").manifest.table
    row = table[table["path"] == "with_mask/face 3.jpg"].iloc[0]
    path = class_folders / "with_mask/face 3.jpg"
    assert (row["width"], row["height"]) == (43, 54)
    assert row["file_bytes"] == path.stat().st_size
    assert row["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (row["format"], row["mode"], row["jpeg_quality"]) == ("JPEG", "RGB", 88)
    assert 0 < row["brightness"] < 1
    assert 0 < row["sharpness"] < row["contrast"] < 1


def test_workers_and_order_do_not_change_the_data(class_folders: Path, tmp_path: Path) -> None:
    source = as_source(class_folders)
    one = prepared(source, tmp_path / "one", workers=1)
    four = prepared(source, tmp_path / "four", workers=4)
    np.testing.assert_array_equal(one.images(64), four.images(64))
    assert one.manifest.info.digest == four.manifest.info.digest


def test_without_shared_memory_one_process_decodes(
    few_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    source = as_source(few_photos)
    one = prepared(source, tmp_path / "one", workers=1)
    monkeypatch.setattr("facecover.dataset.decode.ProcessPoolExecutor", refuse)
    assert prepared(source, tmp_path / "two", workers=2).manifest.info == one.manifest.info


def test_the_digest_follows_pixels_labels_and_split(class_folders: Path, tmp_path: Path) -> None:
    source = as_source(class_folders)
    digests = {
        prepared(source, tmp_path / f"seed{seed}", seed=seed).manifest.info.digest
        for seed in (0, 1)
    }
    flipped = dataclasses.replace(
        source, rows=(dataclasses.replace(source.rows[0], label=1), *source.rows[1:])
    )
    digests.add(prepared(flipped, tmp_path / "flipped").manifest.info.digest)
    assert len(digests) == 3


def test_normalisation_is_that_of_the_training_split(class_folders: Path, tmp_path: Path) -> None:
    dataset = prepared(as_source(class_folders), tmp_path / "d")
    training = dataset.images(32)[dataset.rows_of("train")] / 255
    info = dataset.manifest.info
    np.testing.assert_allclose(info.channel_mean[32], training.mean(axis=(0, 1, 2)), atol=1e-5)
    np.testing.assert_allclose(info.channel_std[32], training.std(axis=(0, 1, 2)), atol=1e-5)


def with_broken(source: Source, folder: Path, count: int) -> Source:
    folder.mkdir()
    broken = []
    for number in range(count):
        path = folder / f"broken {number}.jpg"
        path.write_bytes(b"\xff\xd8\xff\xe0 not really")
        broken.append(Row(path, "faces", number % 2))
    rows = (*source.rows[:20], *broken, *source.rows[20:])
    return dataclasses.replace(source, rows=rows)


def test_unreadable_files_are_listed_and_leave_no_hole(class_folders: Path, tmp_path: Path) -> None:
    source = as_source(class_folders)
    broken = with_broken(source, tmp_path / "broken", 3)
    dataset = prepared(broken, tmp_path / "d")
    whole = prepared(source, tmp_path / "whole")
    np.testing.assert_array_equal(dataset.images(32), whole.images(32))
    listed = pd.read_csv(tmp_path / "d/unreadable.csv")
    assert listed["reason"].tolist() == ["unreadable image"] * 3
    assert listed["detail"].str.contains("broken image|a text file|damaged").all()
    counts = dataset.manifest.info.counts
    assert counts == {"read": 123, "kept": 120, "unreadable image": 3}


def test_too_many_unreadable_files_stop_and_leave_no_dataset(
    class_folders: Path, tmp_path: Path
) -> None:
    broken = with_broken(as_source(class_folders), tmp_path / "broken", 10)
    with pytest.raises(DatasetError, match=r"10 of 130 samples cannot be read; .* 5%"):
        prepared(broken, tmp_path / "d")
    assert not (tmp_path / "d").exists()
    assert len(pd.read_csv(tmp_path / "d-unreadable.csv")) == 10
    with pytest.raises(DatasetError, match=r"d-unreadable-2\.csv"):
        prepared(broken, tmp_path / "d")
    assert len(prepared(broken, tmp_path / "d", max_unreadable_share=0.1)) == 120


def test_a_folder_with_other_files_is_left_alone(class_folders: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match=r"other files; they are left"):
        prepared(as_source(class_folders), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_dataset_is_replaced_by_its_successor(class_folders: Path, tmp_path: Path) -> None:
    source = as_source(class_folders)
    first = prepared(source, tmp_path / "d").manifest.info.digest
    second = prepared(source, tmp_path / "d", seed=9).manifest.info.digest
    assert first != second
    assert load_manifest(tmp_path / "d").info.digest == second
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_boxes_are_cropped_and_a_bad_one_is_dropped(class_folders: Path, tmp_path: Path) -> None:
    source = as_source(class_folders)
    photo = source.rows[40].path
    boxes = (
        Row(photo, "faces", 0, Box(5, 6, 37, 46)),
        Row(photo, "faces", 1, Box(0, 0, 5000, 10)),
    )
    dataset = prepared(dataclasses.replace(source, rows=source.rows + boxes), tmp_path / "d")
    row = dataset.manifest.table.iloc[-1]
    assert (row["x0"], row["y0"], row["x1"], row["y1"]) == (5, 6, 37, 46)
    assert (row["width"], row["height"]) == (32, 40)
    crop = Image.open(photo).convert("RGB").crop((5, 6, 37, 46)).resize((32, 32), RESAMPLING)
    np.testing.assert_array_equal(dataset.images(32)[-1], np.asarray(crop))
    assert dataset.manifest.info.counts["box outside its picture"] == 1


def test_counts_add_up_with_a_third_class(class_folders: Path, tmp_path: Path) -> None:
    source = as_source(class_folders)
    rows = tuple(
        dataclasses.replace(row, label=2) if index % 4 == 0 else row
        for index, row in enumerate(source.rows)
    )
    drop = Drop(tmp_path / "gone.jpg", "faces", "no such file", "line 3: gone.jpg: no such file")
    source = dataclasses.replace(source, rows=rows, drops=(drop,))
    two = prepared(source, tmp_path / "two").manifest.info
    assert two.class_names == ("no_mask", "mask")
    assert two.counts == {"read": 121, "kept": 90, "no such file": 1, "class left out": 30}
    three = prepared(source, tmp_path / "three", keeps_incorrect=True)
    assert three.manifest.info.class_names == ("no_mask", "mask", "incorrect_mask")
    assert three.manifest.info.counts == {"read": 121, "kept": 120, "no such file": 1}
    assert len(pd.read_csv(tmp_path / "two/dropped.csv")) == 31


def test_a_name_that_is_not_utf8_is_kept_readable(class_folders: Path, tmp_path: Path) -> None:
    source = as_source(class_folders)
    odd = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    odd.write_bytes(source.rows[0].path.read_bytes())
    rows = (*source.rows, Row(odd, "faces", 0))
    table = prepared(dataclasses.replace(source, rows=rows), tmp_path / "d").manifest.table
    assert table["path"].iloc[-1].endswith(r"caf\xe9.jpg")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("manifest.parquet", b"PAR1 no", r"broken manifest"),
        ("images_32.npy", b"\x93NUMPY", r"broken array"),
    ],
)
def test_a_broken_dataset_says_so(
    class_folders: Path, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    prepared(as_source(class_folders), tmp_path / "d")
    (tmp_path / "d" / name).write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        Dataset.open(tmp_path / "d").images(32)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"{no json", "broken manifest header"),
        (b"[1, 2]", "broken manifest header: Expected `object`"),
        (b'{"format_version": 3}', "broken manifest header: Object missing required field"),
        (b'{"format_version": 3, "sources": 7}', "broken manifest header: Expected `array`"),
        (b"{}", "expected manifest format 1 to 3, found None"),
    ],
)
def test_a_broken_manifest_header_is_one_line(
    class_folders: Path, tmp_path: Path, header: bytes, message: str
) -> None:
    prepared(as_source(class_folders), tmp_path / "d")
    path = tmp_path / "d/manifest.parquet"
    pq.write_table(pq.read_table(path).replace_schema_metadata({b"facecover": header}), path)
    with pytest.raises(DatasetError, match=message) as caught:
        Dataset.open(tmp_path / "d")
    assert "\n" not in str(caught.value)


def test_a_column_of_another_kind_is_one_line(class_folders: Path, tmp_path: Path) -> None:
    manifest = prepared(as_source(class_folders), tmp_path / "d").manifest
    labels = manifest.table["label"].map({0: "bare", 1: "mask"})
    Manifest(manifest.table.assign(label=labels), manifest.info).save(tmp_path / "d")
    with pytest.raises(DatasetError, match=r"broken manifest: invalid literal .*run prepare again"):
        Dataset.open(tmp_path / "d")


def test_a_dataset_of_before_the_package_was_renamed_is_read(
    class_folders: Path, tmp_path: Path
) -> None:
    digest = prepared(as_source(class_folders), tmp_path / "d").manifest.info.digest
    path = tmp_path / "d/manifest.parquet"
    table = pq.read_table(path)
    metadata = {b"facemask": table.schema.metadata[b"facecover"]}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    assert Dataset.open(tmp_path / "d").manifest.info.digest == digest


def test_every_packaged_model_takes_a_dataset_as_it_is_prepared() -> None:
    sizes = {read_model_file(model.path).info.input_size_px for model in packaged_models()}
    assert sizes <= set(PREPARED_SIZES_PX)


def test_a_size_that_was_not_kept(class_folders: Path, tmp_path: Path) -> None:
    dataset = prepared(as_source(class_folders), tmp_path / "d")
    with pytest.raises(DatasetError, match=r"of 128 x 128, found 32, 64, 96; .*--size"):
        dataset.images(128)


def test_no_dataset_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"found none; make one with 'facecover prepare"):
        Dataset.open(tmp_path)


def test_a_folder_whose_name_is_not_utf8_is_read(class_folders: Path, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"photos \xff")
    odd.symlink_to(class_folders)
    dataset = write_dataset(read_sources([odd]), tmp_path / "dataset")
    assert set(dataset.manifest.table["source"]) == {r"photos \xff"}


def test_a_drop_whose_name_has_a_carriage_return_is_read_back(tmp_path: Path) -> None:
    drops = [Drop(Path("a\rb.jpg"), "one", "no label", 'why\r"so"\n, indeed')]
    write_drops(tmp_path / "dropped.csv", drops)
    assert read_drops(tmp_path / "dropped.csv") == drops
