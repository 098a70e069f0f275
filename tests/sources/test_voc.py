from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from tests.sources.annotated import picture, put, reasons

from facecover.errors import DatasetError, FacecoverError, LabelError
from facecover.images import read_photo, turned
from facecover.labels import Box
from facecover.sources.reading import ReadOptions, read_source
from facecover.sources.rows import Source

Edges = tuple[object, object, object, object]

WHOLE: Edges = (0, 0, 40, 20)


def annotation(
    *faces: tuple[str, Edges],
    file_name: str = "1.jpg",
    size: tuple[object, object] | None = (40, 20),
) -> str:
    objects = "".join(
        f"<object><name>{name}</name><difficult>0</difficult><bndbox><xmin>{x0}</xmin>"
        f"<ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
        for name, (x0, y0, x1, y1) in faces
    )
    written = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>" if size else ""
    return f"<annotation><filename>{file_name}</filename>{written}{objects}</annotation>"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the 40 x 20 pictures `images/1.jpg` to `3.jpg`, not annotated yet."""
    for number in (1, 2, 3):
        picture(tmp_path / "images" / f"{number}.jpg")
    return tmp_path


def read(root: Path) -> Source:
    return read_source(root, "scenes")


def boxes_of(root: Path, *faces: tuple[str, Edges]) -> list[Box | None]:
    put(root / "annotations" / "1.xml", annotation(*faces))
    return [row.box for row in read_source(root, "s", ReadOptions(layouts={"": "voc"})).rows]


@pytest.mark.parametrize(
    ("images", "annotations"),
    [("images", "annotations"), ("JPEGImages", "Annotations"), ("", ""), ("x/train", "x/train")],
)
def test_boxes_become_rows_wherever_the_files_lie(
    tmp_path: Path, images: str, annotations: str
) -> None:
    for number in ("1", "2"):
        picture(tmp_path / images / f"{number}.JPG")
        faces = [("with_mask", (1, 2, 11, 12)), ("without_mask", (20, 0, 40, 20))]
        put(
            tmp_path / annotations / f"{number}.xml",
            annotation(*faces, file_name=f"{number}.JPG"),
        )
    source = read(tmp_path)
    assert source.layout == "voc"
    assert not source.drops
    assert [(row.path.name, row.label, row.box) for row in source.rows] == [
        ("1.JPG", 1, Box(1, 2, 11, 12)),
        ("1.JPG", 0, Box(20, 0, 40, 20)),
        ("2.JPG", 1, Box(1, 2, 11, 12)),
        ("2.JPG", 0, Box(20, 0, 40, 20)),
    ]
    assert len({row.group for row in source.rows}) == 2
    assert {row.split for row in source.rows} == {"train" if "train" in images else None}
    assert source.rows[0].extra == {"difficult": "0"}


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ((1.4, "2.6", 11, 12), Box(1, 3, 11, 12)),
        ((" 1 ", 2, 11, 12), Box(1, 2, 11, 12)),
        ((0, 0, 40, 20), Box(0, 0, 40, 20)),
        ((-2, -1.5, 42, 21), Box(0, 0, 40, 20)),
        ((-3, 0, 9, 9), Box(0, 0, 9, 9)),
        ((0, 0, 43, 9), Box(0, 0, 40, 9)),
        ((30, 3, 49, 9), Box(30, 3, 40, 9)),
        ((9, 7, 5, 2), Box(5, 2, 9, 7)),
        ((9, 2, 5, 7), Box(5, 2, 9, 7)),
    ],
)
def test_boxes_are_rounded_sorted_and_clipped(root: Path, edges: Edges, expected: Box) -> None:
    assert boxes_of(root, ("mask", edges)) == [expected]


@pytest.mark.parametrize(
    ("edges", "reason"),
    [
        ((5, 5, 5, 9), "empty box"),
        ((5.1, 5.1, 5.3, 5.4), "empty box"),
        ((40.5, 3, 42, 9), "box outside its picture"),
        ((-10, 0, 9, 9), "box outside its picture"),
        ((30, 15, 45, 25), "box outside its picture"),
        ((0, 100, 9, 120), "box outside its picture"),
        ((0, 0, "1e300", 9), "box outside its picture"),
        ((0, 0, "", 9), "broken box"),
        ((0, 0, "nan", 9), "broken box"),
        ((0, 0, "1e999", 9), "broken box"),
        ((0, 0, "9px", 9), "broken box"),
    ],
)
def test_a_wrong_box_is_listed_and_its_neighbour_kept(
    root: Path, edges: Edges, reason: str
) -> None:
    put(root / "annotations" / "1.xml", annotation(("mask", edges), ("no", (1, 1, 9, 9))))
    put(root / "annotations" / "2.xml", annotation(("mask", WHOLE), file_name="2.jpg"))
    put(root / "annotations" / "3.xml", annotation(("mask", WHOLE), file_name="3.jpg"))
    source = read(root)
    assert len(source.rows) == 3
    assert reasons(source) == {("1.jpg", reason): 1}
    assert "1.xml, object 1: " in source.drops[0].detail


@pytest.mark.parametrize(("size", "factor"), [((20, 10), 0.5), ((80, 40), 2)])
def test_boxes_follow_a_picture_that_was_scaled(
    tmp_path: Path, size: tuple[int, int], factor: float
) -> None:
    picture(tmp_path / "1.jpg", size)
    put(tmp_path / "1.xml", annotation(("mask", (4, 2, 24, 12)), ("no", WHOLE)))
    inner, whole = read(tmp_path).rows
    assert inner.box == Box(*(round(edge * factor) for edge in (4, 2, 24, 12)))
    assert whole.box == Box(0, 0, *size)


@pytest.mark.parametrize("size", [None, (0, 0), ("", ""), ("wide", 20), ("inf", 20)])
def test_without_a_size_the_picture_gives_it(
    tmp_path: Path, size: tuple[object, object] | None
) -> None:
    picture(tmp_path / "1.jpg")
    faces: Sequence[tuple[str, Edges]] = [("mask", WHOLE), ("no", (0, 0, 84, 20))]
    put(tmp_path / "1.xml", annotation(*faces, size=size))
    source = read(tmp_path)
    assert [row.box for row in source.rows] == [Box(0, 0, 40, 20)]
    assert reasons(source) == {("1.jpg", "box outside its picture"): 1}


def test_an_annotation_of_another_shape_is_listed(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg", (40, 30))
    picture(tmp_path / "2.jpg")
    put(tmp_path / "1.xml", annotation(("mask", (1, 1, 9, 9))))
    put(tmp_path / "2.xml", annotation(("mask", (1, 1, 9, 9))))
    source = read(tmp_path)
    assert reasons(source) == {("1.jpg", "size disagrees with its picture"): 1}
    assert "annotated at 40 x 20 pixels, but the picture has 40 x 30" in source.drops[0].detail


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("box", [Box(3, 5, 11, 19), Box(0, 0, 40, 1), Box(39, 0, 40, 20)])
def test_a_box_is_turned_like_its_picture(orientation: int, box: Box) -> None:
    stored = np.zeros((20, 40, 3), np.uint8)
    stored[box.y0 : box.y1, box.x0 : box.x1] = 255
    image = Image.fromarray(stored)
    image.getexif()[0x0112] = orientation
    upright = read_photo(image).image
    face = upright.crop(turned(box, (40, 20), orientation))
    assert np.asarray(face).min() == 255
    assert np.asarray(face).sum() == stored.sum()


def test_boxes_of_a_turned_picture_are_read_as_annotated(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg", (40, 20), orientation=6)  # 20 x 40 when upright
    picture(tmp_path / "2.jpg", (40, 20), orientation=6)
    put(tmp_path / "1.xml", annotation(("mask", (0, 0, 10, 5)), size=(40, 20)))
    put(tmp_path / "2.xml", annotation(("mask", (15, 0, 20, 10)), size=(20, 40)))
    stored, upright = read(tmp_path).rows
    assert stored.box == upright.box == Box(15, 0, 20, 10)


@pytest.mark.parametrize("as_table", [False, True])
@pytest.mark.parametrize("proof", ["stored", "upright", "none", "both"])
def test_a_turned_picture_that_proves_nothing_follows_the_source(
    tmp_path: Path, proof: str, as_table: bool
) -> None:
    corner = (0, 0, 8, 5)
    picture(tmp_path / "1.jpg", orientation=3)  # by 180 degrees
    picture(tmp_path / "2.jpg", (20, 20), orientation=6)
    picture(tmp_path / "3.jpg", orientation=6)
    picture(tmp_path / "4.jpg", orientation=6)
    plain, turned_size = (40, 20), (20, 40)
    sizes = {1: plain, 2: (20, 20)}
    if proof in ("stored", "both"):
        sizes[3] = plain
    if proof in ("upright", "both"):
        sizes[4] = turned_size
    if as_table:
        lines = [f"{n}.jpg,mask,{w},{h},0,0,8,5" for n, (w, h) in sizes.items()]
        text = "\n".join(["filename,class,width,height,xmin,ymin,xmax,ymax", *lines])
        put(tmp_path / "labels.csv", text)
    else:
        for number, size in sizes.items():
            put(tmp_path / f"{number}.xml", annotation(("mask", corner), size=size))
    source = read(tmp_path)
    boxes = {row.path.stem: row.box for row in source.rows}
    if proof == "stored":
        assert boxes == {"1": Box(32, 15, 40, 20), "2": Box(15, 0, 20, 8), "3": Box(15, 0, 20, 8)}
    else:
        assert (boxes["1"], boxes["2"]) == (Box(*corner), Box(*corner))
    said = "2 boxes of photos with an EXIF orientation are read as of the upright photos"
    assert [note.startswith(said) for note in source.notes] == [True] * (proof in ("none", "both"))


def test_a_box_that_fits_one_way_alone_proves_it(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg", orientation=3)
    picture(tmp_path / "2.jpg", orientation=6)  # 20 x 40 when upright
    put(tmp_path / "labels.csv", "path,label,x0,y0,x1,y1\n1.jpg,1,0,0,8,5\n2.jpg,1,30,0,40,5\n")
    source = read(tmp_path)
    assert [row.box for row in source.rows] == [Box(32, 15, 40, 20), Box(15, 30, 20, 40)]
    assert not source.notes


def test_a_picture_is_found_by_either_name(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "renamed.jpg")
    picture(tmp_path / "images" / "old.png")
    picture(tmp_path / "images" / "by name.jpeg")
    face = ("mask", WHOLE)
    put(tmp_path / "xml" / "renamed.xml", annotation(face, file_name="old.png"))
    put(tmp_path / "xml" / "old.xml", annotation(face, file_name="nonsense.jpg"))
    put(tmp_path / "xml" / "007.xml", annotation(face, file_name="C:\\data\\by name.jpg"))
    source = read(tmp_path)
    assert not source.drops
    names = [row.path.name for row in source.rows]
    assert names == ["by name.jpeg", "old.png", "renamed.jpg"]


def test_pictures_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for split in ("train", "test"):
        picture(tmp_path / split / "images" / "1.jpg")
        put(tmp_path / split / "annotations" / "1.xml", annotation(("mask", WHOLE)))
    rows = read(tmp_path).rows
    assert [(row.path.parent.parent.name, row.split) for row in rows] == [
        ("test", "test"),
        ("train", "train"),
    ]


def test_what_has_no_counterpart_is_listed(root: Path) -> None:
    picture(root / "more" / "2.jpg")
    put(root / "annotations" / "1.xml", annotation(("mask", WHOLE)))
    put(root / "annotations" / "2.xml", annotation(("mask", WHOLE), file_name="2.jpg"))
    put(root / "annotations" / "9.xml", annotation(("mask", WHOLE), file_name="9.jpg"))
    source = read(root)
    assert len(source.rows) == 1
    assert reasons(source) == {
        ("9.xml", "no picture"): 1,
        ("2.xml", "ambiguous picture"): 1,
        ("2.jpg", "no annotation"): 2,
        ("3.jpg", "no annotation"): 1,
    }


BROKEN: dict[str, str | bytes] = {
    "cut off": annotation(("mask", WHOLE))[:-20],
    "empty": "",
    "text": "hello",
    "another root": "<html><body/></html>",
    "document type": "<!DOCTYPE annotation SYSTEM 'x.dtd'>" + annotation(("mask", WHOLE)),
    "entity": "<!DOCTYPE a [<!ENTITY b 'mask'>]>" + annotation(("&b;", WHOLE)),
    "bomb": (
        "<!DOCTYPE a [<!ENTITY b 'mask'>"
        + "".join(f"<!ENTITY b{i} '{f'&b{i - 1};' * 10}'>" for i in range(1, 10))
        + "]>"
        + annotation(("&b9;", WHOLE))
    ),
    "unknown encoding": "<?xml version='1.0' encoding='martian'?>" + annotation(("mask", WHOLE)),
    "not its encoding": b"<annotation><filename>\xff</filename></annotation>",
    "too large": b"<annotation>" + b" " * 10_000_001 + b"</annotation>",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_annotation_is_listed_once(root: Path, name: str) -> None:
    put(root / "annotations" / "1.xml", BROKEN[name])
    for number in (2, 3):
        put(
            root / "annotations" / f"{number}.xml",
            annotation(("mask", WHOLE), file_name=f"{number}.jpg"),
        )
    source = read(root)
    assert len(source.rows) == 2
    assert reasons(source) == {("1.xml", "broken annotation"): 1}
    assert len(source.drops[0].detail.splitlines()) == 1


def test_faces_without_box_or_name_and_pictures_without_face_are_listed(root: Path) -> None:
    nameless = "<object><bndbox/></object><object><name>mask</name></object>"
    text = annotation(("mask", WHOLE)).replace("</annotation>", nameless + "</annotation>")
    put(root / "annotations" / "1.xml", text)
    put(root / "annotations" / "2.xml", annotation(file_name="2.jpg"))
    source = read(root)
    assert len(source.rows) == 1
    assert reasons(source) == {
        ("1.jpg", "no label"): 1,
        ("1.jpg", "broken box"): 1,
        ("2.jpg", "no box"): 1,
        ("3.jpg", "no annotation"): 1,
    }


def test_a_face_with_two_labels_is_left_out_and_a_double_kept_once(root: Path) -> None:
    one, other = (0, 0, 9, 9), (9, 0, 19, 9)
    faces: list[tuple[str, Edges]] = [("mask", one), ("no", one), ("mask", other), ("1", other)]
    put(root / "annotations" / "1.xml", annotation(*faces))
    put(root / "annotations" / "2.xml", annotation(("mask", one), file_name="2.jpg"))
    source = read(root)
    assert [(row.path.name, row.box) for row in source.rows] == [
        ("1.jpg", Box(*other)),
        ("2.jpg", Box(*one)),
    ]
    assert reasons(source) == {
        ("1.jpg", "conflicting labels"): 2,
        ("1.jpg", "listed twice"): 1,
        ("3.jpg", "no annotation"): 1,
    }


def test_an_unknown_class_stops_the_source(root: Path) -> None:
    put(root / "annotations" / "1.xml", annotation(("mask", WHOLE), ("helmet", WHOLE)))
    put(root / "annotations" / "2.xml", annotation(("mask", WHOLE), file_name="2.jpg"))
    with pytest.raises(LabelError, match=r"1\.xml, object 2: unknown class name 'helmet'"):
        read(root)


def test_a_class_mapped_to_ignore_is_left_out(root: Path) -> None:
    put(root / "annotations" / "1.xml", annotation(("mask", WHOLE), ("person", WHOLE)))
    put(root / "annotations" / "2.xml", annotation(("mask", WHOLE), file_name="2.jpg"))
    put(root / "annotations" / "3.xml", annotation(("person", WHOLE), file_name="3.jpg"))
    source = read_source(root, "s", ReadOptions(mapping={"person": "ignore"}))
    assert [row.path.name for row in source.rows] == ["1.jpg", "2.jpg"]
    assert reasons(source) == {
        ("1.jpg", "name mapped to ignore"): 1,
        ("3.jpg", "name mapped to ignore"): 1,
    }


def test_the_lists_of_pascal_voc_give_the_split(root: Path) -> None:
    for number in (1, 2, 3):
        text = annotation(("mask", WHOLE), file_name=f"{number}.jpg")
        put(root / "Annotations" / f"{number}.xml", text)
    put(root / "ImageSets" / "Main" / "train.txt", "1\n3\n")
    put(root / "ImageSets" / "Main" / "test.txt", "2\n3\n")
    put(root / "ImageSets" / "Main" / "trainval.txt", "2\n")
    source = read(root)
    assert [(row.path.stem, row.split) for row in source.rows] == [("1", "train"), ("2", "test")]
    assert reasons(source) == {("3.jpg", "conflicting splits"): 1}


def test_a_few_annotations_among_many_photos_make_no_layout(root: Path) -> None:
    put(root / "annotations" / "1.xml", annotation(("mask", WHOLE)))
    with pytest.raises(LabelError, match="at least one for every two photos"):
        read(root)
    assert len(boxes_of(root, ("mask", WHOLE))) == 1


XML = st.one_of(
    st.binary(max_size=200),
    st.tuples(st.integers(0, 400), st.binary(max_size=3)).map(
        lambda change: (
            annotation(("mask", WHOLE)).encode()[: change[0]]
            + change[1]
            + annotation(("mask", WHOLE)).encode()[change[0] + len(change[1]) :]
        )
    ),
    st.tuples(*[st.text(max_size=6)] * 6).map(
        lambda t: annotation((t[0], t[1:5]), file_name=t[5]).encode("utf-8", "replace")
    ),
)


@given(content=XML)
@example(content=b"")
@example(content=annotation(("mask", ("-inf", 0, 1, 2)), file_name="../\0").encode())
@example(content=("<annotation>" + "<a>" * 20_000 + "</a>" * 20_000 + "</annotation>").encode())
def test_any_bytes_are_a_source_or_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzzed annotations"
    if not folder.exists():
        picture(folder / "1.jpg")
    put(folder / "1.xml", content)
    try:
        source = read_source(folder, "s", ReadOptions(layouts={"": "voc"}))
    except FacecoverError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 -- either outcome is right
    else:
        assert source.rows


def test_nothing_annotated_is_an_error(root: Path) -> None:
    with pytest.raises(DatasetError, match=r"nothing of it can be used \(3 x no annotation\)"):
        read_source(root, "s", ReadOptions(layouts={"s": "voc"}))
