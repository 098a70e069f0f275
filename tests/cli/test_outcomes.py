import codecs
from pathlib import Path

import pytest

from facecover.cli.outcomes import read_list

NAMES = ["photos/a.jpg", "ä/ ß.jpg", "b.jpg"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_list_is_read_in_any_encoding_of_unicode(
    tmp_path: Path, encoding: str, line_end: str
) -> None:
    content = line_end.join(["", *NAMES, ""]).encode(encoding)
    if encoding == "utf-16-be":
        content = codecs.BOM_UTF16_BE + content
    (tmp_path / "list.txt").write_bytes(content)
    assert read_list(tmp_path / "list.txt") == NAMES


def test_backslashes_are_slashes_where_only_these_lead_to_a_photo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for name in ("photos/a.jpg", "odd\\name.jpg"):
        (tmp_path / name).touch()
    lines = ["photos\\a.jpg", "photos\\*.jpg", "odd\\name.jpg", "no\\such.jpg"]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    expected = ["photos/a.jpg", "photos/*.jpg", "odd\\name.jpg", "no\\such.jpg"]
    assert read_list(tmp_path / "list.txt") == expected


@pytest.mark.parametrize("content", [b"", b"\0", b"\xff\xfe", b"\xff\xfea", b"a\0\0", b"\xff\n"])
def test_any_bytes_are_a_list(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    assert all(read_list(tmp_path / "list.txt"))
