"""Labels in a table: ``path,label[,split,group,source,x0,y0,x1,y1]`` and any further columns."""

from pathlib import Path

from facemask.data.layouts.boxes import fit_box, read_edges
from facemask.data.layouts.csv_text import COLUMNS, Record, read_records
from facemask.data.layouts.draft import (
    BROKEN_LINE,
    NO_LABEL,
    NO_SUCH_FILE,
    Draft,
    Refused,
    located,
)
from facemask.data.layouts.headers import Headers
from facemask.data.layouts.parts import split_of
from facemask.data.layouts.settle import Entry, settle
from facemask.data.rows import SPLITS, Row
from facemask.errors import DatasetError, shown
from facemask.images import Box

_BOX = ("x0", "y0", "x1", "y1")


def read_csv_table(table: Path, draft: Draft) -> None:
    """The rows of a table; paths are relative to its folder, or absolute.

    A line whose file is missing, whose box is wrong, or that contradicts another is left out.

    Raises:
        DatasetError: if the table cannot be read, every line's file is missing, a split is not
            called train, val or test, or only some of the columns of a box are there.
        LabelError: if a class name is unknown.
    """
    entries: list[Entry] = []
    headers = Headers()
    count = 0
    for record in read_records(table):
        count += 1
        where = f"{shown(table.name)}, line {record.line}"
        fields = record.fields or {}
        path = _path(table.parent, fields.get("path", "")) or table
        with draft.dropping(path, fields.get("source", "").strip() or None), located(where):
            _check_line(record, path)
            entries.append(Entry(_row(table, record, path, draft, headers), where))
    if not count:
        raise DatasetError(f"{shown(table)}: expected lines below the header, found none")
    _check_found(table, count, draft)
    settle(entries, draft)


def _path(folder: Path, text: str) -> Path | None:
    """The file that a line means: as written, else without spaces around, else from Windows."""
    if not text.strip():
        return None
    stripped = text.strip()
    written = [folder / name for name in (text, stripped, stripped.replace("\\", "/"))]
    return _plain(next((path for path in written if _is_file(path)), written[1]))


def _plain(path: Path) -> Path:
    return path.resolve() if ".." in path.parts else path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long for the file system
        return False


def _check_line(record: Record, path: Path) -> None:
    if record.fields is None:
        raise Refused(BROKEN_LINE, "expected as many values as the header has columns")
    if not record.fields["path"].strip():
        raise Refused(NO_SUCH_FILE, "the path is empty")
    if not _is_file(path):
        raise Refused(NO_SUCH_FILE, "there is no such file")
    if not record.fields["label"].strip():
        raise Refused(NO_LABEL, "the label is empty")


def _row(table: Path, record: Record, path: Path, draft: Draft, headers: Headers) -> Row:
    fields = record.fields or {}
    place = f"{shown(table)}, line {record.line}"
    source = fields.get("source", "").strip() or draft.name
    box = _box(fields, path, place, headers)
    return Row(
        path,
        source,
        draft.label_of(fields["label"].strip(), place),
        box=box,
        split=_split(fields.get("split", "").strip(), place),
        # The faces of one photo never stand on both sides of a split.
        group=fields.get("group", "").strip()
        or (shown(f"{source}/{fields['path'].strip()}") if box else None),
        extra={name: value for name, value in fields.items() if name not in COLUMNS},
    )


def _split(text: str, place: str) -> str | None:
    split = split_of(text)
    if text and split is None:
        raise DatasetError(f"{place}: unknown split {text!r}; expected {', '.join(SPLITS)} or ''")
    return split


def _box(fields: dict[str, str], path: Path, place: str, headers: Headers) -> Box | None:
    present = [name for name in _BOX if name in fields]
    if present and len(present) < len(_BOX):
        raise DatasetError(
            f"{place}: expected the columns {', '.join(_BOX)} or none of them, found only "
            f"{', '.join(present)}"
        )
    if not any(fields[name].strip() for name in present):
        return None
    return fit_box(read_edges(fields, _BOX), headers[path])


def _check_found(table: Path, count: int, draft: Draft) -> None:
    missing = [drop for drop in draft.drops if drop.reason == NO_SUCH_FILE]
    if len(missing) == count:
        raise DatasetError(
            f"{shown(table)}: none of its {count:,} lines points to a file; expected paths "
            f"relative to {shown(table.parent)}, or absolute; the first: "
            f"{shown(missing[0].path)}; mend the column path, move the table, or force "
            "another layout with --layout"
        )
