"""What can be measured of an image's pixels: brightness, contrast, sharpness, colour."""

import numpy as np
import numpy.typing as npt

from facemask.data.arrays import Images

MEASURE_SIZE_PX = 64
"""The size at which pixels are measured, so that photos of every size compare."""

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of R, G and B in luma (ITU-R BT.601)."""

_CHUNK = 1024


def measure_pixels(images: Images) -> dict[str, npt.NDArray[np.float32]]:
    """Measures of each image, ``float32 (N,)`` in 0..1 each.

    ``brightness`` is the mean luma, ``contrast`` its standard deviation, ``sharpness`` the mean
    absolute Laplacian of luma (4 neighbours, divided by 4), and ``red``, ``green``, ``blue`` are
    the channel means.

    Args:
        images: ``uint8 (N, S, S, 3)``, RGB.
    """
    chunks = [_measure(images[i : i + _CHUNK]) for i in range(0, len(images), _CHUNK)]
    names = ("brightness", "contrast", "sharpness", "red", "green", "blue")
    if not chunks:
        return {name: np.zeros(0, dtype=np.float32) for name in names}
    table = np.concatenate(chunks)
    return {name: table[:, column] for column, name in enumerate(names)}


def _measure(images: Images) -> npt.NDArray[np.float32]:
    scaled = images.astype(np.float32) / 255  # (n, S, S, 3)
    luma = scaled @ _LUMA  # (n, S, S)
    inner = luma[:, 1:-1, 1:-1]
    around = luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1] + luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:]
    sharpness = np.abs(inner - around / 4).mean(axis=(1, 2))
    brightness, contrast = luma.mean(axis=(1, 2)), luma.std(axis=(1, 2))
    return np.column_stack([brightness, contrast, sharpness, scaled.mean(axis=(1, 2))])


def channel_statistics(
    images: Images, rows: npt.NDArray[np.int64]
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Mean and standard deviation of R, G and B over some images, in 0..1.

    Exact: sums of 8-bit values and of their squares fit in 64-bit integers.

    Args:
        images: ``uint8 (N, S, S, 3)``, RGB.
        rows: ``int64 (n,)``, which of them; at least one.
    """
    counts = np.zeros((3, 256), dtype=np.int64)
    for start in range(0, len(rows), _CHUNK):
        chunk = images[rows[start : start + _CHUNK]].reshape(-1, 3)
        counts += np.stack([np.bincount(chunk[:, c], minlength=256) for c in range(3)])
    values = np.arange(256) / 255
    total = counts.sum(axis=1)
    mean = (counts @ values) / total
    variance = (counts @ values**2) / total - mean**2
    std = np.sqrt(np.maximum(variance, 0))
    return _triple(mean), _triple(std)


def _triple(values: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    red, green, blue = (round(float(value), 6) for value in values)
    return red, green, blue
