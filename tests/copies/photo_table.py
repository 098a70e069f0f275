"""Tables of photos that were never taken, for tests of what is found in them."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.dataset.arrays import Images
from facecover.dataset.manifest import COLUMNS, SourceInfo
from facecover.look.exploration import Exploration, explore


def photo_table(
    labels: Sequence[int] | npt.NDArray[np.int64], /, **columns: object
) -> pd.DataFrame:
    """A manifest's table whose columns know nothing of the labels, but for those given."""
    rng = np.random.default_rng(0)
    n = len(labels)
    shade = {name: rng.uniform(0.3, 0.7, n) for name in ("brightness", "red", "green", "blue")}
    table = pd.DataFrame(
        {
            **dict.fromkeys(COLUMNS),
            "source": "faces",
            "path": [f"photo {number}.jpg" for number in range(n)],
            "label": labels,
            "width": rng.integers(180, 260, n),
            "height": rng.integers(180, 260, n),
            "file_bytes": rng.integers(4000, 9000, n),
            "format": "JPEG",
            "mode": "RGB",
            "jpeg_quality": 90,
            **shade,
            "contrast": rng.uniform(0.15, 0.3, n),
            "sharpness": rng.uniform(0.01, 0.04, n),
            "sha256": [
                hashlib.sha256(f"photo {number}".encode()).hexdigest() for number in range(n)
            ],
            **columns,
        }
    )
    return table.astype(COLUMNS)


def noise_images(n: int) -> dict[int, Images]:
    """Images of noise at 32 and 64 pixels."""
    return _noise(n, (32, 64))


@cache
def _small_noise(n: int) -> dict[int, Images]:
    """Noise in place of the sizes always kept: most facts do not look at pixels."""
    small = _noise(n, (4, 8))
    return {32: small[4], 64: small[8]}


def _noise(n: int, sizes_px: Sequence[int]) -> dict[int, Images]:
    rng = np.random.default_rng(0)
    return {size: rng.integers(0, 256, (n, size, size, 3), dtype=np.uint8) for size in sizes_px}


def explored(
    table: pd.DataFrame,
    images: Mapping[int, Images] | None = None,
    left_out: Mapping[str, int] | None = None,
    root: str = "/nowhere",
) -> Exploration:
    """A table explored, its images small noise where none are given."""
    names = dict.fromkeys(str(name) for name in table["source"])
    sources = [SourceInfo(name, root, "class-folders", {"yes": 1, "no": 0}) for name in names]
    found = _small_noise(len(table)) if images is None else images
    return explore(table, found, sources, left_out or {})


def two_classes(n: int = 200) -> list[int]:
    """As many labels of each class, one after the other."""
    return [number % 2 for number in range(n)]
