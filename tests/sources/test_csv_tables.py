from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from tests.sources.annotated import picture

from facecover.errors import DatasetError, FacecoverError, LabelError
from facecover.labels import Box
from facecover.sources.reading import ReadOptions, read_source, read_sources
from facecover.sources.rows import Source


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder `photos` with the 20 x 10 pictures `a.png` to `d.png`."""
    folder = tmp_path / "data"
    (folder / "photos").mkdir(parents=True)
    for name in "abcd":
        Image.new("RGB", (20, 10)).save(folder / "photos" / f"{name}.png")
    return folder


def read(root: Path, text: str) -> Source:
    table = root / "labels.csv"
    table.write_text(text, encoding="utf-8", newline="")
    return read_source(table, "table")


def reasons(source: Source) -> list[tuple[str, str]]:
    return [(drop.path.name, drop.reason) for drop in source.drops]


PLAIN = "path,label\nphotos/a.png,with_mask\nphotos/b.png,0\n"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        "\ufeff" + PLAIN,
        PLAIN.removesuffix("\n"),
        "Label , PATH\n with_mask , photos/a.png \n\n0.0,./photos/b.png\n  \n",
        'path,label\n"photos/a.png","mask"\n"photos/c/../b.png",no\n',
        "path,label\nphotos\\a.png,mask\nphotos\\b.png,no\n",
        ",path,label\n0,photos/a.png,mask\n1,photos/b.png,no\n",
    ],
)
def test_any_common_spelling_of_a_table_is_read(root: Path, text: str) -> None:
    source = read(root, text)
    assert source.layout == "csv"
    assert source.root == root
    assert [(row.path, row.label) for row in source.rows] == [
        (root / "photos" / "a.png", 1),
        (root / "photos" / "b.png", 0),
    ]
    assert not source.drops
    assert set(source.class_labels.values()) == {0, 1}


def test_every_column_arrives(root: Path) -> None:
    text = (
        "path,label,Split,group,x0,y0,x1,y1,age,note\n"
        'photos/a.png,1,Training,p1,0,0,5,5,33,"a, b"\n'
        "photos/b.png,0,valid,,,,,,,\n"
        "photos/c.png,0,,,1.4,2,20,10,,\n"
    )
    first, second, third = read(root, text).rows
    assert (first.split, first.group, first.box) == ("train", "p1", Box(0, 0, 5, 5))
    assert first.extra == {"age": "33", "note": "a, b"}
    assert (second.split, second.group, second.box) == ("val", None, None)
    assert (third.split, third.box) == (None, Box(1, 2, 20, 10))


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        ("x0,y0,x1,y1", "2,1,7,9"),
        ("xmin,ymin,xmax,ymax", "2,1,7,9"),
        ("XMin,YMin,XMax,YMax", "2.0,1.0,7.0,9.0"),
        ("xmax,ymax,xmin,ymin", "2,1,7,9"),  # in the wrong order
        ("x1,y1,x2,y2", "2,1,7,9"),
        ("x,y,w,h", "2,1,5,8"),
        ("x,y,width,height", "2,1,5,8"),
        ("width,height,xmin,ymin,xmax,ymax", "20,10,2,1,7,9"),
        ("width,height,xmin,ymin,xmax,ymax", "40,20,4,2,14,18"),  # scaled after it was annotated
        ("width,height,x,y,w,h", "40,20,4,2,10,16"),
        ("width,height,x0,y0,x1,y1", "5,8,2,1,7,9"),  # as `facecover` writes them
        ("xmin,ymin,xmax,ymax", "-1,1,7,9"),  # most of it lies inside
    ],
)
def test_a_box_is_read_however_exporters_name_its_columns(
    root: Path, columns: str, values: str
) -> None:
    source = read(root, f"filename,class,{columns}\nphotos/a.png,mask,{values}\n")
    (row,) = source.rows
    assert row.box == Box(0 if "-1" in values else 2, 1, 7, 9)
    assert row.group == "table/photos/a.png"
    assert row.label == 1
    assert not set(row.extra) - {"width", "height"}


@pytest.mark.parametrize("path", ["filename", "File_Name", "image", "filepath"])
@pytest.mark.parametrize("label", ["class", "CLASS_NAME"])
def test_a_table_is_read_by_the_names_that_exporters_give(
    root: Path, path: str, label: str
) -> None:
    source = read(root, f"{label};{path}\nmask;photos/a.png\nno_mask;photos/b.png\n")
    assert [(row.path.name, row.label) for row in source.rows] == [("a.png", 1), ("b.png", 0)]


def test_our_own_names_win_over_those_of_exporters(root: Path) -> None:
    (row,) = read(root, "image,path,label,class\n7,photos/a.png,1,person\n").rows
    assert (row.path.name, row.label) == ("a.png", 1)
    assert row.extra == {"image": "7", "class": "person"}


def test_a_class_mapped_to_ignore_is_left_out_of_a_table(root: Path) -> None:
    table = root / "labels.csv"
    table.write_text("path,label\nphotos/a.png,1\nphotos/b.png,person\n")
    source = read_source(table, "table", ReadOptions(mapping={"Person": "ignore"}))
    assert len(source.rows) == 1
    assert reasons(source) == [("b.png", "name mapped to ignore")]


@pytest.mark.parametrize("columns", ["xmin,ymin", "x1,y1,x2", "x0"])
def test_part_of_a_box_is_an_error(root: Path, columns: str) -> None:
    values = ",".join("1" for _ in columns.split(","))
    with pytest.raises(
        DatasetError, match=f"or none of them, found only {columns.replace(',', ', ')}"
    ):
        read(root, f"path,label,{columns}\nphotos/a.png,1,{values}\n")


def test_the_faces_of_one_photo_are_one_group_and_stand_together(root: Path) -> None:
    text = (
        "path,label,x0,y0,x1,y1\nphotos/a.png,1,0,0,5,5\nphotos/b.png,1,0,0,5,5\n"
        "photos/a.png,0,5,0,9,5\n"
    )
    rows = read(root, text).rows
    assert [row.path.name for row in rows] == ["a.png", "a.png", "b.png"]
    assert rows[0].group == rows[1].group is not None
    assert rows[2].group not in (rows[0].group, None)


def test_paths_may_be_absolute_and_lie_elsewhere(root: Path, tmp_path: Path) -> None:
    (root / "tables").mkdir()
    text = f"path,label\n{root / 'photos' / 'a.png'},1\n../photos/b.png,0\n"
    source = read(root / "tables", text)
    assert [row.path for row in source.rows] == [root / "photos/a.png", root / "photos/b.png"]
    assert source.root == root
    assert all(row.path.is_relative_to(source.root) for row in source.rows)
    assert tmp_path in source.root.parents


def test_a_folder_with_one_table_is_read_by_it(root: Path) -> None:
    (root / "notes.csv").write_text("name,value\n1,2\n")
    (root / "labels.csv").write_text(PLAIN)
    source = read_source(root, "data")
    assert source.layout == "csv"
    assert len(source.rows) == 2


def test_of_two_tables_none_is_chosen(root: Path) -> None:
    (root / "train.csv").write_text(PLAIN)
    (root / "test.csv").write_text(PLAIN)
    with pytest.raises(LabelError, match=r"test\.csv, train\.csv are all tables of photos: name"):
        read_source(root, "data")
    both = read_sources([root / "train.csv", root / "test.csv"])
    assert [source.name for source in both] == ["train.csv", "test.csv"]


def test_a_table_that_cannot_be_used_is_explained(root: Path) -> None:
    (root / "labels.csv").write_text("photo;kind\nphotos/a.png;1\n")
    with pytest.raises(LabelError, match="expected the columns path and label, found 'photo', 'ki"):
        read_source(root / "photos" / "..", "data")


def test_bad_lines_are_listed_and_the_good_ones_kept(root: Path) -> None:
    text = (
        "path,label,x0,y0,x1,y1\n"
        "photos/a.png,1,,,,\n"
        "photos/gone.png,1,,,,\n"
        "photos/b.png,,,,,\n"
        "photos/b.png,1\n"
        ",1,,,,\n"
        "photos,1,,,,\n"
        "photos/b.png,1,1,2,three,4\n"
        "photos/b.png,1,1,2,3,\n"
        "photos/b.png,1,1,2,nan,4\n"
        "photos/b.png,1,5,2,5,4\n"
        "photos/b.png,1,5,2,36,4\n"
        "photos/c.png,0,-2,0,22,12\n"
        f"{'n' * 300}.png,1,,,,\n"
    )
    source = read(root, text)
    assert [(row.path.name, row.box) for row in source.rows] == [
        ("a.png", None),
        ("c.png", Box(0, 0, 20, 10)),
    ]
    assert reasons(source) == [
        ("gone.png", "no such file"),
        ("b.png", "no label"),
        ("labels.csv", "broken line"),
        ("labels.csv", "no such file"),
        ("photos", "no such file"),
        ("b.png", "broken box"),
        ("b.png", "broken box"),
        ("b.png", "broken box"),
        ("b.png", "empty box"),
        ("b.png", "box outside its picture"),
        ("n" * 300 + ".png", "no such file"),
    ]
    assert "labels.csv, line 3: there is no such file" in source.drops[0].detail
    assert all(f"line {number}" in drop.detail for number, drop in enumerate(source.drops[:5], 3))


def test_lines_that_disagree_are_all_left_out_and_doubles_kept_once(root: Path) -> None:
    text = (
        "path,label,split\nphotos/a.png,1,train\nphotos/b.png,1,\nphotos/a.png,with_mask,test\n"
        "./photos/b.png,no_mask,\nphotos/c.png,0,\nphotos/b.png,1,\n"
    )
    source = read(root, text)
    assert [(row.path.name, row.split) for row in source.rows] == [
        ("a.png", "train"),
        ("c.png", None),
    ]
    assert Counter(reasons(source)) == {
        ("b.png", "conflicting labels"): 3,
        ("a.png", "listed twice"): 1,
    }
    conflict = next(drop for drop in source.drops if drop.reason == "conflicting labels")
    for line in (3, 5, 7):
        assert f"line {line}" in conflict.detail


def test_counts_add_up_to_the_lines(root: Path) -> None:
    lines = ["photos/a.png,1", "photos/a.png,0", "photos/b.png,1", "photos/b.png,1", "x,1", "y"]
    source = read(root, "\n".join(["path,label", *lines, "photos/c.png,2"]))
    assert len(source.rows) + len(source.drops) == len(lines) + 1


def test_a_picture_that_cannot_be_read_keeps_its_boxes(root: Path) -> None:
    (root / "photos" / "a.png").write_text("no image")
    source = read(root, "path,label,x0,y0,x1,y1\nphotos/a.png,1,1,2,300,400\n")
    assert source.rows[0].box == Box(1, 2, 300, 400)


def test_corrected_labels_beside_class_folders_are_no_table_of_photos(tmp_path: Path) -> None:
    for number, name in enumerate(("with_mask", "without_mask") * 3):
        (tmp_path / name).mkdir(exist_ok=True)
        Image.new("RGB", (20, 10)).save(tmp_path / name / f"{number}.png")
    corrections = tmp_path / "fixes.csv"
    corrections.write_text(
        "source,path,label,who,when,why\nx,with_mask/0.png,no_mask,me,2024-05-31,bare\n"
    )
    source = read_source(tmp_path, "x")
    assert (source.layout, len(source.rows)) == ("class-folders", 6)
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (20, 10)).save(tmp_path / "photos/a.png")
    corrections.rename(tmp_path / "photos/fixes.csv")
    with pytest.raises(
        LabelError, match=r"fixes\.csv holds corrected labels: give it to --relabel"
    ):
        read_source(tmp_path / "photos", "x")


def test_the_column_source_makes_sources(root: Path) -> None:
    (root / "labels.csv").write_text(
        "path,label,source\nphotos/a.png,1,street\nphotos/b.png,0,studio\nphotos/c.png,0,\n"
        "photos/gone.png,0,street\n"
    )
    sources = read_sources([root])
    assert {source.name: (len(source.rows), len(source.drops)) for source in sources} == {
        "street": (1, 1),
        "studio": (1, 0),
        "data": (1, 0),
    }
    for source in sources:
        assert {row.source for row in source.rows} == {source.name}
        assert {drop.source for drop in source.drops} <= {source.name}
        assert source.root == root


BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "line 1: expected the columns path and label, found an empty file"),
    "header alone": (b"path,label\n", "expected lines below the header, found none"),
    "a column missing": (b"file,kind\na,1\n", "found 'file', 'kind'; name the column label"),
    "a column twice": (b"path,label,label\na,1,1\n", "the column 'label' stands there twice"),
    "open quote": (b'path,label\n"photos/a.png,1\n', "line 2: broken CSV: unexpected end of data"),
    "text after quote": (b'path,label\n"photos/a.png"x,1\n', "line 2: broken CSV: "),
    "null bytes": (b"path,label\n\0,1\n", "found null bytes; not a CSV file"),
    "latin-1": (b"path,label\nphotos/a.png,1\ncaf\xe9,1\n", "line 3: expected UTF-8 .*0xe9"),
    "utf-16": ("path,label\na,1\n".encode("utf-16"), "found UTF-16; save it as UTF-8"),
    "huge field": (b"path,label\n" + b"x" * 200_000 + b",1\n", "line 2: broken CSV: field larger"),
    "nowhere": (b"path,label\na.png,1\nb.png,1\n", "none of its 2 lines points to a file; .*a.png"),
    "unknown class": (b"path,label\nphotos/a.png,hat\n", "line 2: unknown class name 'hat'"),
    "unknown split": (b"path,label,split\nphotos/a.png,1,holdout\n", "unknown split 'holdout'"),
    "half a box": (b"path,label,x0,y0\nphotos/a.png,1,1,1\n", "expected the columns x0, y0, x1, y"),
    "all dropped": (b"path,label\nphotos/a.png,\n", r"nothing of it can be used \(1 x no label\)"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_table_is_one_clear_error(root: Path, name: str) -> None:
    content, message = BROKEN[name]
    table = root / "labels.csv"
    table.write_bytes(content)
    with pytest.raises((DatasetError, LabelError), match=message) as caught:
        read_source(table, "table")
    assert "labels.csv" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


TABLE = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=200).map(lambda tail: b"path,label\nphotos/a.png,1\n" + tail),
    st.lists(
        st.sampled_from(["photos/a.png", "1", "0", "mask", ",", ",", ";", "\n", "\n", '"', " "]),
        max_size=40,
    ).map(lambda parts: ("path,label,x0,y0,x1,y1,split\n" + "".join(parts)).encode()),
)


@given(content=TABLE)
@example(content=b"path,label\n\r\n\n")
@example(content=b"path,label\n" + "photos/\ud7ff,1".encode())
def test_any_bytes_are_a_source_or_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzzed table"
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    (folder / "photos" / "a.png").touch()
    (folder / "labels.csv").write_bytes(content)
    for path in (folder, folder / "labels.csv"):
        try:
            source = read_source(path, "table")
        except FacecoverError as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017 -- either outcome is right
        else:
            assert source.rows


@pytest.mark.parametrize("splits", ["train valid test", "train test"])
def test_a_table_in_each_split_folder_is_read(tmp_path: Path, splits: str) -> None:
    for split in splits.split():
        for name in ("a", "b"):
            picture(tmp_path / split / f"{name}.jpg")
        lines = ["a.jpg,40,20,mask,0,0,9,9", "b.jpg,40,20,no-mask,0,0,9,9", "c.jpg,,,,,,,"]
        text = "\n".join(["filename,width,height,class,xmin,ymin,xmax,ymax", *lines])
        (tmp_path / split / "_annotations.csv").write_text(text)
    source = read_source(tmp_path, "s")
    assert source.layout == "csv"
    expected = {{"valid": "val"}.get(name, name) for name in splits.split()}
    assert {row.split for row in source.rows} == expected
    assert {row.path.parent.name for row in source.rows} == set(splits.split())
    assert len({row.group for row in source.rows}) == len(source.rows) == 2 * len(expected)
    assert [drop.reason for drop in source.drops] == ["no such file"] * len(expected)


def test_a_table_without_a_header_as_retinanet_reads_it(tmp_path: Path) -> None:
    for name in ("a", "b"):
        picture(tmp_path / f"{name}.jpg")
    lines = ["a.jpg,1,2,11,12,mask", "a.jpg,20,0,40.0,9,no-mask", "b.jpg,,,,,", "a.jpg,1,2"]
    (tmp_path / "_annotations.csv").write_text("\n".join(lines))
    source = read_source(tmp_path, "s")
    assert [(row.label, row.box) for row in source.rows] == [
        (1, Box(1, 2, 11, 12)),
        (0, Box(20, 0, 40, 9)),
    ]
    assert reasons(source) == [("b.jpg", "no label"), ("_annotations.csv", "broken line")]
