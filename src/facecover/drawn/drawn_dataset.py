"""The built-in dataset as photos on disk, in the study's own shape."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from facecover.documents import write_document
from facecover.drawn.clothes import (
    body_pose,
    draw_body,
    draw_headwear,
    draw_headwear_behind,
    fabric_colour,
)
from facecover.drawn.face import draw_bare_head, draw_hair_behind
from facecover.drawn.person import Person, draw_person
from facecover.drawn.scene import (
    Light,
    draw_background,
    draw_jpeg_quality,
    draw_light,
    draw_pose,
    draw_size,
    lit,
    photographed,
    taken_size,
)
from facecover.drawn.sketch import Pose, Random, Sketch
from facecover.drawn.wear import draw_cover, draw_glasses, draw_prop
from facecover.errors import ConfigError, LabelError
from facecover.files import written_folder
from facecover.labels import MASK, NO_MASK


def draw_face(
    generator: np.random.Generator, label: int, size: tuple[int, int] | None = None
) -> Image.Image:
    """A drawn photo of a face, RGB.

    Size, person, framing, light, background and camera are drawn without regard to the label;
    only what covers the mouth, or is held before it, depends on it.

    Args:
        generator: draws everything; the same state gives the same picture.
        label: 0 for a bare face, 1 for a covered one.
        size: width and height in pixels; drawn at random by default.

    Raises:
        LabelError: if the label is neither 0 nor 1.
        ConfigError: if a side of the size is under 1 pixel.
    """
    if label not in (NO_MASK, MASK):
        raise LabelError(f"label {label}: expected {NO_MASK} or {MASK} for a drawn face")
    if size is not None and min(size) < 1:
        raise ConfigError(f"size {size[0]} x {size[1]}: expected 1 pixel or more a side")
    rng = Random(generator.bit_generator)
    drawn_size = draw_size(rng)
    final = size or drawn_size
    taken = taken_size(final, rng)
    canvas = (2 * taken[0], 2 * taken[1])
    person, pose, light = draw_person(rng), draw_pose(canvas, rng), draw_light(rng)
    image = draw_background(canvas, person.skin, rng)
    _draw_person(ImageDraw.Draw(image), person, pose, light, label, rng)
    pixels = lit(np.asarray(image.reduce(2)), pose, light, canvas)
    return photographed(pixels, final, rng)


def _draw_person(
    draw: ImageDraw.ImageDraw, person: Person, pose: Pose, light: Light, label: int, rng: Random
) -> None:
    behind, body, head = Sketch(pose), Sketch(body_pose(pose), depth=0.0), Sketch(pose)
    hat = fabric_colour(rng)
    draw_headwear_behind(behind, person, hat)
    draw_hair_behind(behind, person, rng)
    draw_body(body, person, rng)
    draw_bare_head(head, person, light.side if label == NO_MASK else None, rng)
    draw_headwear(head, person, hat, rng)
    if label == MASK:
        draw_cover(head, person, rng)
    draw_glasses(head, person, rng)
    for sketch in (behind, body, head, *draw_prop(pose, person, rng, label)):
        sketch.draw_on(draw)


MARKER_NAME = "drawn.json"
"""Stands beside ``train/`` and ``test/``: what was drawn, and the sign that the folder is ours."""

DRAWING_VERSION = 1
"""Counts up whenever the same seed gives other pictures."""

_SPLITS = ("train", "test")


def draw_dataset(
    folder: str | Path,
    train_count: int = 4000,
    test_count: int = 1000,
    seed: int = 0,
    on_progress: Callable[[int], None] | None = None,
) -> None:
    """Write drawn faces as ``train/<id>_<label>.jpg`` and ``test/<id>_<label>.jpg``.

    Each photo has a generator of its own, from the seed, the split and its id: photo 7 is the
    same however many are drawn. About half of each split is covered.

    Args:
        folder: the folder to make; one that this function made before is replaced.
        train_count: number of training photos.
        test_count: number of test photos.
        seed: 0 or greater; the same seed gives the same bytes.
        on_progress: called after each photo.

    Raises:
        ConfigError: if a count is under 1 or the seed under 0.
        OutputError: if the folder holds something else or cannot be written.
    """
    _check("training photos", train_count, 1)
    _check("test photos", test_count, 1)
    _check("seed", seed, 0)
    with written_folder(Path(folder), replace_if=MARKER_NAME, holding=_SPLITS) as beside:
        for split, count in zip(_SPLITS, (train_count, test_count), strict=True):
            (beside / split).mkdir()
            for photo_id in range(count):
                _write_photo(beside, split, seed, photo_id)
                if on_progress is not None:
                    on_progress(1)
        write_document(beside / MARKER_NAME, drawn_facts(train_count, test_count, seed))


def drawn_facts(train_count: int, test_count: int, seed: int) -> dict[str, int]:
    """What a folder of drawn photos says of itself."""
    return {"version": DRAWING_VERSION, "seed": seed, "train": train_count, "test": test_count}


def _check(what: str, found: int, least: int) -> None:
    if found < least:
        raise ConfigError(f"{what}: expected {least} or more, found {found}")


def _write_photo(folder: Path, split: str, seed: int, photo_id: int) -> None:
    rng = Random(np.random.PCG64((seed, _SPLITS.index(split), photo_id)))
    label = MASK if rng.happens(0.5) else NO_MASK
    image = draw_face(rng, label)
    path = folder / split / f"{photo_id}_{label}.jpg"
    image.save(path, "JPEG", quality=draw_jpeg_quality(rng))
