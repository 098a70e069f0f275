"""The site for the browser, written into a folder: from what was built, and never over a user's."""

from pathlib import Path

import pytest
from tests.cli.running import run_here

import facecover
from facecover import ConfigError
from facecover.errors import OutputError
from facecover.serving import write_page


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the built site."""
    folder = tmp_path / "built"
    (folder / "assets").mkdir(parents=True)
    for name in ("index.html", "sw.js", write_page.MARKER_NAME, "assets/a.js"):
        (folder / name).write_text(name)
    monkeypatch.setattr(write_page, "PAGE_FOLDER", folder)
    return folder


def test_the_site_is_written_and_replaced(built: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert facecover.page(str(site)) == site
    (built / "assets/a.js").rename(built / "assets/b.js")
    done = run_here("page", "-o", site)
    assert done.status == 0, done.errors
    assert "4 files" in done.out
    assert "python -m http.server" in done.out
    assert [path.name for path in (site / "assets").iterdir()] == ["b.js"]


@pytest.mark.usefixtures("built")
def test_another_site_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(OutputError, match="found other files"):
        facecover.page(tmp_path)
    facecover.page(tmp_path / "site")
    (tmp_path / "site/diary.html").write_text("mine")
    with pytest.raises(OutputError, match=r"diary\.html"):
        facecover.page(tmp_path / "site")


def test_a_site_that_was_not_built_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_page, "PAGE_FOLDER", tmp_path / "nothing")
    with pytest.raises(ConfigError, match="run 'make page'"):
        facecover.page(tmp_path / "site")
    done = run_here("page", "-o", tmp_path / "site")
    assert (done.status, len(done.errors.splitlines())) == (1, 1)
    assert not (tmp_path / "site").exists()
