"""Photos of one person that have no box: each gets the box of its largest face."""

import dataclasses
from collections.abc import Callable
from functools import partial

from facecover.errors import ImageError
from facecover.files import available_cores
from facecover.images import MAX_PIXELS, PixelBudget
from facecover.inference.classifier import done_ahead
from facecover.labels import Box
from facecover.progress import OnProgress
from facecover.scenes.detector import FaceFinder
from facecover.sources.rows import Row, Source
from facecover.text import photos


def with_largest_faces(
    source: Source,
    finder: FaceFinder,
    *,
    max_pixels: int = MAX_PIXELS,
    threads: int | None = None,
    on_progress: OnProgress = lambda _: None,
    on_note: Callable[[str], object] = lambda _: None,
) -> Source:
    """A source whose photos without a box have that of their largest face.

    They are then cut as annotated faces are. Where no face is found, or the photo cannot be read,
    it stays as it is.

    Args:
        source: as it was read.
        finder: finds the faces.
        max_pixels: that are decoded at a time; a JPEG with more is looked at in reduced scale.
        threads: photos that are looked at at a time; one a core by default.
        on_progress: called with the number of rows done.
        on_note: called with how many photos stay as they are, if any.
    """
    locate = partial(_located, finder=finder, budget=PixelBudget(max_pixels))
    count = threads or available_cores()
    rows = []
    for row in done_ahead(locate, source.rows, ahead=2 * count, threads=count):
        rows.append(row)
        on_progress(1)
    none = sum(row.box is None for row in rows)
    if none:
        on_note(f"{source.name}: no face found in {photos(none)}, which stay whole")
    return dataclasses.replace(source, rows=tuple(rows))


def _located(row: Row, finder: FaceFinder, budget: PixelBudget) -> Row:
    if row.box is not None:
        return row
    try:
        with budget.photo(row.path, finder.longest_side_px) as photo:
            boxes = finder.find(photo).boxes
            width, height = photo.full_size
    except ImageError:  # told of when it is decoded
        return row
    if not len(boxes):
        return row
    sides = boxes[:, 2:] - boxes[:, :2]
    x0, y0, x1, y1 = boxes[sides.prod(axis=1).argmax()].round().astype(int).tolist()
    return dataclasses.replace(row, box=Box(x0, y0, min(x1, width), min(y1, height)))
