"""Answers from JPEGs decoded at reduced scale against answers from every pixel; prints JSON.

A factor of 4 with an input of 32 pixels means that libjpeg may halve, quarter or eighth a photo as
long as 128 pixels are left on both sides. Both sides are decoded from memory, one after the other,
on one thread. With --enlarge each photo is first enlarged and stored as a JPEG again, because
photos from a camera are larger than those of most data sets. `facecover predict` decodes a photo
again, every pixel of it, where the answer is close to being another; so the labels that it would
change are counted too.

    python benchmarks/reduced_scale.py MODEL... --photos DIR... [--factors 2 3 4] [--enlarge 4]
"""

import argparse
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from facecover.errors import ImageError
from facecover.images import read_photo
from facecover.inference.classifier import Classifier
from facecover.inference.prediction import answer
from facecover.workflows.answer_photos import is_near_boundary


def jpegs(folders: list[Path], limit: int, enlarge: int) -> Iterator[bytes]:
    """The bytes of the folders' readable JPEGs, spread over all of them, enlarged if asked."""
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    chosen = np.random.default_rng(0).permutation(len(paths))[: limit or None]
    for index in sorted(chosen):
        content = paths[index].read_bytes()
        try:
            photo = read_photo(content)
        except ImageError:
            continue
        if photo.format == "JPEG":
            yield content if enlarge == 1 else _enlarged(photo.image, enlarge)


def _enlarged(image: Image.Image, factor: int) -> bytes:
    stream = io.BytesIO()
    size = (image.width * factor, image.height * factor)
    image.resize(size, Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
    return stream.getvalue()


class Side:
    """One way of decoding: its images, how many were reduced, and the seconds it took."""

    def __init__(self, size_px: int, at_least_px: int | None) -> None:
        self._size_px, self._at_least_px = size_px, at_least_px
        self.images: list[npt.NDArray[np.uint8]] = []
        self.is_reduced: list[bool] = []
        self.seconds = 0.0

    def add(self, content: bytes) -> None:
        """Decode one more photo."""
        start = time.perf_counter()
        photo = read_photo(content, at_least_px=self._at_least_px)
        self.images.append(photo.resized(self._size_px))
        self.seconds += time.perf_counter() - start
        self.is_reduced.append(photo.image.size != photo.full_size)


def compare(classifier: Classifier, full: Side, reduced: Side) -> dict[str, Any]:
    """How far the answers of both sides lie apart, on the photos that were reduced."""
    chosen = np.array(reduced.is_reduced)
    if not chosen.any():
        return {"reduced": 0}
    pixels = [np.stack(side.images)[chosen] for side in (full, reduced)]
    probabilities = [classifier.classify_images(images) for images in pixels]
    labels = [answer(values, classifier.info.threshold) for values in probabilities]
    differences = np.abs(probabilities[0] - probabilities[1]).max(axis=1)
    again = np.array([is_near_boundary(row, classifier.info) for row in probabilities[1].tolist()])
    return {
        "reduced": int(chosen.sum()),
        "labels_changed": int((labels[0] != labels[1]).sum()),
        "decoded_again": int(again.sum()),
        "labels_changed_as_predict_does": int(((labels[0] != labels[1]) & ~again).sum()),
        "largest_difference": float(differences.max()),
        "mean_difference": float(differences.mean()),
        "quantile_999_difference": float(np.quantile(differences, 0.999)),
        "mean_pixel_difference": float(np.abs(pixels[0].astype(np.int16) - pixels[1]).mean()),
        "times_as_fast": full.seconds / reduced.seconds,
    }


def main() -> None:
    """Decode every photo in every way and print each model's comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--photos", nargs="+", type=Path, required=True)
    parser.add_argument("--factors", nargs="+", type=float, default=[2, 3, 4])
    parser.add_argument("--enlarge", type=int, default=1)
    parser.add_argument("--limit", type=int, default=0, help="photos; 0 for all")
    options = parser.parse_args()
    results: list[dict[str, Any]] = []
    for path in options.models:
        classifier = Classifier(path, threads=1)
        size_px = classifier.info.input_size_px
        full = Side(size_px, None)
        sides = {factor: Side(size_px, int(factor * size_px)) for factor in options.factors}
        for content in jpegs(options.photos, options.limit, options.enlarge):
            for side in (full, *sides.values()):
                side.add(content)
        results += [
            {"model": str(path), "factor": factor, "photos": len(full.images)}
            | compare(classifier, full, side)
            for factor, side in sides.items()
        ]
    print(json.dumps({"enlarged": options.enlarge, "results": results}, indent=2))


if __name__ == "__main__":
    main()
