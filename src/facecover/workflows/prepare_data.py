"""`prepare`: from photos to a dataset; and one that a command makes for itself, once."""

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import facecover
from facecover.copies.selection import SplitBy
from facecover.dataset import (
    DEFAULT_TEST_SHARE,
    DEFAULT_VAL_SHARE,
    MAX_UNREADABLE_SHARE,
    PREPARED_SIZES_PX,
)
from facecover.dataset.arrays import Dataset
from facecover.dataset.manifest import FORMAT_VERSION
from facecover.dataset.opened import Paths, SourceOptions, as_paths, is_dataset, opened_sources
from facecover.dataset.photo_dataset import MIN_PHOTO_PX, PhotoDataset
from facecover.dataset.split import Shares
from facecover.errors import ConfigError
from facecover.files import written_file
from facecover.labels import parse_mapping
from facecover.photos import MAX_MEGAPIXELS, checked_megapixels
from facecover.preparation.found_faces import FoundFaces
from facecover.preparation.pipeline import PrepareOptions, check_output, write_dataset
from facecover.preparation.whole_photos import write_photos
from facecover.progress import SILENT, Progress
from facecover.sources.rows import Source

_KEY_NAME = "prepared.json"


def prepare(
    sources: Paths,
    output: str | Path,
    *,
    size: Sequence[int] = (),
    val: float = DEFAULT_VAL_SHARE,
    test: float = DEFAULT_TEST_SHARE,
    split_by: SplitBy = "group",
    leave_out: Sequence[str] = (),
    seed: int = 0,
    keep_incorrect: bool = False,
    relabel: Paths = (),
    faces: Literal["given", "detect"] = "given",
    whole_photos: int | None = None,
    found: str | Path | None = None,
    layout: Sequence[str] = (),
    label: Sequence[str] = (),
    mapping: Sequence[str] = (),
    max_unreadable: float = MAX_UNREADABLE_SHARE,
    workers: int | None = None,
    max_megapixels: int = MAX_MEGAPIXELS,
    progress: Progress = SILENT,
) -> Dataset | PhotoDataset:
    """Merge photos, check and split them, and decode each once into a dataset.

    Args:
        sources: folders of photos or CSV files.
        output: the dataset folder to make.
        size: sides in pixels of squares to keep besides `PREPARED_SIZES_PX`.
        val: share of validation data, 0..1.
        test: share of test data, 0..1, where the photos bring no split.
        split_by: ``group`` keeps one image of every picture, and photos of a person in one split;
            ``source`` does so, too, and tests on `leave_out`; ``random`` does neither.
        leave_out: names of sources that are test data as a whole.
        seed: of the split.
        keep_incorrect: keep incorrectly worn masks as a third class.
        relabel: lists of corrected labels.
        faces: ``detect`` cuts the largest face out of each photo that has no box, so that all are
            framed alike; ``given`` takes such a photo for a face.
        whole_photos: keep whole photos of this longest side in pixels with their boxes, for a
            detector, instead of faces.
        found: with whole photos, a table of the faces that two detectors see in them; see
            `preparation.found_faces`.
        layout: ``[NAME=]LAYOUT``, see `facecover.sources`.
        label: ``[NAME=]CLASS``, of every photo in a source without class names.
        mapping: ``THEIRS=CLASS``.
        max_unreadable: 0..1; a larger share of photos that cannot be read is an error.
        workers: threads that decode; one a core by default.
        max_megapixels: of large photos that are decoded at a time, 1..178; one with more is decoded
            at reduced scale if it is a JPEG, and cannot be read otherwise.
        progress: called as the work goes on.

    Raises:
        ConfigError: if an option is wrong.
        DatasetError: if too much cannot be read, a class is missing from a split, a correction
            names no sample, or two sources label the same pictures differently.
        LabelError: if the sources hold one class only, or mean different things by its name.
        OutputError: if the folder holds something else or cannot be written.
    """
    folder = Path(output)
    check_output(folder)
    _check_whole_photos(whole_photos, found, size, faces)
    opinion = None if found is None else FoundFaces(Path(found))
    max_pixels = checked_megapixels(max_megapixels)
    options = PrepareOptions(
        sizes_px=(*PREPARED_SIZES_PX, *size),
        shares=Shares(val=val, test=test),
        split_by=split_by,
        leave_out=tuple(dict.fromkeys(leave_out)),
        seed=seed,
        max_unreadable_share=max_unreadable,
        keeps_incorrect=keep_incorrect,
        relabel=tuple(as_paths(relabel)),
        class_map=parse_mapping(list(mapping)),
        workers=workers,
        max_pixels=max_pixels,
    )
    reading = SourceOptions(layout, label, mapping)
    with opened_sources(as_paths(sources), reading, progress) as read:
        if faces == "detect":
            read = _with_largest_faces(read, max_pixels, workers, progress)
        if whole_photos is None:
            return _written(folder, read, options, progress)
        return _written_photos(folder, read, whole_photos, opinion, options, progress)


def _written_photos(
    folder: Path,
    sources: Sequence[Source],
    longest_px: int,
    opinion: FoundFaces | None,
    options: PrepareOptions,
    progress: Progress,
) -> PhotoDataset:
    notes: list[str] = []
    files = {row.path for source in sources for row in source.rows}
    with progress.bar("preparing", len(files)) as advance:
        photos = write_photos(
            sources, folder, longest_px, options,
            found=opinion, on_progress=advance, on_note=notes.append,
        )  # fmt: skip
    _say(notes, progress)
    return photos


def _with_largest_faces(
    sources: Sequence[Source], max_pixels: int, threads: int | None, progress: Progress
) -> tuple[Source, ...]:
    from facecover.scenes.detector import FaceFinder
    from facecover.scenes.detector_file import read_detector_file
    from facecover.scenes.largest_faces import with_largest_faces

    finder = FaceFinder(read_detector_file())
    notes: list[str] = []
    with progress.bar("finding faces", sum(len(source.rows) for source in sources)) as advance:
        located = tuple(
            with_largest_faces(
                source, finder, max_pixels=max_pixels, threads=threads,
                on_progress=advance, on_note=notes.append,
            )
            for source in sources
        )  # fmt: skip
    _say(notes, progress)
    return located


def _check_whole_photos(
    whole_photos: int | None, found: str | Path | None, size: Sequence[int], faces: str
) -> None:
    if whole_photos is not None and faces == "detect":
        raise ConfigError("--faces detect: faces are cut; leave it away with --whole-photos")
    if whole_photos is None and found is not None:
        raise ConfigError(f"--found {found}: expected --whole-photos with it, such as 640")
    if whole_photos is not None and size:
        raise ConfigError(
            f"--size {size[0]}: squares are of faces; leave it away with --whole-photos"
        )
    if whole_photos is not None and whole_photos < MIN_PHOTO_PX:
        raise ConfigError(f"--whole-photos {whole_photos}: expected {MIN_PHOTO_PX} pixels or more")


def _say(notes: Sequence[str], progress: Progress) -> None:
    for note in notes:
        progress.note(note)


def _written(
    folder: Path, sources: Sequence[Source], options: PrepareOptions, progress: Progress
) -> Dataset:
    notes: list[str] = []  # kept until the bar is gone
    with progress.bar("preparing", sum(len(source.rows) for source in sources)) as advance:
        dataset = write_dataset(sources, folder, options, advance, notes.append)
    _say(notes, progress)
    return dataset


def prepared_once(
    folder: Path, sources: Sequence[Source], options: PrepareOptions, progress: Progress = SILENT
) -> Dataset:
    """The dataset of some sources, prepared unless it stands there and the photos are the same.

    Args:
        folder: the dataset's place; what it was made from is noted beside it.
        sources: what it is made from.
        options: how.
        progress: called as the work goes on.

    Raises:
        DatasetError: if too much cannot be read, or a class is missing from a split.
        LabelError: if the sources hold one class only.
        OutputError: if the folder holds something else or cannot be written.
    """
    key_path = folder.with_name(_KEY_NAME)
    key = _key(sources, options)
    if is_dataset(folder) and key_path.is_file() and key_path.read_bytes() == key.encode():
        progress.note(f"prepared before: {folder}")
        return Dataset.open(folder)
    dataset = _written(folder, sources, options, progress)
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
