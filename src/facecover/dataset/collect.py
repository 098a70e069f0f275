"""Sources to one table and its arrays, before any split."""

import dataclasses
import hashlib
import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.dataset import MAX_UNREADABLE_SHARE
from facecover.dataset.arrays import MEASURE_SIZE_PX, MEASURES, Images, array_name, wide_name
from facecover.dataset.decode import BAD_BOX, UNREADABLE, FileFacts, OnProgress, decode_rows
from facecover.dataset.manifest import COLUMNS
from facecover.errors import DatasetError, shown
from facecover.labels import INCORRECT_MASK
from facecover.sources.csv_tables import write_csv
from facecover.sources.rows import Drop, Row, Source

DROPPED_NAME = "dropped.csv"
"""Everything that was left out of a dataset."""

UNREADABLE_NAME = "unreadable.csv"
"""What could not be read."""

_COLUMNS = ["source", "path", "reason", "detail"]


def drops_table(drops: Sequence[Drop]) -> pd.DataFrame:
    """One row for each drop, with the columns of the CSV."""
    records = [(drop.source, str(drop.path), drop.reason, drop.detail) for drop in drops]
    return pd.DataFrame.from_records(records, columns=_COLUMNS)


def write_drops(path: Path, drops: Sequence[Drop]) -> None:
    """Write drops as CSV.

    Raises:
        OutputError: if it cannot be written.
    """
    write_csv(path, drops_table(drops))


def read_drops(path: Path) -> list[Drop]:
    """The drops in a CSV that `write_drops` wrote.

    Raises:
        DatasetError: if it is missing or broken.
    """
    try:
        table = pd.read_csv(path, dtype="str", keep_default_na=False)
        return [
            Drop(Path(path), source, reason, detail)
            for source, path, reason, detail in table[_COLUMNS].to_numpy().tolist()
        ]
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(f"{path}: broken list: {error}; run prepare again") from error


def unreadable_among(drops: Sequence[Drop]) -> list[Drop]:
    """Those drops that could not be read."""
    return [drop for drop in drops if drop.reason in (UNREADABLE, BAD_BOX)]


SIZES_PX = (32, 64)
"""The sizes that are always kept: the inputs of Net #1 and Net #2."""

_COPY_CHUNK = 1024


@dataclass(frozen=True)
class Collection:
    """Every readable sample of some sources, decoded.

    Attributes:
        sources: what was read.
        table: one row a sample, `manifest.COLUMNS`; `split` and `group` are null where the
            data brings none.
        images: by size in pixels, ``uint8 (N, S, S, 3)``, RGB; row i belongs to table row i.
        pixel_digests: SHA-256 of each sample's pixels at the largest size.
        drops: what was left out on the way: by the layout's reader or as unreadable.
        read_count: the number of samples and drops together.
    """

    sources: tuple[Source, ...]
    table: pd.DataFrame
    images: Mapping[int, Images]
    pixel_digests: tuple[str, ...]
    drops: tuple[Drop, ...]
    read_count: int


def collect(
    sources: Sequence[Source],
    folder: Path,
    *,
    sizes_px: Sequence[int] = SIZES_PX,
    max_unreadable_share: float = MAX_UNREADABLE_SHARE,
    unreadable_list: Path | None = None,
    workers: int | None = None,
    on_progress: OnProgress | None = None,
) -> Collection:
    """Decode every row of some sources, once.

    Args:
        sources: from `layouts.read_sources`.
        folder: where the arrays are kept, as memory-mapped files; those of the wide cuts, too,
            where rows have boxes.
        sizes_px: the square sizes to keep, besides `SIZES_PX`.
        max_unreadable_share: more unreadable samples than this share, 0..1, is an error.
        unreadable_list: where the list is written in that case.
        workers: processes; by default one a core, where there are many photos.
        on_progress: told of every few samples done.

    Raises:
        DatasetError: if no row is left, or more than the given share cannot be read.
    """
    rows = _ordered(sources)
    paths = {size: folder / array_name(size) for size in sorted({*SIZES_PX, *sizes_px})}
    for size, path in paths.items():
        _new_array(path, size, len(rows))
    boxes = sum(row.box is not None for row in rows)
    wide_paths = {size: folder / wide_name(size) for size in paths} if boxes else {}
    for size, path in wide_paths.items():
        _new_array(path, size, boxes)
    decoded = decode_rows(rows, paths, wide_paths, workers=workers, on_progress=on_progress)
    unreadable = [found for found in decoded.outcomes if isinstance(found, Drop)]
    _check_unreadable(unreadable, len(rows), max_unreadable_share, unreadable_list)
    kept = [i for i, found in enumerate(decoded.outcomes) if isinstance(found, FileFacts)]
    images = {size: _compacted(path, kept) for size, path in paths.items()}
    table = _table(
        [rows[index] for index in kept],
        [found for found in decoded.outcomes if isinstance(found, FileFacts)],
        decoded.measures[kept],
        {source.name: source.root for source in sources},
    )
    drops = (*(drop for source in sources for drop in source.drops), *unreadable)
    read_count = len(rows) + sum(len(source.drops) for source in sources)
    digests = _digests(images[MEASURE_SIZE_PX])  # the same whatever else is kept
    return Collection(tuple(sources), table, images, digests, drops, read_count)


def keep_samples(
    collection: Collection, folder: Path, kept: npt.NDArray[np.bool_], drops: Sequence[Drop]
) -> Collection:
    """A collection without some of its samples.

    Args:
        collection: from `collect`.
        folder: where its arrays lie; they are replaced by shorter ones.
        kept: ``bool (N,)``, which samples stay.
        drops: one for each sample that goes.
    """
    rows = np.flatnonzero(kept).tolist()
    return dataclasses.replace(
        collection,
        table=collection.table.iloc[rows].reset_index(drop=True),
        images={size: _compacted(folder / array_name(size), rows) for size in collection.images},
        pixel_digests=tuple(collection.pixel_digests[row] for row in rows),
        drops=(*collection.drops, *drops),
    )


def _ordered(sources: Sequence[Source]) -> list[Row]:
    rows = [row for source in sources for row in source.rows]
    if not rows:
        names = ", ".join(str(source.root) for source in sources)
        raise DatasetError(f"{names}: no labelled image to read")
    return rows


def _new_array(path: Path, size_px: int, count: int) -> Images:
    shape = (count, size_px, size_px, 3)
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):
        # Without this a disk that fills up kills the process at the next write to the map.
        with path.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, path.stat().st_size)
    return array


def _compacted(path: Path, kept: list[int]) -> Images:
    """The array in a file, without the rows that could not be read."""
    array: Images = np.load(path, mmap_mode="r")
    if len(kept) == len(array):
        return array
    spare = path.with_suffix(".part")
    whole = _new_array(spare, array.shape[1], len(kept))
    for start in range(0, len(kept), _COPY_CHUNK):
        whole[start : start + _COPY_CHUNK] = array[kept[start : start + _COPY_CHUNK]]
    spare.replace(path)
    return whole


def _free_name(path: Path) -> Path:
    """The path, or the first of ``NAME-2.csv``, ``NAME-3.csv``, ... that nothing stands at."""
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))
    return next(one for one in itertools.chain([path], numbered) if not os.path.lexists(one))


def _check_unreadable(
    drops: Sequence[Drop], count: int, max_share: float, list_path: Path | None
) -> None:
    if len(drops) <= max_share * count and len(drops) < count:
        return
    examples = "; ".join(drop.detail for drop in drops[:3])
    where = ""
    if list_path is not None:
        list_path = _free_name(list_path)
        write_drops(list_path, drops)
        where = f"; the whole list: {list_path}"
    raise DatasetError(
        f"{len(drops):,} of {count:,} samples cannot be read; expected at most {max_share:.0%} "
        f"(--max-unreadable); for example {examples}{where}"
    )


def _table(
    rows: Sequence[Row],
    facts: Sequence[FileFacts],
    measures: npt.NDArray[np.float32],
    roots: Mapping[str, Path],
) -> pd.DataFrame:
    samples = pd.DataFrame.from_records([_sample(row, roots) for row in rows])
    found = pd.DataFrame.from_records([dataclasses.asdict(fact) for fact in facts])
    pixels = pd.DataFrame(measures, columns=list(MEASURES))
    table = pd.concat([samples, found, pixels], axis=1)
    extra = pd.DataFrame.from_records([dict(row.extra) for row in rows], index=table.index)
    clashing = [name for name in extra.columns if name in COLUMNS]
    extra = extra.drop(columns=clashing).astype("string")
    return pd.concat([table.astype(COLUMNS)[list(COLUMNS)], extra], axis=1)


def _sample(row: Row, roots: Mapping[str, Path]) -> dict[str, object]:
    x0, y0, x1, y1 = row.box if row.box is not None else (None,) * 4
    return {
        "source": row.source,
        "path": _relative(row.path, roots.get(row.source)),
        "x0": x0, "y0": y0, "x1": x1, "y1": y1,
        "label": row.label,
        "split": row.split,
        "group": row.group,
    }  # fmt: skip


def _relative(path: Path, root: Path | None) -> str:
    if root is not None and path.is_relative_to(root):
        path = path.relative_to(root)
    # A file name that is not UTF-8 cannot stand in a Parquet table as it is.
    return path.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _digests(images: Images) -> tuple[str, ...]:
    return tuple(hashlib.sha256(image.tobytes()).hexdigest() for image in images)


CLASS_LEFT_OUT = "class left out"


def without_incorrect(source: Source) -> Source:
    """The source without its incorrectly worn masks; each stands among the drops."""
    kept = tuple(row for row in source.rows if row.label != INCORRECT_MASK)
    left_out = tuple(_row_drop(row) for row in source.rows if row.label == INCORRECT_MASK)
    return Source(
        source.name, source.root, source.layout, kept, source.drops + left_out, source.class_labels
    )


def only_two_classes(collection: Collection, folder: Path) -> Collection:
    """The same for samples that are decoded; their arrays in the folder become shorter."""
    roots: Mapping[str, Path] = {source.name: source.root for source in collection.sources}
    goes = (collection.table["label"] == INCORRECT_MASK).to_numpy(dtype=bool)
    places = collection.table.loc[goes, ["source", "path"]].itertuples(index=False, name=None)
    drops = [_drop(roots[source] / path, source) for source, path in places]
    return keep_samples(collection, folder, np.logical_not(goes), drops)


def _row_drop(row: Row) -> Drop:
    return _drop(row.path, row.source)


def _drop(path: Path, source: str) -> Drop:
    detail = (
        f"{shown(path)}: incorrect_mask; two classes were asked for (--keep-incorrect keeps it)"
    )
    return Drop(path, source, CLASS_LEFT_OUT, detail)
