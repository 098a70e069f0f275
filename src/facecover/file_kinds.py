"""What a file is that is no photo which can be read, by its first bytes, and what to do then."""

import re
from pathlib import Path
from typing import Literal

HEAD_BYTES = 512
"""So many bytes of a file tell its kind."""

VIDEO = "a video: save a frame of it as a photo"

_ARCHIVE = "an archive: name it itself if it is zip or tar, or else unpack it"
_RAW = "a camera's raw file: save it as a JPEG"
_CONVERT = "save it as a JPEG or PNG"

_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
"""Of HEVC pictures (ISO/IEC 23008-12, annex B)."""

_MAGIC: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), what)
    for pattern, what in (
        (rb"\xff\xd8\xff", "a damaged JPEG"),
        (rb"\x89PNG", "a damaged PNG"),
        (rb"GIF8", "a damaged GIF"),
        (rb"RIFF.{4}WEBP", "a damaged WebP"),
        (rb".{4}ftypavi[fs]", "a damaged AVIF"),
        (rb".{4}ftypcrx|II\*\0.{4}CR|FUJIFILMCCD-RAW|IIRO|IIRS|IIU\0", _RAW),
        (rb"II\*\0|MM\0\*|II\+\0|MM\0\+", "a damaged TIFF, or one of a kind that is not read"),
        (rb".{4}(ftyp|moov|mdat|free|wide|skip)", VIDEO),
        (rb"RIFF.{4}AVI |\x1a\x45\xdf\xa3|\0\0\x01[\xb3\xba]|FLV\x01|OggS|\x30\x26\xb2\x75", VIDEO),
        (rb"RIFF.{4}WAVE|ID3|fLaC", "a sound file"),
        (rb"\xff\x0a|\0\0\0\x0cJXL ", f"a JPEG XL picture: {_CONVERT}"),
        (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", f"a JPEG 2000 picture: {_CONVERT}"),
        (rb"8BPS", f"a Photoshop file: {_CONVERT}"),
        (rb"\0\0\x01\0", f"an icon: {_CONVERT}"),
        (rb"%PDF", f"a PDF: {_CONVERT}"),
        (rb"%!PS", f"a PostScript file: {_CONVERT}"),
        (rb"PK\x03\x04|PK\x05\x06|Rar!|7z\xbc\xaf\x27\x1c|\x1f\x8b|BZh|\xfd7zXZ", _ARCHIVE),
        (rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>)?\s*(<!--.*?-->|<!DOCTYPE svg[^>]*>|\s)*<svg",
         f"an SVG drawing: {_CONVERT}"),
        (rb"(\xef\xbb\xbf)?\s*(<!--.*?-->|\s)*<(!DOCTYPE html|html|head|body)",
         "a web page, not the photo that it shows: download the photo itself"),
        (rb"version https://git-lfs", "a pointer of Git LFS, not the photo: run git lfs pull"),
        (rb"\0*\Z", "nothing but zeros: copy or download it again"),
    )
)  # fmt: skip


def is_heif(head: bytes) -> bool:
    """Whether a file is a HEIC photo, as iPhones take them."""
    # The size of the first box, its name, the main brand, a version, and the other brands.
    brands = head[8:12] + head[16 : int.from_bytes(head[:4], "big")]
    return head[4:8] == b"ftyp" and any(brand in brands for brand in _HEIF_BRANDS)


def described(head: bytes) -> str:
    """What a file is that could not be opened as a picture, for people.

    Args:
        head: its first `HEAD_BYTES`, or all if it has fewer.
    """
    if not head:
        return "the file is empty"
    what = next((what for pattern, what in _MAGIC if pattern.match(head)), None)
    return what or ("a text file" if _is_text(head) else "no picture of a known kind")


def _is_text(head: bytes) -> bool:
    text = head.decode("utf-8", "ignore")  # a character may be cut at its end
    is_whole = len(text.encode()) >= len(head) - 3
    return is_whole and all(char.isprintable() or char.isspace() for char in text)


ArchiveKind = Literal["zip", "tar", "gz", "bz2", "xz"]

_ARCHIVES: tuple[tuple[bytes, ArchiveKind], ...] = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),  # without any member
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
)
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
"""POSIX 1003.1, pax: the header block of ustar, pax and GNU tar."""


def archive_kind(path: Path) -> ArchiveKind | None:
    """Which kind of archive a file is, by its first bytes; None for anything else."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_TAR_MAGIC_AT + len(_TAR_MAGIC))
    except (OSError, ValueError):  # said when the photo is read
        return None
    if head[_TAR_MAGIC_AT:] == _TAR_MAGIC:
        return "tar"
    return next((kind for magic, kind in _ARCHIVES if head.startswith(magic)), None)
