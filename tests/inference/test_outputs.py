"""What becomes of answered photos: copies, a sheet."""

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.inference.example_answers import given_answer, jpeg_bytes, photo_bytes, uncertain

from facecover.errors import ConfigError, OutputError
from facecover.images import MAX_PIXELS, PixelBudget
from facecover.inference import outputs
from facecover.inference.outputs import Sheet, SortedCopies, safe_name
from facecover.photos import photos_below


@given(
    st.text(min_size=1) | st.sampled_from(["../../x", "/etc/passwd", "..", "C:\\a.jpg", "\\\\s\\x"])
)
def test_a_copys_name_stays_in_its_folder(inner: str) -> None:
    name = safe_name(given_answer(inner=inner, source=b"?").photo)
    assert Path(name).name == name
    assert name not in ("", ".", "..")
    assert not name.startswith(".")
    assert not set(name) & set('<>:"/\\|?*\0\n')
    assert len(name.encode()) <= 180


def test_names_of_copies_are_readable() -> None:
    names = {
        inner: safe_name(given_answer(inner=inner).photo)
        for inner in ("a b.jpg", "sub/a.jpg", "../x.jpg", "sub/./y.jpg", "Ü/ñ.JPG")
    }
    assert list(names.values()) == ["a b.jpg", "sub__a.jpg", "x.jpg", "sub__y.jpg", "Ü__ñ.JPG"]
    assert safe_name(given_answer(inner="n" * 400 + ".jpg").photo).endswith("n.jpg")
    assert safe_name(given_answer(inner="stdin", source=jpeg_bytes((9, 9))).photo) == "stdin.jpg"


def test_copies_never_overwrite_and_are_made_once(tmp_path: Path) -> None:
    (tmp_path / "out/mask").mkdir(parents=True)
    (tmp_path / "out/mask/a.jpg").write_bytes(b"somebody's")
    photos = [given_answer(source=b"1"), given_answer(source=b"2"), uncertain(given_answer())]
    for _ in range(2):
        copies = SortedCopies(tmp_path / "out")
        paths = [copies.add(one).relative_to(tmp_path / "out").as_posix() for one in photos]
        assert paths == ["mask/a-2.jpg", "mask/a-3.jpg", "uncertain/a.jpg"]
    assert (tmp_path / "out/mask/a.jpg").read_bytes() == b"somebody's"
    assert (tmp_path / "out/mask/a-3.jpg").read_bytes() == b"2"
    assert len(list((tmp_path / "out").rglob("*.jpg"))) == 4


def test_a_copy_keeps_the_photo_and_its_date(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    source.write_bytes(b"photo")
    os.utime(source, (1_000_000_000, 1_000_000_000))
    copy = SortedCopies(tmp_path / "out").add(given_answer(source=source))
    assert copy.read_bytes() == source.read_bytes() == b"photo"
    assert copy.stat().st_mtime == 1_000_000_000


def test_a_copy_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError, match="the copy cannot be written"):
        SortedCopies(tmp_path / "out").add(given_answer())


def test_copies_inside_a_folder_of_photos_are_passed_over_but_read_when_named(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.png").write_bytes(b"1")
    for _ in range(2):
        SortedCopies(tmp_path / "out").add(given_answer(inner="a.png", source=b"1"))
    marker = tmp_path / "out" / "copies-by-facecover.txt"
    assert "delete this file to have them read" in marker.read_text()
    skipped = Counter[str]()
    assert [one.name for one in photos_below(tmp_path, skipped)] == [str(tmp_path / "a.png")]
    assert skipped == {"folder written by facecover": 1}
    assert len(list(photos_below(tmp_path / "out", Counter()))) == 1


def test_a_folder_that_held_something_is_not_marked(tmp_path: Path) -> None:
    own = tmp_path / "archive" / "mask" / "own.png"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"2")
    SortedCopies(tmp_path / "archive").add(given_answer(inner="a.png", source=b"1"))
    assert len(list(photos_below(tmp_path, Counter()))) == 2


def test_a_sheet_shows_the_first_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "MAX_TILES", 3)
    sheet = Sheet(tmp_path / "sheet.png")
    assert sheet.write() == 0
    assert not (tmp_path / "sheet.png").exists()
    for _ in range(5):
        sheet.add(given_answer(source=photo_bytes((9, 99, 9))), PixelBudget(MAX_PIXELS))
    assert sheet.write() == 3
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.width == 3 * (128 + 8) + 8


def test_a_sheet_is_a_png(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ends in \.png"):
        Sheet(tmp_path / "sheet.jpg")


def test_a_photo_that_is_named_twice_is_copied_once(tmp_path: Path) -> None:
    photo = tmp_path / "b.png"
    photo.write_bytes(b"1")
    for _ in range(2):
        copies = SortedCopies(tmp_path / "out")
        names = [
            copies.add(given_answer(inner="b.png", source=source)).name
            for source in (photo, photo, b"2", photo, b"3")
        ]
        assert names == ["b.png", "b.png", "b-2.png", "b.png", "b-3.png"]
    assert len(list((tmp_path / "out").rglob("*.png"))) == 3
