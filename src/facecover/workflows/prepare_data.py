"""A dataset that a command makes for itself, and makes once."""

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import facecover
from facecover.dataset.arrays import Dataset, open_dataset
from facecover.dataset.manifest import FORMAT_VERSION
from facecover.dataset.opened import is_dataset
from facecover.files import written_file
from facecover.preparation.pipeline import PrepareOptions, prepare
from facecover.progress import SILENT, Progress
from facecover.sources.rows import Source

_KEY_NAME = "prepared.json"


def prepared_once(
    folder: Path, sources: Sequence[Source], options: PrepareOptions, progress: Progress = SILENT
) -> Dataset:
    """The dataset of some sources, prepared unless it stands there and the photos are the same.

    Args:
        folder: the dataset's place; what it was made from is noted beside it.
        sources: what it is made from.
        options: how.
        progress: told how far it is.

    Raises:
        DatasetError: if too much cannot be read, or a class is missing from a split.
        LabelError: if the sources hold one class only.
        OutputError: if the folder holds something else or cannot be written.
    """
    key_path = folder.with_name(_KEY_NAME)
    key = _key(sources, options)
    if is_dataset(folder) and key_path.is_file() and key_path.read_text("utf-8") == key:
        progress.note(f"prepared before: {folder}")
        return open_dataset(folder)
    with progress.bar("preparing", sum(len(source.rows) for source in sources)) as advance:
        dataset = prepare(sources, folder, options, advance, progress.note)
    with written_file(key_path) as beside:
        beside.write_text(key, "utf-8")
    return dataset


def _key(sources: Sequence[Source], options: PrepareOptions) -> str:
    """Changes when a photo or a list of corrections comes, goes, changes, or is used otherwise."""
    how = dataclasses.replace(options, workers=None)
    hashed = hashlib.sha256(repr((facecover.__version__, FORMAT_VERSION, how)).encode())
    for path in options.relabel:
        hashed.update(path.read_bytes())
    for source in sources:
        for row in source.rows:
            state = row.path.stat()
            facts = (os.fsencode(row.path), state.st_size, state.st_mtime_ns, row.label, row.box)
            hashed.update(repr((*facts, row.split, row.group)).encode())
    return hashed.hexdigest()
