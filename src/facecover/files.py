"""Writing so that nothing is lost: beside, then renamed into place, one process at a time.

What a process leaves that was killed is known by its name and by its lock, which nobody holds;
whoever writes to the same place next removes it.
"""

import errno
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from facecover.errors import NO_ROOM, OutputError, explained, shown
from facecover.locks import (
    LOCK_NAME,
    check_not_locked,
    is_left_by_the_dead,
    is_still,
    locked,
    locked_now,
)

if TYPE_CHECKING:
    import pandas as pd

OnNote = Callable[[str], object]
"""Called with a sentence for whoever waits."""

_TEMPORARY = r"\.\d+-[0-9a-f]{8}\.facecover(-old)?"
"""How the names of temporary files and folders end: with the process that made them."""

_OLD = "-old"
"""Marks the temporary place of what is being replaced."""


def ignore_note(_: str) -> None:
    """Say nothing: what those have who pass no `OnNote`."""


@contextmanager
def written_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that becomes `path` when the block ends well.

    Raises:
        OutputError: if the folder cannot be written or the disk is full; what stood at
            `path` before still stands there.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_dead(_left_beside(path))
    with _made_beside(path) as beside:
        with explained(path, only=NO_ROOM):
            yield beside
        with explained(path):
            beside.replace(path)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that becomes `path` when the block ends well.

    Raises:
        FileExistsError: at the end of the block, if something stands at `path`.
        OutputError: if it cannot be made.
    """
    with _made_beside(path) as beside:
        yield beside
        try:
            path.hardlink_to(beside)
        except FileExistsError:
            raise
        except OSError as error:  # the disk has no hard links
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path) from error
            beside.rename(path)


@contextmanager
def _made_beside(path: Path) -> Iterator[Path]:
    """A new hidden file beside `path`, locked, and gone at the end, with the permissions of any.

    `tempfile` makes private ones: to open them to others, one would have to know the umask, which
    cannot be read without changing it for every thread.
    """
    beside, descriptor = _beside(path), None
    try:  # before it is made: Ctrl-C may come between any two lines
        with explained(path):
            while descriptor is None:
                descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
                if locked_now(descriptor) == "theirs" or not is_still(beside, descriptor):
                    os.close(descriptor)  # it was taken for that of a dead process
                    descriptor = None
            if sys.platform == "win32":  # an open file cannot be renamed
                os.close(descriptor)
                descriptor = None
        yield beside
    finally:
        beside.unlink(missing_ok=True)
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def written_folder(
    path: Path,
    *,
    replace_if: str | None = None,
    holding: Sequence[str] = (),
    note: OnNote = ignore_note,
) -> Iterator[Path]:
    """A temporary folder beside `path` that becomes `path` when the block ends well.

    Args:
        path: the folder to make; a symbolic link to a folder stays, and its target is replaced.
        replace_if: a file name; a folder that already holds that file is one of ours and
            is replaced. Any other folder that is not empty is left alone.
        holding: patterns of whatever else one of ours holds; with anything more in it, it is
            left alone, too.
        note: called with what killed processes had left there, and was removed.

    Raises:
        OutputError: if `path` holds something that is not ours, is in use, cannot be written, or
            the disk is full; what stood at `path` before still stands there.
    """
    _check_replaceable(path, replace_if, holding)
    with explained(path):
        path = Path(os.path.realpath(path))
        path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path, _lock_beside(path), patience_seconds=_PATIENCE_SECONDS) as is_locked:
        if is_locked:
            _clear_after_killed(path, note)
        beside = _beside(path)
        try:
            with explained(path):
                beside.mkdir()
            with explained(path, only=NO_ROOM):
                yield beside
            with explained(path):
                _check_replaceable(path, replace_if, holding)
                _replace_folder(path, beside)
        except OutputError as error:
            # A file inside is known to the user by the place that it was meant for.
            raise OutputError(str(error).replace(shown(beside), shown(path))) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def scratch_folder(note: OnNote = ignore_note) -> Iterator[Path]:
    """A private folder for the moment, where the system keeps such; see `tempfile`.

    Args:
        note: called with what killed processes had left there, and was removed.
    """
    import tempfile  # takes longer to import than the rest of this room

    locks = Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*/{LOCK_NAME}")
    # A holder writes its name once it has locked.
    _remove([one.parent for one in locks if is_left_by_the_dead(one, at_least_bytes=1)], note)
    with (
        tempfile.TemporaryDirectory(prefix=_SCRATCH, ignore_cleanup_errors=True) as name,
        locked(Path(name)),
    ):
        yield Path(name)


_SCRATCH = ".facecover-scratch-"

_PATIENCE_SECONDS = 30.0
"""Writing a page, of work that is done, takes some; whoever works for long is found before."""


def remove_dead(files: Iterable[Path], note: OnNote = ignore_note) -> None:
    """Remove temporary files that `written_file` and `new_file` left when they were killed.

    Args:
        files: any; others stay.
        note: called with what was removed.
    """
    ours = re.compile(rf".*{_TEMPORARY}")
    _remove([one for one in files if ours.fullmatch(one.name) and is_left_by_the_dead(one)], note)


def _remove(left: Sequence[Path], note: OnNote) -> None:
    for one in left:
        if one.is_dir():
            shutil.rmtree(one, ignore_errors=True)
        else:
            one.unlink(missing_ok=True)
    if left:
        names = ", ".join(shown(one) for one in left[:3])
        more = f" and {len(left) - 3:,} more" if len(left) > 3 else ""
        note(f"removed what a process had left that was killed: {names}{more}")


def _clear_after_killed(path: Path, note: OnNote) -> None:
    """Remove what killed processes left beside a folder that is locked; an old one comes back."""
    left = [one for one in _left_beside(path) if one.is_dir()]
    old = next((one for one in left if one.name.endswith(_OLD) and any(one.iterdir())), None)
    if old is not None and not path.exists():
        old.rename(path)
        left.remove(old)
        note(f"{shown(path)}: put back as it was before a process that replaced it was killed")
    _remove(left, note)


def _left_beside(path: Path) -> list[Path]:
    """Temporary files and folders of one place, of the living and the dead."""
    pattern = re.compile(rf"\.{re.escape(_short(path.name))}{_TEMPORARY}")
    names = os.listdir(path.parent)  # noqa: PTH208  (a place may hold many)
    return [path.parent / name for name in names if pattern.fullmatch(name)]


def _beside(path: Path, mark: str = "") -> Path:
    ending = f".{os.getpid()}-{os.urandom(4).hex()}.facecover{mark}"
    return path.with_name(f".{_short(path.name)}{ending}")


def _lock_beside(path: Path) -> Path:
    return path.with_name(f".{_short(path.name)}{LOCK_NAME}")


def _short(name: str) -> str:
    """A name that leaves room for more in the 255 bytes of a file system; still its own."""
    if len(name) <= _MOST_OF_NAME:
        return name
    return f"{name[: _MOST_OF_NAME - 9]}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"


_MOST_OF_NAME = 54
"""Characters, of four bytes of UTF-8 at most."""


def _replace_folder(path: Path, beside: Path) -> None:
    """Put `beside` where `path` is; the old folder goes only after the new one stands."""
    if not path.exists():
        beside.rename(path)
        return
    old = _beside(path, _OLD)
    old.mkdir()
    path.rename(old)  # renaming a folder onto an empty one is atomic
    try:
        beside.rename(path)
    except OSError:
        old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def check_replaceable(
    path: Path, *, replace_if: str | None = None, holding: Sequence[str] | None = None
) -> None:
    """Refuse an output folder that holds somebody's files, is in use, or is being written.

    Args:
        path: the folder.
        replace_if: see `written_folder`.
        holding: see `written_folder`; None for a folder that is added to and never replaced.

    Raises:
        OutputError: if `path` is a file, a folder with content but without `replace_if` or with
            more than `holding`, or cannot be looked at; or if it is to be replaced, and another
            process writes it, or it is the working folder, the home folder, or around one of them.
    """
    _check_replaceable(path, replace_if, holding)
    if holding is not None:
        check_not_locked(path, _lock_beside(Path(os.path.realpath(path))))


def _check_replaceable(path: Path, replace_if: str | None, holding: Sequence[str] | None) -> None:
    with explained(path):
        if holding is not None:
            _check_not_in_use(path)
        if path.is_dir():
            is_ours = replace_if is not None and (path / replace_if).is_file()
            names = sorted(entry.name for entry in path.iterdir() if entry.name != LOCK_NAME)
            if names and not is_ours:
                expected = (
                    f"an empty folder, or one with {replace_if}" if replace_if else "an empty one"
                )
                raise OutputError(
                    f"{shown(path)}: expected {expected}, found other files; they are left as "
                    "they are: name another folder"
                )
            if holding is not None and (more := _more_than([replace_if or "", *holding], names)):
                raise OutputError(
                    f"{shown(path)}: expected what goes with an earlier {replace_if} alone, to be "
                    f"replaced, found {shown(more)} as well; all is left as it is: move that, or "
                    "name another folder"
                )
        elif path.exists():
            raise OutputError(f"{shown(path)}: expected a folder, found a file; name another")


def _check_not_in_use(path: Path) -> None:
    """A folder is replaced by renaming it, and so would be all that stands in it."""
    real = Path(os.path.realpath(path))
    for name, find in (("working", Path.cwd), ("home", Path.home)):
        try:
            used = Path(os.path.realpath(find()))
        except (OSError, RuntimeError):  # it was removed, or there is none
            continue
        if used.is_relative_to(real):
            what = f"is the {name} folder" if used == real else f"holds the {name} folder"
            raise OutputError(
                f"{shown(path)}: expected a folder that can be replaced as a whole, but this one "
                f"{what}; it is left as it is: name a new folder, such as "
                f"{shown(path / 'facecover-output')}"
            )


def check_own_file(path: Path, is_ours: Callable[[Path], bool], what: str) -> None:
    """Refuse an output file that would replace somebody's.

    Args:
        path: the file to write; one that is empty or not there is no matter.
        is_ours: whether a file is surely one that this package wrote.
        what: ours, for the message.

    Raises:
        OutputError: if a folder or a file of another kind stands there, or it cannot be looked at.
    """
    with explained(path):
        if path.is_dir():
            raise OutputError(f"{shown(path)}: expected a file for {what}, found a folder")
        if path.is_file() and path.stat().st_size and not is_ours(path):
            raise OutputError(
                f"{shown(path)}: expected {what} of earlier, or nothing, found another file; it is "
                "left as it is: name another"
            )


def _more_than(patterns: Sequence[str], names: Sequence[str]) -> str:
    """The first name that no pattern has; empty if there is none."""
    known = (*patterns, *_LEFT_BY_SYSTEMS)
    others = (name for name in names if not any(fnmatchcase(name, one) for one in known))
    return next(others, "")


_LEFT_BY_SYSTEMS = (".DS_Store", "._*", "Thumbs.db", "desktop.ini")
"""What file managers put into a folder that they show."""


def available_cores() -> int:
    """How many cores this process may use, where the system tells; else how many there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def write_csv(path: Path, table: "pd.DataFrame") -> None:
    """Write a table as CSV, each text in quotes.

    Raises:
        OutputError: if it cannot be written.
    """
    import csv  # few processes that write files write tables

    with written_file(path) as beside:
        # A name with a lone carriage return would end its line if it were not quoted, and a name
        # that is not UTF-8 could not be written at all.
        table.to_csv(beside, index=False, errors="backslashreplace", quoting=csv.QUOTE_NONNUMERIC)
