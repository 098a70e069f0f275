"""Standard streams that are closed, full or not in UTF-8: an answer or one line, no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facecover.drawn.drawn_dataset import draw_face

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a POSIX shell closes the streams")

FULL = Path("/dev/full")
FEW = ("--resamples", 100)
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")

BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def facecover(
    redirected: str, *arguments: object, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs a command under a shell's redirection, such as ``<&-``."""
    called = [sys.executable, "-m", "facecover", *map(str, arguments)]
    done = subprocess.run(
        ["sh", "-c", f'{redirected}; exec "$@"', "sh", *called],
        env=BUFFERED | environment,
        capture_output=True,
        check=False,
        timeout=900,
    )
    errors = done.stderr.decode()
    assert "Traceback" not in errors
    return subprocess.CompletedProcess(called, done.returncode, done.stdout.decode(), errors)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    draw_face(np.random.default_rng(0), 1, (48, 60)).save(path)
    return path


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight photos with labels, in a folder whose name is in another script."""
    root = tmp_path_factory.mktemp("photos") / "Πρόσωπα"
    for number in range(8):
        folder = root / ("no_mask", "mask")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        face = draw_face(np.random.default_rng(number), number % 2, (48, 60))
        face.save(folder / f"{number}.jpg")
    return root


def test_photos_are_answered_without_a_standard_input(photo: Path) -> None:
    done = facecover("exec <&-", "predict", photo, "-")
    assert done.returncode == 3
    answer, empty = done.stdout.splitlines()
    assert answer.endswith("a.jpg")
    assert "standard input gave no bytes" in empty
    assert facecover("exec <&-", "predict", photo, "--from-file", "-").returncode == 0


def test_photos_are_answered_without_a_standard_error(photo: Path) -> None:
    done = facecover("exec 2>&-", "predict", photo)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1


def test_photos_are_copied_without_a_standard_output(photo: Path, tmp_path: Path) -> None:
    done = facecover("exec >&-", "predict", photo, "--copy-to", tmp_path / "out")
    assert done.returncode == 0
    assert done.stderr.startswith("1 photo: ")
    assert len(list((tmp_path / "out").rglob("*.jpg"))) == 1


@needs_full
@pytest.mark.parametrize("environment", [{}, {"PYTHONUNBUFFERED": "1"}])
@pytest.mark.parametrize("command", ["predict", "models", "--help", "--version"])
def test_a_full_standard_output_is_one_line(
    command: str, environment: dict[str, str], photo: Path
) -> None:
    inputs = [photo] if command == "predict" else []
    done = facecover(f"exec >{FULL}", command, *inputs, **environment)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("facecover: standard output")
    assert "cannot be written: No space left on device; free some space" in line


@needs_full
def test_what_was_measured_for_a_full_standard_output_is_one_line(faces: Path) -> None:
    done = facecover(f"exec >{FULL}", "evaluate", "net2", "--data", faces, *FEW, "--json")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("facecover: standard output")
    assert "cannot be written: No space left on device" in last


def test_no_room_for_temporary_files_is_one_line(faces: Path) -> None:
    done = facecover("ulimit -f 8", "evaluate", "net2", "--data", faces, *FEW)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("facecover: ")
    assert "cannot be written: File too large" in last
    assert "set TMPDIR" in last


def test_names_in_any_script_are_printed_whatever_the_locale(faces: Path) -> None:
    done = facecover(":", "evaluate", "net2", "--data", faces, *FEW, PYTHONIOENCODING="latin-1")
    assert done.returncode == 0
    assert "Πρόσωπα: class-folders" in done.stderr
    assert "Accuracy" in done.stdout
