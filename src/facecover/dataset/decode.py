"""Photos to arrays: each is read once, on every core, squeezed to every size, and measured.

Helper processes import this module, and so it needs no pandas.
"""

import dataclasses
import hashlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from facecover.dataset import MEASURE_SIZE_PX
from facecover.errors import DatasetError, ImageError, shown
from facecover.files import available_cores
from facecover.images import LUMA, MAX_PIXELS, Photo, PixelBudget, resized
from facecover.labels import Box
from facecover.progress import OnProgress
from facecover.sources.rows import Drop, Row

SMALLEST, LARGEST = 1.5, 3.2
"""The side of a cut, from and to, in longer sides of its box; drawn evenly in the logarithm."""

_ABOVE_MIDDLE = 0.35
"""How far above the middle of a cut the face stands, as a share of its room: as in portraits."""

_SPREAD = 0.3
"""How far it stands from there at the most, as a share of its room."""

_LEAST_GAIN = 1.25
"""A picture that leaves less than this, in longer sides of the box, is not worth a cut."""

_SEEN_SHARE, _SEEN_SIDE = 0.3, 0.5
"""A face of another class is seen in a cut with more than this share of it inside, if its longer
side is more than this share of the box's."""

_TRIES = 6


def wide_cut(
    row: Row, others: Sequence[Row], picture_size: tuple[int, int], sha256: str
) -> Box | None:
    """A square cut around a box, at random but the same for the same file and box.

    Args:
        row: a face with a box that lies inside its picture.
        others: the other faces of the picture.
        picture_size: the picture's width and height in pixels.
        sha256: of the picture's file, in hexadecimal.

    Returns:
        A box that holds the row's, inside the picture; or None where the picture leaves no room,
        or every cut that was tried has a face of another class in it.
    """
    if row.box is None:
        return None
    rng = np.random.default_rng([int(sha256[:16], 16), *row.box])
    unlike = [other for other in others if other.label != row.label]
    for _ in range(_TRIES):
        cut = _drawn(row.box, picture_size, rng)
        if cut is not None and not any(_is_seen(other, cut, row.box) for other in unlike):
            return cut
    return None


def _drawn(box: Box, picture_size: tuple[int, int], rng: np.random.Generator) -> Box | None:
    longer = _longer(box)
    factor = float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
    across, down = rng.uniform(-_SPREAD, _SPREAD, 2)
    side = min(round(longer * factor), *picture_size)
    if side < _LEAST_GAIN * longer:
        return None
    x0 = _start_of_cut(box.x0, box.x1, side, picture_size[0], across)
    y0 = _start_of_cut(box.y0, box.y1, side, picture_size[1], down + _ABOVE_MIDDLE)
    return Box(x0, y0, x0 + side, y0 + side)


def _start_of_cut(low: int, high: int, side: int, limit: int, off: float) -> int:
    """Where a cut begins along one axis; the box is inside it, and it inside the picture."""
    wanted = round((low + high - side) / 2 + off * (side - (high - low)) / 2)
    return min(max(wanted, 0), limit - side)


def _is_seen(other: Row, cut: Box, box: Box) -> bool:
    if other.box is None or _longer(other.box) <= _SEEN_SIDE * _longer(box):
        return False
    x0, y0, x1, y1 = other.box
    inside = max(0, min(cut.x1, x1) - max(cut.x0, x0)) * max(0, min(cut.y1, y1) - max(cut.y0, y0))
    return inside > _SEEN_SHARE * (x1 - x0) * (y1 - y0)


def _longer(box: Box) -> int:
    return max(box.x1 - box.x0, box.y1 - box.y0)


MEASURES = ("brightness", "contrast", "sharpness", "red", "green", "blue")


def measure_pixels(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Measures of each image: ``float32 (N, 6)``, 0..1, in the order of `MEASURES`.

    ``brightness`` is the mean luma, ``contrast`` its standard deviation, ``sharpness`` the mean
    absolute Laplacian of luma (4 neighbours, divided by 4), and ``red``, ``green``, ``blue`` are
    the channel means. Meant for some tens of images at a time.

    Args:
        images: ``uint8 (N, S, S, 3)``, RGB.
    """
    # Plane by plane, and without a matrix product: BLAS would start threads of its own.
    planes = np.ascontiguousarray(np.moveaxis(images, 3, 0))  # (3, n, S, S)
    luma = planes[0] * LUMA[0]
    luma += planes[1] * LUMA[1]
    luma += planes[2] * LUMA[2]
    around = luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1]
    around += luma[:, 1:-1, :-2]
    around += luma[:, 1:-1, 2:]
    laplacian = np.abs(luma[:, 1:-1, 1:-1] - around / 4)
    means = planes.sum(axis=(2, 3), dtype=np.uint64) / (images.shape[1] * images.shape[2])
    whole = (1, 2)
    measures = [luma.mean(axis=whole), luma.std(axis=whole), laplacian.mean(axis=whole), *means]
    return (np.column_stack(measures) / 255).astype(np.float32)


UNREADABLE = "unreadable image"
BAD_BOX = "box outside its picture"

_PHOTOS_PER_TASK = 48

_WORTH_PROCESSES = 1000
"""Fewer rows than this are decoded sooner than helper processes have started."""

Arrays = Mapping[int, npt.NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file said of a sample, before it was squeezed.

    Attributes:
        width: of the face in pixels: of the box where there is one, else of the upright photo.
        format: Pillow's name, by content.
        mode: Pillow's name of the pixel mode in the file.
        jpeg_quality: 1..100, or None where the file is no JPEG.
        sha256: of the file's bytes, in hexadecimal.
        wide_cut: the index of the wide cut in its arrays, or None where there is none.
        wide_x0: the left side of the wide cut in pixels of the photo.
    """

    width: int
    height: int
    file_bytes: int
    format: str
    mode: str
    jpeg_quality: int | None
    sha256: str
    wide_cut: int | None = None
    wide_x0: int | None = None
    wide_y0: int | None = None
    wide_x1: int | None = None
    wide_y1: int | None = None


class DecodedRows(NamedTuple):
    """What decoding some rows found.

    Attributes:
        outcomes: for each row, what its file said, or why it was dropped.
        measures: ``float32 (N, 6)``, see `measure_pixels`; of no meaning where dropped.
    """

    outcomes: list[FileFacts | Drop]
    measures: npt.NDArray[np.float32]


def decode_rows(
    rows: Sequence[Row],
    array_paths: Mapping[int, Path],
    wide_paths: Mapping[int, Path],
    *,
    workers: int | None = None,
    max_pixels: int = MAX_PIXELS,
    on_progress: OnProgress | None = None,
) -> DecodedRows:
    """Decode every row into the arrays; a photo with several boxes is read once.

    Processes write into the same memory-mapped files. Threads would do, since Pillow leaves the
    interpreter lock while it decodes, but were slower: photos of faces are small, and what is done
    between two calls of Pillow takes the lock too often (`benchmarks/preparing.py`).

    Args:
        rows: the samples; rows of one photo stand together.
        array_paths: by size in pixels, 64 among them, the ``.npy`` file to fill:
            ``uint8 (N, S, S, 3)``, RGB, N = len(rows).
        wide_paths: by size, the file to fill with the wide cuts of the rows that have a box:
            ``uint8 (M, S, S, 3)``, M of them in the order of the rows. Empty: no wide cuts.
        workers: processes; by default one a core, where there are many photos.
        max_pixels: of large photos that are decoded at a time, over all processes; a photo with
            more is dropped, unless it is a JPEG, which is decoded at reduced scale.
        on_progress: called with the number of samples done, every few.

    Raises:
        DatasetError: if a helper process was killed, or could not start.
    """
    tasks = list(_tasks(rows))
    count = workers or (available_cores() if len(rows) >= _WORTH_PROCESSES else 1)
    outcomes: list[FileFacts | Drop] = []
    measures = [np.zeros((0, len(MEASURES)), np.float32)]
    paths = (array_paths, wide_paths)
    for done in _run(tasks, paths, min(count, len(tasks)), max_pixels):
        outcomes += done.outcomes
        measures.append(done.measures)
        if on_progress is not None:
            on_progress(len(done.outcomes))
    return DecodedRows(outcomes, np.concatenate(measures))


class _Task(NamedTuple):
    """Some photos: their rows, and the place of the first in the arrays, and of the first box."""

    start: int
    first_box: int
    rows: Sequence[Row]


def _tasks(rows: Sequence[Row]) -> Iterator[_Task]:
    ends = [0]
    for _, run in groupby(rows, key=lambda row: row.path):
        ends.append(ends[-1] + len(list(run)))
    bounds = [*ends[:-1:_PHOTOS_PER_TASK], ends[-1]]
    first_box = 0
    for start, end in pairwise(bounds):
        yield _Task(start, first_box, rows[start:end])
        first_box += sum(row.box is not None for row in rows[start:end])


_Paths = tuple[Mapping[int, Path], Mapping[int, Path]]
_Maps = tuple[Arrays, Arrays]
"""Of the faces, and of the wide cuts."""

_maps: _Maps = ({}, {})
"""The memory-mapped arrays of a helper process."""

_budget = PixelBudget(MAX_PIXELS)
"""What the helper processes share."""

FREE_PIXELS = 25_000_000
"""Photos with as many or fewer, as most cameras make them, wait for no other: 100 MB a process."""


def _run(tasks: list[_Task], paths: _Paths, workers: int, max_pixels: int) -> Iterator[DecodedRows]:
    pool = _new_pool(workers, paths, max_pixels) if workers > 1 else None
    if pool is None:
        maps, budget = _open(paths), PixelBudget(max_pixels)
        yield from (_decode_task(task, maps, budget) for task in tasks)
        return
    try:
        yield from pool.map(_decode_in_helper, tasks)
    except BrokenProcessPool as error:
        raise DatasetError(
            "a process that decodes photos died: out of memory, or a script without "
            "`if __name__ == '__main__':` around its calls; with one worker (--workers 1) there "
            "is none"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _new_pool(workers: int, paths: _Paths, max_pixels: int) -> ProcessPoolExecutor | None:
    """Helper processes; None where the system has no room for what they share, in /dev/shm.

    They are spawned: a server that forks them keeps a folder, which is left if it is killed.
    """
    context = multiprocessing.get_context("spawn")
    try:
        budget = PixelBudget(max_pixels, free_pixels=FREE_PIXELS, context=context)
        return ProcessPoolExecutor(workers, context, initializer=_start, initargs=(paths, budget))
    except (OSError, ImportError):  # read-only, full, or a Python without semaphores
        return None


def _start(paths: _Paths, budget: PixelBudget) -> None:
    # Ctrl-C reaches every process of the terminal; the main one alone answers to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_main_process, daemon=True).start()
    global _maps, _budget
    _maps, _budget = _open(paths), budget


def _end_with_the_main_process() -> None:
    """A helper would wait for ever for work from one that was killed."""
    main = multiprocessing.parent_process()
    if main is not None:
        main.join()
        os._exit(1)


def _open(paths: _Paths) -> _Maps:
    faces, wide = (
        {size: np.load(path, mmap_mode="r+") for size, path in by_size.items()} for by_size in paths
    )
    return faces, wide


def _decode_in_helper(task: _Task) -> DecodedRows:
    return _decode_task(task, _maps, _budget)


def _decode_task(task: _Task, maps: _Maps, budget: PixelBudget) -> DecodedRows:
    faces, wide = maps
    end = task.start + len(task.rows)
    views = {size: images[task.start : end] for size, images in faces.items()}
    outcomes: list[FileFacts | Drop] = []
    box_index = task.first_box
    for _, run in groupby(task.rows, key=lambda row: row.path):
        rows = list(run)
        outcomes += _decode_photo(rows, len(outcomes), views, box_index, wide, budget)
        box_index += sum(row.box is not None for row in rows)
    return DecodedRows(outcomes, measure_pixels(views[MEASURE_SIZE_PX]))


def _decode_photo(
    rows: list[Row],
    start: int,
    faces: Arrays,
    box_index: int,
    wide: Arrays,
    budget: PixelBudget,
) -> list[FileFacts | Drop]:
    """Every row of one photo; the first stands at `start`, the first with a box at `box_index`."""
    path = rows[0].path
    try:
        content = path.read_bytes()
        with budget.photo(content, reduces=True) as photo:
            return _filled(rows, start, faces, box_index, wide, photo, content)
    except (ImageError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        detail = f"{shown(path)}: {(reason or '').removeprefix('image bytes: ')}"
        return [Drop(path, row.source, UNREADABLE, detail) for row in rows]


def _filled(
    rows: list[Row],
    start: int,
    faces: Arrays,
    box_index: int,
    wide: Arrays,
    photo: Photo,
    content: bytes,
) -> list[FileFacts | Drop]:
    sha256 = hashlib.sha256(content).hexdigest()
    found: list[FileFacts | Drop] = []
    for offset, row in enumerate(rows):
        facts = _fill(start + offset, row, photo, len(content), sha256, faces)
        if wide and row.box is not None:
            if isinstance(facts, FileFacts):
                others = [*rows[:offset], *rows[offset + 1 :]]
                facts = _filled_wide(box_index, row, others, photo, facts, wide)
            box_index += 1
        found.append(facts)
    return found


def _filled_wide(
    index: int, row: Row, others: Sequence[Row], photo: Photo, facts: FileFacts, wide: Arrays
) -> FileFacts:
    """What is known of a row, with its wide cut where it has one."""
    cut = wide_cut(row, others, photo.full_size, facts.sha256)
    if cut is None:
        return facts
    surroundings = photo.cropped(cut)
    for size_px, images in wide.items():
        images[index] = resized(surroundings, size_px)
    window = {f"wide_{name}": side for name, side in cut._asdict().items()}
    return dataclasses.replace(facts, wide_cut=index, **window)


def _fill(
    index: int, row: Row, photo: Photo, file_bytes: int, sha256: str, arrays: Arrays
) -> FileFacts | Drop:
    try:
        face = photo.cropped(row.box, shown(row.path))
    except ImageError as error:
        return Drop(row.path, row.source, BAD_BOX, str(error))
    for size_px, images in arrays.items():
        images[index] = resized(face, size_px)
    x0, y0, x1, y1 = row.box or (0, 0, *photo.full_size)
    size = (x1 - x0, y1 - y0)
    return FileFacts(*size, file_bytes, photo.format, photo.mode, photo.jpeg_quality, sha256)
