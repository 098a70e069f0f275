"""A prepared dataset: images decoded once, resized, and kept as uint8 on disk."""

import dataclasses
import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.dataset import MEASURE_SIZE_PX
from facecover.dataset.manifest import Manifest, check_images, digest_samples, load_manifest
from facecover.documents import reading, to_document
from facecover.errors import DatasetError, shown
from facecover.labels import class_name
from facecover.sources.rows import SPLITS

Images = npt.NDArray[np.uint8]
"""``uint8 (N, S, S, 3)``, RGB."""


def array_name(size_px: int) -> str:
    """The file name of the array of one size."""
    return f"images_{size_px}.npy"


def wide_name(size_px: int) -> str:
    """The file name of the array of one size with the wide cuts; see `decode.wide_cut`."""
    return f"wide_{size_px}.npy"


@dataclass(frozen=True)
class Dataset:
    """A dataset folder, opened: its manifest, and its images by size.

    Attributes:
        folder: where it lies.
        manifest: its samples; row i belongs to image i of every array.
    """

    folder: Path
    manifest: Manifest

    @classmethod
    def open(cls, folder: str | Path) -> "Dataset":
        """A dataset that `prepare` wrote.

        Raises:
            DatasetError: if the folder is not a dataset.
        """
        return cls(Path(folder), load_manifest(Path(folder)))

    def __len__(self) -> int:
        return len(self.manifest)

    def to_pandas(self) -> pd.DataFrame:
        """One row a sample, a copy: `manifest.COLUMNS`, and further columns of the sources."""
        return self.manifest.table.copy()

    def to_json(self) -> dict[str, Any]:
        """What holds for the whole: the fields of `ManifestInfo`."""
        document: dict[str, Any] = to_document(self.manifest.info)
        return document

    def _repr_html_(self) -> str:
        table = self.manifest.table
        counts = pd.crosstab(table["split"].fillna(""), table["label"].map(class_name))
        return f"<p>{len(self):,} faces in {html.escape(str(self.folder))}</p>{counts.to_html()}"

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The label of every sample: ``int64 (N,)``."""
        return self.manifest.table["label"].to_numpy(dtype=np.int64)

    def rows_of(self, *splits: str) -> npt.NDArray[np.int64]:
        """The array indices of one split, or of several together: ``int64 (n,)``, ascending.

        Raises:
            DatasetError: if there is no such split or it is empty.
        """
        stated = self.manifest.table["split"].to_numpy()
        for split in splits:
            if split not in SPLITS:
                raise DatasetError(f"split {split!r}: expected one of {', '.join(SPLITS)}")
            if not np.any(stated == split):
                counts = self.manifest.table["split"].value_counts()
                found = ", ".join(f"{name} {counts[name]:,}" for name in SPLITS if name in counts)
                raise DatasetError(f"the dataset has no {split} split; it has {found}")
        return np.flatnonzero(np.isin(stated, splits))

    def images(self, size_px: int) -> Images:
        """The images at a size, memory-mapped and read-only: ``uint8 (N, S, S, 3)``, RGB.

        Raises:
            DatasetError: if that size was not kept, or the file does not fit the manifest.
        """
        if size_px not in self.manifest.info.sizes_px:
            kept = ", ".join(str(size) for size in self.manifest.info.sizes_px)
            raise DatasetError(
                f"{self.folder}: expected images of {size_px} x {size_px}, found {kept}; run "
                f"prepare again with --size {size_px}"
            )
        return self._opened(array_name(size_px), size_px, len(self))

    @property
    def comparable_images(self) -> Images:
        """The images at the size at which datasets are compared; at the largest without it."""
        sizes = self.manifest.info.sizes_px
        return self.images(MEASURE_SIZE_PX if MEASURE_SIZE_PX in sizes else max(sizes))

    def wide_cuts(self, size_px: int) -> Images:
        """The wide cuts at a size, memory-mapped and read-only: ``uint8 (M, S, S, 3)``, RGB.

        The manifest's column ``wide_cut`` says which sample each belongs to; some belong to none.

        Raises:
            DatasetError: if that size was not kept, or the file does not fit the manifest.
        """
        used = self.manifest.table["wide_cut"].dropna()
        if used.empty:
            return np.zeros((0, size_px, size_px, 3), np.uint8)
        return self._opened(wide_name(size_px), size_px, int(used.max()) + 1, more=True)

    def _opened(self, name: str, size_px: int, count: int, *, more: bool = False) -> Images:
        """An array of so many images, or of at least so many, with the checksum it was saved with.

        The whole file is read once a process, which also brings it into memory's cache.
        """
        path = self.folder / name
        with reading(path, "array", DatasetError, "run prepare again"):
            images: Images = np.load(path, mmap_mode="r")
            shape = (max(count, len(images)) if more else count, size_px, size_px, 3)
            if images.shape != shape or images.dtype != np.uint8:
                raise DatasetError(
                    f"{shown(path)}: expected uint8 {shape}, found {images.dtype} {images.shape}; "
                    "run prepare again"
                )
        check_images(path, self.manifest.info)
        return images


_CHUNK = 1024


def channel_statistics(
    images: Images, rows: npt.NDArray[np.int64]
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Mean and standard deviation of R, G and B over some images, in 0..1.

    Exact: sums of 8-bit values and of their squares fit in 64-bit integers.

    Args:
        images: ``uint8 (N, S, S, 3)``, RGB.
        rows: ``int64 (n,)``, which of them; at least one.
    """
    counts = np.zeros((3, 256), dtype=np.int64)
    for start in range(0, len(rows), _CHUNK):
        chunk = images[rows[start : start + _CHUNK]].reshape(-1, 3)
        counts += np.stack([np.bincount(chunk[:, c], minlength=256) for c in range(3)])
    values = np.arange(256) / 255
    total = counts.sum(axis=1)
    mean = (counts @ values) / total
    variance = (counts @ values**2) / total - mean**2
    std = np.sqrt(np.maximum(variance, 0))
    return _triple(mean), _triple(std)


def _triple(values: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    red, green, blue = (round(float(value), 6) for value in values)
    return red, green, blue


UNUSED = "unused"
"""The split of samples that a view leaves out: no loader and no evaluation asks for it."""


def with_table(dataset: Dataset, table: pd.DataFrame, *, split_by: str, seed: int = 0) -> Dataset:
    """A dataset with the images of another and a table of its own; the files stay as they are.

    Means, deviations, counts and the digest are those of its own training images, labels and
    splits.

    Args:
        dataset: whose images are used.
        table: a row for each image, in order, with the columns of `manifest.COLUMNS`; ``split``
            is ``train``, ``val``, ``test`` or `UNUSED`.
        split_by: what made the splits, see `ManifestInfo`.
        seed: of the splits.

    Raises:
        DatasetError: if the table has another number of rows, another split, or nothing to
            train on.
    """
    splits = table["split"].to_numpy(dtype=object)
    unknown = sorted({str(split) for split in splits} - {*SPLITS, UNUSED})
    if len(table) != len(dataset) or unknown:
        raise DatasetError(
            f"view of {dataset.folder}: expected {len(dataset):,} rows with the splits "
            f"{', '.join((*SPLITS, UNUSED))}; found {len(table):,} rows"
            + (f" with {', '.join(unknown)}" if unknown else "")
        )
    training = np.flatnonzero(splits == "train")
    if not len(training):
        raise DatasetError(f"view of {dataset.folder}: there is no training image in it")
    info = dataset.manifest.info
    used = np.flatnonzero(splits != UNUSED)
    left_out = {UNUSED: len(table) - len(used)} if len(used) < len(table) else {}
    statistics = {
        size: channel_statistics(dataset.images(size), training) for size in info.sizes_px
    }
    viewed = dataclasses.replace(
        info,
        channel_mean={size: mean for size, (mean, _) in statistics.items()},
        channel_std={size: std for size, (_, std) in statistics.items()},
        split_by=split_by,
        seed=seed,
        counts={**info.counts, "kept": len(used), **left_out},
        digest=digest_samples(dataset.comparable_images, table, used),
    )
    return Dataset(dataset.folder, Manifest(table.reset_index(drop=True), viewed))
