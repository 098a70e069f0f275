"""One process at a time, by locks that a dead process cannot hold: the kernel takes them from it.

Where the system or the disk has no such locks, nothing is locked, and nobody is taken for dead.
"""

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from facecover.errors import OutputError, explained, shown

if sys.platform != "win32":
    import fcntl

LOCK_NAME = ".facecover.lock"
"""Stands in a folder that a process adds to."""

_POLL_SECONDS = 0.1


@contextmanager
def locked(
    folder: Path, lock: Path | None = None, *, patience_seconds: float = 0
) -> Iterator[bool]:
    """A folder for this process alone; the lock's own is made if need be.

    Args:
        folder: as it stands in messages.
        lock: the file that is locked, and gone at the end; `LOCK_NAME` in the folder without one.
        patience_seconds: how long another process is waited for.

    Yields:
        Whether it is surely locked.

    Raises:
        OutputError: if another process holds the lock, or it cannot be written.
    """
    lock = lock or folder / LOCK_NAME
    new = [one for one in (lock.parent, *lock.parent.parents) if not os.path.lexists(one)]
    with explained(folder):
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _taken(lock, folder, time.monotonic() + patience_seconds)
    try:
        yield locked_now(descriptor) == "ours"
    finally:
        lock.unlink(missing_ok=True)  # still locked: whoever waits for it makes a new one
        os.close(descriptor)
        for one in new:
            with suppress(OSError):  # something was written
                one.rmdir()


def _taken(lock: Path, folder: Path, deadline: float) -> int:
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        state = locked_now(descriptor)
        if state != "theirs" and is_still(lock, descriptor):
            break
        os.close(descriptor)  # else its holder has just removed it
        if state == "theirs" and time.monotonic() >= deadline:
            raise OutputError(_says_who(folder, lock))
        time.sleep(_POLL_SECONDS)
    os.truncate(descriptor, 0)
    since = time.strftime("%Y-%m-%d %H:%M:%S%z")
    os.write(descriptor, f"process {os.getpid()}, since {since}".encode())
    return descriptor


def check_not_locked(folder: Path, lock: Path) -> None:
    """Refuse a folder that another process has locked now.

    Raises:
        OutputError: if it has.
    """
    if _state(lock) == "theirs":
        raise OutputError(_says_who(folder, lock))


def _says_who(folder: Path, lock: Path) -> str:
    try:
        holder = shown(lock.read_text("utf-8", "replace")[:200]) or "another process"
    except OSError:  # it has just ended
        holder = "another process"
    return (
        f"{shown(folder)}: expected a folder that nothing else is writing, found {holder}; wait "
        "for it to end, or name another folder"
    )


def is_left_by_the_dead(path: Path, *, at_least_bytes: int = 0) -> bool:
    """Whether a file of some size was locked by a process that is no more: nobody holds it."""
    return _state(path, at_least_bytes) == "ours"


State = Literal["ours", "theirs", "unknown"]


def _state(path: Path, at_least_bytes: int = 0) -> State:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:  # a folder, somebody else's, or just gone
        return "unknown"
    try:
        is_large = os.fstat(descriptor).st_size >= at_least_bytes
        return locked_now(descriptor) if is_large else "unknown"
    except OSError:
        return "unknown"
    finally:
        os.close(descriptor)


def locked_now(descriptor: int) -> State:
    """Who holds an open file: this process, from now on until it is closed, or another one."""
    if sys.platform == "win32":
        return "unknown"
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return "theirs"
    except OSError as error:
        if error.errno in _HAS_NO_LOCKS:
            return "unknown"
        raise
    return "ours"


_HAS_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)


def is_still(path: Path, descriptor: int) -> bool:
    """Whether an open file still stands at its path."""
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False
