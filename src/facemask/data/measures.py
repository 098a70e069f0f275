"""What can be measured of an image's pixels: brightness, contrast, sharpness, colour."""

import numpy as np
import numpy.typing as npt

# Not from `arrays`: helper processes that decode would load pandas for it.
Images = npt.NDArray[np.uint8]
"""``uint8 (N, S, S, 3)``, RGB."""

MEASURE_SIZE_PX = 64
"""The size at which pixels are measured, so that photos of every size compare."""

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of R, G and B in luma (ITU-R BT.601)."""

_CHUNK = 1024


MEASURES = ("brightness", "contrast", "sharpness", "red", "green", "blue")


def measure_pixels(images: Images) -> npt.NDArray[np.float32]:
    """Measures of each image: ``float32 (N, 6)``, 0..1, in the order of `MEASURES`.

    ``brightness`` is the mean luma, ``contrast`` its standard deviation, ``sharpness`` the mean
    absolute Laplacian of luma (4 neighbours, divided by 4), and ``red``, ``green``, ``blue`` are
    the channel means. Meant for some tens of images at a time.

    Args:
        images: ``uint8 (N, S, S, 3)``, RGB.
    """
    # Plane by plane, and without a matrix product: BLAS would start threads of its own.
    planes = np.ascontiguousarray(np.moveaxis(images, 3, 0))  # (3, n, S, S)
    luma = planes[0] * _LUMA[0]
    luma += planes[1] * _LUMA[1]
    luma += planes[2] * _LUMA[2]
    around = luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1]
    around += luma[:, 1:-1, :-2]
    around += luma[:, 1:-1, 2:]
    laplacian = np.abs(luma[:, 1:-1, 1:-1] - around / 4)
    sums = planes.sum(axis=(2, 3), dtype=np.uint64)
    means = sums / (images.shape[1] * images.shape[2])
    whole = (1, 2)
    measures = [luma.mean(axis=whole), luma.std(axis=whole), laplacian.mean(axis=whole), *means]
    return (np.column_stack(measures) / 255).astype(np.float32)


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
