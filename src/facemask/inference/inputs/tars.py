"""The photos in a tar archive, packed or not, read from front to back once."""

import io
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path
from typing import BinaryIO, cast

from facemask.errors import shown
from facemask.inference.inputs.archives import (
    MAX_MEMBERS,
    ArchiveKind,
    RefusedError,
    allowed_bytes,
    bomb,
    is_wanted,
    member_name,
    too_large,
)
from facemask.inference.inputs.item import MAX_FILE_BYTES, Broken, FoundPhoto, Item, Skipped

# What `tarfile` and the decompressors raise on damaged and hostile archives.
_DAMAGE = (
    tarfile.TarError, OSError, EOFError, ValueError, LookupError, OverflowError, zlib.error,
    LZMAError, RecursionError,
)  # fmt: skip

_HEADER_BYTES = 2**20
"""Headers between two members may have this much: long names need a few hundred bytes."""


def photos_in_tar(path: Path, kind: ArchiveKind, skipped: Skipped) -> Iterator[Item]:
    """Every member that may be a photo, in the archive's order, with its bytes.

    Raises:
        RefusedError: if the archive, or the rest of it, is broken or a bomb.
    """
    number = 0
    try:
        with _opened(path, kind) as (archive, bytes_read):
            while (member := _next(archive, bytes_read)) is not None:
                if (number := number + 1) > MAX_MEMBERS:
                    raise RefusedError(f"the rest is not read: more than {MAX_MEMBERS:,} members")
                if not member.isdir() and is_wanted(member.name, skipped):
                    yield _read(archive, path, member)
    except _DAMAGE as error:
        said = shown(str(error)) or type(error).__name__
        raise RefusedError(f"broken {kind} archive after {number:,} members: {said}") from error


class _Bounded(io.RawIOBase):
    """The bytes of a tar archive as they are unpacked, refusing to go on for ever.

    Args:
        unpacked: gives the bytes of the tar archive.
        packed: the file that they come from.
    """

    def __init__(self, unpacked: io.BufferedIOBase, packed: BinaryIO) -> None:
        self._unpacked, self._packed = unpacked, packed
        self._count = 0
        self._stop_at = _HEADER_BYTES

    def expect(self, member_bytes: int) -> None:
        """Allow for the bytes of a member and the headers after it."""
        self._stop_at = self._count + max(member_bytes, 0) + _HEADER_BYTES

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content = self._unpacked.read(size)
        self._count += len(content)
        packed = self._packed.tell()
        if self._count > allowed_bytes(packed):
            raise bomb(self._count, packed)
        if self._count > self._stop_at:
            raise RefusedError(
                f"the rest is not read: a header of more than {_HEADER_BYTES:,} bytes"
            )
        return content


@contextmanager
def _opened(path: Path, kind: ArchiveKind) -> Iterator[tuple[tarfile.TarFile, _Bounded]]:
    with path.open("rb") as packed, _unpacked(packed, kind) as unpacked:
        bounded = _Bounded(unpacked, packed)
        with tarfile.open(fileobj=bounded, mode="r|") as archive:
            yield archive, bounded


def _unpacked(packed: BinaryIO, kind: ArchiveKind) -> io.BufferedIOBase:
    # Imported where needed: most calls read no packed archive.
    if kind == "gz":
        import gzip

        return gzip.GzipFile(fileobj=packed)
    if kind == "bz2":
        import bz2

        return bz2.BZ2File(packed)
    if kind == "xz":
        import lzma

        return lzma.LZMAFile(packed)
    return cast(io.BufferedIOBase, packed)


def _next(archive: tarfile.TarFile, bytes_read: _Bounded) -> tarfile.TarInfo | None:
    member = archive.next()
    archive.members.clear()  # type: ignore[attr-defined]  # it would keep every header
    if member is not None:
        bytes_read.expect(member.size)
    return member


def _read(archive: tarfile.TarFile, path: Path, member: tarfile.TarInfo) -> Item:
    name = member_name(path, member.name)
    if not member.isfile() or member.issparse():
        return Broken(name, "a link or a device; only files are read from an archive")
    if member.size > MAX_FILE_BYTES:
        return too_large(name, member.size, MAX_FILE_BYTES)
    stream = archive.extractfile(member)
    content = stream.read() if stream is not None else b""
    if len(content) < member.size:
        raise EOFError(f"{shown(member.name)} is cut off")
    return FoundPhoto(name, content, member.name.removeprefix("./"))
