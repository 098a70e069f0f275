"""Copies of answered photos, sorted into a folder for each class."""

import errno
import io
import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from facemask.errors import OutputError, shown
from facemask.images import FORMATS
from facemask.inference.inputs.answered import Answered

UNCERTAIN = "uncertain"
"""The folder of photos whose answer is uncertain."""

_MAX_NAME_BYTES = 180
"""Of a copy's name; file systems take 255, and a number may be added."""

_FORBIDDEN = frozenset('<>:"/\\|?*')
"""What Windows forbids in a name; a slash is forbidden everywhere."""


class Copies:
    """Copies photos into ``DIR/mask``, ``DIR/no_mask``, ``DIR/uncertain``, ...

    No file is overwritten: where a name is taken by another picture, a number is added; where it
    is taken by the same bytes, they are the copy.

    Args:
        folder: where the class folders are made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next_number: dict[Path, int] = {}

    def add(self, answered: Answered) -> Path:
        """Copy one photo; gives the copy's path.

        Raises:
            OutputError: if the copy cannot be written.
        """
        given = answered.prediction
        folder = self._folder / (UNCERTAIN if given.is_uncertain else given.label)
        wanted = folder / safe_name(answered)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path in self._candidates(wanted):
                if _copied(answered.photo.source, path):
                    return path
        except OSError as error:
            reason = error.strerror or error
            raise OutputError(
                f"{shown(wanted)}: the copy cannot be written: {reason}; name another place"
            ) from error
        raise OutputError(f"{shown(wanted)}: every numbered name is taken; name another place")

    def _candidates(self, wanted: Path) -> Iterator[Path]:
        """The name, then numbered ones, going on where the last photo of that name ended."""
        yield wanted  # each time: a photo that is named twice has its copy there
        while (number := self._next_number.get(wanted, 2)) < 10**7:
            self._next_number[wanted] = number + 1
            yield wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")


def safe_name(answered: Answered) -> str:
    """A name for a photo's copy: its path in the folder or archive, as one readable name.

    The parts are joined by two underscores, ``..`` and what cannot stand in a name is left out
    or replaced, and the name is neither hidden nor too long, so that it never leaves its folder.
    """
    parts = answered.photo.inner.replace("\\", "/").split("/")
    kept = [part for part in parts if part.strip(" .")]
    name = "".join(map(_safe, "__".join(kept))).strip(" .") or "photo"
    if answered.photo.inner == "stdin":
        name += _suffix_of(answered.photo.source)
    return _shortened(name)


def _safe(char: str) -> str:
    is_odd = char in _FORBIDDEN or unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    return "_" if is_odd else char


def _shortened(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix) > 10:
        stem, dot, suffix = name, "", ""
    room = _MAX_NAME_BYTES - len((dot + suffix).encode())
    return stem.encode()[:room].decode(errors="ignore") + dot + suffix


def _suffix_of(source: Path | bytes) -> str:
    try:
        with Image.open(_stream(source), formats=FORMATS) as image:
            return f".{(image.format or '').lower()}".replace("jpeg", "jpg")
    except (UnidentifiedImageError, OSError):
        return ""


def _stream(source: Path | bytes) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _copied(source: Path | bytes, path: Path) -> bool:
    """Whether the path now holds the source's bytes; False where it holds others."""
    try:
        copy = path.open("xb")
    except FileExistsError:
        return path.is_file() and _are_equal(source, path)
    try:
        with copy, _stream(source) as original:
            shutil.copyfileobj(original, copy)
    except BaseException:
        path.unlink(missing_ok=True)  # half a copy is none, also after Ctrl-C
        raise
    if isinstance(source, Path):
        _keep_times(source, path)
    return True


def _keep_times(source: Path, path: Path) -> None:
    """The copy gets the photo's dates where the file system lets it."""
    try:
        shutil.copystat(source, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EACCES):
            raise


def _are_equal(source: Path | bytes, path: Path) -> bool:
    if isinstance(source, bytes):
        return path.stat().st_size == len(source) and path.read_bytes() == source
    same_size = path.stat().st_size == source.stat().st_size
    return same_size and path.read_bytes() == source.read_bytes()
