"""Drawing faces against encoding and writing the same pictures, in one run; prints JSON.

The whole is what `facecover draw` does for a photo: draw, encode as JPEG, write. The alternative
encodes and writes pictures that stand in memory already: the part that no drawing could save.

    python benchmarks/drawing.py [--count 1000] [--repeats 5] [--seed 0]
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from pathlib import Path

import PIL
from PIL import Image

from facecover.drawn.drawn_dataset import draw_dataset
from facecover.images import read_photo


def draw(folder: Path, count: int, seed: int) -> float:
    """Milliseconds a photo of drawing a dataset, one process."""
    start = time.perf_counter()
    draw_dataset(folder, count - 1, 1, seed)
    return (time.perf_counter() - start) / count * 1e3


def encode(pictures: list[tuple[Image.Image, int]], folder: Path) -> float:
    """Milliseconds a photo of encoding and writing pictures at the qualities they had."""
    start = time.perf_counter()
    for index, (picture, quality) in enumerate(pictures):
        picture.save(folder / f"{index}.jpg", "JPEG", quality=quality)
    return (time.perf_counter() - start) / len(pictures) * 1e3


def read(folder: Path) -> list[tuple[Image.Image, int]]:
    """The drawn pictures, decoded, each with its JPEG quality."""
    photos = [read_photo(path) for path in sorted(folder.glob("*/*.jpg"))]
    return [(photo.image, photo.jpeg_quality or 75) for photo in photos]


def main() -> None:
    """Interleave both sides and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    drawing, encoding = [], []
    with tempfile.TemporaryDirectory() as name:
        photos, copies = Path(name) / "photos", Path(name) / "copies"
        copies.mkdir()
        draw(photos, min(options.count, 100), options.seed)
        for _ in range(options.repeats):
            drawing.append(draw(photos, options.count, options.seed))
            pictures = read(photos)
            encoding.append(encode(pictures, copies))
        pixels = statistics.fmean(picture.width * picture.height for picture, _ in pictures)
    whole, part = statistics.median(drawing), statistics.median(encoding)
    result = {
        "photos": options.count,
        "repeats": options.repeats,
        "mean_pixels": round(pixels),
        "draw_encode_write_ms": round(whole, 3),
        "draw_encode_write_ms_all": [round(value, 3) for value in drawing],
        "encode_write_ms": round(part, 3),
        "encode_write_ms_all": [round(value, 3) for value in encoding],
        "share_of_encoding": round(part / whole, 3),
        "python": platform.python_version(),
        "pillow": PIL.__version__,
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
