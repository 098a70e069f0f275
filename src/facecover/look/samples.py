"""Photos picked at random by split and class, read again from where they lie."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from facecover.dataset.manifest import SourceInfo
from facecover.errors import ImageError
from facecover.images import RESAMPLING, read_photo
from facecover.labels import Box
from facecover.look.statistics import NOT_SPLIT, classes_of

MAX_SIDE_PX = 256
"""Larger samples are shrunk to this, so that a page of them stays small."""

PER_CELL = 12

SAMPLED_SPLITS = ("train", "test", NOT_SPLIT)

_TRIES = 4
"""How many times as many photos as wanted are tried; a moved folder must not be walked in full."""


@dataclass(frozen=True)
class Sample:
    """One photo, as large as it is.

    Attributes:
        path: relative to its source's root, as the table has it.
        split: its split, or ``not split``.
        width: of the photo, or of the box where there is one, in pixels; so the height.
        image: upright, RGB, shrunk to `MAX_SIDE_PX` where it is larger.
    """

    path: str
    source: str
    split: str
    class_name: str
    width: int
    height: int
    image: Image.Image

    @property
    def is_shrunk(self) -> bool:
        """Whether the image is smaller than the photo."""
        return self.image.size != (self.width, self.height)


@dataclass(frozen=True)
class Samples:
    """Photos picked at random, by split and class; `skipped` had moved or changed meanwhile."""

    samples: tuple[Sample, ...]
    skipped: int
    seed: int

    def of(self, split: str, class_name: str) -> tuple[Sample, ...]:
        """The samples of a class in a split."""
        return tuple(
            one for one in self.samples if (one.split, one.class_name) == (split, class_name)
        )


def read_samples(
    table: pd.DataFrame,
    sources: Sequence[SourceInfo],
    *,
    per_cell: int = PER_CELL,
    max_side_px: int = MAX_SIDE_PX,
    seed: int = 0,
) -> Samples:
    """Read some photos of each class in the training and the test split again.

    A photo that has moved, changed, or has a name that is not UTF-8 is passed over.
    """
    roots = {source.name: Path(source.root) for source in sources}
    rng = np.random.default_rng(seed)
    found: list[Sample] = []
    skipped = 0
    for split in SAMPLED_SPLITS:
        for name in classes_of(table):
            rows = table[(table["split"] == split) & (table["class"] == name)]
            taken, passed_over = _take(rows, roots, per_cell, max_side_px, rng)
            found += taken
            skipped += passed_over
    return Samples(tuple(found), skipped, seed)


def _take(
    rows: pd.DataFrame,
    roots: Mapping[str, Path],
    count: int,
    max_side_px: int,
    rng: np.random.Generator,
) -> tuple[list[Sample], int]:
    """Up to `count` of some photos, in random order, and how many were passed over."""
    found: list[Sample] = []
    skipped = 0
    for position in rng.permutation(len(rows))[: count * _TRIES]:
        if len(found) == count:
            break
        sample = _read(rows.iloc[int(position)], roots, max_side_px)
        if sample is None:
            skipped += 1
        else:
            found.append(sample)
    return found, skipped


def _read(row: "pd.Series[Any]", roots: Mapping[str, Path], max_side_px: int) -> Sample | None:
    """The photo of a table's row, or None if it is not what it was."""
    try:
        content = (roots[row["source"]] / row["path"]).read_bytes()
    except (OSError, ValueError, KeyError):  # gone, a name that no file can have, a new source
        return None
    if hashlib.sha256(content).hexdigest() != row["sha256"]:
        return None
    try:
        photo, box = read_photo(content, reduces=True), _box(row)
        image = photo.cropped(box)
    except ImageError:
        return None
    width, height = (box.x1 - box.x0, box.y1 - box.y0) if box else photo.full_size
    if max(image.size) > max_side_px:
        image = image.copy()
        image.thumbnail((max_side_px, max_side_px), RESAMPLING)
    return Sample(
        str(row["path"]), str(row["source"]), str(row["split"]), str(row["class"]),
        width, height, image,
    )  # fmt: skip


def _box(row: "pd.Series[Any]") -> Box | None:
    corners = [row[name] for name in ("x0", "y0", "x1", "y1")]
    return None if pd.isna(corners[0]) else Box(*(int(corner) for corner in corners))
