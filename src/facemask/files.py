"""Writing so that nothing is lost: beside, then renamed into place."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facemask.errors import OutputError


@contextmanager
def written_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that becomes `path` when the block ends well.

    Raises:
        OutputError: if the folder cannot be written or the disk is full; what stood at
            `path` before still stands there.
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        beside = Path(name)
        try:
            yield beside
            beside.chmod(0o666 & ~_umask())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


@contextmanager
def written_folder(path: Path, *, replace_if: str | None = None) -> Iterator[Path]:
    """A temporary folder beside `path` that becomes `path` when the block ends well.

    Args:
        path: the folder to make.
        replace_if: a file name; a folder that already holds that file is one of ours and
            is replaced. Any other folder that is not empty is left alone.

    Raises:
        OutputError: if `path` holds something that is not ours, cannot be written, or the
            disk is full.
    """
    check_replaceable(path, replace_if=replace_if)
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            yield beside
            beside.chmod(0o777 & ~_umask())
            if path.exists():
                shutil.rmtree(path)
            beside.replace(path)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def check_replaceable(path: Path, *, replace_if: str | None = None) -> None:
    """Refuse an output folder that holds somebody's files.

    Raises:
        OutputError: if `path` is a file, or a folder with content but without `replace_if`.
    """
    if path.is_dir():
        is_ours = replace_if is not None and (path / replace_if).is_file()
        if any(path.iterdir()) and not is_ours:
            expected = f"an empty folder, or one with a {replace_if}" if replace_if else "empty"
            raise OutputError(
                f"{path}: expected {expected}, found other files; they are left as they are: "
                "name another folder"
            )
    elif path.exists():
        raise OutputError(f"{path}: expected a folder, found a file; name another folder")


def hash_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason = "the disk is full; free some space and run the command again"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            reason = "no permission to write there; name another place"
        else:
            raise
        raise OutputError(f"{path}: cannot be written: {reason}") from error


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
