"""What is known of an image that is not its face: the cues a shortcut may stand on."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from facemask.data.arrays import Images

Features = npt.NDArray[np.float64]
"""``float64 (N, F)``; NaN where something is not known."""

BORDER_PX = 4
"""How far the border of a 64 x 64 image reaches in."""

CUE_WORDS = {
    "size": "width and height",
    "aspect": "the aspect ratio",
    "file": "file format and JPEG quality",
    "file size": "the size of the file",
    "colour": "the mean colour",
    "border": "the pixels of the border",
    "sharpness": "sharpness",
    "source": "the source",
    "together": "size, file, colour, border, sharpness and source together",
}
"""Each cue with its words in a sentence; ``together`` is all the others."""

_CHUNK = 1024


def cues_of(table: pd.DataFrame, images: Images) -> Mapping[str, Features]:
    """The numbers behind each cue of `CUE_WORDS`.

    Args:
        table: N samples with the columns of `manifest.COLUMNS`.
        images: ``uint8 (N, 64, 64, 3)``, RGB.
    """
    width, height = _numbers(table, "width"), _numbers(table, "height")
    cues = {
        "size": np.hstack([width, height]),
        "aspect": width / height,
        "file": np.hstack([_one_hot(table["format"]), _numbers(table, "jpeg_quality")]),
        "file size": _numbers(table, "file_bytes"),
        "colour": np.hstack([_numbers(table, name) for name in ("red", "green", "blue")]),
        "border": border_statistics(images),
        "sharpness": _numbers(table, "sharpness"),
        "source": _one_hot(table["source"]),
    }
    return {**cues, "together": np.hstack(list(cues.values()))}


def border_statistics(images: Images) -> Features:
    """Mean and standard deviation of R, G and B in each of the four borders: ``(N, 24)``."""
    done = [_border(images[row : row + _CHUNK]) for row in range(0, len(images), _CHUNK)]
    return np.concatenate([np.zeros((0, 24)), *done])


def _border(images: Images) -> Features:
    sides = (
        images[:, :BORDER_PX],
        images[:, -BORDER_PX:],
        images[:, :, :BORDER_PX],
        images[:, :, -BORDER_PX:],
    )
    parts: list[Features] = []
    for side in sides:
        pixels = side.reshape(len(images), -1, 3).astype(np.float64)
        parts += [pixels.mean(axis=1), pixels.std(axis=1)]
    return np.hstack(parts)


def _numbers(table: pd.DataFrame, column: str) -> Features:
    return table[column].to_numpy(dtype=np.float64, na_value=np.nan)[:, None]


def _one_hot(values: "pd.Series[str]") -> Features:
    return pd.get_dummies(values.astype("object"), dtype=np.float64).to_numpy()
