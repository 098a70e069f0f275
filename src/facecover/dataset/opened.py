"""The one door to labelled images: a prepared dataset, or photos decoded for the moment."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.archives import RefusedError, unpack
from facecover.dataset import MAX_UNREADABLE_SHARE
from facecover.dataset.arrays import Dataset, Images
from facecover.dataset.collect import (
    CLASS_LEFT_OUT,
    DROPPED_NAME,
    Collection,
    collect,
    drops_table,
    read_drops,
    unreadable_among,
    without_incorrect,
)
from facecover.dataset.decode import UNREADABLE
from facecover.dataset.manifest import MANIFEST_NAME, Manifest, digest_samples, group_numbers
from facecover.dataset.photo_dataset import PHOTOS_NAME, PhotoDataset
from facecover.errors import ConfigError, DatasetError, FacecoverError, shown
from facecover.file_kinds import ArchiveKind, archive_kind
from facecover.files import scratch_folder
from facecover.images import MAX_PIXELS
from facecover.labels import class_name
from facecover.progress import SILENT, Progress
from facecover.sources import SUFFIXES
from facecover.sources.reading import parse_assignments, read_sources
from facecover.sources.rows import Drop, Source

Paths = str | Path | Sequence[str | Path]
"""One path or several."""


def as_paths(paths: Paths) -> list[Path]:
    """One path or several as a list."""
    return [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]


def is_dataset(path: Path) -> bool:
    """Whether a path is a folder that `facecover prepare` wrote.

    Raises:
        DatasetError: if it cannot be looked up.
    """
    try:
        return (path / MANIFEST_NAME).is_file()
    except OSError as error:  # too long a name, or a folder that may not be looked into
        raise DatasetError(
            f"{shown(path)}: cannot be looked up: {error.strerror}; expected a folder or a file "
            "that can be read"
        ) from error


def whole_photos(paths: Sequence[Path]) -> PhotoDataset | None:
    """The dataset of whole photos that a single path leads to; None for any other data.

    Raises:
        DatasetError: if it is broken, or a path cannot be looked up.
    """
    if len(paths) != 1 or not is_dataset(paths[0]) or not (paths[0] / PHOTOS_NAME).is_file():
        return None
    return PhotoDataset.open(paths[0])


@dataclass(frozen=True)
class SourceOptions:
    """How photos are read, as the options of these names say it.

    Attributes:
        layouts: ``[NAME=]LAYOUT``, see `sources`.
        labels: ``[NAME=]CLASS``.
        mapping: ``THEIRS=CLASS``.
        max_unreadable_share: 0..1; more photos that cannot be read are an error.
        workers: threads that decode; None for one a core.
        max_pixels: of large photos that are decoded at a time.
    """

    layouts: Sequence[str] = ()
    labels: Sequence[str] = ()
    mapping: Sequence[str] = ()
    max_unreadable_share: float = MAX_UNREADABLE_SHARE
    workers: int | None = None
    max_pixels: int = MAX_PIXELS


def read_labelled(
    paths: Sequence[Path], options: SourceOptions, progress: Progress = SILENT
) -> tuple[Source, ...]:
    """Read sources as the options say, and note how each was recognised.

    Raises:
        ConfigError: if an option is wrong.
        DatasetError: if a source is missing, empty or in no known layout.
        LabelError: if a class name is unknown.
    """
    assigned = parse_assignments(
        layouts=options.layouts, labels=options.labels, maps=options.mapping
    )
    sources = read_sources(paths, assigned)
    for source in sources:
        progress.note(_described(source))
    return sources


@contextmanager
def opened_sources(
    paths: Sequence[Path], options: SourceOptions, progress: Progress = SILENT
) -> Iterator[tuple[Source, ...]]:
    """The same; zip and tar archives among them are unpacked for the moment.

    Raises:
        ConfigError, DatasetError, LabelError: as `read_labelled`; the second also if an archive is
            broken, or unpacks to far more than its own size.
    """
    kinds = {path: kind for path in paths if (kind := archive_kind(path)) is not None}
    if not kinds:
        yield read_labelled(paths, options, progress)
        return
    with scratch_folder(progress.note) as scratch:
        folders = {
            path: scratch / str(number) / _without_suffix(path.name)
            for number, path in enumerate(kinds)
        }
        broken: list[Drop] = []
        try:
            broken = [
                drop
                for path, kind in kinds.items()
                for drop in _unpacked(path, kind, folders[path], progress)
            ]
            sources = read_labelled([folders.get(path, path) for path in paths], options, progress)
            archives = {folder: path.absolute() for path, folder in folders.items()}
            sources = tuple(replace(one, archive=archives.get(one.root)) for one in sources)
            yield (replace(sources[0], drops=(*sources[0].drops, *broken)), *sources[1:])
        except FacecoverError as error:
            text = str(error)
            if broken:
                text += f"; {len(broken):,} could not be unpacked: {broken[0].detail}"
            for path, folder in folders.items():
                text = text.replace(shown(folder), shown(path))
            raise type(error)(text) from error


def _without_suffix(name: str) -> str:
    return re.sub(r"(\.tar)?\.(zip|tar|t?gz|t?bz2?|t?xz)$", "", name, flags=re.IGNORECASE) or name


def _unpacked(path: Path, kind: ArchiveKind, folder: Path, progress: Progress) -> list[Drop]:
    """Unpack an archive; gives what could not be."""
    progress.note(f"unpacking {shown(path)} for the moment")
    try:
        skipped, broken = unpack(path, kind, folder, SUFFIXES)
    except RefusedError as error:
        raise DatasetError(f"{shown(path)}: {error}") from error
    if skipped:
        counts = ", ".join(f"{n:,} {reason}" for reason, n in skipped.items())
        progress.note(f"{shown(path)}: passed over: {counts}")
    return [
        Drop(Path(one.name), folder.name, UNREADABLE, f"{shown(one.name)}: {one.reason}")
        for one in broken
    ]


def _described(source: Source) -> str:
    counts = Counter(row.label for row in source.rows)
    classes = ", ".join(f"{counts[label]:,} {class_name(label)}" for label in sorted(counts))
    text = f"{source.name}: {source.layout}, {len(source.rows):,} faces ({classes})"
    numbers = {n: label for n, label in source.class_labels.items() if not any(map(str.isalpha, n))}
    if numbers:  # data sets do not agree on what 0 and 1 mean
        text += f"; read {', '.join(f'{n} as {class_name(numbers[n])}' for n in sorted(numbers))}"
    if source.drops:
        reasons = Counter(drop.reason for drop in source.drops)
        left_out = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
        text += f"; left out: {left_out}"
    text = "; ".join([text, *source.notes])
    skipped = [f"{n:,} {reason}" for reason, n in source.skipped.items() if n > 0]
    return f"{text}; passed over: {', '.join(skipped)}" if skipped else text


ALL = "all"
"""Stands for every image where the data brings no split."""


@dataclass(frozen=True)
class LabelledImages:
    """Images to measure models on.

    Attributes:
        images: by size in pixels, ``uint8 (N, S, S, 3)``, RGB.
        labels: ``int64 (N,)``.
        rows: ``int64 (n,)``, those to measure on.
        groups: ``int64 (N,)``, which images are not independent; None if none are known.
        names: the file of each image.
        table: the manifest's columns and any further ones; row i belongs to image i.
        split: which split the rows are, or ``all``.
        digest: the identity of the data.
        manifest: of a prepared dataset.
        drops: what was left out.
        n_classes: images with a label from here on stay out: no model would know it.
    """

    images: Mapping[int, Images]
    labels: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64] | None
    names: list[str]
    table: pd.DataFrame
    split: str
    digest: str
    manifest: Manifest | None
    drops: pd.DataFrame
    n_classes: int

    @property
    def left_out(self) -> dict[str, int]:
        """How many files were left out, by reason."""
        return dict(Counter(self.drops["reason"].astype(str)).most_common())

    def rows_of(self, split: str) -> npt.NDArray[np.int64]:
        """The rows of a split, or of ``all``: ``int64 (n,)``; empty where there is none."""
        return _rows_of(self.table, split, self.n_classes)


@contextmanager
def labelled_images(
    paths: Sequence[Path],
    sizes_px: Sequence[int],
    split: str | None,
    options: SourceOptions,
    *,
    n_classes: int,
    progress: Progress = SILENT,
) -> Iterator[LabelledImages]:
    """Images of every size asked for, from a dataset or decoded for the moment.

    Args:
        paths: one dataset folder, or sources.
        sizes_px: the models' input sizes.
        split: which split; None for the test split, or all where the data brings none.
        options: how sources are read.
        n_classes: with two, incorrectly worn masks are left out.
        progress: called as the work goes on.

    Raises:
        DatasetError: if the data cannot be read or has no such split.
        ConfigError: if datasets and sources are mixed.
    """
    if any(is_dataset(path) for path in paths):
        if len(paths) > 1:
            raise ConfigError("--data: expected one dataset or several sources, found both")
        yield of_dataset(paths[0], sizes_px, split or "test", n_classes, progress)
        return
    with (
        opened_sources(paths, options, progress) as sources,
        scratch_folder(progress.note) as folder,
    ):
        yield _of_sources(sources, sizes_px, split, options, folder, n_classes, progress)


def of_dataset(
    path: Path,
    sizes_px: Sequence[int],
    split: str,
    n_classes: int,
    progress: Progress = SILENT,
) -> LabelledImages:
    """The images of a prepared dataset, for a split or ``all``; see `labelled_images`.

    Raises:
        DatasetError: if it is no dataset, or has no such split or size.
    """
    collection = Collection(Dataset.open(path), read_drops(path / DROPPED_NAME))
    dataset = collection.dataset
    of_split = np.arange(len(dataset)) if split == ALL else dataset.rows_of(split)
    images = _labelled(collection, sizes_px, split, n_classes)
    _note_unknown(len(of_split) - len(images.rows), progress)
    return images


def _of_sources(
    sources: tuple[Source, ...],
    sizes_px: Sequence[int],
    split: str | None,
    options: SourceOptions,
    folder: Path,
    n_classes: int,
    progress: Progress,
) -> LabelledImages:
    if n_classes == 2:
        sources = tuple(without_incorrect(source) for source in sources)
    collection = _collected(sources, folder, options, progress, sizes_px)
    reasons = Counter(drop.reason for drop in collection.drops)
    _note_unknown(reasons[CLASS_LEFT_OUT], progress)
    if unreadable := unreadable_among(collection.drops):
        examples = "; ".join(drop.detail for drop in unreadable[:3])
        progress.note(f"left out: {len(unreadable):,} that cannot be read: {examples}")
    known = {name for name in collection.table["split"].dropna()}
    split = split or ("test" if "test" in known else ALL)
    if split not in (ALL, *known):
        raise DatasetError(
            f"--split {split}: the photos bring no such split; expected --split all, or one of "
            f"{', '.join(sorted(known)) or 'none'}"
        )
    return _labelled(collection, sizes_px, split, n_classes)


def _collected(
    sources: Sequence[Source],
    folder: Path,
    options: SourceOptions,
    progress: Progress,
    sizes_px: Sequence[int] = (),
) -> Collection:
    with progress.bar("decoding", sum(len(source.rows) for source in sources)) as advance:
        return collect(
            sources,
            folder,
            sizes_px=sizes_px,
            max_unreadable_share=options.max_unreadable_share,
            workers=options.workers,
            max_pixels=options.max_pixels,
            on_progress=advance,
        )


def _labelled(
    collection: Collection, sizes_px: Sequence[int], split: str, n_classes: int
) -> LabelledImages:
    dataset, table = collection.dataset, collection.table
    info = dataset.manifest.info
    return LabelledImages(
        images={size: dataset.images(size) for size in {*sizes_px, *info.sizes_px}},
        labels=dataset.labels,
        rows=_rows_of(table, split, n_classes),
        groups=group_numbers(table),
        names=[f"{one}/{path}" for one, path in zip(table["source"], table["path"], strict=True)],
        table=table,
        split=split,
        digest=info.digest
        or digest_samples(dataset.comparable_images, table, np.arange(len(table))),
        manifest=dataset.manifest if info.digest else None,
        drops=drops_table(collection.drops),
        n_classes=n_classes,
    )


def _note_unknown(count: int, progress: Progress) -> None:
    if count:
        progress.note(f"left out: {count:,} incorrect_mask, a class that the model does not know")


def _rows_of(table: pd.DataFrame, split: str, n_classes: int) -> npt.NDArray[np.int64]:
    is_known = (table["label"] < n_classes).to_numpy(dtype=bool)
    if split == ALL:
        return np.flatnonzero(is_known)
    is_there = (table["split"] == split).fillna(False).to_numpy(dtype=bool)
    return np.flatnonzero(is_known & is_there)


@contextmanager
def decoded(
    paths: Sequence[Path], options: SourceOptions, progress: Progress = SILENT
) -> Iterator[Collection]:
    """Every sample of one dataset or of several sources.

    Args:
        paths: one dataset folder, or sources.
        options: how sources are read.
        progress: called as the work goes on.

    Raises:
        ConfigError: if a dataset stands beside other paths.
        DatasetError: if the data cannot be read.
        LabelError: if a class name is unknown.
    """
    if any(is_dataset(path) for path in paths):
        if len(paths) > 1:
            raise ConfigError("SOURCE: expected one dataset or several sources, found both")
        yield Collection(Dataset.open(paths[0]), read_drops(paths[0] / DROPPED_NAME))
        return
    with (
        opened_sources(paths, options, progress) as sources,
        scratch_folder(progress.note) as folder,
    ):
        yield _collected(sources, folder, options, progress)
