"""The only place where a file, bytes or a frame becomes RGB pixels.

The content decides the format, never the extension; EXIF orientation is applied; the first frame
of an animation is taken; transparency is laid on white; 16-bit samples keep their upper 8 bits.
"""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from facemask.errors import ImageError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
"""Pillow's names of the formats read; its JPEG reader takes MPO, several JPEGs in one, too."""

MAX_PIXELS = 100_000_000
"""Images with more pixels are refused before they are decoded (a decompression bomb)."""

RESAMPLING = Image.Resampling.BILINEAR
"""Pillow widens this filter's support when it shrinks, so it is antialiased."""

ImageSource = str | PathLike[str] | bytes | BinaryIO | Image.Image | npt.NDArray[np.uint8]

Pixels = npt.NDArray[np.uint8]
"""``uint8 (H, W, 3)``, RGB."""


class Box(NamedTuple):
    """A face in its image, in pixels; `x1` and `y1` are exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded image, upright and in RGB, with what its file said.

    Attributes:
        image: the picture, mode ``RGB``.
        format: Pillow's name of the format; ``array`` for pixels that came from no file.
        mode: Pillow's name of the pixel mode that the file had.
        jpeg_quality: libjpeg's quality 1..100 read back from the quantisation table, or None.
    """

    image: Image.Image
    format: str
    mode: str
    jpeg_quality: int | None = None


def read_photo(source: ImageSource) -> Photo:
    """The upright RGB picture in a file, bytes, a binary stream, an image or an array.

    Args:
        source: a path, the bytes of a file, a binary stream, a Pillow image, or an array
            ``uint8 (H, W, 3)``, RGB.

    Raises:
        ImageError: if it is not one of `FORMATS`, is broken or cut off, has more than
            `MAX_PIXELS` pixels, or is an array of another dtype or shape.
    """
    if isinstance(source, np.ndarray):
        return Photo(_from_array(source), "array", "RGB")
    if isinstance(source, Image.Image):
        return Photo(_upright_rgb(source), source.format or "array", source.mode)
    if isinstance(source, (str, PathLike)):
        return _read_path(Path(source))
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    return _decode(stream, "image bytes" if isinstance(source, bytes) else "image stream")


def cropped(image: Image.Image, box: Box | None, where: str = "image") -> Image.Image:
    """The part of an image inside a box, or the image itself without one.

    Raises:
        ImageError: if the box is empty or reaches outside the image.
    """
    if box is None:
        return image
    if box.x1 <= box.x0 or box.y1 <= box.y0:
        raise ImageError(f"{where}: box {tuple(box)} is empty; expected x0 < x1 and y0 < y1")
    width, height = image.size
    if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height:
        raise ImageError(
            f"{where}: box {tuple(box)} reaches outside the picture of {width} x {height} pixels"
        )
    return image.crop(box)


def resized(image: Image.Image, size_px: int) -> Pixels:
    """An RGB image squeezed to a square, antialiased: ``uint8 (size_px, size_px, 3)``, RGB."""
    return np.asarray(image.resize((size_px, size_px), RESAMPLING))


def _read_path(path: Path) -> Photo:
    try:
        with path.open("rb") as stream:
            return _decode(stream, str(path))
    except FileNotFoundError:
        raise ImageError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise ImageError(f"{path}: expected an image file, found a folder") from None
    except PermissionError:
        raise ImageError(f"{path}: no permission to read it") from None


def _decode(stream: BinaryIO, where: str) -> Photo:
    with warnings.catch_warnings():
        # Pillow warns of odd metadata and of large images; the size is judged below. No more
        # than its own warnings are silenced: this is not safe between threads before Python 3.14.
        warnings.filterwarnings("ignore", module=r"PIL\.|facemask\.images")
        try:
            with Image.open(stream, formats=FORMATS) as image:
                _check_size(image, where)
                quality = _jpeg_quality(image)
                return Photo(_upright_rgb(image), image.format or "", image.mode, quality)
        except UnidentifiedImageError:
            raise ImageError(f"{where}: {_what_instead(stream)}") from None
        except ImageError:
            raise
        # What Pillow's decoders raise on damaged files is not written down; these were seen
        # when its readers were fuzzed.
        except (
            OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError,
            MemoryError, AttributeError, AssertionError, RuntimeError, struct.error, zlib.error,
            Image.DecompressionBombError,
        ) as error:  # fmt: skip
            raise ImageError(f"{where}: broken image: {error or type(error).__name__}") from error


def _what_instead(stream: BinaryIO) -> str:
    expected = f"expected one of {', '.join(FORMATS)}"
    try:
        stream.seek(0)
        head = stream.read(64)
    except (OSError, ValueError):
        return f"not an image; {expected}"
    if not head:
        return f"the file is empty; {expected}"
    return f"not an image that can be read; {expected}, found bytes {head[:8]!r}"


def _check_size(image: Image.Image, where: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{where}: {width} x {height} pixels; expected at most {MAX_PIXELS:,} in all"
        )
    if width < 1 or height < 1:
        raise ImageError(f"{where}: an image without pixels ({width} x {height})")


def _jpeg_quality(image: Image.Image) -> int | None:
    """The JPEG quality, by inverting the scaling of the luminance table's first entry.

    libjpeg scales the standard tables (ITU-T T.81, Annex K; first luminance entry 16) by
    5000 / q for q under 50 and by 200 - 2 q above.
    """
    tables = getattr(image, "quantization", None)
    if not tables:
        return None
    scale = float(np.mean(np.asarray(tables[0], dtype=np.float64) / _K1_MEAN))
    quality = (200 - 100 * scale) / 2 if scale <= 1 else 50 / scale
    return int(np.clip(round(quality), 1, 100))


_K1_MEAN = 57.625
"""Mean of the standard luminance quantisation table (ITU-T T.81, table K.1)."""


def _upright_rgb(image: Image.Image) -> Image.Image:
    image.seek(0) if getattr(image, "n_frames", 1) > 1 else None
    upright = ImageOps.exif_transpose(image) if _is_rotated(image) else image
    return _rgb(upright)


def _is_rotated(image: Image.Image) -> bool:
    return bool(image.getexif().get(0x0112, 1) != 1)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        image.load()
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep_grey(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """16-bit grey to RGB: the upper 8 of 16 bits, rounded."""
    values = np.asarray(image, dtype=np.float64)
    grey = np.clip(np.rint(values / 257), 0, 255).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def _from_array(pixels: npt.NDArray[np.uint8]) -> Image.Image:
    expected = "expected uint8 (H, W, 3), RGB"
    if pixels.dtype != np.uint8:
        raise ImageError(f"array of {pixels.dtype}; {expected}")
    if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ImageError(f"array of shape {pixels.shape}; {expected}")
    return Image.fromarray(np.ascontiguousarray(pixels))
