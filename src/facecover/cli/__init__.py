"""The command line: parses, calls, prints."""

import atexit
import contextlib
import io
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType
from typing import NoReturn

from facecover.errors import NO_ROOM, FacecoverError, is_out_of_memory, shown

TRAIN_MODULES = frozenset(
    {
        "torch", "lightning", "torchmetrics", "onnx", "onnxscript", "sklearn", "scipy",
        "threadpoolctl", "pandas", "pyarrow", "imagehash", "cleanlab", "matplotlib", "jinja2",
        "markupsafe", "pydantic", "ruamel", "tensorboard", "defusedxml",
        "pycocotools",
    }
)  # fmt: skip
"""What `facecover[train]` installs, as it is imported."""

SERVE_MODULES = frozenset(
    {"fastapi", "starlette", "uvicorn", "python_multipart", "prometheus_client"}
)
"""What `facecover[serve]` installs, but what it shares with the other."""


def main() -> None:
    """Run `facecover`.

    Exit status: 0 done; 1 bad input, no room or no memory, said in one line on standard error;
    2 wrong usage; 130 stopped with Ctrl-C, 143 by SIGTERM and 129 by the end of the terminal, all
    in the same way. A bug keeps its traceback.
    """
    _mend_streams()
    stops = _StopSignals()
    _keep_out_of_home()
    from facecover.cli.app import Interrupted

    try:
        _run()
    except FacecoverError as error:
        _stop(_one_line(error))
    except (Interrupted, KeyboardInterrupt) as stop:
        _stop(str(stop) or "stopped", status=128 + stops.received)
    except BrokenPipeError:
        # The reader (`| head`) has gone: nothing more to say, also not at exit.
        sys.stdout = None
        sys.exit(1)
    except ModuleNotFoundError as error:
        extra = _extra_with((error.name or "").partition(".")[0])
        if extra is None:
            raise
        _stop(
            f"this command needs {error.name}, which is not installed; "
            f"pip install 'facecover[{extra}]'"
        )
    except Exception as error:
        if (text := _out_of_room_or_memory(error)) is None:
            raise
        _stop(text)


def _extra_with(module: str) -> str | None:
    if module in SERVE_MODULES:
        return "serve"
    return "train" if module in TRAIN_MODULES else None


class _StopSignals:
    """SIGTERM, and the end of the terminal, as Ctrl-C: what was begun ends well, or is removed."""

    def __init__(self) -> None:
        self.received = int(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread():
            return  # which alone may handle signals
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) == signal.SIG_DFL:  # no nohup
                signal.signal(number, self._interrupt)

    def _interrupt(self, number: int, _: FrameType | None) -> None:
        if self.received != number:  # once: what ends well may take a while
            self.received = number
            raise KeyboardInterrupt


def _run() -> None:
    from facecover.cli.app import app

    try:
        app()
    except SystemExit:  # the command is done
        sys.stdout.flush()  # what cannot be written shows here, not at exit
        raise


def _mend_streams() -> None:
    """Open the standard streams that are closed on nothing, and let the others take every name.

    In UTF-8 whatever the locale is; bytes of a file's name that are none go out as they are.
    """
    # In this order: each gets the lowest free number, its own, which no other file may have.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    for stream, errors in ((sys.stdout, "surrogateescape"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)


def _keep_out_of_home() -> None:
    """Let Matplotlib write its list of fonts where it goes again, as do processes started here."""
    if "MPLCONFIGDIR" in os.environ:
        return
    try:
        folder = Path(tempfile.gettempdir()) / f"facecover-{os.urandom(8).hex()}"
    except FileNotFoundError:  # nothing can be written here, as in a container
        return
    os.environ["MPLCONFIGDIR"] = str(folder)  # which it makes when it is first imported
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def _stop(message: str, status: int = 1) -> NoReturn:
    with contextlib.suppress(OSError):  # standard error is full, too: the status says it
        sys.stderr.write(f"facecover: {shown(message)}\n")
    sys.exit(status)


def _out_of_room_or_memory(error: Exception) -> str | None:
    """What is said where either is short; None for a bug."""
    if is_out_of_memory(error):
        reason = _one_line(error)[:_MOST_OF_REASON] or type(error).__name__
        return f"not enough memory: {reason}; close other programs, or raise the limit"
    return _no_room(error) if isinstance(error, OSError) and error.errno in NO_ROOM else None


_MOST_OF_REASON = 200
"""Characters; libraries name the lines of their source."""


def _no_room(error: OSError) -> str:
    """What is said of a full disk; standard output is let go where it is what is full."""
    try:
        sys.stdout.flush()
    except OSError:  # what waits to be written fails again, and would at exit
        sys.stdout = None
        return f"standard output: cannot be written: {error.strerror}; free some space"
    where = shown(str(error.filename or "standard output or another file"))
    return (
        f"{where}: cannot be written: {error.strerror}; free some space, or set TMPDIR to a "
        "folder with room for temporary files"
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
