from pathlib import Path

import pytest
from tests.sources.empty_files import put

import facecover.sources
from facecover.errors import ConfigError, DatasetError, LabelError
from facecover.sources import LAYOUTS
from facecover.sources.reading import (
    ReadOptions,
    check_classes,
    numbered,
    parse_assignments,
    read_source,
    read_sources,
    source_names,
)


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Class folders with one photo of each class."""
    return put(tmp_path / "faces", ["with_mask/a.jpg", "without_mask/b.jpg"])


@pytest.fixture
def persons(tmp_path: Path) -> Path:
    """Three photos in folders that name no class."""
    return put(tmp_path / "persons", ["0000/a.jpg", "0001/a.jpg", "0001/b.jpg"])


def test_the_room_describes_every_layout() -> None:
    assert all(f"``{layout}``" in (facecover.sources.__doc__ or "") for layout in LAYOUTS)


def test_sources_of_different_layouts_are_read_together(faces: Path, persons: Path) -> None:
    sources = read_sources([faces, persons], parse_assignments(labels=["persons=mask"]))
    assert [(source.name, source.layout, len(source.rows)) for source in sources] == [
        ("faces", "class-folders", 2),
        ("persons", "single-class", 3),
    ]
    for source in sources:
        assert {row.source for row in source.rows} == {source.name}
        assert all(row.path.is_relative_to(source.root) for row in source.rows)
        assert source.root.is_absolute()
    assert sources[0] == read_source(faces, "faces")
    assert sources[1] == read_source(persons, "persons", ReadOptions(labels={"": "mask"}))


def test_paths_relative_to_the_working_folder_are_read(
    faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(faces)
    for path in (Path(), Path("../faces"), Path("with_mask/..")):
        (source,) = read_sources([path])
        assert source.name == "faces"
        assert source.root == faces
        assert len(source.rows) == 2


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/a/photos"], ["photos"]),
        (["/a/photos/", "/b/photos"], ["a/photos", "b/photos"]),
        (["/a/x/photos", "/b/x/photos", "/c/faces"], ["a/x/photos", "b/x/photos", "faces"]),
        (["/a/photos", "/a/photos"], ["photos", "photos-2"]),
        (["/photos", "/b/photos"], ["photos", "b/photos"]),
        (["/a/1.csv", "/b/1.csv"], ["a/1.csv", "b/1.csv"]),
        (["/"], ["/"]),
    ],
)
def test_sources_are_named_by_as_few_parts_as_tell_them_apart(
    paths: list[str], names: list[str]
) -> None:
    assert source_names([Path(path) for path in paths]) == names


def test_numbers_never_clash_with_names_that_are_there() -> None:
    assert numbered(["a", "a", "a-2", "a"]) == ["a", "a-3", "a-2", "a-4"]


def test_the_same_folder_twice_is_two_sources(faces: Path) -> None:
    sources = read_sources([faces, faces])
    assert [source.name for source in sources] == ["faces", "faces-2"]
    assert {row.source for row in sources[1].rows} == {"faces-2"}


def test_nothing_to_read_is_an_error(tmp_path: Path, faces: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    for paths, message in (
        ([], "at least one folder or CSV file"),
        ([tmp_path / "face"], r"face: no such folder or file; did you mean .*faces\?"),
        ([faces, tmp_path / "nothing" / "at" / "all"], "no such folder or file$"),
        ([tmp_path / ("n" * 300)], "no such folder or file"),
        ([tmp_path / "null\0"], r"null\\x00: no such folder or file"),
        ([tmp_path / "photo.jpg"], r"photo\.jpg: expected a folder or a CSV file .*, found a file"),
    ):
        with pytest.raises(DatasetError, match=message) as caught:
            read_sources(paths)
        assert len(str(caught.value).splitlines()) == 1


def test_a_file_cannot_be_read_as_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("path,label\n")
    with pytest.raises(DatasetError, match="expected a folder to read as voc, found a file"):
        read_sources([tmp_path / "a.csv"], ReadOptions(layouts={"": "voc"}))


def test_any_text_file_may_be_forced_to_be_a_table(faces: Path) -> None:
    (faces / "list.txt").write_text("path,label\nwith_mask/a.jpg,1\n")
    (source,) = read_sources([faces / "list.txt"], ReadOptions(layouts={"": "csv"}))
    assert source.layout == "csv"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (ReadOptions(layouts={"face": "voc"}), "no source is called 'face' .did you mean 'faces'"),
        (ReadOptions(labels={"rmfd": "mask"}), "no source is called 'rmfd'; the sources are faces"),
        (ReadOptions(labels={"": "mask"}), "every source has labels of its own"),
        (ReadOptions(labels={"faces": "mask"}), "the source has labels of its own, read as class"),
        (ReadOptions(layouts={"": "cvs"}), "unknown layout 'cvs'; expected one of class-folders"),
    ],
)
def test_options_that_concern_no_source_are_refused(
    faces: Path, options: ReadOptions, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        read_sources([faces], options)


def test_labels_may_be_overruled_by_force(faces: Path) -> None:
    options = parse_assignments(layouts=["faces=single-class"], labels=["no"])
    (source,) = read_sources([faces], options)
    assert {row.label for row in source.rows} == {0}


def test_assignments_are_parsed() -> None:
    options = parse_assignments(
        layouts=["voc", "a=b=csv"], labels=["mask", "rmfd = No Mask"], maps=["hat=no_mask"]
    )
    assert options.layouts == {"": "voc", "a=b": "csv"}
    assert options.labels == {"": "mask", "rmfd": "No Mask"}
    assert options.mapping == {"hat": "no_mask"}
    assert parse_assignments() == ReadOptions()
    assert parse_assignments(labels=["hat"], maps=["hat=mask"]).labels == {"": "hat"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"layouts": ["vok"]}, r"unknown layout 'vok' \(did you mean 'voc'\?\); expected one of"),
        ({"layouts": ["classfolders"]}, "did you mean 'class-folders'"),
        ({"layouts": ["a="]}, "expected VALUE or SOURCE=VALUE"),
        ({"layouts": ["=voc"]}, "expected VALUE or SOURCE=VALUE"),
        ({"layouts": [""]}, "expected VALUE or SOURCE=VALUE"),
        ({"layouts": ["a=voc", "a=csv"]}, "'voc' is given for it too; keep one"),
        ({"labels": ["a=mask", "a=no_mask"]}, "'mask' is given for it too"),
    ],
)
def test_assignments_that_make_no_sense_are_refused(
    given: dict[str, list[str]], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_assignments(**given)


@pytest.mark.parametrize("given", [{"labels": ["a=hat"]}, {"maps": ["a=hat"]}])
def test_assignments_of_unknown_classes_are_refused(given: dict[str, list[str]]) -> None:
    with pytest.raises(LabelError, match="unknown class"):
        parse_assignments(**given)


def test_one_class_alone_can_be_read_but_not_learned_from(faces: Path, persons: Path) -> None:
    options = ReadOptions(labels={"": "mask"})
    alone = read_sources([persons], options)
    with pytest.raises(LabelError, match=r"persons: expected .* two classes, found 3 x mask; add"):
        check_classes(alone)
    with pytest.raises(LabelError, match=r"no source: expected .* found none"):
        check_classes([])
    check_classes(read_sources([faces, persons], options))


def test_reading_changes_nothing(faces: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in faces.rglob("*")}
    read_sources([faces])
    assert {path: path.stat().st_mtime_ns for path in faces.rglob("*")} == before


def test_a_web_address_is_no_source() -> None:
    with pytest.raises(DatasetError, match=r"^https:/example\.org/a\.zip: a web address, and noth"):
        read_sources([Path("https://example.org/a.zip")])
