"""Photos picked at random by split and class, read again from where they lie."""

import dataclasses
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from facecover.dataset import MEASURE_SIZE_PX
from facecover.dataset.arrays import Dataset, Images, channel_statistics
from facecover.dataset.manifest import SourceInfo
from facecover.errors import DatasetError, ImageError
from facecover.images import RESAMPLING, cropped, read_photo
from facecover.labels import Box
from facecover.look.class_balance import Counts, count_samples
from facecover.look.class_differences import Measures, compare_measures
from facecover.look.file_quality import Copies, Files, Flag, describe_files, find_copies, find_flags
from facecover.look.image_sizes import SizeGuess, Sizes, guess_from_sizes, measure_sizes
from facecover.look.shortcuts import MeanFaceTest, MeanImage, judge_mean_faces, mean_faces
from facecover.look.statistics import NOT_SPLIT, described

FORMAT_VERSION = 1
"""Of the JSON that `Exploration.to_json` gives."""

_DIGITS = 6


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of R, G and B at one size, each in 0..1.

    Attributes:
        size_px: the side of the images.
        over: ``train`` where there is a training split, else ``all``.
        mean: of R, G and B.
        std: of R, G and B.
    """

    size_px: int
    over: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class Exploration:
    """What looking into the data found.

    Attributes:
        sources: where the photos came from.
        counts: how many there are.
        sizes: how large they are, judged for input sizes.
        files: what the files are.
        copies: which of them are exact copies.
        measures: how brightness, size and the like differ between classes, sources and splits.
        size_guesses: how far width and height alone tell the class.
        flags: photos that stand out.
        normalisation: channel statistics, one for each size kept.
        mean_face_test: how far the mean faces alone tell the classes apart; None if there are
            too few photos.
        mean_faces: ``float64 (64, 64, 3)``, RGB, 0..255, by class name.
        table: one row a photo, from `exploring.columns.described`; for figures and samples.
    """

    sources: tuple[SourceInfo, ...]
    counts: Counts
    sizes: Sizes
    files: Files
    copies: Copies
    measures: Measures
    size_guesses: tuple[SizeGuess, ...]
    flags: tuple[Flag, ...]
    normalisation: tuple[Normalisation, ...]
    mean_face_test: MeanFaceTest | None
    mean_faces: Mapping[str, MeanImage]
    table: pd.DataFrame

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that occur, by label."""
        return tuple(self.counts.by_class)

    def to_json(self) -> dict[str, object]:
        """The numbers, ready for `json.dumps`: no NaN, floats to six decimals.

        Keys: ``format_version``; ``sources`` (name, root, layout, class_labels); then the
        attributes ``counts``, ``sizes``, ``files``, ``copies``, ``measures``,
        ``size_guesses``, ``flags``, ``normalisation`` and ``mean_face_test`` with the names that
        their classes document.
        Shares are in 0..1; what could not be measured is null.
        """
        document: dict[str, object] = {"format_version": FORMAT_VERSION}
        for part in dataclasses.fields(self):
            if part.name not in ("mean_faces", "table"):
                document[part.name] = as_json(getattr(self, part.name))
        return document


def explore(
    table: pd.DataFrame,
    images: Mapping[int, Images],
    sources: Sequence[SourceInfo],
    left_out: Mapping[str, int],
) -> Exploration:
    """Look into decoded photos, split or not.

    Args:
        table: `manifest.COLUMNS`; a null split is shown as not split.
        images: by size in pixels, 64 among them, ``uint8 (N, S, S, 3)``, RGB.
        sources: where they came from.
        left_out: the number of samples left out on the way, by reason.

    Raises:
        DatasetError: if there is no sample.
    """
    if not len(table):
        raise DatasetError("there is no sample to explore; expected at least one labelled photo")
    wide = described(table, images[MEASURE_SIZE_PX])
    return Exploration(
        sources=tuple(sources),
        counts=count_samples(wide, left_out),
        sizes=measure_sizes(wide),
        files=describe_files(wide),
        copies=find_copies(wide),
        measures=compare_measures(wide),
        size_guesses=guess_from_sizes(wide),
        flags=find_flags(wide),
        normalisation=tuple(_normalisation(size, images[size], wide) for size in sorted(images)),
        mean_face_test=judge_mean_faces(images[min(images)], wide),
        mean_faces=mean_faces(images[MEASURE_SIZE_PX], wide),
        table=wide,
    )


def explore_dataset(dataset: Dataset) -> Exploration:
    """Look into a prepared dataset.

    Raises:
        DatasetError: if there is no sample, or an array is missing or broken.
    """
    info = dataset.manifest.info
    left_out = {
        reason: count for reason, count in info.counts.items() if reason not in ("read", "kept")
    }
    images = {size: dataset.images(size) for size in info.sizes_px}
    return explore(dataset.manifest.table, images, info.sources, left_out)


def as_json(value: object) -> object:
    """A fact as JSON has it: mappings, lists, text, numbers to six decimals, null for NaN."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {part.name: as_json(getattr(value, part.name)) for part in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [as_json(item) for item in value]
    if isinstance(value, float):
        return round(value, _DIGITS) if math.isfinite(value) else None
    return value


def _normalisation(size_px: int, images: Images, table: pd.DataFrame) -> Normalisation:
    training = np.flatnonzero((table["split"] == "train").to_numpy())
    rows = training if training.size else np.arange(len(table), dtype=np.int64)
    mean, std = channel_statistics(images, rows)
    return Normalisation(size_px, "train" if training.size else "all", mean, std)


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
        source: its source's name.
        split: its split, or ``not split``.
        class_name: its class.
        width: of the photo, or of the box where there is one, in pixels.
        height: the same.
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
    """Photos picked at random.

    Attributes:
        samples: by split, then class, in the order that they were drawn.
        skipped: photos drawn that were moved or changed since they were decoded.
        seed: of the draw.
    """

    samples: tuple[Sample, ...]
    skipped: int
    seed: int

    def of(self, split: str, class_name: str) -> tuple[Sample, ...]:
        """The samples of a class in a split."""
        return tuple(
            one for one in self.samples if (one.split, one.class_name) == (split, class_name)
        )


def read_samples(
    exploration: Exploration,
    *,
    per_cell: int = PER_CELL,
    max_side_px: int = MAX_SIDE_PX,
    seed: int = 0,
) -> Samples:
    """Read some photos of each class in the training and the test split again.

    A photo that has moved, changed, or has a name that is not UTF-8 is passed over.

    Args:
        exploration: knows the photos and where they lie.
        per_cell: photos of each class in each split, at most.
        max_side_px: larger photos are shrunk to this.
        seed: the same seed and data give the same photos.
    """
    roots = {source.name: Path(source.root) for source in exploration.sources}
    table = exploration.table
    rng = np.random.default_rng(seed)
    found: list[Sample] = []
    skipped = 0
    for split in SAMPLED_SPLITS:
        for name in exploration.class_names:
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
        image = cropped(read_photo(content).image, _box(row))
    except ImageError:
        return None
    width, height = image.size
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
