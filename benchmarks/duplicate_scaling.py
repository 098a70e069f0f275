"""How finding near duplicates grows with the number of images; prints JSON.

Images are made from the statistics of real photos: each has the first 32 main components of one
photo and the others of different photos, and one in five is a copy of another, shifted by a
pixel, darkened and made noisy. The hashes of strangers then come near each other more often than
those of real photos do (20 to 70 of a million pairs, against 13 to 15), which is the harder case.
For each number of images a new process hashes them, searches candidates and groups them; its time
and peak memory are printed, and for the smallest number how many of all pairs the search finds.

    python benchmarks/duplicate_scaling.py PHOTOS [--counts 12000 30000 100000 300000]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA

from facecover.copies.duplicates import components
from facecover.copies.hashes import MAX_BITS, Hashes, find_candidates, hash_images
from facecover.errors import ImageError
from facecover.images import read_photo, resized

Grey = npt.NDArray[np.float32]

COMPONENTS = 256
TAKEN_TOGETHER = 32
COPIES = 0.2
MOST_PHOTOS = 3000
CHUNK = 4096


def photos_of(folder: Path) -> Grey:
    """Photos of a folder as 32 x 32 luma: ``float32 (n, 1024)``."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    np.random.default_rng(0).shuffle(paths)
    kept: list[Grey] = []
    for path in paths:
        try:
            pixels = resized(read_photo(path).image, 32)
        except ImageError:
            continue
        kept.append((pixels @ np.array([0.299, 0.587, 0.114])).astype(np.float32).ravel())
        if len(kept) == MOST_PHOTOS:
            break
    return np.stack(kept)


def synthetic(photos: Grey, count: int, rng: np.random.Generator) -> Hashes:
    """The hashes of images mixed from the components of photos, some of them copies."""
    space = PCA(COMPONENTS, svd_solver="randomized", random_state=0).fit(photos)
    weights = space.transform(photos)
    parts = []
    for start in range(0, count, CHUNK):
        number = min(CHUNK, count - start)
        picks = rng.integers(0, len(weights), (number, COMPONENTS))
        picks[:, :TAKEN_TOGETHER] = picks[:, :1]
        mixed = np.take_along_axis(weights, picks, axis=0)
        images = space.inverse_transform(mixed).reshape(number, 32, 32)
        copies = rng.random(number) < COPIES
        images[copies] = changed(images[rng.integers(0, number, copies.sum())], rng)
        grey = np.clip(images, 0, 255).astype(np.uint8).repeat(2, axis=1).repeat(2, axis=2)
        rgb = np.repeat(grey[..., None], 3, axis=3)
        parts.append(hash_images(rgb, np.arange(number), os.cpu_count() or 1))
    codes = np.concatenate([part.codes for part in parts])
    return Hashes(codes, np.concatenate([part.contrast for part in parts]))


def changed(images: Grey, rng: np.random.Generator) -> Grey:
    """Copies shifted by up to one pixel of 32, darkened and made noisy."""
    moved = np.roll(images, int(rng.integers(-1, 2)), axis=int(rng.integers(1, 3)))
    noise = rng.normal(0, 3, images.shape).astype(np.float32)
    darkened: Grey = moved * np.float32(rng.uniform(0.7, 1.0)) + noise
    return darkened


def found_share(hashes: Hashes, found: npt.NDArray[np.int64]) -> dict[str, float]:
    """The share of all pairs within some bits that the search found."""
    codes = hashes.codes
    near: dict[tuple[int, int], int] = {}
    for start in range(0, len(codes), 256):
        for view in range(codes.shape[1]):
            bits = np.bitwise_count(codes[start : start + 256, None, 0] ^ codes[None, :, view])
            first, second = np.nonzero(bits.sum(axis=2, dtype=np.uint8) <= MAX_BITS)
            total = bits[first, second].sum(axis=1, dtype=np.int64)
            lines = zip((first + start).tolist(), second.tolist(), total.tolist(), strict=True)
            for one, other, distance in lines:
                if one != other:
                    pair = (min(one, other), max(one, other))
                    near[pair] = min(near.get(pair, MAX_BITS), distance)
    known = {(one, other) for one, other in found.tolist()}
    shares = {}
    for limit in (12, 16, MAX_BITS):
        within = [pair for pair, distance in near.items() if distance <= limit]
        shares[f"within_{limit}_bits"] = sum(pair in known for pair in within) / len(within)
    return shares


def measure(photos: Path, count: int, with_share: bool) -> dict[str, Any]:
    """Hash, search and group so many images, and say how long each took."""
    workers = os.cpu_count() or 1
    start = time.perf_counter()
    hashes = synthetic(np.load(photos), count, np.random.default_rng(1))
    made = time.perf_counter()
    used = time.process_time()
    candidates = find_candidates(hashes.codes, workers)
    searched = time.perf_counter()
    groups = components(count, candidates.pairs)
    grouped = time.perf_counter()
    numbers: dict[str, Any] = {
        "images": count,
        "making_and_hashing_seconds": made - start,
        "searching_seconds": searched - made,
        "searching_cpu_seconds": time.process_time() - used,
        "grouping_seconds": grouped - searched,
        "candidate_pairs": len(candidates.pairs),
        "groups": int(groups.max()) + 1,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if with_share:
        numbers["share_of_all_pairs_found"] = found_share(hashes, candidates.pairs)
    return numbers


def main() -> None:
    """Measure each number of images in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--counts", nargs="+", type=int, default=[12_000, 30_000, 100_000, 300_000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.photos, options.one, options.one == min(options.counts))))
        return
    results = []
    with tempfile.TemporaryDirectory() as name:
        kept = Path(name) / "photos.npy"
        np.save(kept, photos_of(options.photos))
        for count in options.counts:
            counts = ["--counts", *map(str, options.counts)]
            command = [sys.executable, __file__, str(kept), "--one", str(count), *counts]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            results.append(json.loads(done.stdout))
            print(json.dumps(results[-1]), file=sys.stderr)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
