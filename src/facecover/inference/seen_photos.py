"""Fingerprints of the photos that a model learned from: which images are among them.

A fingerprint is the first 48 bits of the SHA-256 of a picture's pixels, of the face where it has a
box, squeezed to 64 x 64. It is the same for a photo from a folder and for its row in a dataset,
whatever the sizes that it was prepared at, and survives another name, another place, other EXIF
data and lossless formats; not another JPEG compression, crop or size.

8 characters of the model file stand for a photo: 80 kB for 10,000. That a photo which was not seen
has the fingerprint of one that was is a chance of N in 2**48: 1 in 28 billion for 10,000 photos.
"""

import base64
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from facecover.errors import ModelFileError
from facecover.inference.model_info import ModelInfo

_BYTES = 6

Fingerprints = npt.NDArray[np.uint64]


def pack_fingerprints(digests: Iterable[str]) -> str:
    """The fingerprints of some photos as `ModelInfo.seen_photos` holds them, in ascending order.

    Args:
        digests: SHA-256 of each picture in hexadecimal, see `dataset.manifest.pixel_digests`.
    """
    unique = np.unique(_fingerprints(digests)).astype(">u8")
    wide = unique.view(np.uint8).reshape(-1, 8)
    return base64.b64encode(wide[:, -_BYTES:].tobytes()).decode()


def seen_in_training(info: ModelInfo, digests: Iterable[str]) -> npt.NDArray[np.bool_] | None:
    """Whether a model learned from each picture: ``bool (N,)``; None if its file does not tell.

    Raises:
        ModelFileError: if the file holds something else in their place.
    """
    if info.seen_photos is None:
        return None
    return np.isin(_fingerprints(digests), _unpacked(info))


def _fingerprints(digests: Iterable[str]) -> Fingerprints:
    return np.array([int(digest[: 2 * _BYTES], 16) for digest in digests], np.uint64)


def _unpacked(info: ModelInfo) -> Fingerprints:
    try:
        packed = base64.b64decode(info.seen_photos or "", validate=True)
        rows = np.frombuffer(packed, np.uint8).reshape(-1, _BYTES)
    except ValueError as error:
        raise ModelFileError(
            f"{info.name}: broken fingerprints of training photos in the model file: {error}; "
            "export the model again"
        ) from error
    wide = np.zeros((len(rows), 8), np.uint8)
    wide[:, -_BYTES:] = rows
    return wide.view(">u8").ravel().astype(np.uint64)
