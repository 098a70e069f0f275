"""A prepared dataset: images decoded once, resized, and kept as uint8 on disk."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from facemask.data.manifest import Manifest, load_manifest
from facemask.errors import DatasetError

Images = npt.NDArray[np.uint8]
"""``uint8 (N, S, S, 3)``, RGB."""


def array_name(size_px: int) -> str:
    """The file name of the array of one size."""
    return f"images_{size_px}.npy"


def wide_name(size_px: int) -> str:
    """The file name of the array of one size with the wide cuts; see `data.wide_cuts`."""
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

    def __len__(self) -> int:
        return len(self.manifest)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The label of every sample: ``int64 (N,)``."""
        return self.manifest.table["label"].to_numpy(dtype=np.int64)

    def rows_of(self, *splits: str) -> npt.NDArray[np.int64]:
        """The array indices of splits: ``int64 (n,)``, ascending; see `Manifest.rows_of`."""
        return self.manifest.rows_of(*splits)

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
        return _opened(self.folder / array_name(size_px), size_px, len(self))

    def wide_cuts(self, size_px: int) -> Images:
        """The wide cuts at a size, memory-mapped and read-only: ``uint8 (M, S, S, 3)``, RGB.

        The manifest's column ``wide_cut`` says which sample each belongs to; some belong to none.

        Raises:
            DatasetError: if that size was not kept, or the file does not fit the manifest.
        """
        used = self.manifest.table["wide_cut"].dropna()
        if used.empty:
            return np.zeros((0, size_px, size_px, 3), np.uint8)
        return _opened(self.folder / wide_name(size_px), size_px, int(used.max()) + 1, more=True)


def _opened(path: Path, size_px: int, count: int, *, more: bool = False) -> Images:
    """An array of so many images, or of at least so many."""
    try:
        images: Images = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"{path}: broken array: {error}; run prepare again") from error
    shape = (max(count, len(images)) if more and images.ndim else count, size_px, size_px, 3)
    if images.shape != shape or images.dtype != np.uint8:
        raise DatasetError(
            f"{path}: expected uint8 {shape}, found {images.dtype} {images.shape}; "
            "run prepare again"
        )
    return images


def open_dataset(folder: Path) -> Dataset:
    """A dataset that `facemask prepare` wrote.

    Raises:
        DatasetError: if the folder is not a dataset.
    """
    return Dataset(folder, load_manifest(folder))
