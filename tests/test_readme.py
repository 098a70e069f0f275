"""The README's commands, typed as they stand."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.cli.running import run_here

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def commands(text: str) -> list[list[str]]:
    """Every line of the shell blocks that calls `facecover`."""
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("facecover ")]


def test_the_readme_shows_the_way_through() -> None:
    shown = [command[0] for command in commands(README)]
    assert shown == [
        *("predict", "detect"),
        *("explore", "audit", "prepare", "train", "train", "evaluate", "compare"),
        "predict",
    ]


@pytest.mark.slow
def test_the_readmes_commands_run(
    few_photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(few_photos, tmp_path / "photos")
    for name in ("photo", "crowd"):
        shutil.copy(few_photos / "with_mask/face 0.jpg", tmp_path / f"{name}.jpg")
    monkeypatch.chdir(tmp_path)
    for command in commands(README):
        done = run_here(*command)
        assert done.status == 0, f"{command}: {done.errors}"
    for folder in ("explored", "audited", "evaluated", "compared", "runs/net1", "runs/net2"):
        assert (tmp_path / folder / "report.html").is_file()
    script = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[0]
    exec(script, {})  # noqa: S102  (the repository's own)
    assert "probability=" in capsys.readouterr().out


def test_links_in_the_documents_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.skipif(os.name == "nt", reason="make is a POSIX tool")
def test_the_makefile_has_its_commands() -> None:
    for target in ("demo", "test", "maskresnet", "faces"):
        done = subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert done.stdout
