"""What `--data` means on the command line: labelled images from a dataset or from sources."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from facemask.cli.console import note, progress
from facemask.cli.sources import is_dataset, read
from facemask.data.arrays import Images, open_dataset
from facemask.data.collect import collect
from facemask.data.drops import DROPPED_NAME, drops_table, read_drops, unreadable_among
from facemask.data.manifest import Manifest, digest_samples
from facemask.data.two_classes import CLASS_LEFT_OUT, without_incorrect
from facemask.errors import ConfigError, DatasetError

ALL = "all"
"""Stands for every image where the data brings no split."""


@dataclass(frozen=True)
class Reading:
    """How `SOURCE...` is to be read: the options of that name."""

    layouts: list[str]
    labels: list[str]
    mapping: list[str]
    max_unreadable_share: float
    workers: int | None


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
    reading: Reading,
    *,
    n_classes: int,
) -> Iterator[LabelledImages]:
    """Images of every size asked for, from a dataset or decoded for the moment.

    Args:
        paths: one dataset folder, or sources.
        sizes_px: the models' input sizes.
        split: which split; None for the test split, or all where the data brings none.
        reading: how sources are read.
        n_classes: with two, incorrectly worn masks are left out.

    Raises:
        DatasetError: if the data cannot be read or has no such split.
        ConfigError: if datasets and sources are mixed.
    """
    if any(is_dataset(path) for path in paths):
        if len(paths) > 1:
            raise ConfigError("--data: expected one dataset or several sources, found both")
        yield of_dataset(paths[0], sizes_px, split or "test", n_classes)
        return
    with tempfile.TemporaryDirectory() as name:
        yield _of_sources(paths, sizes_px, split, reading, Path(name), n_classes)


def of_dataset(path: Path, sizes_px: Sequence[int], split: str, n_classes: int) -> LabelledImages:
    """The images of a prepared dataset, for a split or ``all``; see `labelled_images`.

    Raises:
        DatasetError: if it is no dataset, or has no such split or size.
    """
    dataset = open_dataset(path)
    table = dataset.manifest.table
    # Refuses a split that is none.
    brought = np.arange(len(dataset)) if split == ALL else dataset.rows_of(split)
    rows = _rows_of(table, split, n_classes)
    _note_unknown(len(brought) - len(rows))
    return LabelledImages(
        images={
            size: dataset.images(size) for size in {*sizes_px, *dataset.manifest.info.sizes_px}
        },
        labels=dataset.labels,
        rows=rows,
        groups=_groups(table),
        names=_names(table),
        table=table,
        split=split,
        digest=dataset.manifest.info.digest,
        manifest=dataset.manifest,
        drops=drops_table(read_drops(path / DROPPED_NAME)),
        n_classes=n_classes,
    )


def _of_sources(
    paths: Sequence[Path],
    sizes_px: Sequence[int],
    split: str | None,
    reading: Reading,
    folder: Path,
    n_classes: int,
) -> LabelledImages:
    sources = read(paths, reading.layouts, reading.labels, reading.mapping)
    if n_classes == 2:
        sources = tuple(without_incorrect(source) for source in sources)
    with progress("decoding", sum(len(source.rows) for source in sources)) as advance:
        collection = collect(
            sources,
            folder,
            sizes_px=sizes_px,
            max_unreadable_share=reading.max_unreadable_share,
            workers=reading.workers,
            on_progress=advance,
        )
    reasons = Counter(drop.reason for drop in collection.drops)
    _note_unknown(reasons[CLASS_LEFT_OUT])
    if unreadable := unreadable_among(collection.drops):
        examples = "; ".join(drop.detail for drop in unreadable[:3])
        note(f"left out: {len(unreadable):,} that cannot be read: {examples}")
    table = collection.table
    chosen, rows = _chosen(table, split)
    return LabelledImages(
        images=collection.images,
        labels=table["label"].to_numpy(np.int64),
        rows=rows,
        groups=_groups(table),
        names=_names(table),
        table=table,
        split=chosen,
        digest=digest_samples(
            list(collection.pixel_digests),
            table["label"].tolist(),
            table["split"].fillna("").tolist(),
        ),
        manifest=None,
        drops=drops_table(collection.drops),
        n_classes=n_classes,
    )


def _note_unknown(count: int) -> None:
    if count:
        note(f"left out: {count:,} incorrect_mask, a class that the model does not know")


def _rows_of(table: pd.DataFrame, split: str, n_classes: int) -> npt.NDArray[np.int64]:
    is_known = (table["label"] < n_classes).to_numpy(dtype=bool)
    if split == ALL:
        return np.flatnonzero(is_known)
    is_there = (table["split"] == split).fillna(False).to_numpy(dtype=bool)
    return np.flatnonzero(is_known & is_there)


def _chosen(table: pd.DataFrame, split: str | None) -> tuple[str, npt.NDArray[np.int64]]:
    brought = table["split"].fillna("").to_numpy()
    if split is None:
        split = "test" if "test" in brought else ALL
    rows = np.arange(len(table)) if split == ALL else np.flatnonzero(brought == split)
    if not len(rows):
        raise DatasetError(
            f"--split {split}: the photos bring no such split; expected --split all, or one of "
            f"{', '.join(sorted({name for name in brought if name})) or 'none'}"
        )
    return split, rows


def _groups(table: pd.DataFrame) -> npt.NDArray[np.int64] | None:
    """A number for each group; an image without one is its own."""
    if not table["group"].notna().any():
        return None
    alone = pd.Series([f"row {index}" for index in range(len(table))], index=table.index)
    codes, _ = pd.factorize(table["group"].astype("object").fillna(alone))
    return np.asarray(codes, dtype=np.int64)


def _names(table: pd.DataFrame) -> list[str]:
    return [f"{source}/{path}" for source, path in zip(table["source"], table["path"], strict=True)]
