"""The built-in dataset as photos on disk, in the study's own shape."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from facemask.data.drawn.chance import happens
from facemask.data.drawn.degrade import draw_jpeg_quality
from facemask.data.drawn.picture import draw_face
from facemask.errors import ConfigError
from facemask.files import written_folder
from facemask.labels import MASK, NO_MASK

MARKER_NAME = "drawn.json"
"""Stands beside ``train/`` and ``test/``: what was drawn, and the sign that the folder is ours."""

DRAWING_VERSION = 1
"""Counts up whenever the same seed gives other pictures."""

_SPLITS = ("train", "test")


def draw_dataset(
    folder: Path,
    train_count: int,
    test_count: int,
    seed: int,
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
        on_progress: called after each photo with 1.

    Raises:
        ConfigError: if a count is under 1 or the seed under 0.
        OutputError: if the folder holds something else or cannot be written.
    """
    _check("training photos", train_count, 1)
    _check("test photos", test_count, 1)
    _check("seed", seed, 0)
    with written_folder(folder, replace_if=MARKER_NAME, holding=_SPLITS) as beside:
        for split, count in zip(_SPLITS, (train_count, test_count), strict=True):
            (beside / split).mkdir()
            for photo_id in range(count):
                _write_photo(beside, split, seed, photo_id)
                if on_progress is not None:
                    on_progress(1)
        facts = {"version": DRAWING_VERSION, "seed": seed, "train": train_count, "test": test_count}
        (beside / MARKER_NAME).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def _check(what: str, found: int, least: int) -> None:
    if found < least:
        raise ConfigError(f"{what}: expected {least} or more, found {found}")


def _write_photo(folder: Path, split: str, seed: int, photo_id: int) -> None:
    sequence = np.random.SeedSequence((seed, _SPLITS.index(split), photo_id))
    rng = np.random.default_rng(sequence)
    label = MASK if happens(rng, 0.5) else NO_MASK
    image = draw_face(rng, label)
    path = folder / split / f"{photo_id}_{label}.jpg"
    image.save(path, "JPEG", quality=draw_jpeg_quality(rng))
