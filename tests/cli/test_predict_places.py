"""`facecover predict` where a place that is named cannot be looked up."""

import os
from pathlib import Path

import numpy as np
import pytest
from tests.cli.running import run_here

from facecover.drawn.drawn_dataset import draw_face


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photo in the working folder."""
    monkeypatch.chdir(tmp_path)
    draw_face(np.random.default_rng(0), 1, (48, 60)).save("a.jpg")
    return Path("a.jpg")


def test_a_folder_for_copies_with_too_long_a_name_is_one_line(photo: Path) -> None:
    ended = run_here("predict", photo, "--copy-to", "n" * 300)
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert line.startswith("facecover: --copy-to nnn")
    assert line.endswith("n: cannot be looked up: File name too long; name another folder")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_to_itself_is_reported_beside_the_copies(photo: Path) -> None:
    Path("self.jpg").symlink_to("self.jpg")
    ended = run_here("predict", photo, "self.jpg", "--copy-to", "out")
    assert ended.status == 3
    answer, error = ended.out.splitlines()
    assert answer.endswith("  a.jpg")
    assert "self.jpg: cannot be opened" in error
    assert len(list(Path("out").rglob("*.jpg"))) == 1


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_to_the_folder_that_is_read_is_no_place_for_copies(photo: Path) -> None:
    Path("link").symlink_to(".")
    ended = run_here("predict", ".", "--copy-to", "link")
    assert ended.status == 1
    assert "one inside it will do" in ended.errors
