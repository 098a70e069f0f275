"""`facecover serve` as a process: started, stopped, killed."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.running import run_here
from tests.serving.running import Running, until
from tests.serving.test_app import coloured

from facecover.serving.server import forget_dead


@contextmanager
def started(*options: object, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], Running]]:
    """The command, once it listens; killed at the end of the block if it still runs."""
    command = [sys.executable, "-m", "facecover", "serve", "--port", str(port), *map(str, options)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    reader = threading.Thread(target=process.stderr.read)
    try:
        line = process.stderr.readline()
        found = re.search(r"answers at http://[\d.]+:(\d+)(;|$)", line.strip())
        assert found, line + process.stderr.read()
        # Read on, so that the log never fills its pipe.
        reader.start()
        yield process, Running(None, int(found[1]))  # type: ignore[arg-type]
    finally:
        process.kill()
        process.wait()
        if reader.ident is not None:
            reader.join()
        process.stderr.close()


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_finishes_what_was_begun(model: Path, stop: signal.Signals) -> None:
    photo = coloured()
    head = b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(photo)
    with (
        started("--model", model) as (process, server),
        socket.create_connection(("127.0.0.1", server.port)) as client,
    ):
        client.sendall(head + photo[:20])
        assert server.ask("/healthz").status == 200
        process.send_signal(stop)
        until(lambda: not _listens(server.port))
        client.sendall(photo[20:])
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        assert process.wait(60) == (0 if stop == signal.SIGTERM else 130)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.mark.slow
def test_workers_that_are_killed_come_back_and_none_outlives_the_command(model: Path) -> None:
    photo = coloured()
    with started("--model", model, "--workers", 2) as (process, server):
        until(lambda: server.ask("/readyz").status == 200)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")

        def workers() -> list[int]:  # beside a process that watches over shared resources
            pids = map(int, children.read_text("utf-8").split())
            return [pid for pid in pids if b"spawn_main" in _command(pid)]

        until(lambda: len(workers()) == 2)
        killed = workers()[0]
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(workers()) == 2 and killed not in workers())
        for _ in range(5):
            assert server.ask("/v1/predict", photo).status == 200
        assert server.metric("facecover_answers_total") == 5  # over all of them
        process.kill()  # nothing of it can say goodbye to its workers
        until(lambda: not _listens(server.port))
        with started("--model", model, port=server.port) as (_, again):
            assert again.ask("/v1/predict", photo).status == 200


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_what_waited_in_a_process_that_was_killed_waits_no_more(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    for pid in (gone.pid, os.getpid()):
        for kind in ("gauge_livesum", "counter"):
            (tmp_path / f"{kind}_{pid}.db").touch()
    forget_dead(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"gauge_livesum_{os.getpid()}.db",
        f"counter_{os.getpid()}.db",
        f"counter_{gone.pid}.db",
    }


def test_an_address_in_use_is_told_in_one_line(model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_here("serve", "--model", model, "--port", port)
    assert (done.status, len(done.refusals)) == (1, 1)
    assert f"port {port}: cannot listen there: Address already in use" in done.errors


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--model", "nowhere.onnx"), "nowhere.onnx: no such model file"),
        (("--model", "nowhere.onnx", "--workers", 2), "nowhere.onnx: no such model file"),
        (("--host", "nowhere.invalid"), "host nowhere.invalid, port"),
        (("--api-key-file", "nowhere"), "api_key_file nowhere: cannot be read"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_line(options: tuple[object, ...], said: str) -> None:
    done = run_here("serve", "--port", 0, *options)
    assert (done.status, len(done.refusals)) == (1, 1)
    assert said in done.errors
