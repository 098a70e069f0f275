"""A server in this process, on a free port of the loopback, and a client."""

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn

from facecover.serving import Settings
from facecover.serving.http_app import create_app
from facecover.serving.server import server_config

BOUNDARY = "b0undary"


class Answered(NamedTuple):
    """A response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401
        """Its body."""
        return json.loads(self.body)


class Running(NamedTuple):
    """A server that runs."""

    server: uvicorn.Server
    port: int

    def connect(self) -> HTTPConnection:
        """A connection of its own."""
        return HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(
        self,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
    ) -> Answered:
        """One request: POST where there is a body."""
        connection = self.connect()
        try:
            method = method or ("GET" if body is None else "POST")
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            by_name = {name.lower(): value for name, value in response.getheaders()}
            return Answered(response.status, by_name, response.read())
        finally:
            connection.close()

    def send(self, path: str, photos: Mapping[str, bytes | Path]) -> Answered:
        """Photos as files of a form."""
        body, kind = form(photos)
        return self.ask(path, body, {"Content-Type": kind})

    def metric(self, name: str) -> float:
        """The sum of a figure over its labels."""
        lines = self.ask("/metrics").body.decode().splitlines()
        found = [line for line in lines if line.partition("{")[0].partition(" ")[0] == name]
        return sum(float(line.rpartition(" ")[2]) for line in found)


def form(photos: Mapping[str, bytes | Path], field: str = "photos") -> tuple[bytes, str]:
    """A form's body and its type."""
    parts = []
    for name, photo in photos.items():
        content = photo.read_bytes() if isinstance(photo, Path) else photo
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"'
        parts += [head.encode() + b"\r\n\r\n" + content + b"\r\n"]
    end = f"--{BOUNDARY}--\r\n".encode()
    return b"".join(parts) + end, f"multipart/form-data; boundary={BOUNDARY}"


@contextmanager
def running(settings: Settings) -> Iterator[Running]:
    """A server until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(server_config(create_app(settings)))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        try:
            yield Running(server, listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


def until(is_so: Any, seconds: float = 60) -> None:  # noqa: ANN401
    """Wait until something is so; it fails after a long time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)
