"""The photos in a zip archive, member by member."""

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from facemask.errors import shown
from facemask.inference.inputs.archives import (
    MAX_MEMBERS,
    RefusedError,
    allowed_bytes,
    bomb,
    is_wanted,
    member_name,
    too_large,
)
from facemask.inference.inputs.item import MAX_FILE_BYTES, Broken, FoundPhoto, Item, Skipped

# What `zipfile` raises on damaged and hostile archives, as seen when it was fuzzed.
_DAMAGE = (
    zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, LookupError, OverflowError,
    struct.error, zlib.error, lzma.LZMAError,
)  # fmt: skip

_ENCRYPTED = 0x1
"""Bit 0 of the general-purpose flags (APPNOTE.TXT 4.4.4)."""


def photos_in_zip(path: Path, skipped: Skipped) -> Iterator[Item]:
    """Every member that may be a photo, in the archive's order, with its bytes.

    Raises:
        RefusedError: if the archive, or the rest of it, is broken or a bomb.
    """
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGE as error:
        raise RefusedError(f"broken zip archive: {_said(error)}") from error
    with archive:
        packed = path.stat().st_size
        unpacked = 0
        for number, member in enumerate(archive.infolist()):
            if number == MAX_MEMBERS:
                raise RefusedError(f"the rest is not read: more than {MAX_MEMBERS:,} members")
            if member.is_dir() or not is_wanted(member.filename, skipped):
                continue
            item = _read(archive, path, member)
            unpacked += 0 if isinstance(item, Broken) else member.file_size
            if unpacked > allowed_bytes(packed):
                raise bomb(unpacked, packed)
            yield item


def photos_counted(path: Path) -> int:
    """How many members may be photos; 0 where the archive is broken."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [one.filename for one in archive.infolist() if not one.is_dir()]
    except _DAMAGE:
        return 0
    return sum(is_wanted(name, Skipped()) for name in names)


def _read(archive: zipfile.ZipFile, path: Path, member: zipfile.ZipInfo) -> Item:
    name = member_name(path, member.filename)
    if member.flag_bits & _ENCRYPTED:
        return Broken(name, "encrypted; unpack the archive with its password first")
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return Broken(name, "a link or a device; only files are read from an archive")
    if member.file_size > MAX_FILE_BYTES:
        return too_large(name, member.file_size, MAX_FILE_BYTES)
    try:
        # ZipFile gives no more bytes than file_size says.
        return FoundPhoto(name, archive.read(member), member.filename)
    except _DAMAGE as error:
        return Broken(name, f"cannot be unpacked: {_said(error)}")


def _said(error: BaseException) -> str:
    return shown(str(error)) or type(error).__name__
