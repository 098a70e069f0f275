"""Incorrectly worn masks, left out where two classes are asked for."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from facemask.data.collect import Collection, keep_samples
from facemask.data.rows import Drop, Row, Source
from facemask.errors import shown
from facemask.labels import INCORRECT_MASK

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
