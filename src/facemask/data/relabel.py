"""Corrected labels for what was collected."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from facemask.data.audit.corrections import apply_corrections
from facemask.data.collect import Collection
from facemask.data.two_classes import only_two_classes
from facemask.errors import DatasetError, shown
from facemask.labels import INCORRECT_MASK, class_name


def relabelled(
    collection: Collection,
    folder: Path,
    corrections: pd.DataFrame,
    path: Path,
    class_map: Mapping[str, str],
    *,
    keeps_incorrect: bool,
) -> tuple[Collection, int]:
    """A collection with corrected labels, and how many were changed; no photo is touched.

    Args:
        collection: from `collect`, incorrectly worn masks included, since a correction may make
            a mask of one.
        folder: where its arrays lie.
        corrections: from `audit.corrections.read_corrections`.
        path: where they were read, for messages.
        class_map: the user's own class names, each with a known one.
        keeps_incorrect: keep what is `incorrect_mask` then.

    Raises:
        DatasetError: as `apply_corrections`, or if no image of a class is left.
    """
    before = collection.table
    table, changes = apply_corrections(before, corrections, where=shown(path), mapping=class_map)
    if keeps_incorrect:
        _check_classes_left(before, table, path)
        return dataclasses.replace(collection, table=table), len(changes)
    _check_classes_left(before[before["label"] != INCORRECT_MASK], table, path)
    corrected = only_two_classes(dataclasses.replace(collection, table=table), folder)
    return corrected, len(changes)


def _check_classes_left(before: pd.DataFrame, after: pd.DataFrame, path: Path) -> None:
    for label in sorted(set(before["label"]) - set(after["label"])):
        count = int((before["label"] == label).sum())
        raise DatasetError(
            f"{shown(path)}: no {class_name(int(label))!r} image is left of {count:,}: all are "
            "corrected to another class; check the column label, or add photos of that class"
        )
