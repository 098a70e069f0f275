import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from facecover.errors import ImageError
from facecover.file_kinds import HEAD_BYTES, described, is_heif
from facecover.images import read_photo

FTYP = b"\0\0\0\x1cftyp"

KINDS: dict[str, tuple[bytes, str]] = {
    "video of a phone": (FTYP + b"isom\0\0\2\0isomiso2avc1mp41", "a video: save a frame"),
    "video of an iPhone": (FTYP + b"qt  \0\0\0\0qt  ", "a video: save a frame"),
    "old quicktime": (b"\0\0\0\x08wide\0\0\1\0mdat", "a video"),
    "avi": (b"RIFF\0\1\0\0AVI LIST", "a video"),
    "matroska": (b"\x1a\x45\xdf\xa3\x01", "a video"),
    "sound": (b"RIFF\0\1\0\0WAVEfmt ", "a sound file"),
    "pdf": (b"%PDF-1.7\n%\xe2", "a PDF: save it as a JPEG"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
    "svg with a head": (
        b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- by hand -->\n<svg>",
        "an SVG dra",
    ),
    "web page": (b"\n<!doctype html><html>", "a web page, not the photo that it shows: download"),
    "page": (b"<HTML><head>", "a web page"),
    "git lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a", "a pointer of Git"),
    "zip": (b"PK\x03\x04\x14\0", "an archive: name it itself"),
    "rar": (b"Rar!\x1a\x07\0", "an archive"),
    "psd": (b"8BPS\0\1", "a Photoshop file"),
    "jpeg xl": (b"\xff\x0a\xfa\x1f", "a JPEG XL picture"),
    "jpeg 2000": (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
    "canon": (b"II*\0\x10\0\0\0CR\2\0", "a camera's raw file"),
    "new canon": (b"\0\0\0\x18ftypcrx \0\0\0\1", "a camera's raw file"),
    "fuji": (b"FUJIFILMCCD-RAW 0201", "a camera's raw file"),
    "no photo at all": (b"hello, I am a photo \xf0\x9f\x98", "a text file"),
    "zeros": (bytes(600), "nothing but zeros: copy or download it again"),
    "unknown": (b"\x01\xfe\x80\x02", "no picture of a known kind"),
    "half a jpeg's head": (b"\xff\xd8\xff\xe0", "a damaged JPEG"),
    "a tiff's head": (b"II*\0\x08\0\0\0", "a damaged TIFF"),
    "a damaged avif": (FTYP + b"avif\0\0\0\0avifmif1", "a damaged AVIF"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_photo_is_named(kind: str) -> None:
    content, expected = KINDS[kind]
    with pytest.raises(ImageError) as caught:
        read_photo(content)
    text = str(caught.value)
    assert text.startswith(f"image bytes: {expected}")
    assert text.isprintable()
    assert "\\x" not in text


@pytest.mark.parametrize(
    "brands", [b"heic\0\0\0\0mif1heic", b"mif1\0\0\0\0mif1heic", b"hevc\0\0\0\0"]
)
def test_a_heic_photo_is_known_by_any_of_its_brands(brands: bytes) -> None:
    assert is_heif((8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "AVIF", "TIFF", "WEBP"])
def test_other_pictures_are_no_heic_photos(format: str) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16)).save(stream, format)
    assert not is_heif(stream.getvalue()[:HEAD_BYTES])


@pytest.mark.fuzz
@given(st.one_of(st.binary(), st.binary().map(lambda tail: FTYP + b"heic" + tail)))
def test_any_bytes_are_named_without_themselves(content: bytes) -> None:
    assert described(content[:HEAD_BYTES]).isprintable()
    with pytest.raises(ImageError) as caught:
        read_photo(content)
    assert len(str(caught.value).splitlines()) == 1
