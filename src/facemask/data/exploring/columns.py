"""The table of samples with what exploring reads of it: class names, sides, aspect, colour."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from facemask.data.arrays import Images
from facemask.data.rows import SPLITS
from facemask.labels import CLASS_NAMES

NOT_SPLIT = "not split"
"""Stands for the split of samples whose data brings none."""

SPLIT_ORDER = (*SPLITS, NOT_SPLIT)

_CHUNK = 1024


def described(table: pd.DataFrame, images: Images) -> pd.DataFrame:
    """A copy of a manifest's table with the columns that the facts are made of.

    Added are ``class`` (the label's name), ``short_side`` and ``long_side`` in pixels,
    ``aspect_ratio`` (width / height), ``squeeze`` (long side / short side, 1 for a square) and
    ``saturation`` (see `saturation`); ``split`` has `NOT_SPLIT` where it was null.

    Args:
        table: `manifest.COLUMNS`.
        images: ``uint8 (N, S, S, 3)``, RGB; image i belongs to row i.
    """
    wide = table.reset_index(drop=True).copy()
    sides = wide[["width", "height"]].to_numpy(dtype=np.int64)
    wide["class"] = np.array(CLASS_NAMES, dtype=object)[wide["label"].to_numpy(dtype=np.int64)]
    wide["split"] = wide["split"].astype("object").fillna(NOT_SPLIT)
    wide["source"] = wide["source"].astype("object")
    wide["short_side"], wide["long_side"] = sides.min(axis=1), sides.max(axis=1)
    wide["aspect_ratio"] = sides[:, 0] / sides[:, 1]
    wide["squeeze"] = sides.max(axis=1) / sides.min(axis=1)
    wide["saturation"] = saturation(images)
    return wide


def saturation(images: Images) -> npt.NDArray[np.float32]:
    """How colourful each image is, ``float32 (N,)`` in 0..1: 0 is grey.

    The largest of R, G and B less the smallest, averaged over the image's pixels.

    Args:
        images: ``uint8 (N, S, S, 3)``, RGB.
    """
    found = np.zeros(len(images), dtype=np.float32)
    for start in range(0, len(images), _CHUNK):
        chunk = np.asarray(images[start : start + _CHUNK])
        red, green, blue = (chunk[..., channel] for channel in range(3))
        # Pairwise is ten times as fast as max(axis=3); the difference is never negative.
        highest = np.maximum(np.maximum(red, green), blue)  # (n, S, S)
        reach = highest - np.minimum(np.minimum(red, green), blue)
        found[start : start + _CHUNK] = reach.mean(axis=(1, 2), dtype=np.float32) / 255
    return found


def halves(table: pd.DataFrame) -> npt.NDArray[np.int64]:
    """The half, 0 or 1, of each sample: ``int64 (N,)``.

    It follows from the file's hash: the same for the same data, in any order, and copies of a
    file stand in one half.
    """
    return np.array([int(str(digest)[:8], 16) % 2 for digest in table["sha256"]], dtype=np.int64)


def present(names: npt.NDArray[np.object_], order: tuple[str, ...]) -> tuple[str, ...]:
    """The names that occur, in a given order; names outside of it follow, sorted."""
    found = {str(name) for name in np.unique(names.astype(str))}
    return (*(name for name in order if name in found), *sorted(found - set(order)))


def classes_of(table: pd.DataFrame) -> tuple[str, ...]:
    """The class names that occur in a described table, by label."""
    return present(table["class"].to_numpy(), CLASS_NAMES)


def splits_of(table: pd.DataFrame) -> tuple[str, ...]:
    """The splits that occur in a described table: training, validation, test, not split."""
    return present(table["split"].to_numpy(), SPLIT_ORDER)


def sources_of(table: pd.DataFrame) -> tuple[str, ...]:
    """The sources in a described table, in the order of their first samples."""
    return tuple(str(name) for name in pd.unique(table["source"]))
