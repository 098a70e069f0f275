"""Labels in a table: ``path,label[,split,group,source,x0,y0,x1,y1]`` and any further columns.

What exporters call these is known too: `ALSO_CALLED`, `BOXES`.
"""

import codecs
import csv
import functools
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from facecover.errors import DatasetError, shown
from facecover.images import Header
from facecover.labels import Box
from facecover.sources.boxes import (
    Frame,
    fit_box,
    header_or_none,
    read_edges,
    read_in_one_frame,
    read_size,
)
from facecover.sources.folders import split_of
from facecover.sources.rows import SPLITS, Draft, Drop, Entry, Refused, Row, keep_once
from facecover.text import listed

REQUIRED = ("path", "label")
COLUMNS = frozenset((*REQUIRED, "split", "group", "source", *Box._fields))
"""The columns that mean something; any other is kept as it is."""

ALSO_CALLED = {
    "path": ("filename", "file_name", "filepath", "image_path", "image_name", "image", "file"),
    "label": ("class", "class_name"),
}
"""What exporters call those columns; taken where none is called by its own name."""

BOXES = (
    Box._fields,
    ("xmin", "ymin", "xmax", "ymax"),
    ("x1", "y1", "x2", "y2"),
    ("x", "y", "w", "h"),
    ("x", "y", "width", "height"),
)
"""The columns of a box, in pixels: the first of these that a table has."""

RETINANET = ("path", "x1", "y1", "x2", "y2", "label")
"""The columns of tables without a header, as RetinaNet reads them."""

CORRECTIONS = ("source", *REQUIRED, "who", "when", "why")
"""The columns of a list of corrected labels; see `preparation.label_corrections`."""

SEPARATORS = (",", ";", "\t")
SUFFIXES = (".csv", ".tsv")

HeaderOf = Callable[[Path], Header | None]


class Record(NamedTuple):
    """A line of a table, by its last number in the file; no fields if it has too few or many."""

    line: int
    fields: dict[str, str] | None


def read_records(table: Path, required: Sequence[str] = REQUIRED) -> Iterator[Record]:
    """The lines below the header; empty lines are passed over.

    Args:
        table: values separated by one of `SEPARATORS`, in UTF-8.
        required: columns that it must have; they and `COLUMNS` are found whatever their case.

    Raises:
        DatasetError: if the file cannot be read, is no UTF-8 text, is badly quoted, or lacks a
            required column.
    """
    text = _text(table)
    separator = _separator(text, required)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = next(reader, [])
        rows: Iterable[list[str]] = reader
        if tuple(required) == REQUIRED and _is_row_of_retinanet(header):
            rows, header = chain([header], reader), list(RETINANET)
        columns = _columns(header, required)
        _check_columns(table, header, columns, required)
        for values in rows:
            if any(value.strip() for value in values):
                pairs = zip(columns, values, strict=False)
                fits = len(values) == len(columns)
                fields = {name: value for name, value in pairs if name} if fits else None
                yield Record(reader.line_num, fields)
    except csv.Error as error:
        raise DatasetError(
            f"{shown(table)}, line {reader.line_num}: broken CSV: {error}; expected values "
            'separated by commas, in double quotes where they hold a comma, a quote (as "") or '
            "a line break"
        ) from error


def _is_row_of_retinanet(values: list[str]) -> bool:
    if len(values) != len(RETINANET):
        return False
    numbers = "".join(values[1:5]).replace(".", "").replace("-", "")
    return numbers.isdecimal() if values[5] else not numbers


def problem_of(table: Path) -> str | None:
    """Why a file is no table of photos, judged by its header and first line; None if it is one."""
    try:
        first = next(read_records(table), None)
    except DatasetError as error:
        return str(error)
    if first and first.fields and first.fields.keys() >= set(CORRECTIONS):
        return f"{shown(table)} holds corrected labels: give it to --relabel"
    return None


def _text(table: Path) -> str:
    try:
        content = table.read_bytes()
    except OSError as error:
        raise DatasetError(f"{shown(table)}: cannot be read: {error.strerror}") from error
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DatasetError(f"{shown(table)}: expected UTF-8 text, found UTF-16; save it as UTF-8")
    if b"\0" in content:
        raise DatasetError(f"{shown(table)}: expected a CSV text, found null bytes; not a CSV file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DatasetError(
            f"{shown(table)}, line {line}: expected UTF-8 text, found byte "
            f"0x{content[error.start]:02x}; save it as UTF-8"
        ) from error


def _separator(text: str, required: Sequence[str]) -> str:
    """The separator under which the header has the columns wanted, or else the most columns."""
    header = text.lstrip("\r\n").partition("\n")[0]
    found = {
        separator: _columns([name.strip(' \r\t"') for name in header.split(separator)], required)
        for separator in SEPARATORS
    }
    return max(
        SEPARATORS, key=lambda s: (all(name in found[s] for name in required), len(found[s]))
    )


def _columns(header: list[str], required: Sequence[str]) -> list[str]:
    """Column names, stripped; those that mean something here by our own names."""
    known = COLUMNS.union(required)
    names = [name.strip() for name in header]
    names = [name.casefold() if name.casefold() in known else name for name in names]
    lower = [name.casefold() for name in names]
    for ours, others in ALSO_CALLED.items():
        found = next((other for other in others if other in lower), None)
        if found is not None and ours not in names:
            names[lower.index(found)] = ours
    return names


def _check_columns(
    table: Path, header: list[str], columns: list[str], required: Sequence[str]
) -> None:
    missing = [name for name in required if name not in columns]
    if missing:
        expected, lacking = (listed(names, len(required)) for names in (required, missing))
        found = ", ".join(repr(name.strip()) for name in header) or "an empty file"
        raise DatasetError(
            f"{shown(table)}, line 1: expected the columns {expected}, found {found}; name "
            f"the column{'s' if len(missing) > 1 else ''} {lacking} in the first line"
        )
    twice = next((name for name in columns if name and columns.count(name) > 1), None)
    if twice is not None:
        raise DatasetError(
            f"{shown(table)}, line 1: the column {twice!r} stands there twice; rename one"
        )


def read_csv_table(table: Path, draft: Draft, split: str | None = None) -> None:
    """The rows of a table; paths are relative to its folder, or absolute.

    A line whose file is missing, whose box is wrong, or that contradicts another is left out; a
    split that is not called train, val or test is an error.

    Args:
        table: the file.
        draft: takes the rows.
        split: of the lines that name none: that of the folder which the table lies in.
    """
    before = len(draft.drops)
    records = list(read_records(table))
    if not records:
        raise DatasetError(f"{shown(table)}: expected lines below the header, found none")
    header_of = functools.cache(header_or_none)  # a photo may stand in many lines

    def read(frame: Frame) -> list[Entry]:
        found = (_entries(table, record, draft, header_of, frame) for record in records)
        return [
            Entry(replace(entry.row, split=entry.row.split or split), entry.where)
            for entry in chain.from_iterable(found)
        ]

    entries = read_in_one_frame(read, draft)
    _check_found(table, len(records), draft.drops[before:])
    keep_once(entries, draft)


def _entries(
    table: Path, record: Record, draft: Draft, header_of: HeaderOf, frame: Frame
) -> Iterator[Entry]:
    """The row of a line, unless it is left out."""
    where = f"{shown(table.name)}, line {record.line}"
    fields = record.fields or {}
    path = _path(table.parent, fields.get("path", "")) or table
    with draft.dropping(path, fields.get("source", "").strip() or None, where):
        _check_line(record, path)
        place = f"{shown(table)}, line {record.line}"
        box = _box(fields, path, place, header_of, frame)
        yield Entry(_row(fields, place, path, box, draft), where)


def _path(folder: Path, text: str) -> Path | None:
    """The file that a line means: as written, else without spaces around, else from Windows."""
    if not text.strip():
        return None
    stripped = text.strip()
    written = [folder / name for name in (text, stripped, stripped.replace("\\", "/"))]
    path = next((path for path in written if _is_file(path)), written[1])
    return path.resolve() if ".." in path.parts else path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long for the file system
        return False


def _check_line(record: Record, path: Path) -> None:
    if record.fields is None:
        raise Refused("broken line", "expected as many values as the header has columns")
    if not record.fields["path"].strip():
        raise Refused("no such file", "the path is empty")
    if not _is_file(path):
        raise Refused("no such file", "there is no such file")
    if not record.fields["label"].strip():
        raise Refused("no label", "the label is empty")


def _row(fields: dict[str, str], place: str, path: Path, box: Box | None, draft: Draft) -> Row:
    source, split, group = (
        fields.get(name, "").strip() for name in ("source", "split", "group")
    )  # fmt: skip
    source = source or draft.name
    label = draft.label_of(fields["label"].strip(), place)
    if split and split_of(split) is None:
        raise DatasetError(f"{place}: unknown split {split!r}; expected {', '.join(SPLITS)} or ''")
    # The faces of one photo never stand on both sides of a split.
    inner = path.relative_to(draft.root) if path.is_relative_to(draft.root) else path
    of_photo = shown(f"{source}/{inner.as_posix()}") if box else None
    known = COLUMNS.union(_box_columns(tuple(fields)))
    extra = {name: value for name, value in fields.items() if name not in known}
    return Row(path, source, label, box, split_of(split), group or of_photo, extra)


def _box(
    fields: dict[str, str], path: Path, place: str, header_of: HeaderOf, frame: Frame
) -> Box | None:
    names = _box_columns(tuple(fields))
    if not names:
        _check_no_box(fields, place)
    if not any(fields[name].strip() for name in names):
        return None
    is_sized = names[2].casefold() in ("w", "width")
    edges = read_edges(fields, names, is_sized=is_sized)
    size = None
    if names != Box._fields and "width" not in names:  # in tables of our own it is the face's
        size = read_size(fields.get("width", ""), fields.get("height", ""))
    return fit_box(edges, header_of(path), size, frame)


@functools.cache
def _box_columns(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of the box as a table spells them; none if it has no box."""
    spelled = {name.casefold(): name for name in columns}
    found = (names for names in BOXES if spelled.keys() >= set(names))
    return tuple(spelled[name] for name in next(found, ()))


def _check_no_box(fields: Iterable[str], place: str) -> None:
    corners = {name for names in BOXES[:3] for name in names}
    if part := [name for name in fields if name.casefold() in corners]:
        expected = " or ".join(", ".join(names) for names in BOXES)
        raise DatasetError(
            f"{place}: expected the columns {expected}, or none of them, found only "
            f"{', '.join(part)}"
        )


def _check_found(table: Path, count: int, drops: Sequence[Drop]) -> None:
    missing = [drop for drop in drops if drop.reason == "no such file"]
    if len(missing) == count:
        raise DatasetError(
            f"{shown(table)}: none of its {count:,} lines points to a file; expected paths "
            f"relative to {shown(table.parent)}, or absolute; the first: "
            f"{shown(missing[0].path)}; mend the column path, move the table, or force "
            "another layout with --layout"
        )
