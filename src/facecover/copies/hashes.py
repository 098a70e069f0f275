"""Perceptual hashes of many images at once: pHash and dHash, plain, mirrored and zoomed.

They are those of the imagehash library, bit for bit, but of thousands of images in a few calls:
one image at a time takes most of the time that an audit may take.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.fft import dct

from facecover.dataset.arrays import Images

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


class Hashes(NamedTuple):
    """The hashes of N images.

    Attributes:
        codes: ``uint64 (N, 4, 2)``: by view of `VIEWS`, pHash and dHash.
        contrast: ``float32 (N,)``, standard deviation of luma in grey levels, 0..127.5.
    """

    codes: npt.NDArray[np.uint64]
    contrast: npt.NDArray[np.float32]


def hash_images(images: Images, rows: npt.NDArray[np.int64], workers: int) -> Hashes:
    """The hashes of some images.

    Args:
        images: ``uint8 (N, S, S, 3)``, RGB.
        rows: ``int64 (n,)``, which of them.
        workers: threads.
    """
    chunks = [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]
    none = Hashes(np.zeros((0, len(VIEWS), 2), np.uint64), np.zeros(0, np.float32))
    with ThreadPoolExecutor(workers) as pool:
        done = pool.map(lambda chunk: _hash_chunk(images[chunk]), chunks)
        codes, contrast = zip(none, *done, strict=True)
    return Hashes(np.concatenate(codes), np.concatenate(contrast))


def luma(images: Images) -> Grey:
    """Pillow's luma of images: ``uint8 (n, S, S, 3)``, RGB, to ``uint8 (n, S, S)``."""
    count, height, width, _ = images.shape
    # Below each other, the images are one tall picture, which Pillow converts in one call.
    tall = Image.fromarray(np.ascontiguousarray(images).reshape(count * height, width, 3))
    return np.asarray(tall.convert("L")).reshape(count, height, width)


def _hash_chunk(images: Images) -> Hashes:
    grey = luma(images)
    views: list[Codes] = []
    for margin in (0.0, ZOOM):
        for_phash = _resized(grey, (_PHASH_SIDE, _PHASH_SIDE), margin)
        for_dhash = _resized(grey, _DHASH_SIZE, margin)
        # Resizing treats left and right alike, so the small image can be mirrored instead.
        for way in (1, -1):
            hashes = _phash(for_phash[:, :, ::way]), _dhash(for_dhash[:, :, ::way])
            views.append(np.column_stack(hashes))
    return Hashes(np.stack(views, axis=1), grey.std(axis=(1, 2), dtype=np.float32))


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


MAX_BITS = 20
"""Codes that differ in more of their 128 bits are no candidates; a crop of 4% differs in 12, of
8% in 22 or, against the zoomed view, in 16 (medians)."""

BAND_COUNT = 14
CLEAN_BANDS = 2

# A fixed shuffle: neighbouring bits of a hash are alike, and a band of them would tell little.
_SHUFFLE = np.random.default_rng(0).permutation(128)
_EDGES = np.linspace(0, 128, BAND_COUNT + 1).round().astype(int)
_BAND_BITS = 10  # the widest band
_INDEX_BITS = 64 - CLEAN_BANDS * _BAND_BITS


class Candidates(NamedTuple):
    """Pairs that may show the same picture.

    Attributes:
        pairs: ``int64 (n, 2)``, positions among the codes, the smaller first.
        is_mirrored: ``bool (n,)``, whether one resembles the mirror image of the other.
        bits: ``int64 (n,)``, the smallest number of differing bits of any two views.
    """

    pairs: npt.NDArray[np.int64]
    is_mirrored: npt.NDArray[np.bool_]
    bits: npt.NDArray[np.int64]


def find_candidates(codes: npt.NDArray[np.uint64], workers: int) -> Candidates:
    """The pairs of images of which a view of one resembles the other.

    Args:
        codes: ``uint64 (N, V, 2)``; the first view is the plain one, odd views are mirrored.
        workers: threads.
    """
    count, views, _ = codes.shape
    entries = np.ascontiguousarray(codes.transpose(1, 0, 2)).reshape(views * count, 2)
    bands = _bands(entries)
    search = partial(_near_in_bands, entries, bands, count)
    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(search, combinations(range(BAND_COUNT), CLEAN_BANDS)))
    return _merged(np.concatenate(found), count)


def _bands(entries: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint16]:
    """``uint16 (14, M)``: the bits of each band."""
    raw = entries.astype(">u8").view(np.uint8).reshape(len(entries), 16)
    bands = np.zeros((BAND_COUNT, len(entries)), np.uint16)
    for band, (start, stop) in enumerate(pairwise(_EDGES)):
        for bit in _SHUFFLE[start:stop]:
            value = (raw[:, bit // 8] >> (7 - bit % 8)) & 1
            bands[band] = (bands[band] << 1) | value
    return bands


def _near_in_bands(
    entries: npt.NDArray[np.uint64],
    bands: npt.NDArray[np.uint16],
    count: int,
    chosen: tuple[int, int],
) -> npt.NDArray[np.int64]:
    """Pairs that agree in the chosen bands and in no choice before: ``int64 (n, 3)``.

    The columns are a plain entry, another entry, and the bits that differ.
    """
    keys = bands[chosen[0]].astype(np.uint64) << np.uint64(_BAND_BITS) | bands[chosen[1]]
    index = np.arange(len(entries), dtype=np.uint64)
    ordered = np.sort(keys << np.uint64(_INDEX_BITS) | index)
    keys = ordered >> np.uint64(_INDEX_BITS)
    entry = (ordered & np.uint64(2**_INDEX_BITS - 1)).astype(np.int64)
    phash, dhash = entries[entry, 0], entries[entry, 1]  # side by side, as they are compared
    found = [np.zeros((0, 3), np.int64)]
    # Plain entries have the lowest indices, so they lead every run of equal keys.
    here = np.flatnonzero((keys[1:] == keys[:-1]) & (entry[:-1] < count))
    step = 1
    while len(here):
        there = here + step
        bits = np.bitwise_count(phash[here] ^ phash[there])
        bits += np.bitwise_count(dhash[here] ^ dhash[there])
        near = np.flatnonzero(bits <= MAX_BITS)
        lines = np.column_stack([entry[here[near]], entry[there[near]], bits[near]])
        found.append(_first_met(lines, bands, count, chosen))
        step += 1
        here = here[: np.searchsorted(here, len(keys) - step)]
        here = here[keys[here + step] == keys[here]]
    return np.concatenate(found)


def _first_met(
    lines: npt.NDArray[np.int64],
    bands: npt.NDArray[np.uint16],
    count: int,
    chosen: tuple[int, int],
) -> npt.NDArray[np.int64]:
    """The lines of different images that agree in no two bands before the chosen ones."""
    first, second, _ = lines.T
    last = chosen[-1] + 1
    agreeing = (bands[:last, first] == bands[:last, second]).sum(axis=0)
    new: npt.NDArray[np.int64] = lines[(agreeing == len(chosen)) & (second % count != first)]
    return new


def _merged(found: npt.NDArray[np.int64], count: int) -> Candidates:
    """One line for each pair and orientation, with the smallest distance of any view."""
    first, second, bits = found.T
    mirrored, second = second // count % 2, second % count
    keys = (np.minimum(first, second) * count + np.maximum(first, second)) * 2 + mirrored
    order = np.argsort(bits, kind="stable")
    keys, closest = np.unique(keys[order], return_index=True)
    pairs = np.column_stack(np.divmod(keys // 2, max(count, 1)))
    return Candidates(pairs, keys % 2 == 1, bits[order][closest])
