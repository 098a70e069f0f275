"""Arrays that are no images: each error says what was expected, what was found, and the way out."""

import numpy as np
import numpy.typing as npt
import pytest

from facecover.errors import ImageError
from facecover.images import checked_pixels, read_photo

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (9, 7, 3), dtype=np.uint8)


def test_an_image_is_given_back_untouched() -> None:
    assert checked_pixels(IMAGE) is IMAGE


@pytest.mark.parametrize(
    ("array", "found", "way"),
    [
        (IMAGE / 255, "array of float64", "(array * 255).round().astype(numpy.uint8)"),
        (IMAGE.astype(np.float32), "array of float32", "array.round().astype(numpy.uint8)"),
        (IMAGE.astype(np.int64), "array of int64", "array.round().astype(numpy.uint8)"),
        (IMAGE > 100, "array of bool", "array.astype(numpy.uint8) * 255"),
        (IMAGE[:, :, 0], "shape (9, 7)", "numpy.dstack([array] * 3)"),
        (IMAGE[:, :, :1], "shape (9, 7, 1)", "numpy.dstack([array] * 3)"),
        (np.dstack([IMAGE, IMAGE[:, :, 0]]), "shape (9, 7, 4)", "array[:, :, :3]"),
        (IMAGE.transpose(2, 0, 1), "shape (3, 9, 7)", "array.transpose(1, 2, 0)"),
    ],
)
def test_the_way_out_works(array: npt.NDArray[np.uint8], found: str, way: str) -> None:
    with pytest.raises(ImageError, match=r"expected uint8 \(H, W, 3\), RGB") as caught:
        read_photo(array)
    message = str(caught.value)
    assert found in message
    assert message.endswith(way)
    converted = eval(way, {"array": array, "numpy": np})  # noqa: S307  (one of the lines above)
    assert checked_pixels(converted).shape == IMAGE.shape


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
