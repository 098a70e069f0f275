"""Photos to arrays: each is read once, on every core, and squeezed to every size asked for."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from facemask.data.rows import Drop, Row
from facemask.errors import ImageError
from facemask.images import Photo, cropped, read_photo, resized

OnProgress = Callable[[int], None]
"""Called with the number of samples done since the last call, from any thread."""

UNREADABLE = "unreadable image"
BAD_BOX = "box outside its picture"

_PHOTOS_PER_TASK = 32


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file said of a sample, before it was squeezed.

    Attributes:
        width: of the face in pixels: of the box where there is one, else of the upright photo.
        height: the same.
        file_bytes: the size of the file.
        format: Pillow's name of the format, by content.
        mode: Pillow's name of the pixel mode in the file.
        jpeg_quality: 1..100, or None where the file is no JPEG.
        sha256: of the file's bytes, in hexadecimal.
    """

    width: int
    height: int
    file_bytes: int
    format: str
    mode: str
    jpeg_quality: int | None
    sha256: str


def decode_rows(
    rows: Sequence[Row],
    arrays: Mapping[int, npt.NDArray[np.uint8]],
    *,
    workers: int | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[list[FileFacts | None], list[Drop]]:
    """Decode every row into the arrays; a photo with several boxes is read once.

    Threads share the arrays, and Pillow leaves the interpreter lock while it decodes and resizes.

    Args:
        rows: the samples; rows of one photo stand together.
        arrays: by size in pixels, the array to fill: ``uint8 (N, S, S, 3)``, RGB, N = len(rows).
        workers: threads; by default one a core.
        on_progress: told of every few samples done.

    Returns:
        What each file said, None where the row could not be read; and a drop for each of those.
    """
    tasks = _tasks(rows)

    def work(task: list[range]) -> list[tuple[int, FileFacts | Drop]]:
        done = [found for samples in task for found in _decode_photo(rows, samples, arrays)]
        if on_progress is not None:
            on_progress(len(done))
        return done

    facts: list[FileFacts | None] = [None] * len(rows)
    drops: list[Drop] = []
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for done in pool.map(work, tasks):
            for index, outcome in done:
                if isinstance(outcome, Drop):
                    drops.append(outcome)
                else:
                    facts[index] = outcome
    return facts, drops


def _tasks(rows: Sequence[Row]) -> list[list[range]]:
    """Runs of rows that share a photo, some photos to a task."""
    photos: list[range] = []
    for _, run in groupby(range(len(rows)), key=lambda index: rows[index].path):
        indices = list(run)
        photos.append(range(indices[0], indices[-1] + 1))
    return [photos[i : i + _PHOTOS_PER_TASK] for i in range(0, len(photos), _PHOTOS_PER_TASK)]


def _decode_photo(
    rows: Sequence[Row], samples: Iterable[int], arrays: Mapping[int, npt.NDArray[np.uint8]]
) -> list[tuple[int, FileFacts | Drop]]:
    samples = list(samples)
    path = rows[samples[0]].path
    try:
        content = _read_bytes(path)
        photo = read_photo(content)
    except ImageError as error:
        reason = str(error).removeprefix("image bytes: ")
        return [
            (index, Drop(path, rows[index].source, UNREADABLE, f"{path}: {reason}"))
            for index in samples
        ]
    sha256 = hashlib.sha256(content).hexdigest()
    return [
        (index, _fill(index, rows[index], photo, len(content), sha256, arrays)) for index in samples
    ]


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(error.strerror or type(error).__name__) from error


def _fill(
    index: int,
    row: Row,
    photo: Photo,
    file_bytes: int,
    sha256: str,
    arrays: Mapping[int, npt.NDArray[np.uint8]],
) -> FileFacts | Drop:
    try:
        face = cropped(photo.image, row.box, str(row.path))
    except ImageError as error:
        return Drop(row.path, row.source, BAD_BOX, str(error))
    for size_px, images in arrays.items():
        images[index] = resized(face, size_px)
    return FileFacts(*face.size, file_bytes, photo.format, photo.mode, photo.jpeg_quality, sha256)
