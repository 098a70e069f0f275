"""Corrected labels: lists of them as CSV, and what they make of a table of samples."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.dataset.collect import Collection
from facecover.dataset.manifest import BOX
from facecover.errors import DatasetError, LabelError, shown
from facecover.labels import INCORRECT_MASK, class_name, resolve_label
from facecover.sources.csv_tables import CORRECTIONS, read_records

OVERLAY = {
    "label_before": "Int8",  # null where the label was not corrected
    "relabelled_by": "string",
    "relabelled_when": "string",
    "relabelled_why": "string",
}
"""The columns that corrections add to a table, with their pandas dtypes."""


Line = Mapping[str, str]
"""One correction: its cells by column, empty where there is nothing."""

_WHOLE = re.compile(r"^(\d+)\.0+$")


class Change(NamedTuple):
    """One label that was changed: its row in the table, both labels, and the correction's cells."""

    row: int
    before: int
    after: int
    source: str
    path: str
    who: str
    when: str
    why: str


def read_corrections(path: Path) -> pd.DataFrame:
    """A list of corrections from a CSV file: every cell as text, and ``line`` in the file.

    Raises:
        DatasetError: as `read_records`, or if a line has more or fewer cells than the header.
    """
    lines = []
    for record in read_records(path, CORRECTIONS):
        if record.fields is None:
            raise DatasetError(
                f"{shown(path)}, line {record.line}: it has more or fewer cells than the header"
            )
        lines.append({**record.fields, "line": str(record.line)})
    columns = list(lines[0]) if lines else [*CORRECTIONS, "line"]
    return pd.DataFrame(lines, columns=columns, dtype="string")


def apply_corrections(
    table: pd.DataFrame,
    corrections: pd.DataFrame,
    *,
    where: str = "corrections",
    mapping: Mapping[str, str] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A table with corrected labels, and what was changed.

    A line whose label is the one that the sample has changes nothing, so an edited
    `suspects.csv` can be given as a whole.

    Args:
        table: samples with ``source``, ``path``, box and ``label``; it is left as it is.
        corrections: with the columns of `CORRECTIONS`, and the box's where a photo has several.
        where: the name of the list, for messages.
        mapping: the user's own class names, each with a known one.

    Returns:
        The table with the columns of `OVERLAY`, and one line a changed label, with the columns
        of `Change`.

    Raises:
        DatasetError: if a column is missing, a line names no sample or several, its class is
            unknown, it lacks who, when or why, its date is none, or two lines contradict.
    """
    missing = [name for name in CORRECTIONS if name not in corrections]
    if missing:
        raise DatasetError(f"{where}: missing the columns {', '.join(missing)}")
    rows_of = _rows_by_key(table, [name for name in BOX if name in corrections])
    labels = table["label"].to_numpy(dtype=np.int64).copy()
    given: dict[int, int] = {}
    changes: list[Change] = []
    for number, line in enumerate(_lines(corrections), start=2):
        place = f"{where}, line {line.get('line', number)}"
        row = _row(rows_of, line, place)
        after = _label(line, place, mapping)
        if given.setdefault(row, after) != after:
            raise DatasetError(
                f"{place}: {class_name(after)!r}, but an earlier line makes the same sample "
                f"{class_name(given[row])!r}; keep one"
            )
        if after != labels[row]:
            _check_signed(line, place)
            cells = (line[name] for name in Change._fields[3:])
            changes.append(Change(row, int(labels[row]), after, *cells))
            labels[row] = after
    return _overlaid(table, labels, changes), pd.DataFrame(changes, columns=Change._fields)


def apply_lists(
    table: pd.DataFrame,
    lists: Mapping[Path, pd.DataFrame],
    mapping: Mapping[str, str] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A table corrected by several lists, by their files, and what was changed.

    Raises:
        DatasetError: as `apply_corrections`, or if two lists contradict.
    """
    found = [pd.DataFrame(columns=Change._fields)]
    changed_by: dict[int, Path] = {}
    for path, corrections in lists.items():
        table, changes = apply_corrections(table, corrections, where=shown(path), mapping=mapping)
        for row, name in zip(changes["row"], changes["path"], strict=True):
            if row in changed_by:
                raise DatasetError(
                    f"{shown(path)}: {shown(name)} is corrected to another class than in "
                    f"{shown(changed_by[row])}; keep one"
                )
            changed_by[row] = path
        found.append(changes)
    return table, pd.concat(found, ignore_index=True)


def _lines(corrections: pd.DataFrame) -> list[Line]:
    texts = corrections.astype("string").fillna("")
    return [
        {name: _cell(name, text) for name, text in zip(texts.columns, cells, strict=True)}
        for cells in texts.itertuples(index=False, name=None)
    ]


def _cell(name: str, text: str) -> str:
    """A cell as it is compared: file names may end in blanks, and spreadsheets write 7 as 7.0."""
    if name in ("source", "path"):
        return text
    return _WHOLE.sub(r"\1", text.strip()) if name in BOX else text.strip()


def _rows_by_key(table: pd.DataFrame, boxes: list[str]) -> dict[tuple[str, ...], list[int]]:
    keys = table[["source", "path", *boxes]].astype("string").fillna("")
    rows: dict[tuple[str, ...], list[int]] = {}
    for row, key in enumerate(keys.itertuples(index=False, name=None)):
        rows.setdefault(key, []).append(row)
    return rows


def _row(rows_of: Mapping[tuple[str, ...], list[int]], line: Line, place: str) -> int:
    width = len(next(iter(rows_of), ("", "")))
    key = tuple(line[name] for name in ("source", "path", *BOX)[:width])
    found = rows_of.get(key, [])
    if len(found) == 1:
        return found[0]
    sample = shown(" ".join(part for part in key if part))
    if not found:
        raise DatasetError(
            f"{place}: no sample {sample!r} (source and path); expected the names that the "
            "table has"
        )
    raise DatasetError(
        f"{place}: {len(found)} samples are {sample!r}; name one with the columns {', '.join(BOX)}"
    )


def _label(line: Line, place: str, mapping: Mapping[str, str] | None) -> int:
    try:
        return resolve_label(line["label"], mapping, where=place)
    except LabelError as error:
        raise DatasetError(str(error)) from error


def _check_signed(line: Line, place: str) -> None:
    empty = [name for name in ("who", "when", "why") if not line[name]]
    if empty:
        raise DatasetError(
            f"{place}: the label is changed, but {', '.join(empty)} is empty; every correction "
            "says who made it, when and why"
        )
    try:
        datetime.fromisoformat(line["when"])
    except ValueError:
        raise DatasetError(
            f"{place}: when is {line['when']!r}; expected a date such as 2024-05-31"
        ) from None


def _overlaid(
    table: pd.DataFrame, labels: npt.NDArray[np.int64], changes: Sequence[Change]
) -> pd.DataFrame:
    corrected = table.copy()
    corrected["label"] = pd.Series(labels, index=table.index).astype(table["label"].dtype)
    rows = [change.row for change in changes]
    for name, column in zip(OVERLAY, ("before", "who", "when", "why"), strict=True):
        known = corrected[name] if name in corrected else [pd.NA] * len(table)
        cells = np.array(known, dtype=object)
        cells[rows] = [getattr(change, column) for change in changes]
        corrected[name] = pd.Series(cells, index=table.index)
    return corrected.astype(OVERLAY)


def relabelled(
    collection: Collection,
    lists: Mapping[Path, pd.DataFrame],
    class_map: Mapping[str, str],
    *,
    keeps_incorrect: bool,
) -> tuple[Collection, int]:
    """A collection with corrected labels, and how many were changed; no photo is touched.

    Args:
        collection: incorrectly worn masks included: a correction may make a mask of one.
        lists: from `read_corrections`, by their files.
        class_map: the user's own class names, each with a known one.
        keeps_incorrect: keep what is `incorrect_mask` then.

    Raises:
        DatasetError: as `apply_lists`, or if no image of a class is left.
    """
    before = collection.table
    table, changes = apply_lists(before, lists, class_map)
    if not keeps_incorrect:
        before = before[before["label"] != INCORRECT_MASK]
    _check_classes_left(before, table, lists)
    corrected = collection.with_columns(**{name: table[name] for name in ("label", *OVERLAY)})
    return corrected if keeps_incorrect else corrected.only_two_classes(), len(changes)


def _check_classes_left(before: pd.DataFrame, after: pd.DataFrame, lists: Iterable[Path]) -> None:
    for label in sorted(set(before["label"]) - set(after["label"])):
        count = int((before["label"] == label).sum())
        raise DatasetError(
            f"{', '.join(map(shown, lists))}: no {class_name(int(label))!r} image is left of "
            f"{count:,}: all are corrected to another class; check the column label, or add "
            "photos of that class"
        )
