import os
from pathlib import Path

import pytest
from tests.sources.empty_files import put

from facecover.errors import ConfigError, DatasetError, LabelError
from facecover.photos import MAX_DEPTH
from facecover.sources import LAYOUTS
from facecover.sources.reading import ReadOptions, read_source
from facecover.sources.rows import Source


def read(root: Path, label: str | None = None, layout: str | None = None) -> Source:
    labels = {} if label is None else {"": label}
    layouts = {} if layout is None else {"": layout}
    return read_source(root, "photos", ReadOptions(layouts=layouts, labels=labels))


def found(source: Source) -> dict[str, tuple[int, str | None]]:
    return {
        row.path.relative_to(source.root).as_posix(): (row.label, row.split) for row in source.rows
    }


def reasons(source: Source) -> dict[str, str]:
    return {drop.path.relative_to(source.root).as_posix(): drop.reason for drop in source.drops}


# One small folder a layout that has to be recognised from its names alone.
EXAMPLES: dict[str, tuple[list[str], dict[str, tuple[int, str | None]]]] = {
    "class-folders": (
        ["with_mask/a.jpg", "without_mask/deep/er/b.png", "with_incorrect_mask/c.jpg"],
        {
            "with_mask/a.jpg": (1, None),
            "without_mask/deep/er/b.png": (0, None),
            "with_incorrect_mask/c.jpg": (2, None),
        },
    ),
    "split-folders": (
        ["Train/WithMask/a.jpg", "Validation/WithoutMask/b.jpg", "testing/data/yes/c.jpg"],
        {
            "Train/WithMask/a.jpg": (1, "train"),
            "Validation/WithoutMask/b.jpg": (0, "val"),
            "testing/data/yes/c.jpg": (1, "test"),
        },
    ),
    "file-names": (
        ["train/1_0.jpg", "train/2_1.jpg", "test/3_1.jpg", "test/4_no_mask.jpg"],
        {
            "train/1_0.jpg": (0, "train"),
            "train/2_1.jpg": (1, "train"),
            "test/3_1.jpg": (1, "test"),
            "test/4_no_mask.jpg": (0, "test"),
        },
    ),
}


@pytest.mark.parametrize("layout", EXAMPLES)
@pytest.mark.parametrize("wrapper", ["", "data/", "data/dataset/", "Face Mask/"])
@pytest.mark.parametrize("forced", [True, False])
def test_a_layout_is_recognised_or_forced_below_any_wrapper(
    tmp_path: Path, layout: str, wrapper: str, forced: bool
) -> None:
    names, expected = EXAMPLES[layout]
    put(tmp_path, [wrapper + name for name in names])
    source = read(tmp_path, layout=layout if forced else None)
    assert source.layout == layout
    assert source.root == tmp_path
    assert found(source) == {wrapper + name: value for name, value in expected.items()}
    assert not source.drops


@pytest.mark.parametrize("layout", EXAMPLES)
def test_rows_come_in_the_order_of_their_names(tmp_path: Path, layout: str) -> None:
    names, _ = EXAMPLES[layout]
    source = read(put(tmp_path, reversed(names)))
    paths = [row.path for row in source.rows]
    assert sorted(paths) == sorted(tmp_path / name for name in names)
    assert paths == [row.path for row in read(tmp_path).rows]
    if layout == "class-folders":
        assert paths == sorted(paths)


def test_an_empty_class_is_among_the_class_names(tmp_path: Path) -> None:
    source = read(put(tmp_path, ["with_mask/a.jpg", "without_mask/"]))
    assert source.class_labels == {"with_mask": 1, "without_mask": 0}
    assert found(source) == {"with_mask/a.jpg": (1, None)}


def test_photos_beside_the_class_folders_are_listed(tmp_path: Path) -> None:
    names = ["with_mask/a.jpg", "without_mask/b.jpg", "stray.jpg", "README.md", ".hidden.jpg"]
    source = read(put(tmp_path, names))
    assert len(source.rows) == 2
    assert reasons(source) == {"stray.jpg": "beside the class folders"}


def test_photos_beside_the_split_folders_are_listed(tmp_path: Path) -> None:
    names = ["train/mask/a.jpg", "train/no/b.jpg", "test/c.jpg", "with_mask/d.jpg", "e.jpg"]
    source = read(put(tmp_path, names))
    assert source.layout == "split-folders"
    assert len(source.rows) == 2
    assert reasons(source) == {
        "test/c.jpg": "beside the class folders",
        "with_mask/d.jpg": "beside the split folders",
        "e.jpg": "beside the split folders",
    }


def test_an_unknown_class_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    put(tmp_path, ["with_mask/a.jpg", "without_mask/b.jpg", "with_hat/c.jpg", "scripts/x.py"])
    with pytest.raises(LabelError, match=r"found 'with_hat', .*--map 'with_hat=mask'") as caught:
        read(tmp_path)
    assert "scripts" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    mapped = read_source(tmp_path, "photos", ReadOptions(mapping={"with hat": "no_mask"}))
    assert found(mapped)["with_hat/c.jpg"] == (0, None)


def test_a_folder_mapped_to_ignore_is_left_out_and_listed(tmp_path: Path) -> None:
    names = ["mask/a.jpg", "no/b.jpg", "no/examples/c.jpg", "examples/d.jpg", "examples/x/e.jpg"]
    options = ReadOptions(mapping={"examples": "ignore"})
    source = read_source(put(tmp_path, names), "photos", options)
    assert source.layout == "class-folders"
    assert found(source) == {"mask/a.jpg": (1, None), "no/b.jpg": (0, None)}
    assert reasons(source) == dict.fromkeys(names[2:], "name mapped to ignore")


def test_a_file_name_mapped_to_ignore_is_left_out_and_listed(tmp_path: Path) -> None:
    put(tmp_path, ["1_0.jpg", "2_1.jpg", "3_2.jpg"])
    source = read_source(tmp_path, "photos", ReadOptions(mapping={"2": "ignore"}))
    assert found(source) == {"1_0.jpg": (0, None), "2_1.jpg": (1, None)}
    assert reasons(source) == {"3_2.jpg": "name mapped to ignore"}


def test_splits_below_the_classes_are_kept(tmp_path: Path) -> None:
    names = ["mask/train/a.jpg", "mask/test/p/b.jpg", "no/data/Train/c.jpg", "no/data/val/d.jpg",
             "no/test/e.jpg", "no/f.jpg"]  # fmt: skip
    source = read(put(tmp_path, names))
    assert source.layout == "class-folders"
    assert found(source) == {
        "mask/train/a.jpg": (1, "train"), "mask/test/p/b.jpg": (1, "test"),
        "no/data/Train/c.jpg": (0, "train"), "no/data/val/d.jpg": (0, "val"),
        "no/test/e.jpg": (0, None), "no/f.jpg": (0, None),
    }  # fmt: skip


def test_a_folder_called_like_a_split_among_others_is_no_split(tmp_path: Path) -> None:
    source = read(put(tmp_path, ["mask/Val/a.jpg", "mask/Ann/b.jpg", "no/c.jpg"]))
    assert {split for _, split in found(source).values()} == {None}


def test_an_unknown_class_in_one_split_is_an_error(tmp_path: Path) -> None:
    put(tmp_path, ["train/mask/a.jpg", "train/no/b.jpg", "test/mask/c.jpg", "test/nop/d.jpg"])
    with pytest.raises(LabelError, match=r"test: found 'nop', expected folders named"):
        read(tmp_path)


def test_the_folder_of_one_class_in_that_of_another_is_an_error(tmp_path: Path) -> None:
    put(tmp_path, ["masks/with_mask/a.jpg", "masks/without_mask/b.jpg", "no/c.jpg"])
    with pytest.raises(LabelError, match=r"masks/without_mask: a folder named like one class in"):
        read(tmp_path)


def test_numbered_folders_are_persons_not_classes(tmp_path: Path) -> None:
    put(tmp_path, [f"{person:04}/{photo}.jpg" for person in range(7) for photo in range(2)])
    with pytest.raises(LabelError, match=r"found '0000'.*'0004' and 2 more") as caught:
        read(tmp_path)
    for way_out in ("withmask", "--map '0000=mask'", "--label 'photos=mask'"):
        assert way_out in str(caught.value)
    source = read(tmp_path, label="mask")
    assert source.layout == "single-class"
    assert {row.label for row in source.rows} == {1}
    assert len(source.rows) == 14
    assert source.rows[0].extra == {"folder": "0000"}
    assert source.rows[0].group is None
    assert source.class_labels == {"mask": 1}


def test_persons_numbered_from_1_are_no_classes_where_a_label_is_given(tmp_path: Path) -> None:
    put(tmp_path, [f"{person}/{photo}.jpg" for person in range(1, 5) for photo in range(3)])
    assert len(read(tmp_path, label="mask").rows) == 12
    with pytest.raises(LabelError, match="found '3', '4'"):
        read(tmp_path)


def test_a_label_for_all_does_not_relabel_class_folders(tmp_path: Path) -> None:
    put(tmp_path, ["with_mask/a.jpg", "without_mask/b.jpg", "typo/c.jpg"])
    with pytest.raises(LabelError, match="found 'typo'"):
        read(tmp_path, label="mask")


def test_single_class_photos_keep_the_split_of_their_folder(tmp_path: Path) -> None:
    source = read(put(tmp_path, ["train/p1/a.jpg", "test/b.jpg", "c.jpg"]), label="no mask")
    assert found(source) == {"train/p1/a.jpg": (0, "train"), "test/b.jpg": (0, "test")}
    assert [row.extra["folder"] for row in source.rows] == [".", "p1"]
    assert reasons(source) == {"c.jpg": "beside the split folders"}


def test_single_class_needs_its_class(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name it: --label 'photos=mask'"):
        read(put(tmp_path, ["a.jpg"]), layout="single-class")


@pytest.mark.parametrize(
    ("stem", "label"),
    [
        ("12_0", 0), ("12_1", 1), ("12_2", 2), ("a_b_1", 1), ("12_mask", 1), ("12_no_mask", 0),
        ("x7_without_mask", 0), ("12_with_mask", 1), ("12_incorrect_mask", 2), ("00_1.0", 1),
        ("12_3", None), ("12", None), ("mask", None), ("no_mask", None), ("without_mask", None),
        ("not_wearing_a_mask", None), ("with_mask_17", None), ("_1", None), ("12_", None),
        ("12_-1", None), ("1 (2)", None), ("100-with-mask", None),
    ],
)  # fmt: skip
def test_the_label_stands_at_the_end_of_a_file_name(
    tmp_path: Path, stem: str, label: int | None
) -> None:
    names = [f"{stem}.jpg_64Wx64H", "900_0.png", "901_1.JPEG"]
    source = read(put(tmp_path, names), layout="file-names")
    assert found(source).get(names[0]) == (None if label is None else (label, None))
    assert reasons(source) == ({names[0]: "no label in its name"} if label is None else {})


def test_names_that_merely_count_are_no_labels(tmp_path: Path) -> None:
    put(tmp_path, [f"photo_{number}.jpg" for number in range(3)])
    with pytest.raises(LabelError, match="found 3 images"):
        read(tmp_path)


def test_names_most_of_which_bear_no_label_are_no_layout(tmp_path: Path) -> None:
    put(tmp_path, ["1_0.jpg", "2_1.jpg", *(f"0_0_person_{number:04}.jpg" for number in range(5))])
    with pytest.raises(LabelError, match="found 7 images; if all photos"):
        read(tmp_path)


def test_a_folder_around_labelled_names_is_no_class(tmp_path: Path) -> None:
    source = read(put(tmp_path, ["Face Mask/1_0.jpg", "Face Mask/2_1.jpg"]))
    assert found(source) == {"Face Mask/1_0.jpg": (0, None), "Face Mask/2_1.jpg": (1, None)}


def test_class_folders_win_over_file_names(tmp_path: Path) -> None:
    source = read(put(tmp_path, ["with_mask/1_0.jpg", "without_mask/0_0_1.jpg"]))
    assert source.layout == "class-folders"
    assert found(source) == {"with_mask/1_0.jpg": (1, None), "without_mask/0_0_1.jpg": (0, None)}


@pytest.mark.parametrize(
    "names", [[], ["with_mask/", "without_mask/"], ["notes.txt", "a/labels.json", "Thumbs.db"]]
)
def test_a_folder_without_photos_is_an_error(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(DatasetError, match="expected photos, found no image in it or below"):
        read(put(tmp_path, names))


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if layout != "single-class"])
def test_a_forced_layout_that_does_not_fit_is_an_error(tmp_path: Path, layout: str) -> None:
    put(tmp_path, ["one.jpg", "two.jpg"])
    with pytest.raises((DatasetError, LabelError), match=r"expected|no annotation|no label") as e:
        read(tmp_path, layout=layout)
    assert str(tmp_path) in str(e.value)


def test_odd_file_names_are_read(tmp_path: Path) -> None:
    names = ["with_mask/a b [1].jpg", "with_mask/new\nline.jpg", "without_mask/口罩.jpg"]
    put(tmp_path, names)
    raw = os.fsencode(tmp_path) + b"/without_mask/caf\xe9.jpg"
    Path(os.fsdecode(raw)).touch()
    source = read(tmp_path)
    assert len(source.rows) == 4
    assert os.fsencode(source.rows[2].path) == raw
    strays = put(tmp_path, ["new\nline.jpg"])
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg")).touch()
    for drop in read(strays).drops:
        assert drop.detail.isprintable()
        assert drop.detail.encode("utf-8")


def test_special_files_are_passed_over_and_missing_ones_kept(tmp_path: Path) -> None:
    put(tmp_path, ["with_mask/a.jpg", "no/b.jpg"])
    os.mkfifo(tmp_path / "no" / "pipe.jpg")
    (tmp_path / "no" / "gone.jpg").symlink_to("annexed")
    (tmp_path / "no" / "itself.jpg").symlink_to("itself.jpg")
    assert set(found(read(tmp_path))) == {
        "with_mask/a.jpg", "no/b.jpg", "no/gone.jpg", "no/itself.jpg",
    }  # fmt: skip


def test_folders_nested_without_end_are_refused(tmp_path: Path) -> None:
    put(tmp_path, ["/".join(["d"] * (MAX_DEPTH + 1)) + "/a.jpg"])
    with pytest.raises(DatasetError, match=f"at most {MAX_DEPTH} deep"):
        read(tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        ["audit.json", "report.html", "suspects.png"],
        ["manifest.parquet", "dropped.csv", "images_32.npy"],
        ["run.json", "config.yaml", "curves.png"],
    ],
)
def test_outputs_of_our_own_among_the_photos_are_passed_over_and_counted(
    tmp_path: Path, names: list[str]
) -> None:
    put(tmp_path, ["mask/a.jpg", "no/b.jpg", "audit/x.jpg", *(f"audit/{name}" for name in names)])
    source = read(tmp_path)
    assert set(found(source)) == {"mask/a.jpg", "no/b.jpg"}
    assert source.skipped == {"folder written by facecover": 1}
    (tmp_path / "audit" / names[0]).unlink()
    with pytest.raises(LabelError, match="found 'audit'"):  # one file of such a name proves nothing
        read(tmp_path)
