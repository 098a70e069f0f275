"""Sources to one table and its arrays, before any split; and what was left out on the way."""

import dataclasses
import itertools
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.dataset import MAX_UNREADABLE_SHARE, MEASURE_SIZE_PX
from facecover.dataset.arrays import Dataset, array_name, wide_name
from facecover.dataset.decode import BAD_BOX, MEASURES, UNREADABLE, FileFacts, decode_rows
from facecover.dataset.manifest import AS_READ, COLUMNS, Manifest, ManifestInfo, SourceInfo
from facecover.documents import reading
from facecover.errors import DatasetError, shown
from facecover.files import write_csv
from facecover.images import MAX_PIXELS
from facecover.labels import CLASS_NAMES, INCORRECT_MASK
from facecover.progress import OnProgress
from facecover.sources.rows import Drop, Row, Source, in_their_place
from facecover.text import percent

DROPPED_NAME = "dropped.csv"
"""Everything that was left out of a dataset."""

UNREADABLE_NAME = "unreadable.csv"
"""What could not be read."""

CLASS_LEFT_OUT = "class left out"

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
    with reading(path, "list", DatasetError, "run prepare again"):
        table = pd.read_csv(path, dtype="str", keep_default_na=False)
        return [
            Drop(Path(name), source, reason, detail)
            for source, name, reason, detail in table[_COLUMNS].to_numpy().tolist()
        ]


def unreadable_among(drops: Sequence[Drop]) -> list[Drop]:
    """Those drops that could not be read."""
    return [drop for drop in drops if drop.reason in (UNREADABLE, BAD_BOX)]


_KEPT_SIZES_PX = (32, MEASURE_SIZE_PX)
"""The sizes that are kept for every purpose: photos are described and compared at them."""

_COPY_CHUNK = 1024


class Collection(NamedTuple):
    """Every sample of some data, and what was left out on the way.

    Attributes:
        dataset: the samples; those that no command has split may have no split and no group.
        drops: by the layout's reader, as unreadable, or later.
    """

    dataset: Dataset
    drops: Sequence[Drop]

    @property
    def table(self) -> pd.DataFrame:
        """The samples, with the columns of `manifest.COLUMNS`."""
        return self.dataset.manifest.table

    @property
    def roots(self) -> dict[str, Path]:
        """By source name, the folder that its paths stand under."""
        return {source.name: Path(source.root) for source in self.dataset.manifest.info.sources}

    def with_columns(self, **columns: "pd.Series[Any]") -> "Collection":
        """The same samples with other columns."""
        manifest = self.dataset.manifest
        manifest = dataclasses.replace(manifest, table=manifest.table.assign(**columns))
        return Collection(dataclasses.replace(self.dataset, manifest=manifest), self.drops)

    def keep(self, kept: npt.NDArray[np.bool_], drops: Sequence[Drop]) -> "Collection":
        """Some of the samples; the arrays in the dataset's folder become as short.

        Args:
            kept: ``bool (N,)``, which samples stay.
            drops: one for each sample that goes.
        """
        rows = np.flatnonzero(kept).tolist()
        folder, info = self.dataset.folder, self.dataset.manifest.info
        for size in info.sizes_px:
            _compact(folder / array_name(size), rows)
        table = self.table.iloc[rows].reset_index(drop=True)
        return _collection(folder, table, info, (*self.drops, *drops))

    def only_two_classes(self) -> "Collection":
        """The samples without the incorrectly worn masks; each stands among the drops."""
        goes = (self.table["label"] == INCORRECT_MASK).to_numpy(dtype=bool)
        places = self.table.loc[goes, ["source", "path"]].itertuples(index=False, name=None)
        roots = self.roots
        drops = [_class_drop(roots[source] / path, source) for source, path in places]
        return self.keep(np.logical_not(goes), drops)


def without_incorrect(source: Source) -> Source:
    """The source without its incorrectly worn masks; each stands among the drops."""
    kept = tuple(row for row in source.rows if row.label != INCORRECT_MASK)
    gone = (row for row in source.rows if row.label == INCORRECT_MASK)
    drops = (_class_drop(row.path, row.source) for row in gone)
    return dataclasses.replace(source, rows=kept, drops=(*source.drops, *drops))


def _class_drop(path: Path, source: str) -> Drop:
    detail = (
        f"{shown(path)}: incorrect_mask; two classes were asked for (--keep-incorrect keeps it)"
    )
    return Drop(path, source, CLASS_LEFT_OUT, detail)


def collect(
    sources: Sequence[Source],
    folder: Path,
    *,
    sizes_px: Sequence[int] = (),
    max_unreadable_share: float = MAX_UNREADABLE_SHARE,
    unreadable_list: Path | None = None,
    workers: int | None = None,
    max_pixels: int = MAX_PIXELS,
    on_progress: OnProgress | None = None,
) -> Collection:
    """Decode every row of some sources, once.

    Args:
        sources: from `sources.reading.read_sources`.
        folder: where the arrays are kept, as memory-mapped files; those of the wide cuts, too,
            where rows have boxes.
        sizes_px: the square sizes to keep besides 32 and 64.
        max_unreadable_share: more unreadable samples than this share, 0..1, is an error.
        unreadable_list: where the list is written in that case; beside it, if a file stands there.
        workers: processes; by default one a core, where there are many photos.
        max_pixels: as of `decode_rows`.
        on_progress: called with the number of samples done, every few.

    Raises:
        DatasetError: if no row is left, or more than the given share cannot be read.
    """
    rows = [row for source in sources for row in source.rows]
    if not rows:
        names = ", ".join(str(source.root) for source in sources)
        raise DatasetError(f"{names}: no labelled image to read")
    sizes = sorted({*_KEPT_SIZES_PX, *sizes_px})
    boxes = sum(row.box is not None for row in rows)
    paths = {size: folder / array_name(size) for size in sizes}
    wide_paths = {size: folder / wide_name(size) for size in sizes if boxes}
    for size in sizes:
        _new_array(paths[size], size, len(rows))
        if boxes:
            _new_array(wide_paths[size], size, boxes)
    outcomes, measures = decode_rows(
        rows,
        paths,
        wide_paths,
        workers=workers,
        max_pixels=max_pixels,
        on_progress=on_progress,
    )
    unreadable = in_their_place((one for one in outcomes if isinstance(one, Drop)), sources)
    check_unreadable(unreadable, len(rows), max_unreadable_share, unreadable_list)
    kept = [index for index, found in enumerate(outcomes) if isinstance(found, FileFacts)]
    for path in paths.values():
        _compact(path, kept)
    facts = [found for found in outcomes if isinstance(found, FileFacts)]
    roots = {source.name: source.root for source in sources}
    table = _table([rows[index] for index in kept], facts, measures[kept], roots)
    of_sources = (drop for source in sources for drop in source.drops)
    drops = (*in_their_place(of_sources, sources), *unreadable)
    info = ManifestInfo(
        sources=tuple(
            SourceInfo(source.name, str(source.root), source.layout, dict(source.class_labels))
            for source in sources
        ),
        class_names=(),
        sizes_px=tuple(sizes),
        channel_mean={},  # of the training split, and there is none yet
        channel_std={},
        split_by=AS_READ,
        seed=0,
        counts={"read": len(rows) + sum(len(source.drops) for source in sources)},
    )
    return _collection(folder, table, info, drops)


def _collection(
    folder: Path, table: pd.DataFrame, info: ManifestInfo, drops: Sequence[Drop]
) -> Collection:
    reasons = Counter(drop.reason for drop in drops)
    info = dataclasses.replace(
        info,
        class_names=CLASS_NAMES[: max(table["label"], default=-1) + 1],
        counts={"read": info.counts["read"], "kept": len(table), **reasons},
    )
    return Collection(Dataset(folder, Manifest(table, info)), drops)


def _new_array(path: Path, size_px: int, count: int) -> npt.NDArray[np.uint8]:
    shape = (count, size_px, size_px, 3)
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):
        # Without this a disk that fills up kills the process at the next write to the map.
        with path.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, path.stat().st_size)
    return array


def _compact(path: Path, kept: list[int]) -> None:
    """Replace the array in a file by some of its rows."""
    array = np.load(path, mmap_mode="r")
    if len(kept) == len(array):
        return
    spare = path.with_suffix(".part")
    fewer = _new_array(spare, array.shape[1], len(kept))
    for start in range(0, len(kept), _COPY_CHUNK):
        fewer[start : start + _COPY_CHUNK] = array[kept[start : start + _COPY_CHUNK]]
    spare.replace(path)


def check_unreadable(
    drops: Sequence[Drop], count: int, max_share: float, list_path: Path | None
) -> None:
    """Refuse too large a share of samples that cannot be read, 0..1, and write their list.

    Raises:
        DatasetError: if there are more, or nothing else.
    """
    if len(drops) <= max_share * count and len(drops) < count:
        return
    examples = "; ".join(drop.detail for drop in drops[:3])
    where = ""
    if list_path is not None:
        list_path = _free_name(list_path)
        write_drops(list_path, drops)
        where = f"; the whole list: {list_path}"
    raise DatasetError(
        f"{len(drops):,} of {count:,} samples cannot be read; expected at most "
        f"{percent(max_share, 0)} (--max-unreadable); for example {examples}{where}"
    )


def _free_name(path: Path) -> Path:
    """The path, or the first of ``NAME-2.csv``, ``NAME-3.csv``, ... that nothing stands at."""
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))
    return next(one for one in itertools.chain([path], numbered) if not os.path.lexists(one))


def _table(
    rows: Sequence[Row],
    facts: Sequence[FileFacts],
    measures: npt.NDArray[np.float32],
    roots: Mapping[str, Path],
) -> pd.DataFrame:
    samples = pd.DataFrame.from_records([as_record(row, roots) for row in rows])
    found = pd.DataFrame.from_records([dataclasses.asdict(fact) for fact in facts])
    table = pd.concat([samples, found, pd.DataFrame(measures, columns=list(MEASURES))], axis=1)
    extra = pd.DataFrame.from_records([dict(row.extra) for row in rows], index=table.index)
    extra = extra[[name for name in extra if name not in COLUMNS]].astype("string")
    return pd.concat([table.astype(COLUMNS)[list(COLUMNS)], extra], axis=1)


def as_record(row: Row, roots: Mapping[str, Path]) -> dict[str, object]:
    """A row by the columns of a manifest; its path is relative to its source's root."""
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
