"""What `prepare` makes of sources that repeat each other."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import ImageOps

from facecover.copies import selection
from facecover.dataset import collect, decode
from facecover.dataset.manifest import COLUMNS, Manifest, load_manifest
from facecover.drawn.drawn_dataset import draw_face
from facecover.errors import DatasetError, LabelError
from facecover.preparation.label_corrections import OVERLAY
from facecover.preparation.pipeline import PrepareOptions, write_dataset
from facecover.sources import rows
from facecover.sources.reading import read_source
from facecover.sources.rows import Source

QUICK = PrepareOptions(audits=False)


@pytest.fixture(scope="module")
def copied_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty drawn faces of each class, each three times: whole, smaller, and mirrored."""
    root = tmp_path_factory.mktemp("copied") / "faces"
    for label, name in enumerate(("no_mask", "mask")):
        (root / name).mkdir(parents=True)
        for number in range(20):
            face = draw_face(np.random.default_rng((label, number)), label, (128, 144))
            copies = (face, face.resize((96, 108)), ImageOps.mirror(face))
            for kind, copy in zip("abc", copies, strict=True):
                copy.save(root / name / f"{kind}{number * 7}{kind}.jpg", quality=85)
    return root


@pytest.fixture
def source(copied_photos: Path) -> Source:
    return read_source(copied_photos, "faces")


def pictures(table: pd.DataFrame) -> "pd.Series[str]":
    """The class and the digits of a file's name: the same for the copies of one face."""
    return table["path"].str.extract(r"^(\w+)/\w(\d+)\w", expand=True).agg("/".join, axis=1)


def with_splits(source: Source, splits: dict[str, str]) -> Source:
    """The source with a brought split, by the first letter of each file."""
    rows = (dataclasses.replace(row, split=splits.get(row.path.name[0])) for row in source.rows)
    return dataclasses.replace(source, rows=tuple(rows))


def divided(source: Source, name: str, letters: str) -> Source:
    """The files that begin with some letters, as a source of their own."""
    rows = (row for row in source.rows if row.path.name[0] in letters)
    return dataclasses.replace(
        source, name=name, rows=tuple(dataclasses.replace(row, source=name) for row in rows)
    )


@pytest.mark.parametrize("as_table", [False, True])
def test_training_photos_alone_are_divided_and_it_is_said(
    copied_photos: Path, tmp_path: Path, as_table: bool
) -> None:
    root = tmp_path / "faces"
    for split, labels in (("train", ("mask", "no_mask")), ("test", ("",))):
        for label in labels:  # the test photos bring no label
            shutil.copytree(copied_photos / (label or "mask"), root / split / label)
    if as_table:
        lines = [
            f"{path.relative_to(root)},{path.parent.name if split == 'train' else ''},{split}"
            for split in ("train", "test")
            for path in sorted((root / split).rglob("*.jpg"))
        ]
        (root / "labels.csv").write_text("\n".join(["path,label,split", *lines]))
    notes: list[str] = []
    dataset = write_dataset([read_source(root, "faces")], tmp_path / "d", QUICK, None, notes.append)
    counts = dataset.manifest.table["split"].value_counts()
    assert counts.to_dict() == {"train": 28, "test": 8, "val": 4}
    assert notes == [
        "the photos bring no validation data of their own: 4 of 40 training images are taken for "
        "it",
        "the photos bring no test data of their own: 8 of 40 training images are taken for it",
    ]


def test_of_every_picture_the_largest_stays(source: Source, tmp_path: Path) -> None:
    dataset = write_dataset([source], tmp_path / "d", QUICK)
    table, counts = dataset.manifest.table, dataset.manifest.info.counts
    assert len(table) == pictures(table).nunique() == 40
    assert (table["width"] == 128).all()
    assert counts == {"read": 120, "kept": 40, "duplicate of a kept image": 80}
    assert len(pd.read_csv(tmp_path / "d/dropped.csv")) == 80
    assert set(table["split"]) == {"train", "val", "test"}
    assert dataset.images(32).shape == (40, 32, 32, 3)


def test_a_random_split_leaks_and_says_so(source: Source, tmp_path: Path) -> None:
    notes: list[str] = []
    options = dataclasses.replace(QUICK, split_by="random")
    table = write_dataset([source], tmp_path / "d", options, on_note=notes.append).manifest.table
    assert table["group"].isna().all()
    test = table[table["split"] == "test"]
    known = set(pictures(table[table["split"] == "train"]))
    share = pictures(test).isin(known).mean()
    assert share > 0.5
    assert notes == [note for note in notes if note.startswith("leakage: ")]
    assert f"{share:.1%} of the {len(test)} test images have a twin in the training" in notes[0]
    splits = json.loads((tmp_path / "d/audit.json").read_text())["splits"]
    assert splits["split_by"] == "random"
    assert splits["splits"][0]["twin_share"] == pytest.approx(share)


def test_a_grouped_split_has_nothing_to_say(source: Source, tmp_path: Path) -> None:
    notes: list[str] = []
    write_dataset([source], tmp_path / "d", QUICK, on_note=notes.append)
    assert notes == []
    splits = json.loads((tmp_path / "d/audit.json").read_text())["splits"]["splits"]
    assert [part["twin_share"] for part in splits] == [0, 0]


def test_of_copies_in_several_brought_splits_the_test_images_stay(
    source: Source, tmp_path: Path
) -> None:
    small = {"b0b.jpg", "b7b.jpg", "b14b.jpg"}
    rows = (
        dataclasses.replace(row, split="test" if row.path.name in small else "train")
        for row in source.rows
    )
    brought = dataclasses.replace(source, rows=tuple(rows))
    dataset = write_dataset([brought], tmp_path / "d", QUICK)
    table = dataset.manifest.table
    test = table[table["split"] == "test"]
    assert {Path(path).name for path in test["path"]} == small
    assert (table.loc[table["split"] != "test", "width"] == 128).all()
    assert dataset.manifest.info.split_by == "source data"
    assert len(table) == 40


def test_the_audit_of_all_photos_is_kept(source: Source, tmp_path: Path) -> None:
    notes: list[str] = []
    write_dataset([source], tmp_path / "d", on_note=notes.append)
    document = json.loads((tmp_path / "d/audit.json").read_text())
    assert document["format_version"] == 1
    failed = [finding["sentence"] for finding in document["findings"] if finding["is_failed"]]
    assert notes == [f"found in the photos: {sentence}" for sentence in failed]
    assert failed[0] == "120 images show 40 different pictures: 80 are copies (67%)."


def test_whole_sources_are_left_out(source: Source, tmp_path: Path) -> None:
    ours, new = divided(source, "ours", "ac"), divided(source, "new", "b")
    few = dataclasses.replace(new, rows=tuple(row for row in new.rows if "b7b" in row.path.name))
    rest = tuple(row for row in ours.rows if row.path.name[1:-5] != "7")
    ours = dataclasses.replace(ours, rows=rest)
    notes: list[str] = []
    options = dataclasses.replace(QUICK, split_by="source", leave_out=("new",))
    both = with_splits(ours, {"a": "train", "c": "test"})
    info = write_dataset([both, few], tmp_path / "d", options, on_note=notes.append).manifest.info
    table = load_manifest(tmp_path / "d").table
    assert table.loc[table["source"] == "new", "split"].tolist() == ["test", "test"]
    assert set(table.loc[table["source"] == "ours", "split"]) == {"train", "val"}
    assert (info.split_by, info.left_out) == ("source", ("new",))
    assert notes == ["the splits that ours bring are not used: the test data are whole sources"]
    everything = [ours, new]
    write_dataset(everything, tmp_path / "d", options)
    counts = load_manifest(tmp_path / "d").info.counts
    assert counts["left-out source: picture in a training source"] == 19 * 2


def test_a_left_out_source_of_one_class_is_told(source: Source, tmp_path: Path) -> None:
    masks = tuple(row for row in source.rows if row.label == 1)
    new = [dataclasses.replace(row, source="new") for row in masks if "a7a" in row.path.name]
    ours = tuple(row for row in source.rows if row.path.name[1:-5] != "7")
    sources = [
        dataclasses.replace(source, name="new", rows=tuple(new)),
        dataclasses.replace(source, rows=ours),
    ]
    notes: list[str] = []
    options = dataclasses.replace(QUICK, split_by="source", leave_out=("new",))
    write_dataset(sources, tmp_path / "d", options, on_note=notes.append)
    assert notes[0].startswith("the test data have no no_mask image")


def corrections(path: Path, *lines: str) -> Path:
    path.write_text("source,path,label,who,when,why\n" + "\n".join(lines) + "\n")
    return path


def test_corrected_labels_stand_in_the_manifest(source: Source, tmp_path: Path) -> None:
    listed = corrections(
        tmp_path / "c.csv",
        "faces,mask/b7b.jpg,no_mask,me,2024-05-31,a beard",
        "faces,mask/a14a.jpg,mask,,,",
    )
    options = dataclasses.replace(QUICK, relabel=(listed,))
    manifest = write_dataset([source], tmp_path / "d", options).manifest
    assert list(manifest.table.columns) == [*COLUMNS, *OVERLAY]
    assert manifest.info.relabelled == 1
    # Its copies were not corrected, but somebody has looked at the picture now.
    (row,) = manifest.table[manifest.table["relabelled_by"].notna()].to_dict("records")
    assert (row["path"], row["label"], row["label_before"]) == ("mask/b7b.jpg", 0, 1)
    counts = manifest.info.counts
    assert counts["label outvoted by its duplicates"] == 2
    assert manifest.info.counts["kept"] == 40


def test_an_incorrect_mask_may_be_corrected_to_a_mask(source: Source, tmp_path: Path) -> None:
    rows = tuple(
        dataclasses.replace(row, label=2) if row.path.stem[1:-1] in ("7", "14") else row
        for row in source.rows
    )
    lines = [
        f"faces,mask/{kind}7{kind}.jpg,mask,me,2024-05-31,it covers the nose" for kind in "abc"
    ]
    options = dataclasses.replace(QUICK, relabel=(corrections(tmp_path / "c.csv", *lines),))
    sources = [dataclasses.replace(source, rows=rows)]
    manifest = write_dataset(sources, tmp_path / "d", options).manifest
    assert "mask/a7a.jpg" in manifest.table["path"].tolist()
    assert manifest.info.class_names == ("no_mask", "mask")
    assert manifest.info.counts["class left out"] == 9


def test_a_class_that_corrections_empty_is_refused(source: Source, tmp_path: Path) -> None:
    lines = [
        f"faces,mask/{row.path.name},no_mask,me,2024-05-31,bare"
        for row in source.rows
        if row.label == 1
    ]
    listed = corrections(tmp_path / "c.csv", *lines)
    with pytest.raises(DatasetError, match=r"c.csv: no 'mask' image is left of 60: all are corr"):
        write_dataset([source], tmp_path / "d", dataclasses.replace(QUICK, relabel=(listed,)))
    assert [path.name for path in tmp_path.iterdir()] == ["c.csv"]


def test_a_correction_of_no_sample_is_refused(source: Source, tmp_path: Path) -> None:
    listed = corrections(tmp_path / "c.csv", "faces,mask/gone.jpg,mask,me,2024-05-31,gone")
    with pytest.raises(DatasetError, match=r"c.csv, line 2: no sample 'faces mask/gone.jpg'"):
        write_dataset([source], tmp_path / "d", dataclasses.replace(QUICK, relabel=(listed,)))


def test_sources_that_mean_different_things_are_refused(source: Source, tmp_path: Path) -> None:
    other = dataclasses.replace(source, name="theirs", class_labels={"mask": 0, "no_mask": 1})
    with pytest.raises(LabelError, match=r"theirs: the class 'mask' is read as no_mask, but in f"):
        write_dataset([source, other], tmp_path / "d", QUICK)


def test_swapped_numbers_are_refused(source: Source, tmp_path: Path) -> None:
    swapped = divided(source, "theirs", "c")
    rows = tuple(dataclasses.replace(row, label=1 - row.label) for row in swapped.rows)
    swapped = dataclasses.replace(swapped, rows=rows, class_labels={"0": 1, "1": 0})
    with pytest.raises(DatasetError, match=r"have 40 pictures in common and label 40 of them"):
        write_dataset([divided(source, "ours", "ab"), swapped], tmp_path / "d", QUICK)


def test_a_manifest_of_before_is_still_read(source: Source, tmp_path: Path) -> None:
    manifest = write_dataset([source], tmp_path / "d", QUICK).manifest
    before = vars(manifest.info).copy()
    for name in ("left_out", "relabelled"):
        before.pop(name)
    save_document(tmp_path / "d", manifest, before)
    found = load_manifest(tmp_path / "d")
    assert found.info == manifest.info
    pd.testing.assert_frame_equal(found.table, manifest.table)


_LATER_COLUMNS = ("wide_cut", "wide_x0", "wide_y0", "wide_x1", "wide_y1")


def save_document(folder: Path, manifest: Manifest, info: dict[str, object]) -> None:
    """Write a manifest whose header has only some fields."""
    document = {"format_version": 1, **info}
    document["sources"] = [vars(source) for source in manifest.info.sources]
    meta = {b"facecover": json.dumps(document).encode()}
    columns = manifest.table.drop(columns=list(_LATER_COLUMNS))
    table = pa.Table.from_pandas(columns, preserve_index=False)
    meta = {**(table.schema.metadata or {}), **meta}
    pq.write_table(table.replace_schema_metadata(meta), folder / "manifest.parquet")


def test_every_reason_is_in_the_docs() -> None:
    docs = (Path(__file__).parents[2] / "docs/preparing.md").read_text("utf-8")
    modules = (decode, selection, collect)
    reasons = {
        value
        for module in modules
        for name, value in vars(module).items()
        if name.isupper() and name != "AS_READ" and isinstance(value, str)
    }
    reasons |= set(get_args(rows.Reason))
    assert len(reasons) >= 25
    assert {reason for reason in reasons if f"`{reason}`" not in docs} == set()
