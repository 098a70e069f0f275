"""Copies that need no judgement: the same file, or the same pixels."""

import hashlib

import numpy as np
import numpy.typing as npt
import pandas as pd

from facemask.data.arrays import Images

BOX = ["x0", "y0", "x1", "y1"]


def first_copies(images: Images) -> npt.NDArray[np.int64]:
    """For each image the first one with the same pixels: ``int64 (N,)``; a first one has itself.

    Args:
        images: ``uint8 (N, S, S, 3)``, RGB.
    """
    digests = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]
    first: dict[bytes, int] = {}
    return np.array([first.setdefault(one, row) for row, one in enumerate(digests)], np.int64)


def same_file_keys(table: pd.DataFrame) -> npt.NDArray[np.int64]:
    """A number for each sample, equal where file and box are the same: ``int64 (N,)``.

    Args:
        table: samples with ``sha256`` and their box.
    """
    grouped = table.groupby(["sha256", *BOX], dropna=False, sort=False)
    return np.asarray(grouped.ngroup(), dtype=np.int64)
