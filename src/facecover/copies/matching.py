"""How one picture lies in another: scale and shift along both axes, for many pairs at once.

A crop of a photo, squeezed to the same square, is the photo scaled and shifted along each axis.
Gauss-Newton steps on brightness find the four numbers, together with a gain and an offset of the
brightness, as in Lucas and Kanade (1981).
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from facecover.copies.hashes import luma
from facecover.dataset.arrays import Images
from facecover.images import LUMA

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


def _warped(pictures: Planes, warps: Warps) -> Planes:
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


def _overlap(warps: Warps, size_px: int) -> Planes:
    """1 where the warped picture has pixels of its own, else 0: ``float32 (n, S, S)``."""
    columns, rows = _sampled(warps, size_px)
    has_column = (columns >= -0.5) & (columns <= size_px - 0.5)
    has_row = (rows >= -0.5) & (rows <= size_px - 0.5)
    return (has_row[:, :, None] & has_column[:, None, :]).astype(np.float32)


def _improved(first: Planes, second: Planes, warps: Warps) -> Warps:
    """One Gauss-Newton step for scale, shift, gain and offset."""
    count, size, _ = first.shape
    inside = _overlap(warps, size)
    seen = _warped(first, warps)
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


MAX_DIFFERENCE = 28.0
"""In grey levels: the most that the worst block of one picture may differ.

The thresholds were chosen by `benchmarks/duplicates.py` on one half of its photos."""

MAX_RELATIVE = 0.7
"""The same as a share of the pictures' contrast, for pictures of low contrast."""

MAX_USUAL = 0.25
"""The most that half of the blocks may differ, as a share of the contrast, where a picture was
changed in one place."""

_SIZE = 32  # images are compared at this size, blurred a little
_BLUR, _ALIGNING_BLUR = 0.7, 1.0  # standard deviations in pixels
_COARSE_STEPS, _FINE_STEPS = 4, 2
_BLOCK = 4
_LEAST_OVERLAP = 0.4  # of a block, to be counted
_WHITE = 250  # from this level on, a pixel may have been brighter than it could show
_LEAST_SHOWN = 0.15  # share of a channel that must be below its top to match brightness by
_COLOURLESS = 3.0  # mean grey levels between a grey picture's channels
_GAINS = (0.3, 3.0)
_CHUNK = 128


@dataclass(frozen=True)
class PixelDifference:
    """How much the pixels of each of n pairs differ after they were laid over each other.

    Attributes:
        worst: ``float32 (n,)``, root mean square over the worst block, grey levels.
        usual: ``float32 (n,)``, the median block, as a share of the contrast.
        contrast: ``float32 (n,)``, standard deviation of the pictures, grey levels.
    """

    worst: npt.NDArray[np.float32]
    usual: npt.NDArray[np.float32]
    contrast: npt.NDArray[np.float32]

    def same(self, tolerance: float = 1.0) -> npt.NDArray[np.bool_]:
        """Whether each pair is one picture, ``bool (n,)``; thresholds times a tolerance."""
        is_close = self.worst <= MAX_DIFFERENCE * tolerance
        return is_close & (self.worst <= MAX_RELATIVE * tolerance * self.contrast)

    def edited(self, tolerance: float = 1.0) -> npt.NDArray[np.bool_]:
        """Whether each pair is one picture in more than half of its blocks, ``bool (n,)``."""
        return self.usual <= MAX_USUAL * tolerance


def compare(
    images: Images,
    pairs: npt.NDArray[np.int64],
    is_mirrored: npt.NDArray[np.bool_],
    workers: int,
) -> PixelDifference:
    """Compare the pixels of pairs of images.

    Args:
        images: ``uint8 (N, 64, 64, 3)``, RGB.
        pairs: ``int64 (n, 2)``, rows of the images.
        is_mirrored: ``bool (n,)``, compare with the second one's mirror image.
        workers: threads.
    """

    def work(chunk: slice) -> npt.NDArray[np.float32]:
        first, second = images[pairs[chunk, 0]], images[pairs[chunk, 1]]
        turned = np.flatnonzero(is_mirrored[chunk])
        second[turned] = second[turned][:, :, ::-1]  # of the copy that indexing made
        return _compare_chunk(first, second)

    chunks = [slice(start, start + _CHUNK) for start in range(0, len(pairs), _CHUNK)]
    with ThreadPoolExecutor(workers) as pool:
        numbers = np.concatenate([np.zeros((0, 3), np.float32), *pool.map(work, chunks)])
    return PixelDifference(*numbers.T)


def _compare_chunk(first: Images, second: Images) -> npt.NDArray[np.float32]:
    """``float32 (n, 3)``: worst, usual, contrast; aligned only where that is needed."""
    one, other = _prepared(first), _prepared(second)
    unmoved = np.zeros((len(first), 4), np.float32)
    numbers = _differences(one, other, unmoved)
    unlike = np.flatnonzero(~PixelDifference(*numbers.T).same())
    if len(unlike):
        one, other = one[unlike], other[unlike]
        warps = _aligned(luma(first[unlike]), luma(second[unlike]))
        moved = _differences(one, other, warps)
        better = moved[:, 0] < numbers[unlike, 0]
        numbers[unlike[better]] = moved[better]
    return numbers


def _aligned(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> Warps:
    warps = np.zeros((len(first), 4), np.float32)
    for size, steps in ((_SIZE // 2, _COARSE_STEPS), (_SIZE, _FINE_STEPS)):
        one, other = (
            _blurred(_shrunk(grey[..., None], size), _ALIGNING_BLUR)[:, 0]
            for grey in (first, second)
        )
        for _ in range(steps):
            warps = _improved(one, other, warps)
    return warps


def _prepared(images: Images) -> Planes:
    """``float32 (n, 6, 32, 32)``: R, G and B, 0..255, and the share of each at its top, 0..1."""
    white = (images >= _WHITE).view(np.uint8)
    return _blurred(np.concatenate([_shrunk(images, _SIZE), _shrunk(white, _SIZE)], axis=1), _BLUR)


def _shrunk(images: npt.NDArray[np.uint8], size: int) -> Planes:
    """Means of squares: ``uint8 (n, S, S, C)`` to ``float32 (n, C, size, size)``."""
    step = images.shape[1] // size
    corners = [images[:, row::step, column::step] for row in range(step) for column in range(step)]
    sums = np.zeros(corners[0].shape, np.uint16)
    for corner in corners:
        sums += corner
    planes = np.ascontiguousarray(sums.transpose(0, 3, 1, 2), dtype=np.float32)
    return planes * np.float32(1 / step**2)


def _blurred(planes: Planes, sigma: float) -> Planes:
    size = planes.shape[-1]
    kernel = gaussian_filter1d(np.eye(size, dtype=np.float32), sigma, axis=0, mode="nearest")
    blurred: Planes = kernel @ np.ascontiguousarray(planes) @ np.ascontiguousarray(kernel.T)
    return blurred


def _differences(first: Planes, second: Planes, warps: Warps) -> npt.NDArray[np.float32]:
    """``float32 (n, 3)``: worst, usual, contrast, with the first pictures warped."""
    inside = _overlap(warps, _SIZE)
    seen = _warped(first, warps)
    one, other = _same_colours(seen[:, :3], second[:, :3])
    white_one, white_other = np.minimum(2 * seen[:, 3:], 1), np.minimum(2 * second[:, 3:], 1)
    matched, contrast = _matched(one, other, inside, np.maximum(white_one, white_other))
    left = other - np.minimum(matched, 255)
    # A channel at its top in one picture may stand for anything brighter in the other.
    excused = np.where(left > 0, white_one, white_other)
    left *= (1 - excused) * inside[:, None]
    squares = _block_sums((left**2).mean(axis=1))
    covered = _block_sums(inside)
    blocks = np.sqrt(squares / np.maximum(covered, 1))
    counted = covered >= _LEAST_OVERLAP * _BLOCK**2
    worst = np.where(counted, blocks, 0).max(axis=1)
    usual = np.nanmedian(np.where(counted, blocks, np.nan), axis=1)
    return np.column_stack([worst, usual / np.maximum(contrast, 1), contrast]).astype(np.float32)


def _same_colours(one: Planes, other: Planes) -> tuple[Planes, Planes]:
    """Both pictures in grey where one of them has no colours."""
    greys = [(planes * LUMA[:, None, None]).sum(axis=1, keepdims=True) for planes in (one, other)]
    colourless = np.zeros(len(one), bool)
    for planes, grey in zip((one, other), greys, strict=True):
        colourless |= np.abs(planes - grey).mean(axis=(1, 2, 3)) < _COLOURLESS
    where = colourless[:, None, None, None]
    return np.where(where, greys[0], one), np.where(where, greys[1], other)


def _matched(
    one: Planes, other: Planes, inside: Planes, white: Planes
) -> tuple[Planes, npt.NDArray[np.float32]]:
    """The first pictures in the brightness of the second, channel by channel; the contrast.

    The contrast is the geometric mean of both pictures' standard deviations, so that it does not
    depend on which of them comes first.
    """
    inside = inside[:, None]
    weight = inside * (1 - white)
    too_white = weight.sum(axis=(2, 3)) < _LEAST_SHOWN * inside.sum(axis=(2, 3))
    weight = np.where(too_white[:, :, None, None], inside, weight)
    mean_one, mean_other = _mean(one, weight), _mean(other, weight)
    from_one, from_other = one - mean_one, other - mean_other
    gain = _mean(from_one * from_other, weight) / np.maximum(_mean(from_one**2, weight), 1)
    gain = np.clip(gain, *_GAINS)
    spread_one = _mean((one - _mean(one, inside)) ** 2, inside) * gain**2
    spread_other = _mean((other - _mean(other, inside)) ** 2, inside)
    contrast = np.sqrt(np.sqrt(np.maximum(spread_one, 1) * np.maximum(spread_other, 1)))
    return gain * from_one + mean_other, contrast.mean(axis=(1, 2, 3))


def _mean(planes: Planes, weight: Planes) -> Planes:
    """Weighted mean over each plane: ``float32 (n, C, 1, 1)``."""
    total = np.maximum(weight.sum(axis=(2, 3), keepdims=True), 1e-3)
    mean: Planes = (planes * weight).sum(axis=(2, 3), keepdims=True) / total
    return mean


def _block_sums(planes: Planes) -> Planes:
    """Sums over each block: ``float32 (n, 32, 32)`` to ``(n, 64)``."""
    side = _SIZE // _BLOCK
    parts = planes.reshape(len(planes), side, _BLOCK, side, _BLOCK)
    sums: Planes = parts.sum(axis=(2, 4)).reshape(len(planes), -1)
    return sums
