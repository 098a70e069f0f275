"""Which images may be twins: hashes that differ in few bits, found without comparing all pairs.

The 128 bits of a code are dealt into 14 bands. Two codes that differ in at most 12 bits agree
wholly in two bands or more (each differing bit spoils one band at most), so they stand together
when the codes are sorted by those two bands. All 91 choices of two bands are sorted by, and only
neighbours with equal bands are compared. Pairs that differ in up to 20 bits are found as long as
their differing bits fall into 12 bands or fewer: 97% of them or more (measured by
`benchmarks/duplicate_scaling.py`).
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

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
    """Pairs that may be twins.

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
    first, second = lines[:, 0], lines[:, 1]
    last = chosen[-1] + 1
    agreeing = (bands[:last, first] == bands[:last, second]).sum(axis=0)
    new: npt.NDArray[np.int64] = lines[(agreeing == len(chosen)) & (second % count != first)]
    return new


def _merged(found: npt.NDArray[np.int64], count: int) -> Candidates:
    """One line for each pair and orientation, with the smallest distance of any view."""
    first, second, bits = found.T
    view, second = second // count, second % count
    mirrored = view % 2
    low, high = np.minimum(first, second), np.maximum(first, second)
    order = np.lexsort((bits, mirrored, high, low))
    lines = np.column_stack([low, high, mirrored])[order]
    is_new = np.ones(len(lines), bool)
    is_new[1:] = (lines[1:] != lines[:-1]).any(axis=1)
    lines = lines[is_new]
    return Candidates(lines[:, :2], lines[:, 2] == 1, bits[order][is_new])
