"""Writing so that nothing is lost: beside, then renamed into place."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from facecover.errors import OutputError, shown

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def written_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that becomes `path` when the block ends well.

    Raises:
        OutputError: if the folder cannot be written or the disk is full; what stood at
            `path` before still stands there.
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = _new_beside(path, lambda new: new.touch(exist_ok=False))
    try:
        with _explained(path, only=_NO_ROOM):
            yield beside
        with _explained(path):
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def written_folder(
    path: Path, *, replace_if: str | None = None, holding: Sequence[str] = ()
) -> Iterator[Path]:
    """A temporary folder beside `path` that becomes `path` when the block ends well.

    Args:
        path: the folder to make; a symbolic link to a folder stays, and its target is replaced.
        replace_if: a file name; a folder that already holds that file is one of ours and
            is replaced. Any other folder that is not empty is left alone.
        holding: patterns of whatever else one of ours holds; with anything more in it, it is
            left alone, too.

    Raises:
        OutputError: if `path` holds something that is not ours, is in use, cannot be written, or
            the disk is full; what stood at `path` before still stands there.
    """
    check_replaceable(path, replace_if=replace_if, holding=holding)
    with _explained(path):
        path = Path(os.path.realpath(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = _new_beside(path, Path.mkdir)
    try:
        with _explained(path, only=_NO_ROOM):
            yield beside
        with _explained(path):
            check_replaceable(path, replace_if=replace_if, holding=holding)
            _replace_folder(path, beside)
    except OutputError as error:
        # A file inside is known to the user by the place that it was meant for.
        raise OutputError(str(error).replace(shown(beside), shown(path))) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _new_beside(path: Path, make: Callable[[Path], None]) -> Path:
    """A new hidden file or folder beside `path`, with the permissions of any new one.

    Not `tempfile`, whose files are private: to open them to others, one would have to know the
    umask, which cannot be read without changing it for every thread.
    """
    while True:
        beside = path.parent / f".{path.name[:_MOST_OF_NAME]}.{os.urandom(4).hex()}"
        try:
            make(beside)
        except FileExistsError:
            continue
        return beside


_MOST_OF_NAME = 60
"""So many characters of a name stand in the temporary one: 240 bytes of UTF-8 at most."""


def _replace_folder(path: Path, beside: Path) -> None:
    """Put `beside` where `path` is; the old folder goes only after the new one stands."""
    if not path.exists():
        beside.rename(path)
        return
    old = _new_beside(path, Path.mkdir)
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
    """Refuse an output folder that holds somebody's files, or that is in use.

    Args:
        path: the folder.
        replace_if: see `written_folder`.
        holding: see `written_folder`; None for a folder that is added to and never replaced.

    Raises:
        OutputError: if `path` is a file, a folder with content but without `replace_if` or with
            more than `holding`, or cannot be looked at; or if it is to be replaced, and is the
            working folder, the home folder, or around one of them.
    """
    with _explained(path):
        if holding is not None:
            _check_not_in_use(path)
        if path.is_dir():
            is_ours = replace_if is not None and (path / replace_if).is_file()
            names = sorted(entry.name for entry in path.iterdir())
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
    with _explained(path):
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


_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_ROOM = (*_DISK_FULL, errno.EFBIG)
_REASONS: dict[int | None, str] = {
    **dict.fromkeys(_DISK_FULL, "the disk is full; free some space and run the command again"),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS),
        "no permission to write there; name another place",
    ),
    **dict.fromkeys(
        (errno.ENOTDIR, errno.EEXIST), "a file stands where a folder is needed; name another place"
    ),
    errno.EFBIG: "a file would be larger than is allowed there; name another place",
    errno.EISDIR: "a folder stands there; name another file",
    errno.ENAMETOOLONG: "the name is too long; name another place",
}


@contextmanager
def _explained(path: Path, only: tuple[int, ...] | None = None) -> Iterator[None]:
    """Turn the operating system's errors about writing `path` into one line each.

    Args:
        path: what is being written.
        only: the error numbers to explain; others may be of the caller's making and pass.
    """
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        if only is not None and error.errno not in only:
            raise
        reason = _REASONS.get(error.errno, f"{error.strerror or error}; name another place")
        raise OutputError(f"{shown(path)}: cannot be written: {reason}") from error


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
