"""Commands that are killed: what is left, and what the next call makes of it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.running import run_here

from facecover.locks import locked

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")


def stopped(
    by: signal.Signals, is_time: Callable[[], bool], temporary: Path, *arguments: object
) -> tuple[int, str]:
    """A command's status and standard error, once it got the signal and its helpers have ended."""
    temporary.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "facecover", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
        start_new_session=True,
    ) as process:
        while not is_time():
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(by)
        _, errors = process.communicate(timeout=900)
    while True:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return process.returncode, errors
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_prepare_leaves_nothing_for_the_next(
    few_photos: Path, tmp_path: Path, by: signal.Signals
) -> None:
    place = tmp_path / "place"
    place.mkdir()

    def is_decoding() -> bool:
        return any(place.glob(".dataset.*-*.facecover/images_64.npy"))

    command = ("prepare", few_photos, "-o", place / "dataset", "--workers", 2)
    status, errors = stopped(by, is_decoding, tmp_path / "tmp", *command)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not (place / "dataset").exists()
    left = list(place.iterdir())
    if by == signal.SIGTERM:
        assert (status, left) == (143, [])
        assert errors.splitlines()[-1] == "facecover: stopped"
        return
    assert status == -signal.SIGKILL
    assert len(left) == 2  # the lock and the folder
    done = run_here(*command)
    assert done.status == 0, done.errors
    assert re.search(
        r"removed what a process had left that was killed: .*/\.dataset\.", done.errors
    )
    assert [path.name for path in place.iterdir()] == ["dataset"]


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_predict_leaves_whole_copies_alone(
    few_photos: Path, tmp_path: Path, by: signal.Signals
) -> None:
    photos, copies = tmp_path / "photos", tmp_path / "copies"
    photos.mkdir()
    originals = sorted(few_photos.rglob("*.jpg"))
    for number in range(1500):
        os.link(originals[number % len(originals)], photos / f"{number:05}.jpg")
    command = ("predict", photos, "--model", "net1", "--threads", 1, "--copy-to", copies)

    def has_copies() -> bool:
        return any(copies.glob("*/*.jpg"))

    status, errors = stopped(by, has_copies, tmp_path / "tmp", *command)
    made = list(copies.glob("*/*.jpg"))
    assert 0 < len(made) < 1500
    for copy in made:
        assert copy.read_bytes() == (photos / copy.name).read_bytes()
    if by == signal.SIGTERM:
        assert status == 143
        assert re.fullmatch(r"facecover: stopped after [\d,]+ of 1,500", errors.splitlines()[-1])
        assert not list(copies.rglob(".*"))
        return
    assert status == -signal.SIGKILL
    assert run_here("predict", photos / "00000.jpg", *command[2:]).status == 0
    assert set(copies.glob("*/*")) == set(made) | set(copies.glob("*/00000.jpg"))


def test_two_that_copy_at_once_are_one(few_photos: Path, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    with locked(copies):
        done = run_here("predict", few_photos, "--model", "net1", "--copy-to", copies)
    assert (done.status, done.out) == (1, "")
    (line,) = done.errors.splitlines()
    assert line.startswith(f"facecover: {copies}: expected a folder that nothing else is writing")
    assert f"found process {os.getpid()}, since" in line


def test_a_terminal_that_is_gone_stops_what_is_not_to_outlive_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "facecover", "predict", str(pipe)]
    with subprocess.Popen(
        ["nohup", *command], stderr=subprocess.PIPE, stdout=subprocess.PIPE
    ) as one:
        writer = pipe.open("wb")  # it is at work
        one.send_signal(signal.SIGHUP)
        writer.close()
        one.communicate(timeout=900)
    assert one.returncode == 3  # the empty photo
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as one:
        writer = pipe.open("wb")
        one.send_signal(signal.SIGHUP)
        _, errors = one.communicate(timeout=900)
        writer.close()
    assert (one.returncode, errors) == (129, b"facecover: stopped\n")
