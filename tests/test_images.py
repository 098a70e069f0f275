import io
import multiprocessing
import struct
import sys
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pillow_heif
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image, ImageOps

import facecover.images
from facecover.errors import ImageError
from facecover.images import (
    BLANK_BELOW,
    DARK_LEVEL,
    Header,
    PixelBudget,
    checked_pixels,
    cropped,
    poor_light,
    read_header,
    read_photo,
    resized,
)
from facecover.labels import Box

LOSSLESS = ("PNG", "WEBP", "BMP", "GIF", "TIFF")
SIZE = (24, 16)


def drawn(size: tuple[int, int] = SIZE) -> Image.Image:
    """Four flat quarters of different colours, so that every turn and mirror image differs."""
    width, height = size
    image = Image.new("RGB", size, (250, 250, 10))
    image.paste((200, 30, 30), (0, 0, width // 2, height // 2))
    image.paste((30, 160, 40), (width // 2, 0, width, height // 2))
    image.paste((30, 40, 190), (0, height // 2, width // 2, height))
    return image


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def pixels(image: Image.Image) -> npt.NDArray[np.int64]:
    return np.asarray(image).astype(np.int64)


def difference(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(pixels(one) - pixels(other)).mean())


@pytest.mark.parametrize("format", LOSSLESS)
def test_lossless_formats_give_their_pixels(format: str) -> None:
    options = {"lossless": True} if format == "WEBP" else {}
    photo = read_photo(encoded(drawn(), format, **options))
    assert photo.image.mode == "RGB"
    assert photo.format == format
    assert photo.jpeg_quality is None
    assert np.array_equal(pixels(photo.image), pixels(drawn()))


@pytest.mark.parametrize("quality", [20, 50, 75, 90, 95])
def test_a_jpeg_gives_its_pixels_about_and_its_quality(quality: int) -> None:
    large = drawn((96, 64))
    photo = read_photo(encoded(large, "JPEG", quality=quality))
    assert photo.format == "JPEG"
    assert difference(photo.image, large) < 12
    assert photo.jpeg_quality is not None
    assert abs(photo.jpeg_quality - quality) <= 1


@pytest.mark.parametrize("format", ["JPEG", *LOSSLESS])
def test_every_kind_of_source_gives_the_same_picture(tmp_path: Path, format: str) -> None:
    content = encoded(drawn(), format)
    path = tmp_path / "photo.txt"  # the extension lies
    path.write_bytes(content)
    expected = pixels(read_photo(content).image)
    with Image.open(io.BytesIO(content)) as opened:
        for source in (path, str(path), io.BytesIO(content), opened, expected.astype(np.uint8)):
            assert np.array_equal(pixels(read_photo(source).image), expected)


def grey_levels() -> npt.NDArray[np.uint8]:
    return np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.mark.parametrize("format", ["PNG", "BMP", "GIF"])
def test_grey_becomes_three_equal_channels(format: str) -> None:
    image = read_photo(encoded(Image.fromarray(grey_levels()), format)).image
    assert np.array_equal(pixels(image), np.repeat(grey_levels()[:, :, None], 3, axis=2))


def test_a_grey_jpeg_becomes_three_equal_channels() -> None:
    image = read_photo(encoded(Image.fromarray(grey_levels()), "JPEG", quality=95)).image
    assert np.ptp(pixels(image), axis=2).max() == 0
    assert np.abs(pixels(image)[:, :, 0] - grey_levels()).mean() < 2


def test_sixteen_bit_grey_keeps_its_upper_bits() -> None:
    deep = grey_levels().astype(np.uint16) * 257
    photo = read_photo(encoded(Image.fromarray(deep), "PNG"))
    assert photo.mode.startswith("I;16")
    assert np.array_equal(pixels(photo.image)[:, :, 1], grey_levels())


@pytest.mark.parametrize(
    ("mode", "white"), [("I;16", 65535), ("I", 65535), ("I", 255), ("F", 1), ("F", 255)]
)
def test_deep_grey_shows_what_it_shows(mode: str, white: float) -> None:
    values = grey_levels() / 255 * white
    dtypes = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
    image = Image.fromarray(values.astype(dtypes[mode]))
    assert image.mode == mode
    assert np.array_equal(pixels(read_photo(image).image)[:, :, 0], grey_levels())


@pytest.mark.parametrize(
    ("mode", "low", "high"),
    [("I", -1, 255), ("I", 0, 65536), ("F", -0.1, 1), ("F", 0, 256), ("F", 0, 1.2),
     ("F", 0, np.inf), ("F", 0, np.nan)],
)  # fmt: skip
def test_deep_grey_of_an_unclear_range_is_refused(mode: str, low: float, high: float) -> None:
    values = np.array([[low, high]], dtype=np.int32 if mode == "I" else np.float32)
    with pytest.raises(ImageError, match=f"image: a picture of mode {mode} whose values go from"):
        read_photo(Image.fromarray(values))


def test_one_bit_is_black_and_white() -> None:
    bits = Image.fromarray(grey_levels()).convert("1", dither=Image.Dither.NONE)
    image = read_photo(encoded(bits, "PNG")).image
    assert np.array_equal(pixels(image)[:, :, 2], np.where(grey_levels() > 127, 255, 0))


def test_a_cmyk_jpeg_becomes_rgb() -> None:
    photo = read_photo(encoded(drawn().convert("CMYK"), "JPEG", quality=95))
    assert photo.mode == "CMYK"
    assert difference(photo.image, drawn()) < 12


def with_hole(mode: str) -> Image.Image:
    image = drawn().convert(mode)
    alpha = Image.new("L", SIZE, 255)
    alpha.paste(0, (0, 0, SIZE[0] // 2, SIZE[1] // 2))
    image.putalpha(alpha)
    return image


@pytest.mark.parametrize("format", ["AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_photos_of_phones_give_their_pixels_about_and_upright(
    tmp_path: Path, format: str, orientation: int
) -> None:
    pillow_heif.register_heif_opener()  # which the tests alone need, to write them
    exif = Image.Exif()
    exif[0x0112] = orientation
    large, path = drawn((96, 64)), tmp_path / "photo.jpg"
    path.write_bytes(encoded(large, format, quality=90, exif=exif.tobytes()))
    photo = read_photo(path, at_least_px=8)
    assert (photo.format, photo.mode, photo.jpeg_quality) == (format, "RGB", None)
    turns = {1: large, 3: large.rotate(180), 6: large.transpose(Image.Transpose.ROTATE_270)}
    assert photo.image.size == photo.full_size == turns[orientation].size
    assert difference(photo.image, turns[orientation]) < 12
    header = read_header(path)
    turned_by = header.orientation  # a HEIC is turned as it is opened
    assert (header.width, header.height) == (turns[orientation] if turned_by == 1 else large).size


def test_a_heic_photo_that_is_cut_off_is_one_line() -> None:
    head = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
    with pytest.raises(ImageError, match=r"^image bytes: broken image: no HEIC photo can be read"):
        read_photo(head)


def test_a_heic_photo_without_its_reader_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pillow_heif.register_heif_opener()
    content = encoded(drawn((96, 64)), "HEIF")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(
        ImageError, match=r"^image bytes: an HEIC photo: install facecover\[heic\]$"
    ):
        read_photo(content)


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "CMYK", "I;16", "F"])
@pytest.mark.parametrize("compression", ["raw", "tiff_deflate", "tiff_lzw"])
def test_a_tiff_of_any_kind_is_read(mode: str, compression: str) -> None:
    grey = np.asarray(drawn().convert("L"))
    deep: dict[str, npt.NDArray[np.generic]] = {
        "I;16": grey.astype(np.uint16) * 257,
        "F": grey.astype(np.float32) / 255,
    }
    image = Image.fromarray(deep[mode]) if mode in deep else drawn().convert(mode)
    expected = Image.fromarray(grey) if mode in deep else image
    read = read_photo(encoded(image, "TIFF", compression=compression))
    assert (read.format, read.mode) == ("TIFF", mode)
    assert difference(read.image, expected.convert("RGB")) < 1


@pytest.mark.parametrize("compression", ["tiff_deflate", "tiff_lzw", "jpeg"])
def test_a_damaged_tiff_says_so_once(compression: str, capfd: pytest.CaptureFixture[str]) -> None:
    content = bytearray(encoded(drawn((90, 90)), "TIFF", compression=compression))
    content[8:60] = b"\xff" * 52
    with pytest.raises(ImageError, match=r"^image bytes: broken image: "):
        read_photo(bytes(content))
    assert capfd.readouterr().err == ""


def test_the_first_page_of_a_tiff_is_taken() -> None:
    second = Image.new("L", (3, 3))
    content = encoded(drawn(), "TIFF", save_all=True, append_images=[second])
    assert np.array_equal(pixels(read_photo(content).image), pixels(drawn()))


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_what_is_transparent_is_white(mode: str, format: str) -> None:
    options = {"lossless": True} if format == "WEBP" else {}
    image = read_photo(encoded(with_hole(mode), format, **options)).image
    expected = pixels(drawn().convert(mode).convert("RGB"))
    expected[: SIZE[1] // 2, : SIZE[0] // 2] = 255
    assert np.array_equal(pixels(image), expected)


@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_a_transparent_palette_colour_is_white(format: str) -> None:
    image = drawn().quantize(4)
    index = image.getpixel((0, 0))
    read = read_photo(encoded(image, format, transparency=index)).image
    expected = pixels(image.convert("RGB"))
    expected[: SIZE[1] // 2, : SIZE[0] // 2] = 255
    assert np.array_equal(pixels(read), expected)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_transparent_colour_without_palette_is_white(mode: str) -> None:
    image = drawn().convert(mode)
    read = read_photo(encoded(image, "PNG", transparency=image.getpixel((0, 0)))).image
    expected = pixels(image.convert("RGB"))
    expected[: SIZE[1] // 2, : SIZE[0] // 2] = 255
    assert np.array_equal(pixels(read), expected)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation_is_taken(format: str) -> None:
    second = Image.new("RGB", SIZE, "black")
    options = {"lossless": True} if format == "WEBP" else {}
    content = encoded(drawn(), format, save_all=True, append_images=[second], **options)
    with Image.open(io.BytesIO(content)) as opened:
        assert getattr(opened, "n_frames", 1) == 2
    assert np.array_equal(pixels(read_photo(content).image), pixels(drawn()))


def test_the_first_picture_of_a_multi_picture_file_is_taken() -> None:
    second = Image.new("RGB", SIZE, "black")
    photo = read_photo(encoded(drawn(), "MPO", save_all=True, append_images=[second], quality=95))
    assert difference(photo.image, drawn()) < 12


# How a camera stores the upright picture for each orientation: the inverse of what it asks for.
STORED_AS: dict[int, Image.Transpose | None] = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def turned_file(orientation: int, format: str) -> bytes:
    transpose = STORED_AS[orientation]
    stored = drawn() if transpose is None else drawn().transpose(transpose)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if format == "WEBP" else {"quality": 95, "subsampling": 0}
    return encoded(stored, format, exif=exif.tobytes(), **options)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", STORED_AS)
def test_every_orientation_gives_the_same_upright_picture(
    tmp_path: Path, orientation: int, format: str
) -> None:
    content = turned_file(orientation, format)
    image = read_photo(content).image
    assert image.size == SIZE
    assert difference(image, drawn()) < (12 if format == "JPEG" else 1e-9)
    path = tmp_path / "photo"
    path.write_bytes(content)
    stored = SIZE if orientation < 5 else SIZE[::-1]
    assert read_header(path) == Header(*stored, orientation)


def turned_noise(orientation: int, format: str) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (83, 97, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(Image.fromarray(noise), format, exif=exif.tobytes())


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", STORED_AS)
def test_an_image_is_turned_as_pillow_turns_it(orientation: int, format: str) -> None:
    content = turned_noise(orientation, format)
    with Image.open(io.BytesIO(content)) as image:
        expected = pixels(ImageOps.exif_transpose(image))
    with Image.open(io.BytesIO(content)) as image:  # a TIFF turns itself when it is loaded
        assert np.array_equal(pixels(read_photo(image).image), expected)
    if format != "TIFF":  # no file that is read here
        assert np.array_equal(pixels(read_photo(content).image), expected)


@pytest.mark.parametrize("orientation", STORED_AS)
def test_a_reduced_jpeg_is_turned_as_pillow_turns_it(orientation: int) -> None:
    content = turned_noise(orientation, "JPEG")
    with Image.open(io.BytesIO(content)) as image:
        image.draft(None, (40, 40))
        expected = ImageOps.exif_transpose(image)
    assert sorted(expected.size) == [42, 49]
    found = read_photo(content, at_least_px=40).image
    assert np.array_equal(pixels(found), pixels(expected))


@pytest.mark.parametrize("orientation", STORED_AS)
@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_a_transparent_colour_stays_transparent_when_turned(mode: str, orientation: int) -> None:
    upright = drawn().quantize(4) if mode == "P" else drawn().convert(mode)
    transparency = upright.getpixel((0, 0))
    transpose = STORED_AS[orientation]
    stored = upright if transpose is None else upright.transpose(transpose)
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(stored, "PNG", exif=exif.tobytes(), transparency=transparency)
    expected = pixels(upright.convert("RGB"))
    expected[: SIZE[1] // 2, : SIZE[0] // 2] = 255
    assert np.array_equal(pixels(read_photo(content).image), expected)


def exif_entry(tag: int, kind: int, count: int, value: bytes) -> bytes:
    return struct.pack("<HHI4s", tag, kind, count, value)


def exif_directory(*entries: bytes) -> bytes:
    return struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize("tag", [0x011A, 0x011B, 0x0213, "latitude"])  # resolutions, a position
def test_an_odd_tag_beside_the_orientation_stops_nothing(tag: int | str, format: str) -> None:
    turned = exif_entry(0x0112, 3, 1, b"\6")
    if isinstance(tag, int):
        directories = exif_directory(turned, exif_entry(tag, 2, 3, b"72"))
    else:
        begins = 8 + len(exif_directory(turned, turned))
        where = exif_entry(0x8825, 4, 1, struct.pack("<I", begins))
        directories = exif_directory(turned, where) + exif_directory(exif_entry(2, 2, 3, b"52"))
    exif = b"Exif\0\0" + struct.pack("<2sHI", b"II", 42, 8) + directories
    content = encoded(drawn().transpose(Image.Transpose.ROTATE_90), format, exif=exif)
    image = read_photo(content).image
    assert image.size == SIZE
    assert difference(image, drawn()) < (12 if format == "JPEG" else 1e-9)


@pytest.mark.parametrize("nonsense", [0, 9, 77])
def test_an_orientation_that_does_not_exist_is_upright(tmp_path: Path, nonsense: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = nonsense
    path = tmp_path / "photo"
    path.write_bytes(encoded(drawn(), "PNG", exif=exif.tobytes()))
    assert np.array_equal(pixels(read_photo(path).image), pixels(drawn()))
    assert read_header(path) == Header(*SIZE, 1)


REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "the file is empty; expected JPEG, PNG"),
    "text": (b"hello, I am a photo", "a text file; expected JPEG, PNG, .* AVIF or HEIC$"),
    "cut jpeg": (encoded(drawn(), "JPEG")[:-40], "broken image: "),
    "cut png": (encoded(drawn((90, 90)), "PNG")[:-60], "broken image: "),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_image_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    content, message = REFUSED[name]
    path = tmp_path / "odd\nname.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"odd\\nname\.jpg: " + message) as caught:
        read_photo(path)
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(ImageError, match=message):
        read_photo(content)


@pytest.mark.parametrize("read", [read_photo, read_header])
def test_a_path_that_leads_nowhere_is_told(tmp_path: Path, read: Callable[[Path], object]) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    for name, message in (
        ("missing.jpg", "no such file"),
        (".", "expected an image file, found a folder"),
        ("loop", "cannot be opened: "),
        ("file/photo.jpg", "cannot be opened: "),
        ("n" * 300, "cannot be opened: "),
        ("null\0", "cannot be opened: "),
    ):
        with pytest.raises(ImageError, match=message):
            read(tmp_path / name)


def test_no_permission_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ImageError, match="no permission to read it"):
        read_photo(tmp_path / "photo.jpg")


def test_a_bomb_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(encoded(Image.new("1", (200, 100)), "PNG"))
    monkeypatch.setattr(facecover.images, "MAX_PIXELS", 19_999)
    for source in (path, path.read_bytes(), Image.new("L", (200, 100))):
        with pytest.raises(ImageError, match=r"200 x 100 pixels; expected at most 19,999"):
            read_photo(source)
    assert read_header(path) == Header(200, 100, 1)  # which decodes nothing
    monkeypatch.setattr(facecover.images, "MAX_PIXELS", 20_000)
    assert read_photo(path).image.size == (200, 100)


def test_a_jpeg_counts_as_what_is_decoded_of_it() -> None:
    photo = encoded(drawn((1600, 1200)), "JPEG")
    reduced = read_photo(photo, at_least_px=100, max_pixels=200 * 150)
    assert (reduced.image.size, reduced.full_size) == ((200, 150), (1600, 1200))
    for at_least_px, max_pixels in ((None, 200 * 150), (100, 200 * 150 - 1)):
        with pytest.raises(ImageError, match="1600 x 1200 pixels; expected at most"):
            read_photo(photo, at_least_px=at_least_px, max_pixels=max_pixels)
    # All coefficients are in memory, however few pixels come of them.
    progressive = encoded(drawn((1600, 1200)), "JPEG", progressive=True)
    assert read_photo(progressive, at_least_px=100, max_pixels=960_000).image.size == (200, 150)
    with pytest.raises(ImageError, match="expected at most 959,999"):
        read_photo(progressive, at_least_px=100, max_pixels=959_999)


@pytest.mark.parametrize(
    ("max_pixels", "size"),
    [(1_920_000, (1600, 1200)), (1_919_999, (800, 600)), (120_000, (400, 300)), (99, None)],
)
def test_a_jpeg_that_is_too_large_is_reduced_until_it_fits(
    max_pixels: int, size: tuple[int, int] | None
) -> None:
    photo = encoded(drawn((1600, 1200)), "JPEG")
    if size is None:
        with pytest.raises(ImageError, match="1600 x 1200 pixels; expected at most 99 in all"):
            read_photo(photo, max_pixels=max_pixels, reduces=True)
    else:
        read = read_photo(photo, max_pixels=max_pixels, reduces=True)
        assert (read.image.size, read.full_size) == (size, (1600, 1200))
    with pytest.raises(ImageError, match="1600 x 1200 pixels; expected at most 1,919,999 in all"):
        read_photo(encoded(drawn((1600, 1200)), "PNG"), max_pixels=1_919_999, reduces=True)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_box_in_a_reduced_picture_is_where_it_was(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(drawn((802, 602)), "JPEG", quality=95, exif=exif.tobytes())
    whole = read_photo(content)
    reduced = read_photo(content, max_pixels=130_000, reduces=True)
    assert max(reduced.image.size) == 401
    for box in (Box(100, 100, 500, 420), Box(0, 0, *whole.full_size), Box(7, 9, 8, 10), None):
        one, other = whole.cropped(box), reduced.cropped(box)
        assert other.size == tuple(max(1, round(side / 2)) for side in one.size)
        assert difference(one.resize((8, 8)), other.resize((8, 8))) < 6
    for box in (Box(5, 5, 5, 9), Box(0, 0, 9, 900)):
        with pytest.raises(ImageError, match=r"^photo: box .* (is empty|reaches outside)"):
            reduced.cropped(box, "photo")


def test_threads_that_share_a_budget_never_hold_more() -> None:
    photo, budget = encoded(drawn((100, 100)), "PNG"), PixelBudget(30_000)
    inside, most, lock = 0, 0, threading.Lock()

    def read(_: int) -> None:
        nonlocal inside, most
        with budget.photo(photo):
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.001)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(40)))
    assert 1 <= most <= 3


@pytest.mark.parametrize("is_for_processes", [False, True])
def test_a_picture_waits_until_there_is_room(is_for_processes: bool) -> None:
    context = multiprocessing.get_context("spawn") if is_for_processes else None
    photo, budget = encoded(drawn((100, 100)), "PNG"), PixelBudget(10_000, context=context)
    done = threading.Event()

    def read() -> None:
        with budget.photo(photo):
            done.set()

    thread = threading.Thread(target=read)
    with budget.photo(photo):
        thread.start()
        assert not done.wait(0.05)
    thread.join()
    assert done.is_set()


def test_small_pictures_wait_for_no_other() -> None:
    photo, budget = encoded(drawn((100, 100)), "PNG"), PixelBudget(10_000, free_pixels=10_000)
    with budget.photo(photo) as one, budget.photo(photo) as other:
        assert one.full_size == other.full_size == (100, 100)


def test_pillows_blocks_are_too_large_to_stay_with_a_thread() -> None:
    assert Image.core.get_block_size() > 32 * 2**20  # type: ignore[attr-defined]


def test_what_fails_gives_its_pixels_back() -> None:
    photo, budget = encoded(drawn((100, 100)), "PNG"), PixelBudget(10_000)
    for content in (photo[:-40], encoded(drawn((101, 100)), "PNG")):
        with pytest.raises(ImageError, match=r"broken|at most 10,000"), budget.photo(content):
            pass
    with budget.photo(photo) as whole:
        assert whole.full_size == (100, 100)


def test_a_bomb_far_over_pillows_own_limit_is_refused() -> None:
    header = encoded(Image.new("RGB", (1, 1)), "BMP")
    huge = header[:18] + (60_000).to_bytes(4, "little") * 2 + header[26:]
    with pytest.raises(ImageError, match=r"60000 x 60000|exceeds limit"):
        read_photo(huge)


RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (9, 7, 3), dtype=np.uint8)


def test_an_image_is_given_back_untouched() -> None:
    assert checked_pixels(PIXELS) is PIXELS


@pytest.mark.parametrize(
    ("array", "found", "way"),
    [
        (PIXELS / 255, "array of float64", "(array * 255).round().astype(numpy.uint8)"),
        (PIXELS.astype(np.float32), "array of float32", "array.round().astype(numpy.uint8)"),
        (PIXELS.astype(np.int64), "array of int64", "array.round().astype(numpy.uint8)"),
        (PIXELS > 100, "array of bool", "array.astype(numpy.uint8) * 255"),
        (PIXELS[:, :, 0], "shape (9, 7)", "numpy.dstack([array] * 3)"),
        (PIXELS[:, :, :1], "shape (9, 7, 1)", "numpy.dstack([array] * 3)"),
        (np.dstack([PIXELS, PIXELS[:, :, 0]]), "shape (9, 7, 4)", "array[:, :, :3]"),
        (PIXELS.transpose(2, 0, 1), "shape (3, 9, 7)", "array.transpose(1, 2, 0)"),
    ],
)
def test_the_way_out_works(array: npt.NDArray[np.uint8], found: str, way: str) -> None:
    with pytest.raises(ImageError, match=r"expected uint8 \(H, W, 3\), RGB") as caught:
        read_photo(array)
    message = str(caught.value)
    assert found in message
    assert message.endswith(way)
    converted = eval(way, {"array": array, "numpy": np})  # noqa: S307  (one of the lines above)
    assert checked_pixels(converted).shape == PIXELS.shape


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((0, 4, 3), np.uint8), "it is empty"),
        (np.zeros((2, 9, 7, 3), np.uint8), r"several images, give it to predict\(\)"),
        (np.zeros(5, np.uint8), r"array of shape \(5,\)"),
        (np.full((4, 4, 3), 300), "go from 300 to 300, bring them to 0..255 first"),
        (np.full((4, 4, 3), -0.5), "go from -0.5 to -0.5, bring them"),
        (np.full((4, 4, 3), np.nan), "go from nan to nan, bring them"),
        (np.full((4, 4, 3), "a"), "array of <U1"),
    ],
)
def test_what_cannot_be_converted_is_refused(array: npt.NDArray[np.uint8], message: str) -> None:
    with pytest.raises(ImageError, match=message):
        read_photo(array)


def test_a_broken_pillow_image_is_refused() -> None:
    with (
        Image.open(io.BytesIO(encoded(drawn((90, 90)), "PNG")[:-60])) as image,
        pytest.raises(ImageError, match="image: broken image: "),
    ):
        read_photo(image)


def test_the_callers_array_stays_as_it_is() -> None:
    array = np.asarray(drawn()).copy()
    before = array.copy()
    read_photo(array[:, ::-1]).image.putpixel((0, 0), (1, 2, 3))
    assert np.array_equal(array, before)


def test_a_box_cuts_its_pixels() -> None:
    box = Box(SIZE[0] // 2, 0, SIZE[0], SIZE[1] // 2)
    image = cropped(drawn(), box)
    assert image.size == (SIZE[0] // 2, SIZE[1] // 2)
    assert np.array_equal(np.unique(pixels(image).reshape(-1, 3), axis=0), [[30, 160, 40]])
    assert cropped(drawn(), None).size == SIZE


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (Box(3, 3, 3, 5), r"a\.jpg: box \(3, 3, 3, 5\) is empty"),
        (Box(5, 3, 3, 5), "is empty"),
        (Box(-1, 0, 3, 5), "reaches outside the picture of 24 x 16"),
        (Box(0, 0, 25, 5), "reaches outside"),
        (Box(0, 0, 3, 17), "reaches outside"),
    ],
)
def test_a_box_that_is_none_is_refused(box: Box, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        cropped(drawn(), box, "a.jpg")


@pytest.mark.parametrize("size_px", [1, 7, 64])
def test_resizing_gives_a_square_and_keeps_a_flat_colour(size_px: int) -> None:
    flat = resized(Image.new("RGB", (50, 20), (7, 130, 250)), size_px)
    assert flat.dtype == np.uint8
    assert flat.shape == (size_px, size_px, 3)
    assert np.array_equal(np.unique(flat.reshape(-1, 3), axis=0), [[7, 130, 250]])


def test_shrinking_is_antialiased() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    small = resized(Image.fromarray(stripes), 8).astype(np.int64)
    assert np.abs(small - 127.5).max() < 16


def warning_file() -> bytes:
    """A palette PNG with transparency in bytes, at which Pillow warns when it is converted."""
    image = drawn().quantize(4)
    return encoded(image, "PNG", transparency=bytes([0, 128, 255, 255]))


def test_pillows_warnings_are_silent_and_the_filters_stay_as_they_were() -> None:
    before = list(warnings.filters)
    faults: list[BaseException] = []

    def read_many() -> None:
        try:
            for _ in range(40):
                read_photo(warning_file())
        except BaseException as fault:  # noqa: BLE001 -- a thread's fault is shown below
            faults.append(fault)

    threads = [threading.Thread(target=read_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert list(warnings.filters) == before


SEEDS = [
    *(encoded(drawn(), format) for format in ("JPEG", *LOSSLESS)),
    encoded(drawn().convert("CMYK"), "JPEG"),
    encoded(drawn(), "JPEG", progressive=True),
    encoded(drawn(), "GIF", save_all=True, append_images=[Image.new("RGB", SIZE)]),
    encoded(drawn(), "WEBP", save_all=True, append_images=[Image.new("RGB", SIZE)]),
    encoded(with_hole("RGB"), "PNG"),
    encoded(Image.fromarray(grey_levels().astype(np.uint16)), "PNG"),
    encoded(drawn().quantize(4), "BMP"),
    warning_file(),
    *(turned_file(6, format) for format in ("JPEG", "PNG", "WEBP")),
]


def read_or_refuse(content: bytes) -> None:
    try:
        photo = read_photo(content)
    except ImageError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 -- either outcome is right
    else:
        assert photo.image.mode == "RGB"
        assert np.asarray(photo.image).dtype == np.uint8
        assert resized(photo.image, 8).shape == (8, 8, 3)


@pytest.mark.fuzz
@given(content=st.binary(max_size=300))
@example(content=b"GIF89a")
@example(content=b"\x89PNG\r\n\x1a\n")
@example(content=b"\xff\xd8\xff\xe0")
@example(content=b"BM")
@example(content=b"RIFF\x10\x00\x00\x00WEBPVP8 ")
def test_random_bytes_are_an_image_or_an_image_error(content: bytes) -> None:
    read_or_refuse(content)


@pytest.mark.fuzz
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=8),
    cut=st.integers(0, 10_000),
)
def test_damaged_images_are_an_image_or_an_image_error(
    seed: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    content = bytearray(seed)
    for place, value in changes:
        content[place % len(content)] = value
    read_or_refuse(bytes(content))
    read_or_refuse(bytes(content[: cut % len(content)]))


def test_a_picture_without_light_or_contrast_is_named_and_a_poor_one_is_not() -> None:
    noise = np.random.default_rng(0).random((20, 20, 1)).repeat(3, axis=2)
    dark, dim = (noise * DARK_LEVEL * times for times in (1, 2))
    faint = 90 + noise * 255 * BLANK_BELOW * 3.3  # a uniform one: its range over the root of 12
    pictures = [dark, dim, 255 - dark, 255 - dim, faint, 90 + (faint - 90) * 2]
    found = [poor_light(picture.astype(np.uint8)) for picture in pictures]
    assert found == ["too_dark", None, "too_bright", None, "blank", None]
    assert poor_light(np.full((9, 9, 3), (200, 10, 90), np.uint8)) == "blank"
    # A few bright pixels, such as a lamp or a broken sensor's, show no face.
    lamp = np.zeros((20, 20, 3), np.uint8)
    lamp[:2, :2] = 255
    assert poor_light(lamp) == "too_dark"
    lamp[:3, :2] = 255
    assert poor_light(lamp) is None


def test_too_little_memory_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Image.Image) -> None:
        raise MemoryError

    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", refuse)
    with pytest.raises(ImageError, match=r"a\.png: not enough memory for its pixels"):
        read_photo(tmp_path / "a.png")


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 255), st.floats(0, 90))
def test_poor_light_is_what_all_pixels_say(
    height: int, width: int, level: float, spread: float
) -> None:
    rng = np.random.default_rng(height)
    drawn = rng.normal(level, spread, (height, width, 3))
    pixels = drawn.clip(0, 255).astype(np.uint8)
    luma = (pixels * facecover.images.LUMA).sum(axis=2)
    expected = None
    if np.mean(pixels.max(axis=2) > facecover.images.DARK_LEVEL) <= facecover.images.LIT_SHARE:
        expected = "too_dark"
    elif np.mean(pixels.min(axis=2) < facecover.images.BRIGHT_LEVEL) <= facecover.images.LIT_SHARE:
        expected = "too_bright"
    elif luma.std() < 255 * facecover.images.BLANK_BELOW:
        expected = "blank"
    assert facecover.images.poor_light(pixels) == expected
