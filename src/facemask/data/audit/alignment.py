"""How one picture lies in another: scale and shift along both axes, for many pairs at once.

A crop of a photo, squeezed to the same square, is the photo scaled and shifted along each axis.
Gauss-Newton steps on brightness find the four numbers, together with a gain and an offset of the
brightness, as in Lucas and Kanade (1981).
"""

from functools import cache

import numpy as np
import numpy.typing as npt

Planes = npt.NDArray[np.float32]
"""``float32 (n, S, S)``, grey levels 0..255."""

Warps = npt.NDArray[np.float32]
"""``float32 (n, 4)``: scale and shift along columns, scale and shift along rows.

The point c of the second picture, -0.5..0.5 from its middle, shows what the first picture has at
``c * (1 + scale) + shift``.
"""

_LIMIT = 0.25  # of scales and shifts; beyond it, less than about half of the pictures overlaps
_LARGEST_STEP = 0.05
_DAMPING = 1e-3
_SMALLEST_GAIN = 0.1


def align(first: Planes, second: Planes, start: Warps, steps: int) -> Warps:
    """The warps that make first pictures look most like second ones.

    Args:
        first: pictures to be warped.
        second: pictures to be met, the same number and size.
        start: where to begin.
        steps: Gauss-Newton steps.
    """
    warps = start
    for _ in range(steps):
        warps = _improved(first, second, warps)
    return warps


def warped(pictures: Planes, warps: Warps) -> Planes:
    """Each picture as its warp shows it; outside its edges the edge goes on.

    Args:
        pictures: ``float32 (n, S, S)``, or ``(n, C, S, S)`` for C planes of each.
        warps: one each.
    """
    count, size = len(pictures), pictures.shape[-1]
    columns, rows = _sampled(warps, size)
    # All planes of a picture lie below each other while their columns are resampled.
    below = pictures.reshape(count, -1, size) @ _hats(columns, size).transpose(0, 2, 1)
    below = below.reshape(pictures.shape)
    by_row = _hats(rows, size)
    result: Planes = (by_row if pictures.ndim == 3 else by_row[:, None]) @ below
    return result


def overlap(warps: Warps, size_px: int) -> Planes:
    """1 where the warped picture has pixels of its own, else 0: ``float32 (n, S, S)``."""
    columns, rows = _sampled(warps, size_px)
    has_column = (columns >= -0.5) & (columns <= size_px - 0.5)
    has_row = (rows >= -0.5) & (rows <= size_px - 0.5)
    return (has_row[:, :, None] & has_column[:, None, :]).astype(np.float32)


def _improved(first: Planes, second: Planes, warps: Warps) -> Warps:
    """One Gauss-Newton step for scale, shift, gain and offset."""
    count, size, _ = first.shape
    inside = overlap(warps, size)
    seen = warped(first, warps)
    middle = _middle(size)
    by_row, by_column = _slopes(seen)
    terms = np.empty((count, 6, size, size), np.float32)
    terms[:, 0], terms[:, 1] = by_column * middle[None, None, :], by_column
    terms[:, 2], terms[:, 3] = by_row * middle[None, :, None], by_row
    terms[:, 4], terms[:, 5] = seen, 1
    terms *= inside[:, None]
    rows = terms.reshape(count, 6, -1)
    normal = (rows @ rows.transpose(0, 2, 1)).astype(np.float64)
    right = rows @ (second * inside).reshape(count, -1, 1)
    diagonal = np.einsum("nii->ni", normal)
    diagonal += _DAMPING * (diagonal + 1)
    found = np.linalg.solve(normal, right.astype(np.float64))[:, :, 0]
    gain = np.maximum(found[:, 4:5], _SMALLEST_GAIN)
    step = np.clip(found[:, :4] / gain, -_LARGEST_STEP, _LARGEST_STEP)
    better: Warps = np.clip(warps + step, -_LIMIT, _LIMIT).astype(np.float32)
    return better


def _slopes(pictures: Planes) -> tuple[Planes, Planes]:
    """How brightness changes along rows and along columns, per picture side."""
    size = pictures.shape[-1]
    by_row, by_column = np.zeros_like(pictures), np.zeros_like(pictures)
    by_row[:, 1:-1] = (pictures[:, 2:] - pictures[:, :-2]) * (size / 2)
    by_column[:, :, 1:-1] = (pictures[:, :, 2:] - pictures[:, :, :-2]) * (size / 2)
    return by_row, by_column


@cache
def _middle(size: int) -> npt.NDArray[np.float32]:
    """Where each pixel's centre lies from the middle, -0.5..0.5."""
    return ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)


def _sampled(warps: Warps, size: int) -> tuple[Planes, Planes]:
    """The columns and rows, in pixels, that each warp reads: ``float32 (n, S)`` each."""
    middle = _middle(size)
    columns = (middle * (1 + warps[:, 0:1]) + warps[:, 1:2] + 0.5) * size - 0.5
    rows = (middle * (1 + warps[:, 2:3]) + warps[:, 3:4] + 0.5) * size - 0.5
    return columns, rows


def _hats(places: Planes, size: int) -> Planes:
    """Weights of linear interpolation at some places: ``float32 (n, S, S)``."""
    inside = np.clip(places, 0, size - 1)
    distance = np.abs(inside[:, :, None] - np.arange(size, dtype=np.float32))
    hats: Planes = np.maximum(0, 1 - distance, dtype=np.float32)
    return hats
