"""Every error the package raises for bad input.

FacecoverError
├── ImageError (ValueError)      a file, bytes or an array that is not a readable image
│   └── NotAnImageError (ValueError) of another format than those read, or none
├── LabelError (ValueError)      a class name that is not known, or one class where two are needed
├── DatasetError (ValueError)    photos, annotations, manifests or arrays that do not fit
├── ConfigError (ValueError)     an experiment or an option that is wrong
├── RunError (ValueError)        a run folder that is missing, unfinished or not one of ours
├── ModelFileError (ValueError)  a model file that is missing, changed or not one of ours
└── OutputError (OSError)        a place that cannot be written, or that holds something else

A message says what is wrong, where, what was expected, what was found, and what to do, in one
line.
"""

import difflib
import errno
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath


class FacecoverError(Exception):
    """The root: the command line prints it as one line and exits with status 1."""


class ImageError(FacecoverError, ValueError):
    """A file, bytes or an array that is not a readable image."""


class NotAnImageError(ImageError):
    """A file or bytes of another format than those read, or of none."""


class LabelError(FacecoverError, ValueError):
    """A class name that is not known, or classes that do not fit the task."""


class DatasetError(FacecoverError, ValueError):
    """Photos, annotations, a manifest or arrays that do not fit together."""


class ConfigError(FacecoverError, ValueError):
    """An experiment file, an override or an option that is wrong."""


class RunError(FacecoverError, ValueError):
    """A run folder that is missing, unfinished or not one of ours."""


class ModelFileError(FacecoverError, ValueError):
    """A model file that is missing, changed or not one of ours."""


class OutputError(FacecoverError, OSError):
    """A place that cannot be written, or that holds something that is not ours."""


def shown(name: str | PurePath, keep: str = "") -> str:
    """A file name or path as it can stand in a message: one line, printable, valid Unicode.

    Line breaks, control characters, those that turn the direction of text, and the bytes of a
    name that is not UTF-8 are escaped; letters of any script stay. What was shown once is not
    changed by doing it again.

    Args:
        name: the text.
        keep: what stays as it is, such as the line breaks of a text of ours with names in it.
    """

    def escaped(found: re.Match[str]) -> str:
        character = found[0]
        is_safe = character.isprintable() or character in keep
        return character if is_safe else ascii(character)[1:-1]

    return _BEYOND_ASCII.sub(escaped, str(name))


_BEYOND_ASCII = re.compile("[^ -~]")

LAYOUT = "\n\N{NO-BREAK SPACE}\N{ZERO WIDTH SPACE}"
"""What texts of ours hold that no name should: see `shown`."""


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """A hint for a message, `` (did you mean 'mask'?)``; empty where no known name is like it.

    Args:
        name: what was given.
        known: what could have been meant.
        cutoff: the least similarity, 0..1, see `difflib.get_close_matches`.
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f" (did you mean {close[0]!r}?)" if close else ""


_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
NO_ROOM = (*_DISK_FULL, errno.EFBIG)
"""Error numbers of a full disk, a used-up quota, a file that may grow no further: no bugs."""

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
def explained(path: Path, only: tuple[int, ...] | None = None) -> Iterator[None]:
    """Turn the operating system's errors about writing `path` into one line each.

    Args:
        path: what is being written.
        only: the error numbers to explain; others may be of the caller's making and pass.

    Raises:
        OutputError: with what is to be done.
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


_SIGNS_OF_NO_MEMORY = (
    "bad_alloc", "llocate memory", "failed to map segment", "can't start new thread",
    "can't allocate",
)  # fmt: skip


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error stands for too little memory; libraries say so in many ways."""
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in _SIGNS_OF_NO_MEMORY)
