"""Photos in zip and tar archives: their bytes, what is refused, and why.

A member's bytes go from the archive into memory, and to disk by `unpack` alone. Archives inside
archives are not opened. Whatever headers claim, what comes out is counted: time and memory are
bounded by the size of the archive on disk and the limits below.
"""

import bz2
import copy
import errno
import gzip
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Container, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, cast

from facecover.errors import FacecoverError, shown
from facecover.file_kinds import ArchiveKind
from facecover.photos import (
    MAX_FILE_BYTES,
    NO_PHOTO,
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

_PIECE = 2**16
"""No more bytes are read or unpacked at once."""

_DAMAGE = (
    tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, LookupError,
    OverflowError, MemoryError, struct.error, zlib.error, lzma.LZMAError,
)  # fmt: skip
"""What the standard library raises on damaged and hostile archives, as seen when it was fuzzed."""


class RefusedError(FacecoverError):
    """An archive, or the rest of it, is not read: it is broken, or a bomb."""


def photos_in(
    path: Path, kind: ArchiveKind, skipped: Counter[str], suffixes: Container[str] = ()
) -> Iterator[Item]:
    """Every member that may be a photo, in the archive's order, with its bytes.

    Args:
        path: the archive.
        kind: of it.
        skipped: counts what is passed over, by reason.
        suffixes: of other files that are wanted, too, in lower case and without the dot.

    Raises:
        RefusedError: if the archive, or the rest of it, is broken or a bomb.
    """
    if kind == "zip":
        return _photos_in_zip(path, skipped, suffixes)
    return _photos_in_tar(path, kind, skipped, suffixes)


def unpack(
    path: Path, kind: ArchiveKind, folder: Path, suffixes: Container[str]
) -> tuple[Counter[str], list[Broken]]:
    """Write the members that `photos_in` gives below a folder; no name leads out of it.

    Returns:
        What was passed over, by reason, and what could not be unpacked.

    Raises:
        RefusedError: if the archive is broken or a bomb, or there is no room for it.
    """
    skipped, broken = Counter[str](), list[Broken]()
    folder.mkdir(parents=True, exist_ok=True)
    for item in photos_in(path, kind, skipped, suffixes):
        if isinstance(item, FoundPhoto):
            try:
                _write(item, folder)
            except OSError as error:  # a name too long, or one that is a folder and a file
                if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
                    raise RefusedError(f"no room to unpack it in {folder}") from error
                broken.append(Broken(item.name, f"cannot be unpacked: {error.strerror}"))
        else:
            broken.append(item)
    return skipped, broken


def _write(item: FoundPhoto, folder: Path) -> None:
    parts = item.inner.replace("\\", "/").split("/")
    place = folder.joinpath(*(part.replace("\0", "_") for part in parts if part.strip(". ")))
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("xb") as stream:
        stream.write(item.source if isinstance(item.source, bytes) else b"")


def _is_wanted(name: str, skipped: Counter[str], suffixes: Container[str] = ()) -> bool:
    """Whether a member may be a photo by its name, as in a folder; counted as skipped where not."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    folders = (part for part in parts[:-1] if part.strip("."))
    last = parts[-1] if parts else ""
    reason = reason_to_skip(last)
    if reason == NO_PHOTO and last.lower().rpartition(".")[2] in suffixes:
        reason = None
    reasons = (reason, *map(reason_to_skip_folder, folders))
    reason = next(filter(None, reasons), None)
    if reason is not None:
        skipped[reason] += 1
    return reason is None


def _member_name(archive: Path, inner: str) -> str:
    return f"{archive}!{inner.removeprefix('./')}"


def _too_large(name: str, n_bytes: int) -> Broken:
    return Broken(name, f"unpacks to {n_bytes:,} bytes; expected at most {MAX_FILE_BYTES:,}")


def _check_ratio(unpacked: int, packed: int) -> None:
    if unpacked > FREE_BYTES + MAX_RATIO * packed:
        raise RefusedError(
            f"the rest is not read: it unpacks to {unpacked:,} bytes and more from {packed:,}; "
            f"expected at most {MAX_RATIO} times as many"
        )


def _check_count(number: int) -> None:
    if number > MAX_MEMBERS:
        raise RefusedError(f"the rest is not read: more than {MAX_MEMBERS:,} members")


def _reason(error: BaseException) -> str:
    return shown(str(error)) or type(error).__name__


_BLOCK = tarfile.BLOCKSIZE

_HEADER_BYTES = 2**20
"""Headers between two members may have this much: long names need a few hundred bytes."""


def _photos_in_tar(
    path: Path, kind: str, skipped: Counter[str], suffixes: Container[str]
) -> Iterator[Item]:
    number = 0
    try:
        with path.open("rb") as packed, closing(_unpacked(packed, kind)) as stream:
            unpacked = _Unpacked(stream, packed)
            while (member := _next_member(unpacked)) is not None:
                number += 1
                _check_count(number)
                end = unpacked.position + _data_bytes(member)
                if not member.isdir() and _is_wanted(member.name, skipped, suffixes):
                    yield _tar_item(unpacked, path, member)
                unpacked.skip_to(end)
    except _DAMAGE as error:
        broken = f"broken {kind} archive after {number:,} members: {_reason(error)}"
        raise RefusedError(broken) from error
    if number == 0 and kind != "tar":
        raise RefusedError(f"no file in this {kind} file; expected a tar archive in it")


def _unpacked(packed: BinaryIO, kind: str) -> BinaryIO:
    if kind == "gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=packed))
    if kind == "bz2":
        return cast(BinaryIO, bz2.BZ2File(packed))
    return cast(BinaryIO, lzma.LZMAFile(packed)) if kind == "xz" else packed


class _Unpacked:
    """The bytes of a tar archive, from the first to the last; what comes out is counted."""

    def __init__(self, stream: BinaryIO, packed: BinaryIO) -> None:
        self._stream, self._packed = stream, packed
        self.position = 0

    def read(self, n_bytes: int) -> bytes:
        """As many bytes, or fewer at the end of the archive."""
        pieces = []
        while n_bytes > 0 and (piece := self._stream.read(min(n_bytes, _PIECE))):
            pieces.append(piece)
            n_bytes -= len(piece)
            self.position += len(piece)
            _check_ratio(self.position, self._packed.tell())
        return b"".join(pieces)

    def skip_to(self, position: int) -> None:
        """Go on at a place behind, which costs nothing in an archive that is not compressed."""
        if self._stream is self._packed:
            if position > os.fstat(self._packed.fileno()).st_size:
                raise EOFError("it is cut off")
            self._packed.seek(position)
            self.position = position
        while self.position < position:
            if not self.read(min(_PIECE, position - self.position)):
                raise EOFError("it is cut off")


def _next_member(unpacked: _Unpacked) -> tarfile.TarInfo | None:
    """The next header of a file, a folder or a link, with what the headers before it say of it.

    Not by `tarfile.TarFile`: it goes on behind the end of the file, takes a damaged header for the
    end of the archive, and needs time and memory by the square of a hostile pax header.
    """
    long_name, records = "", dict[str, str]()
    start = unpacked.position
    while block := unpacked.read(_BLOCK):
        try:
            member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # a block of zeros: the end
            return None
        if member.type not in _HEADERS_OF_THE_NEXT:
            _apply(member, long_name, records)
            _skip_sparse_map(unpacked, block, member)
            return member
        if unpacked.position - start + member.size > _HEADER_BYTES:
            raise RefusedError(
                f"the rest is not read: a header of more than {_HEADER_BYTES:,} bytes"
            )
        end = unpacked.position + _padded(member.size)
        content = unpacked.read(member.size)
        unpacked.skip_to(end)
        if member.type == tarfile.GNUTYPE_LONGNAME:
            long_name = content.split(b"\0")[0].decode("utf-8", "surrogateescape")
        elif member.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
            records = _pax_records(content)
    return None


_HEADERS_OF_THE_NEXT = (
    tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.XGLTYPE,
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip


def _apply(member: tarfile.TarInfo, long_name: str, records: dict[str, str]) -> None:
    member.name = records.get("path", long_name or member.name)
    member.size = int(records.get("size", member.size))
    if any(key.startswith("GNU.sparse") for key in records):
        member.type = tarfile.GNUTYPE_SPARSE
    if member.size < 0:
        raise ValueError(f"a member of {member.size:,} bytes")


def _pax_records(content: bytes) -> dict[str, str]:
    """What an extended header says: ``LENGTH KEY=VALUE``, a line each (POSIX 1003.1, pax)."""
    records, start = dict[str, str](), 0
    while start < len(content) and content[start]:
        digits = content[start : start + 10].split(b" ")[0]
        end = start + int(digits) if digits.isdigit() else 0
        key, equals, value = content[start + len(digits) + 1 : end - 1].partition(b"=")
        if not equals or not start < end <= len(content):
            raise ValueError("an extended header that is none")
        records[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        start = end
    return records


def _skip_sparse_map(unpacked: _Unpacked, block: bytes, member: tarfile.TarInfo) -> None:
    """A sparse file of GNU tar has its map of holes in further blocks before its bytes."""
    is_extended = member.type == tarfile.GNUTYPE_SPARSE and block[:1] and block[482]
    while is_extended:
        block = unpacked.read(_BLOCK)
        is_extended = len(block) == _BLOCK and block[504]


def _data_bytes(member: tarfile.TarInfo) -> int:
    has_data = member.isreg() or member.type not in tarfile.SUPPORTED_TYPES
    return _padded(member.size) if has_data else 0


def _padded(n_bytes: int) -> int:
    return -(-n_bytes // _BLOCK) * _BLOCK


def _tar_item(unpacked: _Unpacked, path: Path, member: tarfile.TarInfo) -> Item:
    name = _member_name(path, member.name)
    if not member.isreg() or member.type == tarfile.GNUTYPE_SPARSE:
        return Broken(name, "a link or a device; only files are read from an archive")
    if member.size > MAX_FILE_BYTES:
        return _too_large(name, member.size)
    content = unpacked.read(member.size)
    if len(content) < member.size:
        raise EOFError(f"{shown(member.name)} is cut off")
    return FoundPhoto(name, content, member.name.removeprefix("./"))


_ENCRYPTED = 0x1
"""Bit 0 of the general-purpose flags (APPNOTE.TXT 4.4.4)."""

_HAS_END_MARK = 0x2
"""Bit 1: LZMA's end is marked in its data (APPNOTE.TXT 4.4.4)."""


def _photos_in_zip(path: Path, skipped: Counter[str], suffixes: Container[str]) -> Iterator[Item]:
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGE as error:
        raise RefusedError(f"broken zip archive: {_reason(error)}") from error
    with archive:
        reader = _ZipReader(archive, path)
        for number, member in enumerate(archive.infolist(), 1):
            _check_count(number)
            if not member.is_dir() and _is_wanted(member.filename, skipped, suffixes):
                yield reader.item(member)


def photos_counted(path: Path) -> int:
    """How many members may be photos; 0 where the archive is broken."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [one.filename for one in archive.infolist() if not one.is_dir()]
    except _DAMAGE:
        return 0
    return sum(_is_wanted(name, Counter()) for name in names)


class _ZipReader:
    """Unpacks the members of a zip archive; what goes in and comes out of all is counted."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._archive, self._path = archive, path
        self._archive_bytes = path.stat().st_size
        self._packed = self._unpacked = 0

    def item(self, member: zipfile.ZipInfo) -> Item:
        """A member's bytes, or why there are none.

        Raises:
            RefusedError: if the archive is a bomb.
        """
        name = _member_name(self._path, member.filename)
        if member.flag_bits & _ENCRYPTED:
            return Broken(name, "encrypted; unpack the archive with its password first")
        mode = member.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            return Broken(name, "a link or a device; only files are read from an archive")
        if member.file_size > MAX_FILE_BYTES:
            return _too_large(name, member.file_size)
        try:
            return FoundPhoto(name, self._content(member), member.filename)
        except _DAMAGE as error:
            return Broken(name, f"cannot be unpacked: {_reason(error)}")

    def _content(self, member: zipfile.ZipInfo) -> bytes:
        # Not by `ZipFile.read`, which unpacks bzip2 and LZMA without a limit.
        content = bytearray()
        for piece in _unpacked_pieces(member, self._packed_pieces(member)):
            content += piece
            self._unpacked += len(piece)
            _check_ratio(self._unpacked, self._archive_bytes)
            if len(content) > member.file_size:
                raise ValueError(f"more than the {member.file_size:,} bytes that it claims")
        if len(content) < member.file_size:
            raise ValueError(f"{len(content):,} bytes; it claims {member.file_size:,}")
        if zlib.crc32(content) != member.CRC:
            raise ValueError("its bytes do not fit its checksum")
        return bytes(content)

    def _packed_pieces(self, member: zipfile.ZipInfo) -> Iterator[bytes]:
        as_stored = copy.copy(member)
        as_stored.compress_type = zipfile.ZIP_STORED
        as_stored.file_size = member.compress_size
        del as_stored.CRC  # it is that of the unpacked bytes
        with self._archive.open(as_stored) as stream:
            while piece := stream.read(_PIECE):
                self._packed += len(piece)
                if self._packed > self._archive_bytes:
                    raise RefusedError("the rest is not read: its members lie in the same bytes")
                yield piece


_LZMA_BYTES = 2 * MAX_FILE_BYTES
"""Memory for LZMA's dictionary, whose size a header claims; the largest preset, 9, needs 65 MiB."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


_DECOMPRESSORS: dict[int, Callable[[], _Decompressor]] = {
    zipfile.ZIP_DEFLATED: partial(zlib.decompressobj, -zlib.MAX_WBITS),
    zipfile.ZIP_BZIP2: bz2.BZ2Decompressor,
    zipfile.ZIP_LZMA: partial(lzma.LZMADecompressor, lzma.FORMAT_ALONE, _LZMA_BYTES),
}


def _unpacked_pieces(member: zipfile.ZipInfo, packed: Iterator[bytes]) -> Iterator[bytes]:
    if member.compress_type == zipfile.ZIP_STORED:
        yield from packed
        return
    if member.compress_type not in _DECOMPRESSORS:
        raise ValueError(f"its compression method, {member.compress_type}, is not supported")
    if member.compress_type == zipfile.ZIP_LZMA:
        packed = _as_lzma_file(member, packed)
    decompressor = _DECOMPRESSORS[member.compress_type]()
    while not decompressor.eof:
        rest = getattr(decompressor, "unconsumed_tail", b"")  # zlib hands it back
        needs_input = getattr(decompressor, "needs_input", not rest)  # the others keep it
        data = next(packed, b"") if needs_input else rest
        piece = decompressor.decompress(data, _PIECE)
        if needs_input and not data and not piece:
            raise EOFError("it is cut off")
        yield piece


def _as_lzma_file(member: zipfile.ZipInfo, packed: Iterator[bytes]) -> Iterator[bytes]:
    """A member's LZMA data with the header of a .lzma file in place of zip's (APPNOTE.TXT 5.8.8).

    Zip's is two bytes of version, two of the properties' size, and five of properties; the other's
    the properties and the size, 2^64 - 1 where the data mark their end.
    """
    head = next(packed, b"")
    if head[2:4] != b"\5\0":
        raise ValueError("its LZMA header is none")
    size = 2**64 - 1 if member.flag_bits & _HAS_END_MARK else member.file_size
    yield head[4:9] + size.to_bytes(8, "little") + head[9:]
    yield from packed
