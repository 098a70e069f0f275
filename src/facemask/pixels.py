"""Arrays that are to be images: what is wrong with one that is not, and how to convert it."""

import numpy as np
import numpy.typing as npt

from facemask.errors import ImageError

_EXPECTED = "expected uint8 (H, W, 3), RGB"


def checked_pixels(array: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The array itself, if it is an image: ``uint8 (H, W, 3)``, 0..255.

    That its channels are in the order R, G, B, and not B, G, R as OpenCV has them, cannot be
    seen; whoever has BGR reverses them first: ``frame[:, :, ::-1]``.

    Raises:
        ImageError: if the array is empty, or of another shape, dtype or range. Nothing is
            converted here: grey or transparent pixels, floats and channels that come first
            could be meant in more than one way.
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
