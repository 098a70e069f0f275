"""Corrected labels for what was collected."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from facemask.data.audit.corrections import apply_lists
from facemask.data.collect import Collection
from facemask.data.two_classes import only_two_classes
from facemask.errors import DatasetError, shown
from facemask.labels import INCORRECT_MASK, class_name


def relabelled(
    collection: Collection,
    folder: Path,
    lists: Mapping[Path, pd.DataFrame],
    class_map: Mapping[str, str],
    *,
    keeps_incorrect: bool,
) -> tuple[Collection, int]:
    """A collection with corrected labels, and how many were changed; no photo is touched.

    Args:
        collection: from `collect`, incorrectly worn masks included, since a correction may make
            a mask of one.
        folder: where its arrays lie.
        lists: from `audit.corrections.read_corrections`, by the files that they were read from.
        class_map: the user's own class names, each with a known one.
        keeps_incorrect: keep what is `incorrect_mask` then.

    Raises:
        DatasetError: as `apply_lists`, or if no image of a class is left.
    """
    before = collection.table
    table, changes = apply_lists(before, lists, class_map)
    if keeps_incorrect:
        _check_classes_left(before, table, lists)
        return dataclasses.replace(collection, table=table), len(changes)
    _check_classes_left(before[before["label"] != INCORRECT_MASK], table, lists)
    corrected = only_two_classes(dataclasses.replace(collection, table=table), folder)
    return corrected, len(changes)


def _check_classes_left(before: pd.DataFrame, after: pd.DataFrame, lists: Iterable[Path]) -> None:
    for label in sorted(set(before["label"]) - set(after["label"])):
        count = int((before["label"] == label).sum())
        raise DatasetError(
            f"{', '.join(map(shown, lists))}: no {class_name(int(label))!r} image is left of "
            f"{count:,}: all are corrected to another class; check the column label, or add "
            "photos of that class"
        )
