from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.sources.annotated import picture, put, reasons

from facecover.errors import ConfigError, DatasetError, FacecoverError, LabelError
from facecover.labels import Box
from facecover.sources.reading import ReadOptions, read_source
from facecover.sources.rows import Source

DATA = "train: ../train/images\nval: ../valid/images\nnc: 2\nnames: ['with_mask', 'no-mask']\n"

FACE = "0 0.25 0.5 0.5 1.0"  # the left half of a picture
BOX = Box(0, 0, 20, 20)


def read(root: Path, *maps: tuple[str, str]) -> Source:
    return read_source(root, "scenes", ReadOptions(mapping=dict(maps)))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three 40 x 20 pictures, each with the face `FACE`, and the names of two classes."""
    for number in (1, 2, 3):
        picture(tmp_path / "images" / f"{number}.jpg")
        put(tmp_path / "labels" / f"{number}.txt", FACE)
    put(tmp_path / "data.yaml", "names:\n  0: mask\n  1: no mask\n")
    return tmp_path


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("{}/images", "{}/labels"),
        ("images/{}", "labels/{}"),
        ("obj_{}_data", "obj_{}_data"),
        ("{}", "{}"),
    ],
)
def test_faces_are_found_wherever_the_files_lie(tmp_path: Path, images: str, labels: str) -> None:
    for split in ("train", "valid", "test"):
        for name in ("a", "b"):
            picture(tmp_path / images.format(split) / f"{name}.jpg")
            lines = f"{FACE}\n\n1 0.75 0.25 0.5 0.5\n"
            put(tmp_path / labels.format(split) / f"{name}.txt", lines)
    put(tmp_path / "data.yaml", DATA)
    put(tmp_path / "README.dataset.txt", "exported")
    source = read(tmp_path)
    assert source.layout == "yolo"
    assert not source.drops
    assert {(row.label, row.box) for row in source.rows} == {(1, BOX), (0, Box(20, 0, 40, 10))}
    assert len(source.rows) == 12
    assert len({row.group for row in source.rows}) == 6
    is_told = "obj" not in images
    splits = {row.split for row in source.rows}
    assert splits == ({"train", "val", "test"} if is_told else {None})


@pytest.mark.parametrize(
    ("line", "box"),
    [
        ("0 0.5 0.5 1 1", Box(0, 0, 40, 20)),
        ("0 0.5 0.5 1.04 1", Box(0, 0, 40, 20)),
        ("0.0 0.5 0.5 0.5 -0.5", Box(10, 5, 30, 15)),
        ("0 0.5 0.5 0.5 0.5 0.93", Box(10, 5, 30, 15)),
        ("0 0.25 0.25 0.75 0.25 0.5 0.75", Box(10, 5, 30, 15)),
        ("0 0.75 0.75 0.25 0.75 0.25 0.25 0.75 0.25", Box(10, 5, 30, 15)),
    ],
)
def test_boxes_and_polygons_become_boxes_in_pixels(root: Path, line: str, box: Box) -> None:
    put(root / "labels" / "1.txt", line)
    source = read(root)
    assert [row.box for row in source.rows] == [box, BOX, BOX]
    assert not source.drops


def test_points_in_a_face_are_no_polygon(root: Path) -> None:
    put(root / "data.yaml", "names: [mask]\nkpt_shape: [2, 2]\n")
    put(root / "labels" / "1.txt", "0 0.5 0.5 0.5 0.5 0.1 0.1 0.9 0.9")
    assert read(root).rows[0].box == Box(10, 5, 30, 15)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("mask 0.5 0.5 1 1", "broken line"),
        ("0", "broken line"),
        ("0 0.5 0.5 1", "broken line"),
        ("0 0.5 0.5 0.5 0.5 0.5 0.5 0.5", "broken line"),
        ("0 0.5 0.5 wide 1", "broken box"),
        ("0 nan 0.5 1 1", "broken box"),
        ("0 120 80 40 40", "broken box"),
        ("0 0.5 0.5 0 1", "empty box"),
        ("0 0.5 0.5 0.001 1", "empty box"),
        ("0 1.1 0.5 0.5 0.5", "box outside its picture"),
    ],
)
def test_a_wrong_line_is_listed_and_its_neighbour_kept(root: Path, line: str, reason: str) -> None:
    put(root / "labels" / "1.txt", f"{line}\n{FACE}\n")
    source = read(root)
    assert len(source.rows) == 3
    assert reasons(source) == {("1.jpg", reason): 1}
    assert "1.txt, line 1: " in source.drops[0].detail


def test_what_has_no_counterpart_is_listed(root: Path) -> None:
    picture(root / "images" / "4.jpg")
    put(root / "labels" / "2.txt", "")
    put(root / "labels" / "3.txt", b"\xff\xfe\x00")
    put(root / "labels" / "9.txt", FACE)
    source = read(root)
    assert len(source.rows) == 1
    assert reasons(source) == {
        ("2.jpg", "no box"): 1,
        ("3.txt", "broken annotation"): 1,
        ("9.txt", "no picture"): 1,
        ("4.jpg", "no annotation"): 1,
    }


@pytest.mark.parametrize("name", ["classes.txt", "obj.names", "_darknet.labels"])
def test_a_list_names_the_classes(root: Path, name: str) -> None:
    (root / "data.yaml").unlink()
    put(root / "labels" / name, "no mask\nmask\n")
    source = read(root)
    assert [row.label for row in source.rows] == [0, 0, 0]
    assert source.class_labels == {"no mask": 0}
    assert not source.drops


def test_a_number_that_nothing_names_is_refused_unless_it_is_mapped(root: Path) -> None:
    (root / "data.yaml").unlink()
    expected = r"1\.txt: expected data\.yaml or classes\.txt to name class 0, found no such file; "
    with pytest.raises(LabelError, match=expected + r".*--map '0=mask', --map '0=no_mask' or"):
        read(root)
    assert {row.label for row in read(root, ("0", "mask")).rows} == {1}
    put(root / "data.yaml", "names: [mask, no_mask]\n")
    put(root / "labels" / "1.txt", "2 0.5 0.5 1 1")
    with pytest.raises(LabelError, match="to name class 2, found 0 'mask', 1 'no_mask'; data sets"):
        read(root)


def test_names_and_maps_are_those_of_every_layout(root: Path) -> None:
    put(root / "data.yaml", "names: [covered, person]\n")
    put(root / "labels" / "1.txt", "1 0.5 0.5 1 1")
    with pytest.raises(LabelError, match=r"1\.txt, line 1: unknown class name 'person'"):
        read(root)
    source = read(root, ("person", "ignore"), ("covered", "mask"))
    assert [row.label for row in source.rows] == [1, 1]
    assert reasons(source) == {("1.jpg", "name mapped to ignore"): 1}


def test_two_data_sets_in_one_folder_keep_their_own_names(tmp_path: Path) -> None:
    for name, classes in (("one", "[mask, no_mask]"), ("other", "[no_mask, mask]")):
        picture(tmp_path / name / "images" / "1.jpg")
        put(tmp_path / name / "labels" / "1.txt", FACE)
        put(tmp_path / name / "data.yaml", f"names: {classes}\n")
    labels = {row.path.parent.parent.name: row.label for row in read(tmp_path).rows}
    assert labels == {"one": 1, "other": 0}


@pytest.mark.parametrize("splits", ["train: a\nval: b\n", "train: [a]\nval: b.txt\n"])
def test_data_yaml_tells_the_split(tmp_path: Path, splits: str) -> None:
    for folder in ("a", "b"):
        for name in ("1", "2"):
            picture(tmp_path / folder / f"{folder}{name}.jpg")
            put(tmp_path / folder / f"{folder}{name}.txt", FACE)
    put(tmp_path / "data.yaml", f"{splits}names: [mask]\n")
    put(tmp_path / "b.txt", "./b/b1.jpg\nb/b2.jpg\n")
    found = {(row.path.parent.name, row.split) for row in read(tmp_path).rows}
    assert found == {("a", "train"), ("b", "val")}


def test_a_folder_that_is_listed_twice_tells_no_split(root: Path) -> None:
    put(root / "data.yaml", "path: .\ntrain: images\nval: images\ntest:\nnames: [mask]\n")
    assert {row.split for row in read(root).rows} == {None}


def test_shares_prove_nothing_of_turned_pictures_which_is_said(root: Path) -> None:
    picture(root / "images" / "1.jpg", orientation=6)  # 20 x 40 when upright
    source = read(root)
    assert source.rows[0].box == Box(0, 0, 10, 40)
    assert source.notes[0].startswith("1 boxes of photos with an EXIF orientation are read as of")


def test_a_photo_that_cannot_be_read_stays_a_row(root: Path) -> None:
    put(root / "images" / "1.jpg", "hello")  # decoding lists it
    assert [row.path.name for row in read(root).rows] == ["1.jpg", "2.jpg", "3.jpg"]


@pytest.mark.parametrize(
    ("text", "error", "match"),
    [
        ("names: [mask", ConfigError, r"data\.yaml: not YAML: "),
        ("names: 3\n", DatasetError, "expected under names a list of class names, or .* a int"),
        ("names: [[a], b]\n", DatasetError, "expected under names a list"),
        ("names: [mask]\ntrain: list.txt\n", DatasetError, r"list\.txt: expected lines of text"),
    ],
)
def test_a_broken_data_yaml_is_one_line(
    root: Path, text: str, error: type[FacecoverError], match: str
) -> None:
    put(root / "list.txt", b"\xff\xff")
    put(root / "data.yaml", text)
    with pytest.raises(error, match=match) as caught:
        read(root)
    assert len(str(caught.value).splitlines()) == 1


def test_texts_beside_photos_are_no_labels(tmp_path: Path) -> None:
    for name in ("mask/1", "no_mask/2"):
        picture(tmp_path / f"{name}.jpg")
        put(tmp_path / f"{name}.txt", "a caption of five words")
    assert read(tmp_path).layout == "class-folders"
    put(tmp_path / "data.yaml", DATA)
    assert read(tmp_path).layout == "class-folders"


LINES = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.lists(st.one_of(st.floats(width=32), st.integers(-3, 10)), max_size=12).map(
            lambda numbers: " ".join(map(str, numbers))
        ),
    ),
    max_size=4,
).map("\n".join)


@pytest.mark.fuzz
@given(
    labels=st.one_of(LINES.map(lambda text: text.encode("utf-8", "surrogatepass")), st.binary()),
    data=st.one_of(
        st.text(max_size=40).map(lambda text: "names:" + text),
        st.sampled_from(["names: [mask, no]", "names: {0: mask}", "names: [mask]\ntrain: labels"]),
    ),
)
@example(labels=b"1" * 5000 + b" 0 0 1 1", data="names: [mask]")
@example(labels=b"0 0.5 0.5 1e999 1", data="names: [mask]")
def test_whatever_stands_in_the_files_every_photo_is_accounted_for(
    labels: bytes, data: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("yolo")
    for number in (1, 2):
        picture(root / f"{number}.jpg")
        put(root / f"{number}.txt", FACE)
    put(root / "1.txt", labels)
    put(root / "data.yaml", data.encode("utf-8", "surrogatepass"))
    with suppress(FacecoverError):
        source = read_source(root, "s", ReadOptions(layouts={"": "yolo"}))
        found = {row.path.stem for row in source.rows} | {drop.path.stem for drop in source.drops}
        assert found == {"1", "2"}
        assert all(row.box is not None and row.box.x1 <= 40 for row in source.rows)
