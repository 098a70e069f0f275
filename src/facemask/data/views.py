"""The same images under another table: other splits, labels or groups, and no file written."""

import dataclasses
import hashlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from facemask.data.arrays import Dataset
from facemask.data.manifest import Manifest, digest_samples
from facemask.data.measures import channel_statistics
from facemask.data.rows import SPLITS
from facemask.errors import DatasetError

UNUSED = "unused"
"""The split of samples that a view leaves out: no loader and no evaluation asks for it."""


def with_table(dataset: Dataset, table: pd.DataFrame, *, split_by: str, seed: int = 0) -> Dataset:
    """A dataset with the images of another, and a table of its own.

    Means, deviations, counts and the digest are those of the view: they come from its training
    images, labels and splits. The folder and its files are left as they are.

    Args:
        dataset: whose images are used.
        table: a row for each image, in order, with the columns of `manifest.COLUMNS`; ``split``
            is ``train``, ``val``, ``test`` or `UNUSED`.
        split_by: what made the splits, see `ManifestInfo`.
        seed: of the splits.

    Raises:
        DatasetError: if the table has another number of rows, another split, or nothing to
            train on.
    """
    splits = table["split"].to_numpy(dtype=object)
    unknown = sorted({str(split) for split in splits} - {*SPLITS, UNUSED})
    if len(table) != len(dataset) or unknown:
        raise DatasetError(
            f"view of {dataset.folder}: expected {len(dataset):,} rows with the splits "
            f"{', '.join((*SPLITS, UNUSED))}; found {len(table):,} rows"
            + (f" with {', '.join(unknown)}" if unknown else "")
        )
    training = np.flatnonzero(splits == "train")
    if not len(training):
        raise DatasetError(f"view of {dataset.folder}: there is no training image in it")
    info = dataset.manifest.info
    used = np.flatnonzero(splits != UNUSED)
    statistics = {
        size: channel_statistics(dataset.images(size), training) for size in info.sizes_px
    }
    viewed = dataclasses.replace(
        info,
        channel_mean={size: mean for size, (mean, _) in statistics.items()},
        channel_std={size: std for size, (_, std) in statistics.items()},
        split_by=split_by,
        seed=seed,
        counts=_counts(info.counts, len(used), len(table)),
        digest=digest_samples(
            _pixel_digests(dataset, used),
            table["label"].iloc[used].tolist(),
            splits[used].tolist(),
        ),
    )
    return Dataset(dataset.folder, Manifest(table.reset_index(drop=True), viewed))


def _pixel_digests(dataset: Dataset, rows: npt.NDArray[np.int64]) -> list[str]:
    """The digest of each image at the largest size, as `collect` takes it."""
    images = dataset.images(max(dataset.manifest.info.sizes_px))
    return [hashlib.sha256(images[row].tobytes()).hexdigest() for row in rows]


def _counts(counts: Mapping[str, int], used: int, total: int) -> dict[str, int]:
    left_out = {UNUSED: total - used} if used < total else {}
    return {**counts, "kept": used, **left_out}
