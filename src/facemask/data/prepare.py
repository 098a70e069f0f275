"""Sources to a dataset on disk: decode, split, describe, and only then put in place."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from facemask.data.arrays import Dataset, open_dataset
from facemask.data.audit.duplicates import find_duplicates
from facemask.data.audit.identities import find_identities
from facemask.data.audit.settle import settle
from facemask.data.collect import (
    MAX_UNREADABLE_SHARE,
    SIZES_PX,
    Collection,
    collect,
    keep_samples,
)
from facemask.data.decode import OnProgress
from facemask.data.drops import DROPPED_NAME, UNREADABLE_NAME, unreadable_among, write_drops
from facemask.data.layouts import check_classes
from facemask.data.manifest import (
    MANIFEST_NAME,
    Manifest,
    ManifestInfo,
    SourceInfo,
    digest_samples,
)
from facemask.data.measures import MEASURE_SIZE_PX, channel_statistics
from facemask.data.rows import Drop, Row, Source
from facemask.data.split import DEFAULT_SHARES, Shares, assign_splits, check_splits
from facemask.errors import shown
from facemask.files import check_replaceable, written_folder
from facemask.labels import CLASS_NAMES, INCORRECT_MASK

CLASS_LEFT_OUT = "class left out"


@dataclass(frozen=True)
class PrepareOptions:
    """How a dataset is prepared.

    Attributes:
        sizes_px: square sizes to keep besides 32 and 64.
        shares: the wanted shares of validation and test data.
        split_by: ``group`` keeps one image of every picture, and edits of a picture and photos
            of a person in one split (see `audit.settle`); ``random`` keeps all and looks at
            none of this, for comparison with figures that were taken so.
        seed: of the split.
        max_unreadable_share: more unreadable samples than this share, 0..1, is an error.
        keeps_incorrect: keep `incorrect_mask` as a third class; else its samples are left out.
        workers: processes that decode; by default one a core, where there are many photos.
    """

    sizes_px: tuple[int, ...] = SIZES_PX
    shares: Shares = DEFAULT_SHARES
    split_by: Literal["group", "random"] = "group"
    seed: int = 0
    max_unreadable_share: float = MAX_UNREADABLE_SHARE
    keeps_incorrect: bool = False
    workers: int | None = None


def prepare(
    sources: Sequence[Source],
    folder: Path,
    options: PrepareOptions = PrepareOptions(),
    on_progress: OnProgress | None = None,
) -> Dataset:
    """Write a dataset folder: manifest, arrays, and the lists of what was left out.

    It is made beside its place and renamed when it is whole; a dataset that stood there is
    replaced, anything else is left alone.

    Args:
        sources: from `layouts.read_sources`.
        folder: the dataset's place.
        options: how.
        on_progress: told of every few samples decoded.

    Raises:
        DatasetError: if too much cannot be read, or a class is missing from a split.
        LabelError: if the sources hold one class only.
        OutputError: if the folder holds something else or cannot be written.
    """
    check_replaceable(folder, replace_if=MANIFEST_NAME)
    check_classes(sources)
    chosen = sources if options.keeps_incorrect else [without_incorrect(one) for one in sources]
    with written_folder(folder, replace_if=MANIFEST_NAME) as beside:
        collection = collect(
            chosen,
            beside,
            sizes_px=options.sizes_px,
            max_unreadable_share=options.max_unreadable_share,
            unreadable_list=folder.with_name(f"{folder.name}-unreadable.csv"),
            workers=options.workers,
            on_progress=on_progress,
        )
        if options.split_by == "group":
            collection = _settled(collection, beside, options.workers)
        manifest = _manifest(collection, options)
        manifest.save(beside)
        write_drops(beside / UNREADABLE_NAME, unreadable_among(collection.drops))
        write_drops(beside / DROPPED_NAME, collection.drops)
    return open_dataset(folder)


def without_incorrect(source: Source) -> Source:
    """The source without its incorrectly worn masks; each stands among the drops."""
    kept = tuple(row for row in source.rows if row.label != INCORRECT_MASK)
    left_out = tuple(_left_out(row) for row in source.rows if row.label == INCORRECT_MASK)
    return Source(
        source.name, source.root, source.layout, kept, source.drops + left_out, source.class_labels
    )


def _left_out(row: Row) -> Drop:
    detail = (
        f"{shown(row.path)}: incorrect_mask; two classes were asked for (--keep-incorrect keeps it)"
    )
    return Drop(row.path, row.source, CLASS_LEFT_OUT, detail)


def _settled(collection: Collection, folder: Path, workers: int | None) -> Collection:
    """One image of every picture, each with its group; the others stand among the drops."""
    table = collection.table
    duplicates = find_duplicates(collection.images[MEASURE_SIZE_PX], table, workers=workers)
    roots = {source.name: source.root for source in collection.sources}
    settled = settle(table, duplicates, find_identities(table).identity, roots)
    grouped = dataclasses.replace(collection, table=table.assign(group=settled.group))
    return keep_samples(grouped, folder, settled.kept, settled.drops)


def _manifest(collection: Collection, options: PrepareOptions) -> Manifest:
    table = collection.table.copy()
    brings_split = bool(table["split"].notna().any())
    table["split"] = assign_splits(table, options.shares, seed=options.seed)
    check_splits(table)
    training = (table["split"] == "train").to_numpy().nonzero()[0]
    statistics = {
        size: channel_statistics(images, training) for size, images in collection.images.items()
    }
    reasons = Counter(drop.reason for drop in collection.drops)
    info = ManifestInfo(
        sources=tuple(
            SourceInfo(source.name, str(source.root), source.layout, dict(source.class_labels))
            for source in collection.sources
        ),
        class_names=CLASS_NAMES[: int(table["label"].max()) + 1],
        sizes_px=tuple(collection.images),
        channel_mean={size: mean for size, (mean, _) in statistics.items()},
        channel_std={size: std for size, (_, std) in statistics.items()},
        split_by="source data" if brings_split else options.split_by,
        seed=options.seed,
        counts={"read": collection.read_count, "kept": len(table), **reasons},
        digest=digest_samples(
            list(collection.pixel_digests), table["label"].tolist(), table["split"].tolist()
        ),
    )
    return Manifest(table, info)
