"""`facemask predict` where a place that is named cannot be looked up."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from facemask.cli import main
from facemask.data.drawn import draw_face

Said = pytest.CaptureFixture[str]


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photo in the working folder."""
    monkeypatch.chdir(tmp_path)
    draw_face(np.random.default_rng(0), 1, (48, 60)).save("a.jpg")
    return Path("a.jpg")


def predict(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["facemask", "predict", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_folder_for_copies_with_too_long_a_name_is_one_line(
    photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    assert predict(monkeypatch, photo, "--copy-to", "n" * 300) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("facemask: --copy-to nnn")
    assert line.endswith("n: cannot be looked up: File name too long; name another folder")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_to_itself_is_reported_beside_the_copies(
    photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    Path("self.jpg").symlink_to("self.jpg")
    assert predict(monkeypatch, photo, "self.jpg", "--copy-to", "out") == 3
    answer, error = capsys.readouterr().out.splitlines()
    assert answer.endswith("  a.jpg")
    assert "self.jpg: cannot be opened" in error
    assert len(list(Path("out").rglob("*.jpg"))) == 1


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_to_the_folder_that_is_read_is_no_place_for_copies(
    photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    Path("link").symlink_to(".")
    assert predict(monkeypatch, ".", "--copy-to", "link") == 1
    assert "one inside it will do" in capsys.readouterr().err
