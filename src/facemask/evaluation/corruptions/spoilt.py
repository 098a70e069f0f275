"""Images spoilt by one kind of corruption at one severity, the same on every machine."""

import zlib

import numpy as np
import numpy.typing as npt

from facemask.errors import ConfigError, ImageError
from facemask.evaluation.corruptions.kind import Images, Kind
from facemask.evaluation.corruptions.kinds import KINDS


def kind_by_key(key: str) -> Kind:
    """The kind with this key.

    Raises:
        ConfigError: if there is none.
    """
    for kind in KINDS:
        if kind.key == key:
            return kind
    known = ", ".join(kind.key for kind in KINDS)
    raise ConfigError(f"corruption {key!r}: unknown; expected one of {known}")


def corrupted(
    images: Images, kind: Kind, severity: int, *, rows: npt.NDArray[np.int64], seed: int = 0
) -> Images:
    """The images, spoilt: ``uint8 (N, S, S, 3)``, RGB.

    Each image has a generator of its own from the seed, the kind and the image's number, so that
    it is spoilt alike whichever others stand beside it, and in the same direction at each
    severity.

    Args:
        images: ``uint8 (N, S, S, 3)``, RGB; stay as they are.
        kind: of `KINDS`.
        severity: from 1 to the number of the kind's amounts.
        rows: ``int64 (N,)``, each image's number in its dataset, 0 or greater.
        seed: 0 or greater.

    Raises:
        ConfigError: if there is no such severity, or the seed is negative.
        ImageError: if the array is of another dtype or shape, or has not a row for each image.
    """
    _check(images, kind, severity, rows, seed)
    if not len(images):
        return images.copy()
    code = zlib.crc32(kind.key.encode())
    chances = [
        np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, code, int(row)))))
        for row in rows
    ]
    return kind.spoil(images, kind.amounts[severity - 1], chances)


def _check(
    images: Images, kind: Kind, severity: int, rows: npt.NDArray[np.int64], seed: int
) -> None:
    if not 1 <= severity <= len(kind.amounts):
        raise ConfigError(f"{kind.key}: severity {severity}: expected 1 to {len(kind.amounts)}")
    if seed < 0:
        raise ConfigError(f"seed {seed}: expected 0 or more")
    side = images.shape[1] if images.ndim == 4 else 0
    if images.dtype != np.uint8 or images.shape[1:] != (side, side, 3):
        raise ImageError(
            f"expected images of uint8 (N, S, S, 3), RGB, found {images.dtype} {images.shape}"
        )
    if rows.shape != images.shape[:1]:
        raise ImageError(f"expected a row for each of {len(images)} images, found {rows.shape}")
