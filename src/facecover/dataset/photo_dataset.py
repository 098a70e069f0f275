"""A dataset of whole photos with boxes of the faces in them: what a detector learns from.

    dataset = PhotoDataset.open("photos640")
    for number in dataset.photos_of("train"):
        photo = dataset[number]  # photo.image, photo.boxes, photo.labels, photo.is_ignored

Photos lie in one file as JPEGs, one after the other, and are read when they are asked for; a
`PhotoDataset` can be pickled for the processes of a loader.
"""

import hashlib
import html
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from facecover.dataset import MEASURE_SIZE_PX
from facecover.dataset.manifest import (
    BOX,
    FOUND,
    IGNORE,
    LABELLED,
    Manifest,
    check_images,
    load_manifest,
)
from facecover.documents import to_document
from facecover.errors import DatasetError, ImageError, shown
from facecover.files import available_cores
from facecover.images import RESAMPLING, Pixels, read_photo
from facecover.labels import class_name
from facecover.progress import OnProgress
from facecover.sources.rows import SPLITS

PHOTOS_NAME = "photos.bin"
"""The JPEGs, one after the other; the manifest says where each begins."""

MIN_PHOTO_PX = 128
"""Smaller photos leave nothing of a crowd."""

_JPEG_QUALITY = 92
"""About 100 KB for 640 x 480 pixels; JPEG is decoded three times as fast as WebP."""


class LabelledPhoto(NamedTuple):
    """A photo and the boxes in it.

    Attributes:
        image: ``uint8 (H, W, 3)``, RGB.
        boxes: ``float32 (N, 4)``, x0, y0, x1, y1, in pixels of the image.
        labels: ``int64 (N,)``, 0..2, see `facecover.labels`; -1 for a box without a label.
        is_ignored: ``bool (N,)``: whether a box is a place where nobody knows of a face, which is
            neither to be learned as one nor as background.
        is_annotated: ``bool (N,)``: by the source; the others only detectors see.
    """

    image: Pixels
    boxes: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    is_ignored: npt.NDArray[np.bool_]
    is_annotated: npt.NDArray[np.bool_]


class PhotoBoxes(NamedTuple):
    """What `LabelledPhoto` says of the boxes of a photo."""

    boxes: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    is_ignored: npt.NDArray[np.bool_]
    is_annotated: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PhotoDataset:
    """A dataset folder of whole photos, opened; its photos are numbered from 0.

    Attributes:
        folder: where it lies.
        manifest: its boxes, see `manifest.PHOTO_COLUMNS`; every photo has one at least.
    """

    folder: Path
    manifest: Manifest

    @classmethod
    def open(cls, folder: str | Path) -> "PhotoDataset":
        """A dataset that `prepare` wrote with ``whole_photos``.

        Raises:
            DatasetError: if the folder is no such dataset, or its photos were changed.
        """
        manifest = load_manifest(Path(folder), is_of_photos=True)
        check_images(Path(folder) / PHOTOS_NAME, manifest.info)
        return cls(Path(folder), manifest)

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, number: int) -> LabelledPhoto:
        """A photo, decoded, and its boxes.

        Raises:
            DatasetError: if its bytes are not those that were written.
            IndexError: if there is no such photo.
        """
        try:
            with Image.open(io.BytesIO(self.encoded(number)), formats=("JPEG",)) as image:
                pixels = np.asarray(image)
        except OSError as error:
            where = f"{self.folder / PHOTOS_NAME}: photo {number:,}"
            raise DatasetError(f"{where} is broken: {error}; run prepare again") from error
        return LabelledPhoto(pixels, *self.boxes(number))

    def boxes(self, number: int) -> PhotoBoxes:
        """The boxes of a photo, which is not decoded.

        Raises:
            IndexError: if there is no such photo.
        """
        rows = slice(self._starts[number], self._ends[number])
        boxes, labels, is_ignored, is_annotated = self._boxes
        return PhotoBoxes(boxes[rows], labels[rows], is_ignored[rows], is_annotated[rows])

    def to_learn_from(self, number: int) -> LabelledPhoto:
        """A photo with its boxes drawn as those of all sources are, see `ManifestInfo.redrawn`.

        Raises:
            DatasetError: if its bytes are not those that were written.
            IndexError: if there is no such photo.
        """
        photo = self[number]
        rows = slice(self._starts[number], self._ends[number])
        low, high = photo.boxes[:, :2], photo.boxes[:, 2:]
        middle, sides, how = (low + high) / 2, high - low, self._redrawing[rows]
        middle, sides = middle + how[:, :2] * sides, sides * np.exp(how[:, 2:])
        return photo._replace(boxes=np.hstack([middle - sides / 2, middle + sides / 2]))

    @cached_property
    def _redrawing(self) -> npt.NDArray[np.float32]:
        """Of each box, ``float32 (N, 4)``."""
        table, redrawn = self.manifest.table, self.manifest.info.redrawn
        names = table["source"].where(table["annotated"], FOUND)
        as_it_is = (0.0, 0.0, 0.0, 0.0)
        rows = [redrawn.get(name, as_it_is) for name in names]
        return np.array(rows, np.float32).reshape(-1, 4)

    def __iter__(self) -> Iterator[LabelledPhoto]:
        return (self[number] for number in range(len(self)))

    def encoded(self, number: int) -> bytes:
        """A photo as a JPEG.

        Raises:
            DatasetError: if the file of photos cannot be read.
            IndexError: if there is no such photo.
        """
        photo = self.photos.iloc[number]
        try:
            with (self.folder / PHOTOS_NAME).open("rb") as stream:
                stream.seek(photo["offset"])
                return stream.read(photo["bytes"])
        except OSError as error:
            raise DatasetError(
                f"{self.folder / PHOTOS_NAME}: cannot be read: {error.strerror}; run prepare again"
            ) from error

    def photos_of(self, *splits: str) -> npt.NDArray[np.int64]:
        """The numbers of the photos of one split, or of several together: ``int64 (n,)``.

        Raises:
            DatasetError: if there is no such split or it is empty.
        """
        stated = self.photos["split"].to_numpy()
        for split in splits:
            if split not in stated:
                expected = ", ".join(name for name in SPLITS if name in stated)
                raise DatasetError(f"{self.folder}: split {split!r}: expected one of {expected}")
        return np.flatnonzero(np.isin(stated, splits))

    @cached_property
    def photos(self) -> pd.DataFrame:
        """One row a photo: what the manifest says of it, without its boxes."""
        first = self.manifest.table.iloc[self._starts]
        return first.drop(columns=[*BOX, "kind", "label"]).reset_index(drop=True)

    def to_pandas(self) -> pd.DataFrame:
        """One row a box, a copy: `manifest.PHOTO_COLUMNS`."""
        return self.manifest.table.copy()

    def to_json(self) -> dict[str, Any]:
        """What holds for the whole: the fields of `ManifestInfo`."""
        document: dict[str, Any] = to_document(self.manifest.info)
        return document

    def _repr_html_(self) -> str:
        table = self.manifest.table
        known = table["label"].where(table["kind"] == LABELLED)
        names = known.map(class_name, na_action="ignore").fillna(table["kind"])
        counts = pd.crosstab(table["split"], names).to_html()
        return f"<p>{len(self):,} photos in {html.escape(str(self.folder))}</p>{counts}"

    @cached_property
    def _starts(self) -> npt.NDArray[np.int64]:
        photo = self.manifest.table["photo"].to_numpy(np.int64)
        return np.flatnonzero(np.diff(photo, prepend=-1))

    @cached_property
    def _ends(self) -> npt.NDArray[np.int64]:
        return np.append(self._starts[1:], len(self.manifest.table))

    @cached_property
    def _boxes(self) -> PhotoBoxes:
        """Of all photos."""
        table = self.manifest.table
        is_ignored = (table["kind"] == IGNORE).to_numpy(dtype=bool)
        boxes, labels = table[BOX].to_numpy(np.float32), table["label"].to_numpy(np.int64)
        return PhotoBoxes(boxes, labels, is_ignored, table["annotated"].to_numpy(dtype=bool))


class EncodedPhoto(NamedTuple):
    """A photo as it is kept.

    Attributes:
        offset: of its bytes in their file.
        size: width and height as kept, in pixels.
        full_size: those of the upright photo.
        sha256: of the bytes that were read, and of those that are kept.
        small: ``uint8 (64, 64, 3)``, RGB: the photo squeezed, to compare it with others.
    """

    offset: int
    bytes: int
    size: tuple[int, int]
    full_size: tuple[int, int]
    sha256: str
    kept_sha256: str
    small: Pixels


def encode_photos(
    paths: Sequence[Path],
    output: Path,
    longest_px: int,
    *,
    workers: int | None = None,
    on_progress: OnProgress | None = None,
) -> list[EncodedPhoto | str]:
    """Write photos into one file, scaled down to a longest side; each is read once.

    Args:
        paths: of the photos.
        output: the file to write.
        longest_px: a photo that is smaller stays as large as it is.
        workers: threads; by default one a core.
        on_progress: called with the number of photos done, every few.

    Returns:
        For each path what was kept, or why it cannot be read.
    """
    found: list[EncodedPhoto | str] = []
    with ThreadPoolExecutor(workers or available_cores()) as pool, output.open("wb") as stream:
        for start in range(0, len(paths), _AT_ONCE):
            some = paths[start : start + _AT_ONCE]
            found += [_written(one, stream) for one in pool.map(partial(_encode, longest_px), some)]
            if on_progress is not None:
                on_progress(len(some))
    return found


_AT_ONCE = 64


def _written(one: tuple[EncodedPhoto, bytes] | str, stream: BinaryIO) -> EncodedPhoto | str:
    if isinstance(one, str):
        return one
    photo, content = one
    photo = photo._replace(offset=stream.tell())
    stream.write(content)
    return photo


def _encode(longest_px: int, path: Path) -> tuple[EncodedPhoto, bytes] | str:
    try:
        content = path.read_bytes()
        photo = read_photo(content, at_least_px=longest_px)
    except (ImageError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return f"{shown(path)}: {(reason or '').removeprefix('image bytes: ')}"
    factor = min(1.0, longest_px / max(photo.full_size))
    width, height = (max(1, round(side * factor)) for side in photo.full_size)
    image = photo.image.resize((width, height), RESAMPLING, photo.extent)
    kept = io.BytesIO()
    image.save(kept, "JPEG", quality=_JPEG_QUALITY)
    sha256, kept_sha256 = (hashlib.sha256(one).hexdigest() for one in (content, kept.getvalue()))
    size = len(kept.getvalue())
    small = photo.resized(MEASURE_SIZE_PX)
    facts = EncodedPhoto(0, size, (width, height), photo.full_size, sha256, kept_sha256, small)
    return facts, kept.getvalue()


def keep_photos(photos: Sequence[EncodedPhoto], written: Path, output: Path) -> list[EncodedPhoto]:
    """Copy some photos from one file into another: the same, with their new places."""
    with written.open("rb") as source, output.open("wb") as stream:
        moved = []
        for photo in photos:
            source.seek(photo.offset)
            moved.append(photo._replace(offset=stream.tell()))
            stream.write(source.read(photo.bytes))
    return moved


def digest_photos(table: pd.DataFrame, kept_sha256: Sequence[str]) -> str:
    """The identity of a dataset: SHA-256 over each box and the bytes of its photo.

    It does not depend on where the photos lie, on what they are called, or on their order.

    Args:
        table: N boxes, with the columns of `manifest.PHOTO_COLUMNS`.
        kept_sha256: of the photo of each, as kept.
    """
    columns = [kept_sha256, *(table[name].tolist() for name in (*BOX, "kind", "label", "split"))]
    lines = sorted(" ".join(map(str, row)) + "\n" for row in zip(*columns, strict=True))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
