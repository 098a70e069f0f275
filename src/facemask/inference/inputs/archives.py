"""Telling archives, and what zip and tar have in common: what is refused, and why.

Nothing is unpacked to disk: a member's bytes go from the archive into memory. Archives inside
archives are not opened.
"""

from pathlib import Path, PurePosixPath
from typing import Literal

from facemask.errors import FacemaskError
from facemask.inference.inputs.item import Broken, Skipped
from facemask.photo_names import OTHER_FOLDERS, may_be_photo

MAX_MEMBERS = 1_000_000
"""An archive with more members is refused from there on."""

MAX_RATIO = 100
"""An archive may unpack to this many times its own size; photos hardly shrink at all, and a bomb
of zeros shrinks a thousandfold (the limit of DEFLATE is 1032)."""

FREE_BYTES = 64 * 2**20
"""An archive may unpack to this much whatever its own size: small ones of flat pictures."""

ArchiveKind = Literal["zip", "tar", "gz", "bz2", "xz"]

_MAGIC: tuple[tuple[bytes, ArchiveKind], ...] = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),  # without any member
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
)
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
"""POSIX 1003.1, pax: the header block of ustar, pax and GNU tar."""


class RefusedError(FacemaskError):
    """An archive, or the rest of it, is not read: it is broken, or a bomb."""


def archive_kind(path: Path) -> ArchiveKind | None:
    """Which kind of archive a file is, by its first bytes; None for anything else.

    Raises:
        OSError: if it cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(_TAR_MAGIC_AT + len(_TAR_MAGIC))
    if head[_TAR_MAGIC_AT:] == _TAR_MAGIC:
        return "tar"
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)


def allowed_bytes(packed_bytes: int) -> int:
    """How much an archive of some size may unpack to."""
    return FREE_BYTES + MAX_RATIO * packed_bytes


def is_wanted(name: str, skipped: Skipped) -> bool:
    """Whether a member may be a photo by its name; counted as skipped where not."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    last = parts[-1] if parts else ""
    if any(part.lower() in OTHER_FOLDERS for part in parts[:-1]):
        skipped.add(last)
        return False
    is_hidden = any(part.startswith(".") and part.strip(".") for part in parts[:-1])
    if is_hidden or not may_be_photo(last):
        skipped.add("." if is_hidden else last)
        return False
    return True


def member_name(archive: Path, inner: str) -> str:
    """How a member is shown: ``archive.zip!inner/name.jpg``."""
    return f"{archive}!{inner.removeprefix('./')}"


def too_large(name: str, n_bytes: int, limit: int) -> Broken:
    """A member that is refused for its size."""
    return Broken(name, f"unpacks to {n_bytes:,} bytes; expected at most {limit:,}")


def bomb(unpacked: int, packed: int) -> RefusedError:
    """The refusal of an archive that unpacks to too much."""
    return RefusedError(
        f"the rest is not read: it unpacks to {unpacked:,} bytes and more from {packed:,}; "
        f"expected at most {MAX_RATIO} times as many"
    )
