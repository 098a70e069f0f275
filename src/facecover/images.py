"""The only place where a file, bytes or a frame becomes RGB pixels.

The content decides the format, never the extension; EXIF orientation is applied; the first frame
of an animation and the first page of a TIFF are taken; transparency is laid on white; 16-bit
samples keep their upper 8 bits, and what a picture of 32 bits or floats shows is scaled to 8, or
refused.
"""

import ctypes
import functools
import io
import logging
import math
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.context import BaseContext
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from PIL import Image, UnidentifiedImageError

from facecover.errors import ImageError, NotAnImageError, shown
from facecover.file_kinds import HEAD_BYTES, described, is_heif
from facecover.labels import Box

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF")
"""Pillow's names of the formats read; its JPEG reader takes MPO, several JPEGs in one, too. HEIC is
read where pillow-heif is installed."""

MAX_PIXELS = 100_000_000
"""Images with more pixels are refused before they are decoded (a decompression bomb); decoding
takes 4 to 16 bytes a pixel, WebP the most."""

RESAMPLING = Image.Resampling.BILINEAR
"""Pillow widens this filter's support when it shrinks, so it is antialiased."""

Pixels = npt.NDArray[np.uint8]
"""``uint8 (H, W, 3)``, RGB."""

ImageSource = str | PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image | Pixels

Rectangle = tuple[float, float, float, float]
"""x0, y0, x1, y1, in pixels and parts of them."""


class Header(NamedTuple):
    """The size of a picture as stored, in pixels, and EXIF's orientation, 1..8."""

    width: int
    height: int
    orientation: int


class Photo(Struct, frozen=True):
    """A decoded image, upright and in RGB, with what its file said.

    Attributes:
        image: in mode ``RGB``.
        format: Pillow's name of it; ``array`` for pixels that came from no file.
        mode: that of the file, by Pillow's name.
        full_size: width and height of the upright picture, in pixels; larger than the image's
            where a JPEG was decoded at reduced scale.
        extent: of the picture in `image`, in its pixels. Where the reduced scale does not divide
            the sides, the outermost pixels are not quite full.
        jpeg_quality: libjpeg's quality 1..100 read back from the quantisation table, or None.
    """

    image: Image.Image
    format: str
    mode: str
    full_size: tuple[int, int]
    extent: Rectangle
    jpeg_quality: int | None = None

    def cropped(self, box: Box | None, where: str = "image") -> Image.Image:
        """The part inside a box, in pixels of the upright picture, or all without one.

        It has as many pixels as the box, and fewer where the picture was reduced.

        Raises:
            ImageError: if the box is empty or reaches outside the picture.
        """
        if box is None or self.image.size == self.full_size:
            return cropped(self.image, box, where)
        _check_box(box, self.full_size, where)
        x0, y0, x1, y1 = (
            round(start + edge * (end - start) / side)
            for edge, start, end, side in zip(
                box, self.extent[:2] * 2, self.extent[2:] * 2, self.full_size * 2, strict=True
            )
        )
        return self.image.crop((x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)))

    def resized(self, size_px: int) -> Pixels:
        """The picture squeezed to a square, antialiased: ``uint8 (S, S, 3)``, RGB."""
        return resized(self.image, size_px, self.extent)

    def in_image(self, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Boxes, ``float32 (N, 4)`` of x0, y0, x1, y1, of the full size, in pixels of `image`."""
        x0, y0, x1, y1 = self.extent
        scale = np.array([x1 - x0, y1 - y0], np.float32) / np.array(self.full_size, np.float32)
        return boxes * np.tile(scale, 2) + np.array([x0, y0, x0, y0], np.float32)


# Freed blocks of Pillow's own size, 16 MiB, stay with their thread; glibc gives back at once what
# is larger than 32 MiB (DEFAULT_MMAP_THRESHOLD_MAX of mallopt(3)).
Image.core.set_block_size(64 * 2**20)  # type: ignore[attr-defined]

# Its TIFF reader logs what it raises; without a handler that goes to standard error.
logging.getLogger("PIL").addHandler(logging.NullHandler())


class PixelBudget:
    """How many pixels are decoded at a time, over all threads or processes that share it.

    Args:
        pixels: of all pictures in memory together, and the most that one may have.
        free_pixels: pictures with as many or fewer do not count and wait for no other.
        context: of processes that are to share it; threads by default.

    Raises:
        OSError: if the system has no room for what processes share.
    """

    def __init__(
        self, pixels: int, *, free_pixels: int = 0, context: BaseContext | None = None
    ) -> None:
        self.pixels, self._free = pixels, free_pixels
        self._changed = context.Condition() if context else threading.Condition()
        self._taken = context.RawValue("q") if context else ctypes.c_longlong()

    @contextmanager
    def photo(
        self, source: ImageSource, at_least_px: int | None = None, *, reduces: bool = False
    ) -> Iterator["Photo"]:
        """What `read_photo` gives, once there is room for it, and until the end of the block.

        Raises:
            ImageError: as `read_photo`.
        """
        reserved = 0

        def reserve(pixels: int) -> None:
            nonlocal reserved
            if pixels <= self._free:
                return
            with self._changed:
                self._changed.wait_for(lambda: self._taken.value + pixels <= self.pixels)
                self._taken.value += pixels
                reserved += pixels

        try:
            yield read_photo(
                source,
                at_least_px=at_least_px,
                max_pixels=self.pixels,
                reduces=reduces,
                reserve=reserve,
            )
        finally:
            if reserved:
                with self._changed:
                    self._taken.value -= reserved
                    self._changed.notify_all()


def read_photo(
    source: ImageSource,
    *,
    at_least_px: int | None = None,
    max_pixels: int | None = None,
    reduces: bool = False,
    reserve: Callable[[int], object] | None = None,
) -> Photo:
    """The upright RGB picture in a file, bytes, a binary stream, an image or an array.

    Args:
        source: a path, the bytes of a file, a binary stream, a Pillow image (its current
            frame), or an array ``uint8 (H, W, 3)``, RGB.
        at_least_px: a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size as long as both sides
            keep this many pixels: sooner, and almost the same picture. None, the default, decodes
            every pixel.
        max_pixels: a picture that has more, once reduced, is refused; None takes `MAX_PIXELS`.
        reduces: a JPEG with more is decoded at the largest of those scales that has no more.
        reserve: called with the pixels that decoding will hold in memory, before it begins.

    Raises:
        ImageError: if it is not one of `FORMATS`, is broken or cut off, has more than
            `max_pixels` pixels, or is an array of another dtype or shape; or a Pillow image of
            mode I or F whose values are neither 0..255 nor, of I, 0..65535 or, of F, 0..1.
    """
    if isinstance(source, np.ndarray):
        pixels = np.ascontiguousarray(checked_pixels(source))
        return _whole(Image.fromarray(pixels), "array", "RGB")
    if isinstance(source, Image.Image):
        with _explained("image"):
            _check_size(source.size, "image", max_pixels)
            if reserve is not None:
                reserve(source.width * source.height)
            return _whole(_upright_rgb(source, "image"), source.format or "array", source.mode)
    decode = functools.partial(
        _decode,
        at_least_px=at_least_px,
        max_pixels=max_pixels or MAX_PIXELS,
        reduces=reduces,
        reserve=reserve,
    )
    if isinstance(source, (str, PathLike)):
        path = Path(source)
        with _file(path) as stream:
            return decode(stream, shown(path))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return decode(io.BytesIO(source), "image bytes")
    if not hasattr(source, "read"):
        raise ImageError(
            "expected a path, bytes, a binary stream, a Pillow image, or an array of uint8 "
            f"(H, W, 3), RGB, found {type(source).__name__}"
        )
    return decode(source, "image stream")


_EXPECTED = "expected uint8 (H, W, 3), RGB"


def checked_pixels(array: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The array itself, if it is an image: ``uint8 (H, W, 3)``, RGB.

    Whether its channels are in the order B, G, R, as OpenCV has them, cannot be seen: reverse them
    first, ``frame[:, :, ::-1]``.

    Raises:
        ImageError: if it is empty or of another shape or dtype. Nothing is converted: grey or
            transparent pixels, floats and channels that come first could mean several things.
    """
    if array.ndim != 3 or array.shape[2] != 3 or array.size == 0:
        raise ImageError(f"array of shape {array.shape}; {_EXPECTED}{_other_shape(array.shape)}")
    if array.dtype != np.uint8:
        raise ImageError(f"array of {array.dtype}; {_EXPECTED}{_other_dtype(array)}")
    return array


def _other_shape(shape: tuple[int, ...]) -> str:
    """What an array of another shape may be, and what to do with it."""
    if 0 in shape:
        return "; it is empty"
    if len(shape) == 2 or (len(shape) == 3 and shape[2] == 1):
        return "; if it is grey, repeat it: numpy.dstack([array] * 3)"
    if len(shape) == 3 and shape[2] == 4:
        return "; if it is RGBA, leave out what is transparent: array[:, :, :3]"
    if len(shape) == 3 and shape[0] == 3:
        return "; if its channels come first, put them last: array.transpose(1, 2, 0)"
    if len(shape) == 4:
        return "; if it is several images, give it to predict()"
    return ""


def _other_dtype(array: npt.NDArray[np.generic]) -> str:
    """What the values of an array of another dtype span, and how to make them uint8."""
    if array.dtype == np.bool_:
        return "; convert it: array.astype(numpy.uint8) * 255"
    is_float = np.issubdtype(array.dtype, np.floating)
    if not is_float and not np.issubdtype(array.dtype, np.integer):
        return ""
    low, high = float(array.min()), float(array.max())
    span = f"; its values go from {low:g} to {high:g}"
    if is_float and low >= 0 and high <= 1:
        return f"{span}, convert it: (array * 255).round().astype(numpy.uint8)"
    if low >= 0 and high <= 255:
        return f"{span}, convert it: array.round().astype(numpy.uint8)"
    return f"{span}, bring them to 0..255 first"


def read_header(path: Path) -> Header:
    """The size and orientation of the picture in a file, mostly without decoding it.

    Raises:
        ImageError: as `read_photo`, as far as the header shows it, but for its number of pixels.
    """
    with _file(path) as stream, _opened(stream, shown(path)) as image:
        return Header(*image.size, _orientation(image))


def png_text(path: Path, key: str) -> str:
    """A text in the header of a PNG file; empty if it has none of that key, or is no PNG file.

    Raises:
        ImageError: if the file cannot be read.
    """
    with _file(path) as stream, _QUIET:
        try:
            with Image.open(stream, formats=("PNG",)) as image:
                return str(image.info.get(key, ""))
        except _DAMAGE:
            return ""


def cropped(image: Image.Image, box: Box | None, where: str = "image") -> Image.Image:
    """The part of an image inside a box, or the image itself without one.

    Raises:
        ImageError: if the box is empty or reaches outside the image.
    """
    if box is None:
        return image
    _check_box(box, image.size, where)
    return image.crop(box)


def _check_box(box: Box, size: tuple[int, int], where: str) -> None:
    if box.x1 <= box.x0 or box.y1 <= box.y0:
        raise ImageError(f"{where}: box {tuple(box)} is empty; expected x0 < x1 and y0 < y1")
    width, height = size
    if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height:
        raise ImageError(
            f"{where}: box {tuple(box)} reaches outside the picture of {width} x {height} pixels"
        )


def resized(image: Image.Image, size_px: int, extent: Rectangle | None = None) -> Pixels:
    """An RGB image, or the part in an extent, squeezed to a square: ``uint8 (S, S, 3)``, RGB."""
    return np.asarray(image.resize((size_px, size_px), RESAMPLING, extent))


LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of R, G and B in luma (ITU-R BT.601)."""

BLANK_BELOW = 0.04
"""Contrast of a picture of nearly one colour: the standard deviation of luma, in 0..1."""

DARK_LEVEL, BRIGHT_LEVEL = 40, 195
"""A picture is too dark if 99 of 100 pixels have no channel above the first, of 255, and too bright
if they have none under the second. Of 445 validation faces, the share that the default model
answers right falls to 95% where their brightest are brought down to 48 and to 87% at 32; of those
brightened until none is under 207, to 79%. Of 11,851 faces that it never saw, 1 is as dark and 2
are as bright as these."""

LIT_SHARE = 0.01

PoorLight = Literal["too_dark", "too_bright", "blank"]


def poor_light(pixels: Pixels) -> PoorLight | None:
    """Why hardly a face can be made out in a picture, whoever looks; None where one can be.

    Args:
        pixels: ``uint8 (H, W, 3)``, RGB, squeezed to some tens of pixels on each side.
    """
    n = pixels.shape[0] * pixels.shape[1]
    # Every fourth pixel is mostly enough: what these have by themselves, the picture has.
    return _poor_light(pixels[::2, ::2], n) and _poor_light(pixels, n)


def _poor_light(some: Pixels, n: int) -> PoorLight | None:
    """What some pixels of a picture of `n` leave open: all of them none of it."""
    # Plane by plane: over an axis of three numpy takes ten times as long.
    red, green, blue = np.moveaxis(some, 2, 0)
    if np.count_nonzero(np.maximum(np.maximum(red, green), blue) > DARK_LEVEL) <= LIT_SHARE * n:
        return "too_dark"
    if np.count_nonzero(np.minimum(np.minimum(red, green), blue) < BRIGHT_LEVEL) <= LIT_SHARE * n:
        return "too_bright"
    luma = red * LUMA[0] + green * LUMA[1] + blue * LUMA[2]
    return "blank" if luma.var() * red.size < (255 * BLANK_BELOW) ** 2 * n else None


_NOT_OPENED: dict[type[Exception], str] = {
    FileNotFoundError: "no such file",
    IsADirectoryError: "expected an image file, found a folder",
    PermissionError: "no permission to read it",
}


@contextmanager
def _file(path: Path) -> Iterator[BinaryIO]:
    try:
        stream = path.open("rb")
    except (OSError, ValueError) as error:  # too long a name, a loop of links, a null character
        reason = f"cannot be opened: {getattr(error, 'strerror', None) or error}"
        raise ImageError(f"{shown(path)}: {_NOT_OPENED.get(type(error), reason)}") from error
    with stream:
        yield stream


def _decode(
    stream: BinaryIO,
    where: str,
    at_least_px: int | None,
    max_pixels: int,
    reduces: bool,
    reserve: Callable[[int], object] | None,
) -> Photo:
    with _opened(stream, where) as image:
        quality = _jpeg_quality(image)
        stored = image.size
        # A HEIC's own thumbnail may show another picture. Pillow says where a reduced one lies.
        wanted = (at_least_px, at_least_px) if at_least_px else None
        if reduces and wanted is None and math.prod(stored) > max_pixels:
            wanted = _scaled_down(stored, max_pixels)
        is_jpeg = image.format in ("JPEG", "MPO")
        drafted = image.draft(None, wanted) if is_jpeg and wanted else None
        pixels = _pixels_in_memory(image, stored)
        _check_size(stored, where, max_pixels, pixels)
        if reserve is not None:
            reserve(pixels)
        upright = _upright_rgb(image, where)
        if drafted is None:
            return _whole(upright, image.format or "", image.mode, quality)
        orientation = _orientation(image)
        full_size = stored[::-1] if _TURNS[orientation].swaps_sides else stored
        extent = turned((0, 0, *drafted[1][2:]), image.size, orientation)
        return Photo(upright, image.format or "", image.mode, full_size, extent, quality)


def _scaled_down(size: tuple[int, int], max_pixels: int) -> tuple[int, int]:
    """The sides at the largest scale of 1/2, 1/4 and 1/8 that has no more pixels."""
    sides = [(size[0] // scale, size[1] // scale) for scale in (2, 4, 8)]
    return next((one for one in sides if math.prod(one) <= max_pixels), sides[-1])


def _whole(image: Image.Image, format: str, mode: str, quality: int | None = None) -> Photo:
    return Photo(image, format, mode, image.size, (0, 0, *image.size), quality)


@contextmanager
def _opened(stream: BinaryIO, where: str) -> Iterator[Image.Image]:
    with _explained(where), open_image(stream, where) as image:
        yield image


def open_image(stream: BinaryIO, where: str) -> Image.Image:
    """A picture that is not decoded yet; Pillow warns and fails as it will.

    Raises:
        NotAnImageError: if it is of none of `FORMATS`, and no HEIC photo.
    """
    try:
        image = Image.open(stream, formats=FORMATS)
    except UnidentifiedImageError:
        stream.seek(0)
        head = stream.read(HEAD_BYTES)
    else:
        if image.format == "TIFF":
            _silence_libtiff()
        return image
    if not is_heif(head):
        what = described(head)
        advice = "" if ":" in what else f"; expected {', '.join(FORMATS)} or HEIC"
        raise NotAnImageError(f"{where}: {what}{advice}") from None
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise NotAnImageError(f"{where}: an HEIC photo: install facecover[heic]") from None
    register_heif_opener()
    try:
        return Image.open(stream, formats=("HEIF",))
    except UnidentifiedImageError:  # whose text is that of a Python object
        raise ImageError(f"{where}: broken image: no HEIC photo can be read of it") from None


@functools.cache
def _silence_libtiff() -> None:
    """What libtiff finds wrong is raised by Pillow; it writes it to standard error as well."""
    with suppress(OSError, AttributeError):  # linked into Pillow in another way
        library = ctypes.CDLL(Image.core.__file__)  # type: ignore[attr-defined]
        library.TIFFSetErrorHandler(None)
        library.TIFFSetWarningHandler(None)


# What Pillow's decoders raise on damaged files is not written down; these were seen when its
# readers were fuzzed.
_DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError,
    AttributeError, AssertionError, RuntimeError, struct.error, zlib.error,
    Image.DecompressionBombError,
)  # fmt: skip


@contextmanager
def _explained(where: str) -> Iterator[None]:
    with _QUIET:
        try:
            yield
        except ImageError:
            raise
        except MemoryError as error:
            raise ImageError(f"{where}: not enough memory for its pixels") from error
        except _DAMAGE as error:
            reason = shown(str(error)) or type(error).__name__
            raise ImageError(f"{where}: broken image: {reason}") from error


class _QuietPillow:
    """Silences Pillow's warnings of odd metadata and large images; sizes are judged here.

    Before Python 3.14 `warnings.catch_warnings` restores the wrong filters when threads overlap:
    so the first thread to enter changes them, and the last one to leave restores them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._caught = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.|facecover\.images")

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._caught.__exit__(None, None, None)


_QUIET = _QuietPillow()


def _pixels_in_memory(image: Image.Image, stored: tuple[int, int]) -> int:
    """Those that are decoded; libjpeg holds all coefficients of a progressive JPEG besides.

    These take two bytes each, 6 or 8 a pixel, which is half of what a pixel of WebP takes.
    """
    pixels = image.width * image.height
    is_progressive = image.format in ("JPEG", "MPO") and "progressive" in image.info
    return max(pixels, stored[0] * stored[1] // 2) if is_progressive else pixels


def _check_size(
    size: tuple[int, int], where: str, max_pixels: int | None = None, pixels: int | None = None
) -> None:
    (width, height), limit = size, max_pixels or MAX_PIXELS
    if (width * height if pixels is None else pixels) > limit:
        raise ImageError(f"{where}: {width} x {height} pixels; expected at most {limit:,} in all")
    if width < 1 or height < 1:
        raise ImageError(f"{where}: an image without pixels ({width} x {height})")


def _jpeg_quality(image: Image.Image) -> int | None:
    # libjpeg scales the standard luminance table (ITU-T T.81, table K.1) by 5000 / q percent for a
    # quality q under 50, and by 200 - 2 q percent above.
    table: list[int] | None = (getattr(image, "quantization", None) or {}).get(0)
    if not table:
        return None
    scale = sum(table) / len(table) / _K1_MEAN
    quality = (200 - 100 * scale) / 2 if scale <= 1 else 50 / scale
    return min(max(round(quality), 1), 100)


_K1_MEAN = 57.625


def _upright_rgb(image: Image.Image, where: str) -> Image.Image:
    # A TIFF of the caller's turns itself when it is loaded, and only then says that it is upright.
    image.load()
    # Not ImageOps.exif_transpose, which also writes the EXIF anew, and fails where a tag is odd.
    method = _TURNS[_orientation(image)].method
    return _rgb(image if method is None else image.transpose(method), where)


def _orientation(image: Image.Image) -> int:
    found = image.getexif().get(_ORIENTATION_TAG, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


_ORIENTATION_TAG = 0x0112  # EXIF 2.32, table 4


class _Turn(NamedTuple):
    """What makes an image upright: its sides are swapped, then it is mirrored along x and y."""

    method: Image.Transpose | None
    swaps_sides: bool
    mirrors_x: bool
    mirrors_y: bool


_TURNS = {
    1: _Turn(None, False, False, False),
    2: _Turn(Image.Transpose.FLIP_LEFT_RIGHT, False, True, False),
    3: _Turn(Image.Transpose.ROTATE_180, False, True, True),
    4: _Turn(Image.Transpose.FLIP_TOP_BOTTOM, False, False, True),
    5: _Turn(Image.Transpose.TRANSPOSE, True, False, False),
    6: _Turn(Image.Transpose.ROTATE_270, True, True, False),
    7: _Turn(Image.Transpose.TRANSVERSE, True, True, True),
    8: _Turn(Image.Transpose.ROTATE_90, True, False, True),
}
"""By EXIF's orientation (EXIF 2.32, the tag's definition)."""


def turned(rectangle: Rectangle, size: tuple[int, int], orientation: int) -> Rectangle:
    """Where a rectangle of a stored image lies in the upright one.

    Args:
        rectangle: in the stored image.
        size: width and height of the stored image, in pixels.
        orientation: EXIF's, 1..8.
    """
    turn = _TURNS[orientation]
    (x0, y0, x1, y1), (width, height) = rectangle, size
    if turn.swaps_sides:
        x0, y0, x1, y1, width, height = y0, x0, y1, x1, height, width
    if turn.mirrors_x:
        x0, x1 = width - x1, width - x0
    if turn.mirrors_y:
        y0, y1 = height - y1, height - y0
    return x0, y0, x1, y1


def _rgb(image: Image.Image, where: str) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        image.load()
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep_grey(image, where)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _from_deep_grey(image: Image.Image, where: str) -> Image.Image:
    """Grey of 16 or 32 bits or of floats as RGB; what stands for white in it becomes 255."""
    values = np.asarray(image, dtype=np.float64)
    low, high = float(values.min()), float(values.max())
    whites = _WHITES.get(image.mode, (65535,))  # else I;16 in some byte order
    white = next((one for one in whites if high <= one), None)
    is_unclear = image.mode == "F" and 1 < high < _SURELY_BYTES
    if white is None or is_unclear or not low >= 0:
        raise ImageError(
            f"{where}: a picture of mode {image.mode} whose values go from {low:g} to {high:g}; "
            f"expected 0 to {whites[0]}, or 0 to {whites[-1]}: bring them there first"
        )
    return Image.fromarray(np.rint(values * (255 / white)).astype(np.uint8)).convert("RGB")


_WHITES = {"I": (255, 65535), "F": (1, 255)}
"""What may stand for white in the modes that do not say so: the least that no value is above."""

_SURELY_BYTES = 16
"""Floats up to less are more likely 0..1, a little brighter than white, than 0..255 and black."""
