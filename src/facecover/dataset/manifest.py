"""The table of samples: the one description of a dataset, kept as Parquet beside its arrays."""

import dataclasses
import hashlib
import json
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import facecover
from facecover.documents import reading
from facecover.errors import DatasetError, shown
from facecover.files import written_file
from facecover.labels import CLASS_NAMES
from facecover.sources.rows import SPLITS

AS_READ = "source data"
"""What split photos that no command has split."""

MANIFEST_NAME = "manifest.parquet"
FORMAT_VERSION = 3
_ADDED = {2: ("wide_cut",), 3: ("wide_x0", "wide_y0", "wide_x1", "wide_y1")}
"""The columns that a format added; they are null where a dataset is older."""
_META_KEY = b"facecover"
_CHECK_KEY = b"facecover_crc32"  # of what stands at _META_KEY; since format 3
_FORMER_META_KEY = b"facemask"  # of datasets written before the package was renamed

BOX = ["x0", "y0", "x1", "y1"]

COLUMNS: dict[str, str] = {
    "source": "string",
    "path": "string",  # relative to the source's root, with forward slashes
    "x0": "Int32",  # the box; null for a whole photo
    "y0": "Int32",
    "x1": "Int32",
    "y1": "Int32",
    "label": "int8",
    "split": "string",  # train, val or test
    "group": "string",  # never on both sides of a split
    "width": "int32",  # of the face: the box where there is one, else the upright photo
    "height": "int32",
    "file_bytes": "int64",
    "format": "string",
    "mode": "string",
    "jpeg_quality": "Int16",
    "brightness": "float32",  # mean luma, 0..1
    "contrast": "float32",  # standard deviation of luma, 0..1
    "sharpness": "float32",  # mean absolute Laplacian of luma at 64 x 64, 0..1
    "red": "float32",  # channel means, 0..1
    "green": "float32",
    "blue": "float32",
    "sha256": "string",  # of the file's bytes
    "wide_cut": "Int32",  # the index among the wide cuts; null without one
    "wide_x0": "Int32",  # the wide cut, in pixels of the photo, as the box is
    "wide_y0": "Int32",
    "wide_x1": "Int32",
    "wide_y1": "Int32",
}
"""The columns that every manifest has, with their pandas dtypes; a source's own come after."""

NO_LABEL = -1

LABELLED, UNLABELLED, IGNORE = "labelled", "unlabelled", "ignore"
"""Kinds of boxes in whole photos: a face with a label, a face without one, and a place that may be
a face, which is neither to be found nor a false alarm."""

FOUND = "(found)"
"""Stands for a source's name where boxes are meant that detectors found."""

PHOTO_COLUMNS: dict[str, str] = {
    "photo": "int32",  # the number of the photo; the boxes of one stand together
    "source": "string",
    "path": "string",
    "x0": "float32",  # in pixels of the photo as kept
    "y0": "float32",
    "x1": "float32",
    "y1": "float32",
    "kind": "string",
    "label": "int8",  # NO_LABEL where there is none
    "annotated": "bool",  # by the source; else only detectors see it
    "split": "string",
    "group": "string",
    "photo_width": "int32",  # as kept
    "photo_height": "int32",
    "scale": "float64",  # a side as kept, in sides of the upright photo as it was read
    "offset": "int64",  # of the photo's bytes in their file
    "bytes": "int32",
    "sha256": "string",  # of the file's bytes
}
"""The columns of a manifest of whole photos, a row a box; see `dataset.photo_dataset`."""


@dataclass(frozen=True)
class SourceInfo:
    """Where a manifest's rows came from: name, absolute root, layout, class names as found."""

    name: str
    root: str
    layout: str
    class_labels: dict[str, int]


@dataclass(frozen=True)
class ManifestInfo:
    """What a manifest knows beside its rows.

    Attributes:
        class_names: by label.
        sizes_px: the square sizes that the arrays are kept at.
        channel_mean: per size, the mean of R, G and B over the training split, 0..1.
        channel_std: per size, their standard deviation, 0..1.
        split_by: how the split was made: `AS_READ` where the data brings it, ``group``,
            ``source`` or ``random``.
        seed: of the split.
        counts: samples read, unreadable, dropped and kept.
        digest: SHA-256 over every sample's pixels, label and split; the dataset's identity.
        version: of the package that wrote it.
        left_out: the sources that are the test data, where it was split by source.
        relabelled: how many labels were corrected; see `label_corrections.OVERLAY`.
        photo_px: the longest side of whole photos, in pixels; None for a dataset of faces.
        redrawn: how the boxes of each source, and those of `FOUND`, are drawn anew to learn from
            them, since sources draw them differently; see `found_faces.Redrawing`. Empty in a
            dataset of faces, and without a second opinion.
        files_crc32: of each file of images, by its name; empty where a dataset is older.
    """

    sources: tuple[SourceInfo, ...]
    class_names: tuple[str, ...]
    sizes_px: tuple[int, ...]
    channel_mean: dict[int, tuple[float, float, float]]
    channel_std: dict[int, tuple[float, float, float]]
    split_by: str
    seed: int
    counts: dict[str, int]
    digest: str = ""
    version: str = field(default_factory=lambda: facecover.__version__)
    left_out: tuple[str, ...] = ()
    relabelled: int = 0
    photo_px: int | None = None
    redrawn: dict[str, tuple[float, float, float, float]] = field(default_factory=dict)
    files_crc32: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """A dataset's samples and what is known of them all.

    Attributes:
        table: one row a sample, `COLUMNS` and any further ones; row i belongs to image i of
            every array. Of whole photos, one row a box: `PHOTO_COLUMNS`.
        info: what holds for the whole.
    """

    table: pd.DataFrame
    info: ManifestInfo

    def __len__(self) -> int:
        return len(self.table)

    def save(self, folder: Path) -> None:
        """Write `manifest.parquet` into a folder, with the checksums of the arrays beside it.

        Raises:
            OutputError: if the folder cannot be written.
        """
        table = pa.Table.from_pandas(self.table, preserve_index=False)
        images = sorted([*folder.glob("*.npy"), *folder.glob("*.bin")])
        found = {path.name: _crc32(path, *_state(path)) for path in images}
        info = dataclasses.replace(self.info, files_crc32=found)
        document = {"format_version": FORMAT_VERSION, **dataclasses.asdict(info)}
        header = json.dumps(document).encode()
        own = {_META_KEY: header, _CHECK_KEY: b"%08x" % zlib.crc32(header)}
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), **own})
        with written_file(folder / MANIFEST_NAME) as beside:
            pq.write_table(table, beside, write_page_checksum=True)


def check_images(path: Path, info: ManifestInfo) -> None:
    """Compare a dataset's file of images with its checksum, where there is one, once a process.

    Raises:
        DatasetError: if the file was changed since it was prepared, or cannot be read.
    """
    expected = info.files_crc32.get(path.name)
    with reading(path, "images", DatasetError, "run prepare again"):
        if expected is not None and expected != _crc32(path, *_state(path)):
            raise ValueError("the file was changed since it was prepared (its CRC-32 is another)")


def _state(path: Path) -> tuple[int, int]:
    """A file's size and time, which are others once it is changed."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns


@lru_cache(maxsize=64)
def _crc32(path: Path, size_bytes: int, changed_ns: int) -> int:
    """The CRC-32 of a file, which tells damage at the speed of a disk."""
    return zlib.crc32(np.memmap(path, mode="r").data)


def load_manifest(folder: Path, *, is_of_photos: bool = False) -> Manifest:
    """The manifest of a dataset folder, of faces or of whole photos.

    Raises:
        DatasetError: if there is none, or it is broken, not ours, from a newer version, or of the
            other kind.
    """
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise DatasetError(
            f"{folder}: expected a dataset with a {MANIFEST_NAME}, found none; make one with "
            f"'facecover prepare SOURCE... -o {folder}'"
        )
    with reading(path, "manifest", DatasetError, "run prepare again"):
        arrow = pq.read_table(path, page_checksum_verification=True)
        metadata = arrow.schema.metadata or {}
        header = metadata.get(_META_KEY, metadata.get(_FORMER_META_KEY))
        version, info = _header(path, header, metadata.get(_CHECK_KEY))
        _check_kind(folder, info, is_of_photos=is_of_photos)
        columns = PHOTO_COLUMNS if is_of_photos else COLUMNS
        table = arrow.to_pandas()
        table[[name for since, names in _ADDED.items() if version < since for name in names]] = None
        missing = [name for name in columns if name not in table]
        if missing:
            raise DatasetError(
                f"{path}: expected the columns {', '.join(columns)}; missing {missing}; run "
                "prepare again"
            )
        manifest = Manifest(table.astype(columns), info)
        _check_values(path, manifest)
        return manifest


def _check_values(path: Path, manifest: Manifest) -> None:
    """Refuse labels of no class, splits of no name, and places in no array."""
    table, names = manifest.table, manifest.info.class_names
    labels = [*range(len(names)), *([] if manifest.info.photo_px is None else [NO_LABEL])]
    is_right = {
        f"labels 0 to {len(names) - 1} ({', '.join(names)})": table["label"].isin(labels),
        f"the splits {', '.join(SPLITS)}": table["split"].isna() | table["split"].isin(SPLITS),
    }
    if "wide_cut" in table:
        is_right["wide cuts from 0 on"] = table["wide_cut"].isna() | (table["wide_cut"] >= 0)
    for expected, right in is_right.items():
        if not right.all():
            raise DatasetError(
                f"{shown(path)}: expected {expected}, found others in {(~right).sum():,} of "
                f"{len(table):,} rows; run prepare again"
            )


def digest_samples(
    images: npt.NDArray[np.uint8], table: pd.DataFrame, rows: npt.NDArray[np.int64]
) -> str:
    """The identity of some samples: SHA-256 over the pixels, label and split of each.

    It does not depend on where the photos lie, on what they are called, or on their order.

    Args:
        images: ``uint8 (N, S, S, 3)``.
        table: N samples with ``label`` and ``split``.
        rows: ``int64 (n,)``, which of them.
    """
    splits = table["split"].fillna("").to_numpy()
    labels = table["label"].to_numpy()
    lines = sorted(
        f"{digest} {labels[row]} {splits[row]}\n"
        for digest, row in zip(pixel_digests(images, rows), rows, strict=True)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def pixel_digests(images: npt.NDArray[np.uint8], rows: npt.NDArray[np.int64]) -> list[str]:
    """The SHA-256 of the pixels of some images, in hexadecimal.

    Args:
        images: ``uint8 (N, S, S, 3)``; of `Dataset.comparable_images` they compare with any other.
        rows: ``int64 (n,)``, which of them.
    """
    return [hashlib.sha256(images[row].tobytes()).hexdigest() for row in rows]


def group_numbers(table: pd.DataFrame) -> npt.NDArray[np.int64] | None:
    """A number for each group, a sample without one is its own; None where none has one."""
    if not table["group"].notna().any():
        return None
    alone = pd.Series([f"row {row}" for row in range(len(table))], index=table.index)
    return pd.factorize(table["group"].astype("object").fillna(alone))[0].astype(np.int64)


def _check_kind(folder: Path, info: ManifestInfo, *, is_of_photos: bool) -> None:
    if is_of_photos and info.photo_px is None:
        raise DatasetError(
            f"{folder}: expected a dataset of whole photos, for a detector, found one of faces; "
            "run prepare with --whole-photos 640"
        )
    if not is_of_photos and info.photo_px is not None:
        raise DatasetError(
            f"{folder}: expected a dataset of faces, for a classifier, found one of whole photos; "
            "run prepare without --whole-photos"
        )


def _header(path: Path, raw: bytes | None, check: bytes | None) -> tuple[int, ManifestInfo]:
    """The format's version, and what holds for the whole."""
    if raw is None:
        raise DatasetError(f"{path}: a Parquet table, but not a manifest of this package")
    with reading(path, "manifest header", DatasetError, "run prepare again"):
        if check is not None and check != b"%08x" % zlib.crc32(raw):
            raise ValueError("it was changed since it was written")
        document = msgspec.convert(json.loads(raw), dict[str, Any])
        version = document.get("format_version")
        is_known = version in range(1, FORMAT_VERSION + 1)
        info = msgspec.convert(document, ManifestInfo, strict=False) if is_known else None
        if info and info.class_names != CLASS_NAMES[: len(info.class_names)]:
            raise ValueError(f"expected the classes {CLASS_NAMES}, found {info.class_names}")
    if version is None or info is None:
        raise DatasetError(
            f"{path}: expected manifest format 1 to {FORMAT_VERSION}, found {version}; run prepare "
            "again"
        )
    return version, info
