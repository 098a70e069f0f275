"""Answers on faces cut by boxes: by margin, by size, and for masks worn incorrectly; prints JSON.

Each box is cut as annotated and with its sides enlarged about its middle, as far as the picture
reaches. A model that learned from the same pictures is judged too well: name one that did not. The
faces of one picture are not independent, so intervals are drawn over pictures. Masks worn
incorrectly are no class of a two-class model; the share that it answers `mask` is given, and how
well its probability tells them from masks worn well (ROC-AUC).

    python benchmarks/boxes.py PICTURES MODEL... [--enlarge 1 1.25 1.6] [--seed 0]
        [--relabel experiments/corrections/scenes.csv] [--min-side-px 16]
"""

import argparse
import json
from collections.abc import Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import roc_auc_score

from facecover.dataset.manifest import BOX
from facecover.evaluation.intervals import measure
from facecover.images import cropped, read_photo, resized
from facecover.inference.classifier import Classifier
from facecover.labels import Box
from facecover.preparation.label_corrections import apply_lists, read_corrections
from facecover.sources.reading import read_sources
from facecover.sources.rows import Row

MASK, INCORRECT = 1, 2
SIDES_PX = (0, 16, 32, 64, 128, 100_000)
RESAMPLES = 1000


def enlarged(box: Box, times: float, width: int, height: int) -> Box:
    """A box with sides `times` as long about the same middle, clipped to the picture."""
    right, down = (times - 1) * (box.x1 - box.x0) / 2, (times - 1) * (box.y1 - box.y0) / 2
    return Box(
        max(0, round(box.x0 - right)),
        max(0, round(box.y0 - down)),
        min(width, round(box.x1 + right)),
        min(height, round(box.y1 + down)),
    )


def cut_faces(rows: Sequence[Row], times: Sequence[float], side_px: int) -> npt.NDArray[np.uint8]:
    """Every face at every enlargement: ``uint8 (T, N, S, S, 3)``; each picture is read once."""
    faces: list[list[npt.NDArray[np.uint8]]] = [[] for _ in times]
    for path, boxes in groupby(rows, key=lambda row: row.path):
        image = read_photo(path).image
        for row in boxes:
            if row.box is None:
                raise SystemExit(f"{path}: expected a box, found a face that is a whole photo")
            for found, factor in zip(faces, times, strict=True):
                box = enlarged(row.box, factor, *image.size)
                found.append(resized(cropped(image, box, str(path)), side_px))
    return np.stack([np.stack(found) for found in faces])


def labels_of(rows: Sequence[Row], root: Path, relabel: Sequence[Path]) -> npt.NDArray[np.int64]:
    """The labels of boxes, corrected by lists: ``int64 (N,)``."""
    boxes = [row.box for row in rows]
    table = pd.DataFrame(
        {
            "source": [row.source for row in rows],
            "path": [row.path.relative_to(root).as_posix() for row in rows],
            "label": [row.label for row in rows],
        }
        | {name: [getattr(box, name) for box in boxes] for name in BOX}
    )
    table, _ = apply_lists(table, {path: read_corrections(path) for path in relabel})
    return table["label"].to_numpy(dtype=np.int64)


def _measured(
    labels: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float64],
    pictures: npt.NDArray[np.int64],
    seed: int,
) -> dict[str, Any]:
    metrics = measure(labels, probabilities, seed=seed, resamples=RESAMPLES, groups=pictures)
    keys = ("accuracy", "roc_auc", "recall", "ece")
    found = {key: [metrics.values[key], metrics.ci95[key]] for key in keys}
    return {"n": metrics.n, "n_by_class": metrics.n_by_class, **found}


def _incorrect(
    labels: npt.NDArray[np.int64],
    masked: npt.NDArray[np.float64],
    pictures: npt.NDArray[np.int64],
    seed: int,
) -> dict[str, Any]:
    """What is answered for masks worn incorrectly, and how well the probability tells them."""
    random = np.random.default_rng(seed)
    members = [np.flatnonzero(pictures == picture) for picture in np.unique(pictures)]
    values = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([members[i] for i in random.integers(0, len(members), len(members))])
        values.append(_told(labels[drawn], masked[drawn]))
    return {
        "n": int((labels == INCORRECT).sum()),
        "answered_mask": float((masked[labels == INCORRECT] >= 0.5).mean()),
        "roc_auc_worn_well": _told(labels, masked),
        "ci95": np.quantile(values, [0.025, 0.975]).tolist(),
    }


def _told(labels: npt.NDArray[np.int64], masked: npt.NDArray[np.float64]) -> float:
    worn = labels >= MASK
    return float(roc_auc_score(labels[worn] == MASK, masked[worn]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pictures", type=Path, help="a folder with Pascal VOC annotations")
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--enlarge", nargs="+", type=float, default=[1, 1.25, 1.6])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--relabel", action="append", type=Path, default=[])
    parser.add_argument("--min-side-px", type=int, default=0, help="smaller boxes are left out")
    options = parser.parse_args()
    (source,) = read_sources([options.pictures])
    rows = sorted((row for row in source.rows if row.box is not None), key=lambda row: row.path)
    if not rows:
        raise SystemExit(f"{options.pictures}: expected annotated boxes, found none")
    labels = labels_of(rows, source.root, options.relabel)
    _, pictures = np.unique([str(row.path) for row in rows], return_inverse=True)
    sides = np.array([min(b.x1 - b.x0, b.y1 - b.y0) for row in rows if (b := row.box) is not None])
    big = sides >= options.min_side_px
    rows = [row for row, is_big in zip(rows, big, strict=True) if is_big]
    labels, pictures, sides = labels[big], pictures[big], sides[big]
    two = labels < INCORRECT
    results = {}
    for path in options.models:
        classifier = Classifier(path)
        cut = cut_faces(rows, [1.0, *options.enlarge], classifier.info.input_size_px)
        as_annotated, *wider = [classifier.classify_images(images) for images in cut]
        results[str(path)] = {
            "by_enlargement": {
                f"{times:g}": _measured(labels[two], found[two], pictures[two], options.seed)
                for times, found in zip(options.enlarge, wider, strict=True)
            },
            "by_shorter_side_px": {
                f"{low} to {high - 1}": _measured(
                    labels[chosen], as_annotated[chosen], pictures[chosen], options.seed
                )
                for low, high in pairwise(SIDES_PX)
                if (chosen := two & (sides >= low) & (sides < high)).any()
            },
        }
        if not two.all():
            results[str(path)]["incorrectly_worn"] = _incorrect(
                labels, as_annotated[:, MASK], pictures, options.seed
            )
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
