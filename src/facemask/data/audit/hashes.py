"""Perceptual hashes of many images at once: pHash and dHash, plain, mirrored and zoomed.

The hashes are those of the imagehash library, bit for bit (a test compares them), but made for
thousands of images in a few calls: one image at a time, imagehash takes most of the time that
an audit may take.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.fft import dct

from facemask.data.arrays import Images

Grey = npt.NDArray[np.uint8]
"""``uint8 (n, H, W)``, luma."""

Codes = npt.NDArray[np.uint64]
"""``uint64 (n, 2)``: the 64 bits of pHash and the 64 bits of dHash of each image."""

VIEWS = ("plain", "mirrored", "zoomed", "zoomed and mirrored")
"""What is hashed of each image; the odd ones are mirrored."""

ZOOM = 0.04
"""What the zoomed views leave out at each side: between an image and a crop of it by 8%, so that
a crop finds one of the two close to itself."""

_PHASH_SIDE, _PHASH_KEPT = 32, 8  # imagehash's hash_size 8 and highfreq_factor 4
_DHASH_SIZE = (9, 8)  # imagehash's width and height for hash_size 8
_CHUNK = 1024


@dataclass(frozen=True)
class Hashes:
    """The hashes of N images.

    Attributes:
        codes: ``uint64 (N, 4, 2)``: by view of `VIEWS`, pHash and dHash.
        contrast: ``float32 (N,)``, standard deviation of luma in grey levels, 0..127.5.
    """

    codes: npt.NDArray[np.uint64]
    contrast: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.codes)


def hash_images(images: Images, rows: npt.NDArray[np.int64], workers: int) -> Hashes:
    """The hashes of some images.

    Args:
        images: ``uint8 (N, S, S, 3)``, RGB.
        rows: ``int64 (n,)``, which of them.
        workers: threads.
    """
    chunks = [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]
    with ThreadPoolExecutor(workers) as pool:
        done = list(pool.map(lambda chunk: _hash_chunk(images[chunk]), chunks))
    if not done:
        return Hashes(np.zeros((0, len(VIEWS), 2), np.uint64), np.zeros(0, np.float32))
    return Hashes(
        np.concatenate([codes for codes, _ in done]), np.concatenate([std for _, std in done])
    )


def luma(images: Images) -> Grey:
    """Pillow's luma of images: ``uint8 (n, S, S, 3)``, RGB, to ``uint8 (n, S, S)``."""
    count, height, width, _ = images.shape
    # Below each other, the images are one tall picture, which Pillow converts in one call.
    tall = Image.fromarray(np.ascontiguousarray(images).reshape(count * height, width, 3))
    return np.asarray(tall.convert("L")).reshape(count, height, width)


def _hash_chunk(images: Images) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.float32]]:
    grey = luma(images)
    views: list[Codes] = []
    for margin in (0.0, ZOOM):
        for_phash = _resized(grey, (_PHASH_SIDE, _PHASH_SIDE), margin)
        for_dhash = _resized(grey, _DHASH_SIZE, margin)
        views.append(_codes(for_phash, for_dhash))
        # Resizing treats left and right alike, so the small image can be mirrored instead.
        views.append(_codes(for_phash[:, :, ::-1], for_dhash[:, :, ::-1]))
    return np.stack(views, axis=1), grey.std(axis=(1, 2), dtype=np.float32)


def _codes(for_phash: Grey, for_dhash: Grey) -> Codes:
    return np.column_stack([_phash(for_phash), _dhash(for_dhash)])


def _phash(grey: Grey) -> npt.NDArray[np.uint64]:
    """``uint64 (n,)``: which of the 64 lowest DCT terms lie above their median."""
    columns = dct(grey.astype(np.float64), axis=1)[:, :_PHASH_KEPT]
    low = dct(columns, axis=2)[:, :, :_PHASH_KEPT].reshape(len(grey), -1)
    return _packed(low > np.median(low, axis=1, keepdims=True))


def _dhash(grey: Grey) -> npt.NDArray[np.uint64]:
    """``uint64 (n,)``: where the brightness rises from left to right."""
    return _packed((grey[:, :, 1:] > grey[:, :, :-1]).reshape(len(grey), -1))


def _packed(bits: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64).ravel()


def _resized(grey: Grey, size: tuple[int, int], margin: float) -> Grey:
    """Each image without its margin, at another (width, height), as Pillow resizes it.

    Pillow resizes rows first and columns then, each on its own, with the same arithmetic. So the
    rows of all images go through one call, and after a transposition their columns.
    """
    width, height = size
    rows = _resized_rows(grey, width, margin)
    columns = _resized_rows(rows.transpose(0, 2, 1), height, margin)
    return columns.transpose(0, 2, 1)


def _resized_rows(grey: Grey, width: int, margin: float) -> Grey:
    count, height, before = grey.shape
    tall = Image.fromarray(np.ascontiguousarray(grey).reshape(count * height, before))
    box = (before * margin, 0, before * (1 - margin), count * height)
    small = tall.resize((width, count * height), Image.Resampling.LANCZOS, box=box)
    return np.asarray(small).reshape(count, height, width)
