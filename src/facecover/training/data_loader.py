"""Whole batches from the memory-mapped arrays, in an order that the seed and the epoch decide."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from facecover.dataset.arrays import Dataset
from facecover.errors import DatasetError
from facecover.training.config import Experiment
from facecover.training.network import Normalisation

Indices = npt.NDArray[np.int64]
Places = npt.NDArray[np.float32]

EVALUATION_BATCH = 256
"""Images in one batch where nothing is learned, so that memory alone limits it."""


class Batch(NamedTuple):
    """What one step learns from or looks at.

    Attributes:
        images: ``uint8 (B, 3, S, S)``, RGB, channels last in memory.
        labels: ``int64 (B,)``.
        places: where the face stands in each image, as x0, y0, x1, y1 in shares of the side;
            NaN in whole photos, where that is not known; ``float32 (B, 4)``.
    """

    images: Tensor
    labels: Tensor
    places: Tensor


@dataclass(frozen=True)
class WideCuts:
    """The wide cuts of some rows.

    Attributes:
        images: ``uint8 (M, S, S, 3)``, RGB; may be memory-mapped.
        indices: which of them, ``int64 (m,)``.
        rows: the row that each belongs to, ``int64 (m,)``.
        places: see `Batch`, ``float32 (m, 4)``.
    """

    images: npt.NDArray[np.uint8]
    indices: Indices
    rows: Indices
    places: Places


class Batches(TorchDataset[Batch]):
    """A split of a dataset, served a batch at a time, with its wide cuts where they are given.

    Reading a batch at once is one gather from the array; reading it image by image and stacking
    the pieces costs several times as much.

    Args:
        images: ``uint8 (N, S, S, 3)``, RGB; may be memory-mapped.
        labels: ``int64 (N,)``.
        rows: the rows of the split, ``int64 (n,)``.
        wide: their wide cuts, served as further images; None for none.
        places: see `Batch`, ``float32 (N, 4)``; None where nothing depends on them.
    """

    def __init__(
        self,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.int64],
        rows: Indices,
        wide: WideCuts | None = None,
        places: Places | None = None,
    ) -> None:
        self._images = images
        self._labels = labels
        self._rows = rows
        self._wide = wide
        self._places = _unknown(len(labels)) if places is None else places

    def __len__(self) -> int:
        return len(self._rows) + (0 if self._wide is None else len(self._wide.rows))

    def __getitem__(self, positions: Indices) -> Batch:
        """The images at some positions of the split.

        Args:
            positions: ``int64 (B,)``, 0..n-1; the wide cuts come after the rows.

        Returns:
            Them, ordered by row, since a disk reads forward and a step does not depend on the
            order in its batch.
        """
        ordered = np.sort(positions)
        split = np.searchsorted(ordered, len(self._rows))
        rows = self._rows[ordered[:split]]
        pixels, labels = np.asarray(self._images[rows]), self._labels[rows]
        places = self._places[rows]
        if self._wide is not None and split < len(ordered):
            chosen = ordered[split:] - len(self._rows)
            cuts, of_rows = self._wide.indices[chosen], self._wide.rows[chosen]
            pixels = np.concatenate([pixels, self._wide.images[cuts]])
            labels = np.concatenate([labels, self._labels[of_rows]])
            places = np.concatenate([places, self._wide.places[chosen]])
        return Batch(
            torch.from_numpy(pixels).permute(0, 3, 1, 2),
            torch.from_numpy(labels),
            torch.from_numpy(places),
        )


class ResidentBatches(TorchDataset[Batch]):
    """The same batches from images that lie on a device, so that no step waits for a copy.

    Args:
        batches: of a split.
        device: holds all of its images, ``uint8``, at once.
    """

    def __init__(self, batches: Batches, device: torch.device) -> None:
        whole = batches[np.arange(len(batches))]
        self._whole = Batch(*(part.to(device) for part in whole))

    def __len__(self) -> int:
        return len(self._whole.labels)

    def __getitem__(self, positions: Indices) -> Batch:
        """As `Batches` gives them, on the device."""
        chosen = torch.from_numpy(np.sort(positions)).to(self._whole.labels.device)
        images, labels, places = (part[chosen] for part in self._whole)
        return Batch(images.contiguous(memory_format=torch.channels_last), labels, places)


class BatchOrder(Sampler[Indices]):
    """The positions of each batch of an epoch; every position stands in one batch.

    A single image that would be left for the last batch joins the one before: batch normalisation
    cannot learn from one.

    The order of an epoch depends on the seed and the epoch alone, so a run that goes on after an
    interruption sees what it would have seen.

    Args:
        n: how many samples there are.
        batch_size: how many make a batch; the last may be smaller, or larger by one.
        seed: of the shuffling; None keeps the order of the split.
    """

    def __init__(self, n: int, batch_size: int, seed: int | None = None) -> None:
        self._n = n
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, from 0 on, that the next iteration gives; Lightning calls it."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._starts())

    def __iter__(self) -> Iterator[Indices]:
        order = np.arange(self._n)
        if self._seed is not None:
            np.random.default_rng((self._seed, self._epoch)).shuffle(order)
        yield from np.split(order, self._starts()[1:])

    def _starts(self) -> range:
        """Where each batch begins in the order."""
        starts = range(0, self._n, self._batch_size)
        is_single = self._batch_size > 1 and self._n > 1 and self._n % self._batch_size == 1
        return starts[:-1] if is_single else starts


Loader = DataLoader[Batch]


def load_split(
    dataset: Dataset,
    split: str | Sequence[str],
    size_px: int,
    batch_size: int,
    *,
    seed: int | None = None,
    wide_cuts: int = 0,
    resident_on: torch.device | None = None,
) -> Loader:
    """A loader of the batches of a split, read in this process.

    Args:
        dataset: what it is a split of.
        split: ``train``, ``val`` or ``test``, or several of them.
        size_px: the side of the images.
        batch_size: images in a batch.
        seed: of the shuffling; None keeps the order of the dataset.
        wide_cuts: how many times to serve the wide cuts of its faces, too; see `wide_cuts_of`.
        resident_on: the device to keep the whole split on; None reads each batch from the disk.

    Raises:
        DatasetError: if there is no such split, no images of that size, or wide cuts of which
            an older version did not note where they lie.
    """
    rows = dataset.rows_of(*([split] if isinstance(split, str) else split))
    wide = wide_cuts_of(dataset, rows, size_px, wide_cuts) if wide_cuts else None
    places = _unknown(len(dataset))
    places[dataset.manifest.table["x0"].notna().to_numpy(dtype=bool)] = (0, 0, 1, 1)
    batches = Batches(dataset.images(size_px), dataset.labels, rows, wide, places)
    served = batches if resident_on is None else ResidentBatches(batches, resident_on)
    order = BatchOrder(len(batches), batch_size, seed)
    # No worker processes: a gather takes less time than handing its result over.
    return DataLoader(served, batch_size=None, sampler=order)


def wide_cuts_of(dataset: Dataset, rows: Indices, size_px: int, times: int = 1) -> WideCuts:
    """The wide cuts of some rows, each as often as asked.

    Raises:
        DatasetError: if there are none of that size, or they are of an older version, which did
            not note where they lie.
    """
    table = dataset.manifest.table.iloc[rows]
    has_one = table["wide_cut"].notna().to_numpy(dtype=bool)
    table, cut_rows = table[has_one], rows[has_one]
    if table["wide_x0"].isna().any():
        raise DatasetError(
            f"{dataset.folder}: expected to know where each wide cut lies in its photo, found a "
            "dataset of an older version; run prepare again"
        )
    return WideCuts(
        dataset.wide_cuts(size_px),
        np.tile(table["wide_cut"].to_numpy(dtype=np.int64), times),
        np.tile(cut_rows, times),
        np.tile(_places_in(table), (times, 1)),
    )


def _places_in(table: pd.DataFrame) -> Places:
    """Where each box stands in its wide cut."""
    box = table[["x0", "y0", "x1", "y1"]].to_numpy(dtype=np.float32)
    cut = table[["wide_x0", "wide_y0", "wide_x1", "wide_y1"]].to_numpy(dtype=np.float32)
    corner, size = np.tile(cut[:, :2], 2), np.tile(cut[:, 2:] - cut[:, :2], 2)
    places: Places = (box - corner) / size
    return places


def _unknown(n: int) -> Places:
    return np.full((n, 4), np.nan, dtype=np.float32)


def check_classes(dataset: Dataset, splits: Sequence[str]) -> None:
    """Refuse a dataset that lacks a class in a split that is needed.

    Raises:
        DatasetError: if a split is empty or has no image of some class, or there is one class
            only, or a label without a name.
    """
    names = dataset.manifest.info.class_names
    where = dataset.folder
    if len(names) < 2:
        raise DatasetError(f"{where}: expected at least two classes, found {', '.join(names)}")
    labels = dataset.labels
    if labels.min() < 0 or labels.max() >= len(names):
        raise DatasetError(
            f"{where}: expected labels 0 to {len(names) - 1} ({', '.join(names)}), found "
            f"{labels.min()} to {labels.max()}; run prepare again"
        )
    for split in splits:
        counts = np.bincount(labels[dataset.rows_of(split)], minlength=len(names))
        missing = [name for name, count in zip(names, counts, strict=True) if not count]
        if missing:
            found = ", ".join(f"{c:,} {name}" for name, c in zip(names, counts, strict=True))
            raise DatasetError(
                f"{where}: expected images of every class in the {split} split, found {found}; "
                f"add photos of {', '.join(missing)} and run prepare again"
            )


def check_sources(dataset: Dataset, experiment: Experiment) -> None:
    """Refuse a dataset without the images that augmentation takes its windows from.

    Raises:
        DatasetError: if it was not prepared at their size, or its wide cuts are those of a
            version that did not note where they lie.
    """
    source_px, augmentation = experiment.source_size_px, experiment.augmentation
    wide_cuts = 0 if augmentation is None else augmentation.wide_cuts
    load_split(dataset, "train", source_px, 1, wide_cuts=wide_cuts)


def normalisation_of(dataset: Dataset, size_px: int) -> Normalisation:
    """Mean and standard deviation of a dataset's images at a size.

    Raises:
        DatasetError: if the dataset was not prepared at that size, or all its images are one
            colour.
    """
    dataset.images(size_px)
    info = dataset.manifest.info
    if size_px not in info.channel_mean or size_px not in info.channel_std:
        raise DatasetError(
            f"{dataset.folder}: no mean and standard deviation for {size_px} x {size_px}; run "
            f"prepare again with --size {size_px}"
        )
    std = info.channel_std[size_px]
    if not min(std) > 0:
        raise DatasetError(
            f"{dataset.folder}: expected images that differ, found a standard deviation of 0 in a "
            "colour channel of the training split"
        )
    return Normalisation(info.channel_mean[size_px], std)
