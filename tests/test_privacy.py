"""Nothing is sent anywhere, and nothing is left outside the outputs."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

import facecover

_GUARD = """
import os, sys

def note(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        place = args[1] if event in ("socket.connect", "socket.sendto") else args[0]
        if isinstance(place, (str, bytes)) and event == "socket.connect":
            return  # a socket of this machine's file system, between processes
        line = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(line, f"{event} {place!r}\\n".encode())
        os.close(line)

sys.addaudithook(note)
"""
"""Python tells it of every host that is asked for, in the process and in those that it starts."""


class Guarded:
    """Runs commands as a user without any setting would, in an empty HOME, and watches them.

    Args:
        folder: an empty one; outputs go below `outputs`.
    """

    def __init__(self, folder: Path) -> None:
        self.outputs, self._log = folder / "outputs", folder / "calls"
        self._watched = [folder / name for name in ("home", "temporary", "working")]
        guard = folder / "guard"
        for path in (guard, self.outputs, *self._watched):
            path.mkdir()
        (guard / "sitecustomize.py").write_text(_GUARD.replace("LOG", repr(str(self._log))))
        home, temporary, _ = map(str, self._watched)
        source = str(Path(facecover.__file__).parents[1])
        self._settings = {
            "HOME": home,
            "TMPDIR": temporary,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(guard), source]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def start(self, *arguments: str | Path, tracer: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """A command that goes on until it is told to end."""
        command = [*tracer, sys.executable, "-m", "facecover", *map(str, arguments)]
        return subprocess.Popen(
            command, env=self._settings, cwd=self._watched[-1], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str | Path, tracer: tuple[str, ...] = ()) -> None:
        """Run a command to its end."""
        started = self.start(*arguments, tracer=tracer)
        _, said = started.communicate(timeout=900)
        assert started.returncode == 0, said

    def check(self) -> None:
        """Fail if a host was asked for, or a file lies where no output was wanted."""
        left = [path for folder in self._watched for path in folder.rglob("*") if path.is_file()]
        assert left == []
        assert not self._log.exists(), self._log.read_text()


@pytest.fixture
def guarded(tmp_path: Path) -> Guarded:
    return Guarded(tmp_path)


def test_the_guard_sees_a_host_that_is_asked_for_and_a_file_at_home(guarded: Guarded) -> None:
    code = "import socket; socket.socket(type=socket.SOCK_DGRAM).connect(('127.0.0.1', 9))"
    settings = guarded._settings
    subprocess.run([sys.executable, "-c", code], env=settings, check=True)
    with pytest.raises(AssertionError, match=r"socket\.connect \('127\.0\.0\.1', 9\)"):
        guarded.check()
    (Path(settings["HOME"]) / ".cache").touch()
    with pytest.raises(AssertionError, match=r"\.cache"):
        guarded.check()


def test_predict_asks_for_no_host_and_leaves_no_file(guarded: Guarded, few_photos: Path) -> None:
    guarded.run("predict", few_photos)
    guarded.check()


@pytest.mark.slow
def test_train_asks_for_no_host_and_leaves_no_file(guarded: Guarded, class_folders: Path) -> None:
    dataset, run = guarded.outputs / "dataset", guarded.outputs / "run"
    guarded.run("prepare", class_folders, "-o", dataset)
    guarded.run("train", "net1", "--data", dataset, "-o", run, "--set", "training.epochs=1")
    guarded.check()
    assert (run / "report.html").is_file()


@pytest.mark.slow
def test_serve_asks_for_no_host_and_leaves_no_file(guarded: Guarded, few_photos: Path) -> None:
    photo = next(few_photos.rglob("*.jpg")).read_bytes()
    server = guarded.start("serve", "--port", "0")
    assert server.stderr is not None
    port = int(server.stderr.readline().rpartition(":")[2])
    with urlopen(Request(f"http://127.0.0.1:{port}/v1/predict", photo)) as response:
        assert b'"label":' in response.read()
    server.send_signal(signal.SIGTERM)
    _, said = server.communicate(timeout=60)
    assert server.returncode == 0, said
    guarded.check()


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_predict_opens_no_connection(guarded: Guarded, few_photos: Path, tmp_path: Path) -> None:
    log = tmp_path / "trace"
    tracer = ("strace", "-f", "-e", "trace=connect,sendto", "-o", str(log))
    guarded.run("predict", few_photos, tracer=tracer)
    assert "exited with 0" in log.read_text()
    assert "AF_INET" not in log.read_text()
