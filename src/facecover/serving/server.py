"""`serve`: answers over HTTP until it is stopped."""

import asyncio
import ipaddress
import multiprocessing
import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.supervisors import Multiprocess

from facecover.errors import ConfigError
from facecover.files import available_cores
from facecover.photos import MAX_MEGAPIXELS, checked_megapixels
from facecover.progress import SILENT, Progress
from facecover.serving import (
    HOST,
    MAX_UPLOAD_MB,
    MAX_WAITING,
    PORT,
    TIMEOUT_SECONDS,
    Settings,
)
from facecover.serving.http_app import create_app, key_digests, models_of
from facecover.serving.observed import LOGGING
from facecover.workflows.answer_photos import Name

HEAD_SECONDS = 10.0
"""A connection without a whole head of a request after this is closed."""

STOP_SECONDS = 30
"""What was begun is finished within this, once it is to stop."""

_BACKLOG = 2048
"""Connections that wait to be taken up; uvicorn's own number."""


def serve(
    model: Name | None = None,
    *,
    detector: Name | None = None,
    host: str = HOST,
    port: int = PORT,
    api_key_file: Name | None = None,
    cors_origins: Iterable[str] = (),
    workers: int = 1,
    threads: int | None = None,
    threshold: float | None = None,
    uncertain_band: tuple[float, float] | None = None,
    every_pixel: bool = False,
    max_megapixels: int = MAX_MEGAPIXELS,
    max_upload_mb: int = MAX_UPLOAD_MB,
    max_waiting: int = MAX_WAITING,
    timeout_seconds: float = TIMEOUT_SECONDS,
    progress: Progress = SILENT,
) -> None:
    """Answer over HTTP until the process is stopped; what was begun is finished first.

    Args:
        model: a model file, a run folder, or the name of a model in the package.
        detector: finds the faces of a photo: a detector's model file, or the name of one in the
            package; None takes the package's, if it has one.
        host: the address to listen at; 0.0.0.0 for any.
        port: 0 takes a free one.
        api_key_file: keys, one a line, of which a request has to bring one; anybody may ask
            without it.
        cors_origins: whose pages may ask from a browser, such as ``https://example.org``.
        workers: processes, each with the model in memory.
        threads: of each process; None shares the cores out among them.
        threshold: as of `Classifier`.
        uncertain_band: likewise.
        every_pixel: large JPEGs are not decoded at reduced scale first.
        max_megapixels: of one photo, 1..178, unless it is a JPEG that has fewer at reduced scale.
        max_upload_mb: of one request, in MiB.
        max_waiting: photos that may wait in a process; requests beyond are told to come again.
        timeout_seconds: after which a request is told that there is no answer.
        progress: is told the address.

    Raises:
        ConfigError: if a number is out of range, the address cannot be had, or there is no key.
        ModelFileError: if the model cannot be used.
    """
    settings = Settings(
        model=None if model is None else os.fspath(model),
        detector=None if detector is None else os.fspath(detector),
        threads=threads or max(1, available_cores() // workers),
        threshold=threshold,
        uncertain_band=uncertain_band,
        every_pixel=every_pixel,
        max_pixels=checked_megapixels(max_megapixels),
        api_key_file=None if api_key_file is None else Path(api_key_file),
        cors_origins=tuple(cors_origins),
        max_upload_bytes=max_upload_mb * 2**20,
        max_waiting=max_waiting,
        timeout_seconds=timeout_seconds,
    )
    with _listening(host, port) as listener, ExitStack() as stack:
        if workers > 1:  # said here, in one line, rather than by each process
            name = models_of(settings).classifier.info.name
            key_digests(settings)
            # Read by the metrics' library when it is imported, which each process does anew.
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = stack.enter_context(_shared_folder())
            stack.callback(os.environ.pop, "PROMETHEUS_MULTIPROC_DIR")
            config = server_config(partial(_app_of_worker, settings), factory=True, workers=workers)
            run = partial(_run_workers, config, listener)
        else:
            app = create_app(settings)
            name = app.state.model_name
            server = uvicorn.Server(server_config(app))
            run = partial(_run_here, server, listener)
        listener.listen(_BACKLOG)  # from here on, who connects is answered
        progress.note(_address(name, listener, has_key=api_key_file is not None))
        run()


@contextmanager
def _shared_folder() -> Iterator[str]:
    """Where processes count together."""
    try:
        folder = tempfile.mkdtemp(prefix="facecover-")
    except OSError as error:
        raise ConfigError(
            f"workers: expected a folder for temporary files, in which they count together: "
            f"{error.strerror}; mount one at /tmp, set TMPDIR, or serve with one process"
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def server_config(app: Any, **options: Any) -> uvicorn.Config:  # noqa: ANN401
    """How uvicorn is to serve an application.

    Args:
        app: the application, or with ``factory`` what makes it.
        options: more of uvicorn's own.
    """
    return uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        log_config=LOGGING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        **options,
    )


class PatientProtocol(H11Protocol):
    """HTTP, but not for ever: connections on which no request comes to be are closed."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        super().connection_made(transport)
        self._expect_head()

    def on_response_complete(self) -> None:
        """Go on to the next request."""
        super().on_response_complete()
        self._expect_head()

    def _expect_head(self) -> None:
        self.loop.call_later(HEAD_SECONDS, self._close_without, self.cycle)

    def _close_without(self, before: object) -> None:
        if self.cycle is before and not self.transport.is_closing():
            self.transport.close()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, for asyncio sends at once (TCP_NODELAY) on sockets alone that say they are TCP's: else
    # the end of a response waits 40 ms for the client to acknowledge its beginning.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"host {host}, port {port}: cannot listen there: {reason}; name another --port"
        ) from error
    return listener


def _address(name: str, listener: socket.socket, *, has_key: bool) -> str:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    note = f"{name} answers at http://{shown}:{port}"
    if not has_key and not ipaddress.ip_address(host).is_loopback:
        note += "; anybody who reaches it may ask, see --api-key-file"
    return note


def _run_here(server: uvicorn.Server, listener: socket.socket) -> None:
    before = signal.getsignal(signal.SIGTERM)
    # uvicorn finishes, then raises the signal again, which would end the process at once.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _ended)
    try:
        server.run([listener])
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _ended(signal_number: int, frame: FrameType | None) -> NoReturn:
    del signal_number, frame
    raise SystemExit(0)


def _run_workers(config: uvicorn.Config, listener: socket.socket) -> None:
    listener.set_inheritable(True)
    Multiprocess(config, [listener]).run()


def _app_of_worker(settings: Settings) -> FastAPI:
    """The application in a process of its own, which ends when its parent has."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    forget_dead(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
    return create_app(settings)


def forget_dead(folder: Path) -> None:
    """Take out what waits in processes that were killed; this one stands in for such a one."""
    for path in folder.glob("gauge_live*_*.db"):
        try:
            os.kill(int(path.stem.rpartition("_")[2]), 0)
        except ProcessLookupError:
            path.unlink(missing_ok=True)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
