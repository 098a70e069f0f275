"""Photos in zip and tar archives: their bytes, what is refused, and why.

Nothing is unpacked to disk: a member's bytes go from the archive into memory. Archives inside
archives are not opened.
"""

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from facecover.errors import FacecoverError, shown
from facecover.photos import (
    MAX_FILE_BYTES,
    Broken,
    FoundPhoto,
    Item,
    reason_to_skip,
    reason_to_skip_folder,
)

MAX_MEMBERS = 1_000_000
"""An archive with more members is refused from there on."""

MAX_RATIO = 100
"""An archive may unpack to this many times its own size; photos hardly shrink at all, and a bomb
of zeros shrinks a thousandfold (the limit of DEFLATE is 1032)."""

FREE_BYTES = 64 * 2**20
"""An archive may unpack to this much whatever its own size: small ones of flat pictures."""


class RefusedError(FacecoverError):
    """An archive, or the rest of it, is not read: it is broken, or a bomb."""


def _allowed_bytes(packed_bytes: int) -> int:
    return FREE_BYTES + MAX_RATIO * packed_bytes


def _is_wanted(name: str, skipped: Counter[str]) -> bool:
    """Whether a member may be a photo by its name, as in a folder; counted as skipped where not."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    folders = (part for part in parts[:-1] if part.strip("."))
    reasons = (reason_to_skip(parts[-1] if parts else ""), *map(reason_to_skip_folder, folders))
    reason = next(filter(None, reasons), None)
    if reason is not None:
        skipped[reason] += 1
    return reason is None


def _member_name(archive: Path, inner: str) -> str:
    return f"{archive}!{inner.removeprefix('./')}"


def _too_large(name: str, n_bytes: int) -> Broken:
    return Broken(name, f"unpacks to {n_bytes:,} bytes; expected at most {MAX_FILE_BYTES:,}")


def _bomb(unpacked: int, packed: int) -> RefusedError:
    return RefusedError(
        f"the rest is not read: it unpacks to {unpacked:,} bytes and more from {packed:,}; "
        f"expected at most {MAX_RATIO} times as many"
    )


# What `tarfile` and the decompressors raise on damaged and hostile archives.
_TAR_DAMAGE = (
    tarfile.TarError, OSError, EOFError, ValueError, LookupError, OverflowError, zlib.error,
    lzma.LZMAError, RecursionError,
)  # fmt: skip

_HEADER_BYTES = 2**20
"""Headers between two members may have this much: long names need a few hundred bytes."""


def photos_in_tar(path: Path, kind: str, skipped: Counter[str]) -> Iterator[Item]:
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
                if not member.isdir() and _is_wanted(member.name, skipped):
                    yield _read_tar_member(archive, path, member)
    except _TAR_DAMAGE as error:
        broken = f"broken {kind} archive after {number:,} members: {_reason(error)}"
        raise RefusedError(broken) from error


class _Bounded(io.RawIOBase):
    """The bytes of a tar archive as they are unpacked, refusing to go on for ever."""

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
        if self._count > _allowed_bytes(packed):
            raise _bomb(self._count, packed)
        if self._count > self._stop_at:
            raise RefusedError(
                f"the rest is not read: a header of more than {_HEADER_BYTES:,} bytes"
            )
        return content


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[tuple[tarfile.TarFile, _Bounded]]:
    with path.open("rb") as packed, _unpacked(packed, kind) as unpacked:
        bounded = _Bounded(unpacked, packed)
        with tarfile.open(fileobj=bounded, mode="r|") as archive:
            yield archive, bounded


def _unpacked(packed: BinaryIO, kind: str) -> io.BufferedIOBase:
    if kind == "gz":
        return gzip.GzipFile(fileobj=packed)
    if kind == "bz2":
        return bz2.BZ2File(packed)
    return lzma.LZMAFile(packed) if kind == "xz" else cast(io.BufferedIOBase, packed)


def _next(archive: tarfile.TarFile, bytes_read: _Bounded) -> tarfile.TarInfo | None:
    member = archive.next()
    archive.members.clear()  # type: ignore[attr-defined]  # it would keep every header
    if member is not None:
        bytes_read.expect(member.size)
    return member


def _read_tar_member(archive: tarfile.TarFile, path: Path, member: tarfile.TarInfo) -> Item:
    name = _member_name(path, member.name)
    if not member.isfile() or member.issparse():
        return Broken(name, "a link or a device; only files are read from an archive")
    if member.size > MAX_FILE_BYTES:
        return _too_large(name, member.size)
    stream = archive.extractfile(member)
    content = stream.read() if stream is not None else b""
    if len(content) < member.size:
        raise EOFError(f"{shown(member.name)} is cut off")
    return FoundPhoto(name, content, member.name.removeprefix("./"))


# What `zipfile` raises on damaged and hostile archives, as seen when it was fuzzed.
_ZIP_DAMAGE = (
    zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, LookupError, OverflowError,
    struct.error, zlib.error, lzma.LZMAError,
)  # fmt: skip

_ENCRYPTED = 0x1
"""Bit 0 of the general-purpose flags (APPNOTE.TXT 4.4.4)."""


def photos_in_zip(path: Path, skipped: Counter[str]) -> Iterator[Item]:
    """Every member that may be a photo, in the archive's order, with its bytes.

    Raises:
        RefusedError: if the archive, or the rest of it, is broken or a bomb.
    """
    try:
        archive = zipfile.ZipFile(path)
    except _ZIP_DAMAGE as error:
        raise RefusedError(f"broken zip archive: {_reason(error)}") from error
    with archive:
        packed = path.stat().st_size
        unpacked = 0
        for number, member in enumerate(archive.infolist()):
            if number == MAX_MEMBERS:
                raise RefusedError(f"the rest is not read: more than {MAX_MEMBERS:,} members")
            if member.is_dir() or not _is_wanted(member.filename, skipped):
                continue
            item = _read_zip_member(archive, path, member)
            unpacked += 0 if isinstance(item, Broken) else member.file_size
            if unpacked > _allowed_bytes(packed):
                raise _bomb(unpacked, packed)
            yield item


def photos_counted(path: Path) -> int:
    """How many members may be photos; 0 where the archive is broken."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [one.filename for one in archive.infolist() if not one.is_dir()]
    except _ZIP_DAMAGE:
        return 0
    return sum(_is_wanted(name, Counter()) for name in names)


def _read_zip_member(archive: zipfile.ZipFile, path: Path, member: zipfile.ZipInfo) -> Item:
    name = _member_name(path, member.filename)
    if member.flag_bits & _ENCRYPTED:
        return Broken(name, "encrypted; unpack the archive with its password first")
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return Broken(name, "a link or a device; only files are read from an archive")
    if member.file_size > MAX_FILE_BYTES:
        return _too_large(name, member.file_size)
    try:
        # ZipFile gives no more bytes than file_size says.
        return FoundPhoto(name, archive.read(member), member.filename)
    except _ZIP_DAMAGE as error:
        return Broken(name, f"cannot be unpacked: {_reason(error)}")


def _reason(error: BaseException) -> str:
    return shown(str(error)) or type(error).__name__
