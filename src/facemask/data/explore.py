"""Looking into photos: what is there, how large, how it differs by class, and what that means."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from facemask.data.arrays import Dataset, Images
from facemask.data.exploring.columns import described
from facemask.data.exploring.copies import Copies, find_copies
from facemask.data.exploring.counts import Counts, count_samples
from facemask.data.exploring.faces import (
    MeanFaceTest,
    MeanImage,
    judge_mean_faces,
    mean_faces,
)
from facemask.data.exploring.files import Files, describe_files
from facemask.data.exploring.flags import Flag, find_flags
from facemask.data.exploring.measures import Measures, compare_measures
from facemask.data.exploring.size_guess import SizeGuess, guess_from_sizes
from facemask.data.exploring.sizes import Sizes, measure_sizes
from facemask.data.manifest import SourceInfo
from facemask.data.measures import MEASURE_SIZE_PX, channel_statistics
from facemask.errors import DatasetError

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
