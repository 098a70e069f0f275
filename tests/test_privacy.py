"""Nothing is sent anywhere, and nothing is left outside the outputs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import facecover


def _predict(home: Path, photos: Path, *tracer: str) -> None:
    """Answer photos as a user without any setting would, in an empty HOME."""
    command = [*tracer, sys.executable, "-m", "facecover", "predict", str(photos)]
    source = str(Path(facecover.__file__).parents[1])
    settings = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": source}
    settings["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_predict_leaves_no_file_in_home(home: Path, class_folders: Path) -> None:
    _predict(home, class_folders)
    assert list(home.rglob("*")) == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_predict_opens_no_connection(home: Path, class_folders: Path) -> None:
    log = home.parent / "calls"
    _predict(home, class_folders, "strace", "-f", "-e", "trace=connect,sendto", "-o", str(log))
    assert "exited with 0" in log.read_text()
    assert "AF_INET" not in log.read_text()
