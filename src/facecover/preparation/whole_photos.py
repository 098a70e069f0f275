"""Sources with boxes to a dataset of whole photos, for a detector: encoded, chosen, split."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.copies.duplicates import find_duplicates
from facecover.copies.identities import find_identities
from facecover.copies.selection import check_class_names, choose_samples
from facecover.dataset.collect import (
    DROPPED_NAME,
    UNREADABLE_NAME,
    as_record,
    check_unreadable,
    unreadable_among,
    write_drops,
)
from facecover.dataset.decode import UNREADABLE
from facecover.dataset.manifest import (
    BOX,
    LABELLED,
    MANIFEST_NAME,
    NO_LABEL,
    PHOTO_COLUMNS,
    UNLABELLED,
    Manifest,
    ManifestInfo,
    SourceInfo,
)
from facecover.dataset.photo_dataset import (
    PHOTOS_NAME,
    EncodedPhoto,
    PhotoDataset,
    digest_photos,
    encode_photos,
    keep_photos,
)
from facecover.dataset.split import check_left_out, check_splits
from facecover.errors import DatasetError, shown
from facecover.files import OnNote, ignore_note, written_folder
from facecover.labels import CLASS_NAMES, INCORRECT_MASK, MASK
from facecover.look.audit_tables import write_audit
from facecover.look.leakage import Leakage
from facecover.preparation.found_faces import (
    Found,
    FoundFaces,
    Redrawing,
    drawn_alike,
    pairs_of,
    without_box,
)
from facecover.preparation.label_corrections import apply_lists, read_corrections
from facecover.preparation.pipeline import (
    FURTHER_NAMES,
    PrepareOptions,
    check_output,
    divide,
    leakage_of,
    note_leakage,
    note_missing_classes,
    used_splits,
)
from facecover.progress import OnProgress
from facecover.sources.boxes import Boxes
from facecover.sources.rows import Drop, Source, in_their_place

NO_FACE = "no box and no face found"


def write_photos(
    sources: Sequence[Source],
    folder: Path,
    longest_px: int,
    options: PrepareOptions,
    *,
    found: FoundFaces | None = None,
    on_progress: OnProgress | None = None,
    on_note: OnNote | None = None,
) -> PhotoDataset:
    """Write a dataset of whole photos: manifest, JPEGs, and what was left out.

    One photo of every picture stays, and near copies stay in one split, as faces do; the boxes of
    a photo go with it. Incorrectly worn masks are faces without a label, unless they are kept.

    Args:
        sources: from `sources.reading.read_sources`.
        folder: the dataset's place.
        longest_px: larger photos are scaled down to this longest side.
        options: how; sizes and audit play no part.
        found: faces that have no box; without them, photos without boxes are left out.
        on_progress: called with the number of photos done, every few.
        on_note: called with what the reader of figures must know.

    Raises:
        ConfigError: if the options name no source to leave out, an unknown one, or all.
        DatasetError: if too much cannot be read, no photo has a box, a class is missing from a
            split, or a correction names no face.
        LabelError: if sources mean different things by a class name.
        OutputError: if the folder holds something else or cannot be written.
    """
    check_output(folder)
    check_left_out(options.split_by, options.leave_out, [source.name for source in sources])
    check_class_names(sources)
    note = on_note or ignore_note
    with written_folder(
        folder, replace_if=MANIFEST_NAME, holding=FURTHER_NAMES, note=note
    ) as beside:
        maker = _Maker(sources, folder, beside, options, note)
        maker.encode(longest_px, on_progress)
        maker.add_boxes(found)
        leakage = maker.choose()
        maker.finished(longest_px).save(beside)
        drops = in_their_place(maker.drops, sources)
        write_drops(beside / UNREADABLE_NAME, unreadable_among(drops))
        write_drops(beside / DROPPED_NAME, drops)
        write_audit(beside, (), leakage)
    return PhotoDataset.open(folder)


class _PhotoBoxes(NamedTuple):
    """The boxes of a photo, in its own pixels, with the kind and label of each.

    Attributes:
        annotated: so many of them, from the first on, were annotated.
    """

    boxes: Boxes
    kinds: list[str]
    labels: list[int]
    annotated: int


class _Maker:
    """A dataset while it is made: `photos` are those that stay, and row i has `encoded[i]`."""

    def __init__(
        self,
        sources: Sequence[Source],
        folder: Path,
        beside: Path,
        options: PrepareOptions,
        note: OnNote,
    ) -> None:
        self.drops = [drop for source in sources for drop in source.drops]
        self._sources, self._folder, self._beside = sources, folder, beside
        self._options, self._note = options, note
        self._roots = {source.name: source.root for source in sources}
        self._faces, self._n_relabelled = self._corrected()
        self._read = len(self.drops)
        self._spare = beside / f"{PHOTOS_NAME}.part"

    def _corrected(self) -> tuple[pd.DataFrame, int]:
        """Every row of the sources, and how many of their labels were corrected."""
        rows = [row for source in self._sources for row in source.rows]
        if not rows:
            names = ", ".join(shown(source.root) for source in self._sources)
            raise DatasetError(f"{names}: no labelled image to read")
        faces = pd.DataFrame.from_records([as_record(row, self._roots) for row in rows])
        faces = faces.astype({**dict.fromkeys(BOX, "Int32"), "split": "string", "group": "string"})
        faces["file"] = pd.Series([row.path for row in rows], dtype="object")
        lists = {path: read_corrections(path) for path in self._options.relabel}
        faces, changes = apply_lists(faces, lists, self._options.class_map)
        if not self._options.keeps_incorrect:
            faces["label"] = faces["label"].mask(faces["label"] == INCORRECT_MASK, NO_LABEL)
        return faces, len(changes)

    def encode(self, longest_px: int, on_progress: OnProgress | None) -> None:
        """Read every photo once, and write it as it is kept."""
        photos = self._faces.drop_duplicates(["source", "path"])
        self._read += len(photos)
        workers = self._options.workers
        outcomes = encode_photos(
            photos["file"].tolist(), self._spare, longest_px,
            workers=workers, on_progress=on_progress,
        )  # fmt: skip
        places = zip(photos["file"], photos["source"], outcomes, strict=True)
        broken = [
            Drop(file, source, UNREADABLE, why)
            for file, source, why in places
            if isinstance(why, str)
        ]
        unreadable_list = self._folder.with_name(f"{self._folder.name}-unreadable.csv")
        share = self._options.max_unreadable_share
        check_unreadable(broken, len(photos), share, unreadable_list)
        self.drops += broken
        is_read = [isinstance(one, EncodedPhoto) for one in outcomes]
        self.encoded = [one for one in outcomes if isinstance(one, EncodedPhoto)]
        self.photos = photos[is_read].reset_index(drop=True).assign(
            sha256=[one.sha256 for one in self.encoded],
            width=[one.full_size[0] for one in self.encoded],
            height=[one.full_size[1] for one in self.encoded],
        )  # fmt: skip

    def add_boxes(self, found: FoundFaces | None) -> None:
        """The boxes of every photo; one that has none is left out."""
        rows = dict(iter(self._faces.groupby(["source", "path"], sort=False)))
        keys = zip(self.photos["source"], self.photos["path"], strict=True)
        opinions = [None] * len(self.photos) if found is None else found.of([*self.photos["file"]])
        self.boxes = [
            _photo_boxes(rows[key], opinion) for key, opinion in zip(keys, opinions, strict=True)
        ]
        self.redrawn = self._redrawn(opinions)
        has_box = np.array([len(one.boxes) > 0 for one in self.boxes])
        hint = "" if found is not None else "; name a table of found faces with --found"
        for file, source in self.photos.loc[~has_box, ["file", "source"]].itertuples(index=False):
            self.drops.append(Drop(file, source, NO_FACE, f"{shown(file)}: no box{hint}"))
        if not has_box.any():
            raise DatasetError(
                f"none of {len(has_box):,} photos has a box of a face; expected annotations with "
                f"boxes{hint}"
            )
        self._keep(has_box)

    def _redrawn(self, opinions: Sequence[Found | None]) -> dict[str, Redrawing]:
        pairs: dict[str, list[npt.NDArray[np.float64]]] = {}
        for source, ours, found in zip(self.photos["source"], self.boxes, opinions, strict=True):
            if found is not None:
                of_photo = pairs_of(ours.boxes[: ours.annotated], found.boxes)
                pairs.setdefault(source, []).append(of_photo)
        return drawn_alike({source: np.concatenate(rows) for source, rows in pairs.items()})

    def _keep(self, is_kept: npt.NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(is_kept)
        self.photos = self.photos.iloc[rows].reset_index(drop=True)
        self.encoded = [self.encoded[row] for row in rows]
        self.boxes = [self.boxes[row] for row in rows]

    def choose(self) -> Leakage:
        """Keep one photo of every picture, and give each a split."""
        options = self._options
        # What a photo shows as a whole: only splits and groups, since its boxes have the labels.
        blank = dict.fromkeys(BOX, pd.Series(pd.NA, index=self.photos.index, dtype="Int32"))
        labels = [_most_frequent(one.labels) for one in self.boxes]
        table = self.photos.assign(**blank, label=MASK)
        table["split"] = used_splits(table, options, self._note)
        small = np.stack([one.small for one in self.encoded])
        duplicates = find_duplicates(small, table, workers=options.workers)
        persons = find_identities(table)
        # Boxes of two copies cannot be voted on: those of the largest photo stay.
        chosen = choose_samples(
            table, duplicates, persons.identity, self._roots, options.split_by, options.leave_out
        )
        self.drops += chosen.drops
        self.photos = table.assign(label=labels, group=chosen.group)
        self._keep(chosen.kept)
        self._brought = frozenset(self.photos["split"].dropna())
        self.photos["split"], self._split_by = divide(self.photos, options, self._note)
        leakage = leakage_of(self.photos, self._split_by, table, chosen, duplicates, persons)
        note_leakage(leakage, self._note)
        return leakage

    def finished(self, longest_px: int) -> Manifest:
        """The manifest; the photos that stay lie in their file."""
        output = self._beside / PHOTOS_NAME
        self.encoded = keep_photos(self.encoded, self._spare, output)
        self._spare.unlink()
        table = self._box_table()
        labelled, left_out = table[table["kind"] == LABELLED], self._options.leave_out
        check_splits(labelled, leave_out=left_out, brought=self._brought)
        note_missing_classes(labelled, self._note)
        info = ManifestInfo(
            sources=tuple(
                SourceInfo(one.name, str(one.place), one.layout, dict(one.class_labels))
                for one in self._sources
            ),
            class_names=CLASS_NAMES[: int(labelled["label"].max()) + 1],
            sizes_px=(),
            channel_mean={},
            channel_std={},
            split_by=self._split_by,
            seed=self._options.seed,
            counts={
                "read": self._read,
                "kept": len(self.photos),
                **Counter(drop.reason for drop in self.drops),
            },
            digest=digest_photos(table, [self.encoded[i].kept_sha256 for i in table["photo"]]),
            left_out=left_out,
            relabelled=self._n_relabelled,
            photo_px=longest_px,
            redrawn=self.redrawn,
        )
        return Manifest(table, info)

    def _box_table(self) -> pd.DataFrame:
        """One row a box, with the columns of `PHOTO_COLUMNS`."""
        photos = self.photos.assign(
            photo=np.arange(len(self.photos)),
            photo_width=[one.size[0] for one in self.encoded],
            photo_height=[one.size[1] for one in self.encoded],
            scale=[max(one.size) / max(one.full_size) for one in self.encoded],
            offset=[one.offset for one in self.encoded],
            bytes=[one.bytes for one in self.encoded],
        )
        counts = [len(one.boxes) for one in self.boxes]
        table = photos.loc[np.repeat(photos.index, counts)].reset_index(drop=True)
        sizes = table[["photo_width", "photo_height"]].to_numpy()
        fulls = table[["width", "height"]].to_numpy()
        scaled = np.concatenate([one.boxes for one in self.boxes]) * np.tile(sizes / fulls, 2)
        table[BOX] = np.clip(scaled, 0, np.tile(sizes, 2))
        table["kind"] = [kind for one in self.boxes for kind in one.kinds]
        table["label"] = [label for one in self.boxes for label in one.labels]
        table["annotated"] = [
            i < one.annotated for one in self.boxes for i in range(len(one.boxes))
        ]
        return table[list(PHOTO_COLUMNS)].astype(PHOTO_COLUMNS)


def _photo_boxes(rows: pd.DataFrame, found: Found | None) -> _PhotoBoxes:
    """The annotated boxes of a photo, and those that were found besides."""
    annotated = rows.dropna(subset=BOX)
    boxes, labels = annotated[BOX].to_numpy(np.float64), annotated["label"].tolist()
    kinds = [UNLABELLED if label == NO_LABEL else LABELLED for label in labels]
    if found is not None:
        others, other_kinds = without_box(found, boxes)
        boxes = np.concatenate([boxes, others])
        kinds, labels = kinds + other_kinds, labels + [NO_LABEL] * len(others)
    return _PhotoBoxes(boxes, kinds, labels, len(annotated))


def _most_frequent(labels: Sequence[int]) -> int:
    known = Counter(label for label in labels if label != NO_LABEL)
    return max(known, key=lambda label: (known[label], label), default=NO_LABEL)
