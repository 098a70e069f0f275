"""The text of a CSV file as records, whatever its separator."""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from facemask.errors import DatasetError, shown

REQUIRED = ("path", "label")
COLUMNS = frozenset((*REQUIRED, "split", "group", "source", "x0", "y0", "x1", "y1"))
"""The columns that mean something; any other is kept as it is."""

_OF_CORRECTIONS = {"who", "when", "why"}
"""The columns that a list of corrected labels has besides; see `audit.corrections`."""

SEPARATORS = (",", ";", "\t")
SUFFIXES = (".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class Record:
    """A line of a table.

    Attributes:
        line: its number in the file, from 1; of a record over several lines, the last.
        fields: its texts by column; None if the line has too few or too many.
    """

    line: int
    fields: dict[str, str] | None


def read_records(table: Path) -> Iterator[Record]:
    """The lines below the header; empty lines are passed over.

    Raises:
        DatasetError: if the file cannot be read, is no UTF-8 text, is badly quoted, or lacks
            one of the columns `REQUIRED`.
    """
    text = _text(table)
    separator = _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        columns = _columns(next(reader, []))
        _check_columns(table, columns)
        for values in reader:
            if any(value.strip() for value in values):
                yield Record(reader.line_num, _fields(columns, values))
    except csv.Error as error:
        raise DatasetError(
            f"{shown(table)}, line {reader.line_num}: broken CSV: {error}; expected values "
            'separated by commas, in double quotes where they hold a comma, a quote (as "") or '
            "a line break"
        ) from error


def problem_of(table: Path) -> str | None:
    """Why a file is no table of photos, judged by its header and first line; None if it is one."""
    try:
        first = next(read_records(table), None)
    except DatasetError as error:
        return str(error)
    if first and first.fields and first.fields.keys() >= _OF_CORRECTIONS:
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


def _separator(text: str) -> str:
    """The separator under which the header has the columns wanted, or else the most columns."""
    header = text.lstrip("\r\n").partition("\n")[0]
    found = {
        separator: [name.strip(' \r\t"').casefold() for name in header.split(separator)]
        for separator in SEPARATORS
    }
    return max(
        SEPARATORS, key=lambda s: (all(name in found[s] for name in REQUIRED), len(found[s]))
    )


def _columns(header: list[str]) -> list[str]:
    """Column names, stripped; those that mean something here in lower case."""
    names = [name.strip() for name in header]
    return [name.casefold() if name.casefold() in COLUMNS else name for name in names]


def _check_columns(table: Path, columns: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        found = ", ".join(repr(name) for name in columns) or "an empty file"
        raise DatasetError(
            f"{shown(table)}, line 1: expected the columns path and label, found {found}; name "
            f"the column{'s' if len(missing) > 1 else ''} {' and '.join(missing)} in the first line"
        )
    twice = next((name for name in columns if name and columns.count(name) > 1), None)
    if twice is not None:
        raise DatasetError(
            f"{shown(table)}, line 1: the column {twice!r} stands there twice; rename one"
        )


def _fields(columns: list[str], values: list[str]) -> dict[str, str] | None:
    if len(values) != len(columns):
        return None
    return {name: value for name, value in zip(columns, values, strict=True) if name}
