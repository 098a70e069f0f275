"""Datasets of whole photos: what is kept, how it is read again, and what is refused."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.preparation.scene_photos import BOXES, draw_photo, write_scenes

from facecover.dataset.arrays import Dataset
from facecover.dataset.collect import read_drops
from facecover.dataset.manifest import PHOTO_COLUMNS
from facecover.dataset.photo_dataset import PhotoDataset
from facecover.errors import ConfigError, DatasetError
from facecover.workflows.prepare_data import prepare


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve photos of two faces; do not write into it."""
    return write_scenes(tmp_path_factory.mktemp("scenes") / "crowd")


def photos_of(sources: object, output: Path, **options: object) -> PhotoDataset:
    dataset = prepare(sources, output, **{"whole_photos": 640, **options})  # type: ignore[arg-type]
    assert isinstance(dataset, PhotoDataset)
    return dataset


def test_photos_and_boxes_come_back_in_their_splits(scenes: Path, tmp_path: Path) -> None:
    dataset = photos_of(scenes, tmp_path / "d")
    again = pickle.loads(pickle.dumps(PhotoDataset.open(tmp_path / "d")))  # noqa: S301  (as loaders do)
    assert len(dataset) == len(again) == 12
    numbers = [again.photos_of(split) for split in ("train", "val", "test")]
    assert sorted(np.concatenate(numbers)) == list(range(12))
    for number, photo in enumerate(again):
        np.testing.assert_array_equal(photo.boxes, np.array(BOXES, np.float32))
        assert (photo.labels.tolist(), photo.is_ignored.any()) == ([0, 1], False)
        drawn = draw_photo(int(Path(again.photos["path"][number]).stem))
        assert np.abs(photo.image - np.asarray(drawn, np.float32)).mean() < 6  # JPEG, no more
    table = dataset.to_pandas()
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == PHOTO_COLUMNS
    assert (dataset.to_json()["photo_px"], dataset.to_json()["counts"]) == (
        640,
        {"read": 12, "kept": 12},
    )
    assert "12 photos in " in dataset._repr_html_()


def test_boxes_shrink_with_their_photos(scenes: Path, tmp_path: Path) -> None:
    photo = photos_of(scenes, tmp_path / "d", whole_photos=128)[0]
    assert photo.image.shape == (85, 128, 3)
    scale = [128 / 240, 85 / 160] * 2
    np.testing.assert_allclose(photo.boxes, np.array(BOXES) * scale, rtol=1e-6)


def test_the_identity_follows_photos_and_boxes_alone(scenes: Path, tmp_path: Path) -> None:
    first = photos_of(scenes, tmp_path / "a")
    moved = write_scenes(tmp_path / "elsewhere")
    assert photos_of(moved, tmp_path / "b").to_json()["digest"] == first.to_json()["digest"]
    labels = moved / "labels.csv"
    labels.write_text(labels.read_text().replace("20,30,80,110", "20,30,80,111", 1))
    assert photos_of(moved, tmp_path / "c").to_json()["digest"] != first.to_json()["digest"]


def test_one_photo_of_every_picture_stays_with_its_boxes(scenes: Path, tmp_path: Path) -> None:
    copies = write_scenes(tmp_path / "copies", range(8, 16))
    for path in (copies / "images").iterdir():  # smaller, and so the others stay
        Image.open(path).resize((239, 159)).save(path)
    dataset = photos_of([scenes, copies], tmp_path / "d", split_by="source", leave_out=["copies"])
    assert dataset.photos.loc[dataset.photos_of("test"), "source"].eq("copies").all()
    assert len(dataset.photos_of("test")) == 4
    drops = read_drops(tmp_path / "d/dropped.csv")
    assert {drop.reason for drop in drops} == {"left-out source: picture in a training source"}
    assert len(drops) == 4


def test_an_incorrectly_worn_mask_is_a_face_all_the_same(tmp_path: Path) -> None:
    labels = write_scenes(tmp_path / "s") / "labels.csv"
    lines = labels.read_text().splitlines()
    changed = [line.replace("without_mask", "incorrect_mask") for line in lines[:13]]
    labels.write_text("\n".join(changed + lines[13:]))
    table = photos_of(tmp_path / "s", tmp_path / "two").to_pandas()
    assert table["kind"].value_counts().to_dict() == {"labelled": 18, "unlabelled": 6}
    assert table.loc[table["kind"] == "unlabelled", "label"].tolist() == [-1] * 6
    kept = photos_of(tmp_path / "s", tmp_path / "three", keep_incorrect=True, val=0.3, test=0.3)
    assert kept.to_pandas()["label"].value_counts().to_dict() == {1: 12, 0: 6, 2: 6}


def test_a_corrected_label_is_that_of_one_box(scenes: Path, tmp_path: Path) -> None:
    box = ",".join(map(str, BOXES[0]))
    (tmp_path / "corrections.csv").write_text(
        f"source,path,label,who,when,why,x0,y0,x1,y1\n"
        f"crowd,images/3.png,with_mask,me,2024-05-31,a scarf,{box}\n"
    )
    dataset = photos_of(scenes, tmp_path / "d", relabel=tmp_path / "corrections.csv")
    assert dataset.to_json()["relabelled"] == 1
    both = dataset.to_pandas().groupby("path")["label"].apply(list)
    assert both.pop("images/3.png") == [1, 1]
    assert all(labels == [0, 1] for labels in both)


def test_faces_that_were_found_are_positives_or_ignored(scenes: Path, tmp_path: Path) -> None:
    found = tmp_path / "found.csv"
    found.write_text(
        "source,path,x0,y0,x1,y1,score_a,score_b\n"
        "crowd,images/0.png,21,31,81,111,0.9,0.8\n"  # annotated
        "crowd,images/0.png,200,100,230,140,0.9,0.8\n"  # both detectors
        "crowd,images/0.png,200,20,230,60,0.9,0\n"  # one of them
        "crowd,images/0.png,25,80,75,109,0.9,0.8\n"  # inside an annotated one
        "other,images/1.png,200,20,230,60,0.9,0.8\n"
    )
    dataset = photos_of(scenes, tmp_path / "d", found=found)
    table = dataset.to_pandas()
    rows = table[table["path"] == "images/0.png"]
    assert rows["kind"].tolist() == ["labelled", "labelled", "unlabelled", "ignore", "ignore"]
    assert rows["label"].tolist() == [0, 1, -1, -1, -1]
    assert rows["annotated"].tolist() == [True, True, False, False, False]
    assert len(table) == 24 + 3
    number = int(rows["photo"].iloc[0])
    assert dataset[number].is_ignored.tolist() == [False, False, False, True, True]


def test_sources_that_draw_boxes_differently_are_learned_from_alike(tmp_path: Path) -> None:
    """One source draws faces as found, the other from the eyes on; the first has more of them."""
    high = write_scenes(tmp_path / "high", range(30))
    low = write_scenes(tmp_path / "low", range(100, 120))
    labels, lines = low / "labels.csv", ["source,path,x0,y0,x1,y1,score_a,score_b"]
    lowered = labels.read_text()
    for x0, y0, x1, y1 in BOXES:
        lowered = lowered.replace(f"{x0},{y0},{x1},{y1}", f"{x0},{(y0 + y1) // 2},{x1},{y1}")
        for folder in (high, low):
            names = sorted(path.name for path in (folder / "images").iterdir())
            lines += [f"{folder.name},images/{name},{x0},{y0},{x1},{y1},0.9,0.8" for name in names]
    labels.write_text(lowered)
    (tmp_path / "found.csv").write_text("\n".join(lines))
    dataset = photos_of([high, low], tmp_path / "d", found=tmp_path / "found.csv")
    for number in range(len(dataset)):
        learned, annotated = dataset.to_learn_from(number), dataset[number]
        np.testing.assert_allclose(learned.boxes, np.array(BOXES), atol=1.5)
        if dataset.photos["source"][number] == "high":
            np.testing.assert_array_equal(annotated.boxes, learned.boxes.round(3))
        else:
            assert (annotated.boxes[:, 1] > learned.boxes[:, 1] + 20).all()


def test_a_table_of_found_faces_of_other_photos_is_refused(scenes: Path, tmp_path: Path) -> None:
    found = tmp_path / "found.csv"
    found.write_text("path,x0,y0,x1,y1,score_a,score_b\nelsewhere/1.png,1,2,30,40,0.9,0.8\n")
    with pytest.raises(DatasetError, match=r"found\.csv: .* none of the 12 photos; .*elsewhere/1"):
        photos_of(scenes, tmp_path / "d", found=found)


def test_photos_without_boxes_need_found_faces(few_photos: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"none of 24 photos has a box of a face.*--found"):
        photos_of(few_photos, tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_a_photo_without_any_face_is_left_out(
    scenes: Path, few_photos: Path, tmp_path: Path
) -> None:
    dataset = photos_of([scenes, few_photos], tmp_path / "d")
    assert len(dataset) == 12
    assert dataset.to_json()["counts"] == {"read": 36, "kept": 12, "no box and no face found": 24}


def test_a_broken_photo_is_listed_and_the_others_stay(tmp_path: Path) -> None:
    scenes = write_scenes(tmp_path / "s", range(24))
    (scenes / "images/5.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    dataset = photos_of(scenes, tmp_path / "d")
    assert len(dataset) == 23
    (drop,) = read_drops(tmp_path / "d/unreadable.csv")
    assert drop.reason == "unreadable image"
    assert drop.path.name == "5.png"
    with pytest.raises(DatasetError, match="1 of 24 samples cannot be read"):
        photos_of(scenes, tmp_path / "e", max_unreadable=0.01)


def test_a_dataset_of_the_other_kind_is_refused(
    scenes: Path, few_photos: Path, tmp_path: Path
) -> None:
    photos_of(scenes, tmp_path / "photos")
    with pytest.raises(DatasetError, match=r"expected a dataset of faces.*without --whole-photos"):
        Dataset.open(tmp_path / "photos")
    prepare(few_photos, tmp_path / "faces", split_by="random")
    with pytest.raises(DatasetError, match=r"expected a dataset of whole photos, .*--whole-photos"):
        PhotoDataset.open(tmp_path / "faces")


def test_a_cut_off_file_of_photos_is_one_line(scenes: Path, tmp_path: Path) -> None:
    dataset = photos_of(scenes, tmp_path / "d")
    with pytest.raises(DatasetError, match="split 'tests': expected one of train, val, test"):
        dataset.photos_of("tests")
    with pytest.raises(IndexError):
        dataset[12]
    (tmp_path / "d/photos.bin").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=r"photos\.bin: photo 3 is broken"):
        dataset[3]
    with pytest.raises(DatasetError, match=r"photos\.bin: broken images: the file was changed"):
        PhotoDataset.open(tmp_path / "d")
    (tmp_path / "d/photos.bin").unlink()
    with pytest.raises(DatasetError, match=r"photos\.bin: cannot be read: No such file"):
        dataset[3]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("crowd,images/0.png,1,2,x,4,0.9,0.8", "line 2: expected four numbers, found .*x1 'x'"),
        ("crowd,images/0.png,1,2,3,4,high,0.8", "line 2: expected two scores"),
        ("crowd,images/0.png,1,2,3,4,0.9", "line 2: expected as many values as the header"),
    ],
)
def test_a_broken_line_of_found_faces_is_named(
    scenes: Path, tmp_path: Path, line: str, message: str
) -> None:
    found = tmp_path / "found.csv"
    found.write_text(f"source,path,x0,y0,x1,y1,score_a,score_b\n{line}\n")
    with pytest.raises(DatasetError, match=message):
        photos_of(scenes, tmp_path / "d", found=found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"found": "f.csv", "whole_photos": None}, "--found f.csv: expected --whole-photos"),
        ({"size": [48]}, "--size 48: squares are of faces"),
        ({"whole_photos": 32}, "--whole-photos 32: expected 128 pixels or more"),
    ],
)
def test_options_that_do_not_go_together(
    scenes: Path, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        photos_of(scenes, tmp_path / "d", **options)
