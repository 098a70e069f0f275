"""Preparing photos against a plain Pillow loop, in one run; prints JSON.

Both sides make 64 x 64 and 32 x 32 images from every photo with the same filter. The plain loop
does nothing else; `prepare` (which keeps every photo here) also hashes and measures each, splits,
and writes the dataset.

    python benchmarks/preparing.py SOURCE... [--label NAME=mask] [--repeats 3]
"""

import argparse
import json
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from facecover.dataset.arrays import Dataset
from facecover.errors import ImageError
from facecover.images import RESAMPLING, read_photo
from facecover.preparation.pipeline import PrepareOptions, write_dataset
from facecover.sources.reading import parse_assignments, read_sources
from facecover.sources.rows import Source

SIZES_PX = (64, 32)


def plain_loop(paths: list[Path]) -> dict[int, npt.NDArray[np.uint8]]:
    """What a script would do: one photo after the other, one thread."""
    arrays = {size: np.zeros((len(paths), size, size, 3), np.uint8) for size in SIZES_PX}
    for index, path in enumerate(paths):
        photo = Image.open(path).convert("RGB")
        for size, images in arrays.items():
            images[index] = np.asarray(photo.resize((size, size), RESAMPLING))
    return arrays


def ours(sources: tuple[Source, ...], folder: Path) -> Dataset:
    """`facecover prepare --split-by random` without its audit, after the folders were listed."""
    options = PrepareOptions(split_by="random", audits=False)
    return write_dataset(sources, folder / "dataset", options)


def largest_differences(
    plain: dict[int, npt.NDArray[np.uint8]], dataset: Dataset, paths: list[Path]
) -> dict[str, float]:
    """How far the pixels of both sides lie apart, where a photo is opaque and upright."""
    comparable = np.array([_is_plain(path) for path in paths])
    differences = [
        np.abs(left.astype(np.int16) - right).max()
        for size in SIZES_PX
        for left, right in zip(
            plain[size][comparable], dataset.images(size)[comparable], strict=True
        )
    ]
    return {
        "photos_compared": int(comparable.sum()),
        "largest_pixel_difference": int(max(differences)),
    }


def _is_plain(path: Path) -> bool:
    """Whether the plain loop reads the photo rightly: it ignores EXIF and transparency."""
    try:
        read_photo(path)
    except ImageError:
        return False
    with Image.open(path) as photo:
        return not photo.has_transparency_data and photo.getexif().get(0x0112, 1) == 1


def main() -> None:
    """Interleave both sides and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="+", type=Path)
    parser.add_argument("--label", action="append", default=[])
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    sources = read_sources(options.sources, parse_assignments(labels=options.label))
    paths = [row.path for source in sources for row in source.rows]
    seconds: dict[str, list[float]] = {"plain": [], "prepare": []}
    with tempfile.TemporaryDirectory() as name:
        for _ in range(options.repeats):
            start = time.perf_counter()
            plain = plain_loop(paths)
            seconds["plain"].append(time.perf_counter() - start)
            start = time.perf_counter()
            dataset = ours(sources, Path(name))
            seconds["prepare"].append(time.perf_counter() - start)
        differences = largest_differences(plain, dataset, paths)
    medians = {side: statistics.median(times) for side, times in seconds.items()}
    print(
        json.dumps(
            {
                "photos": len(paths),
                "seconds": seconds,
                "median_seconds": medians,
                "times_as_fast": medians["plain"] / medians["prepare"],
                **differences,
                "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
