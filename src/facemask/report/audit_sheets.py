"""An audit's contact sheets: many images at a glance, to judge a check by eye."""

from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from facemask.contact_sheet import SheetTile, contact_sheet
from facemask.data.audit.conflicts import RELATIONS
from facemask.files import written_file
from facemask.report.audit_conflicts import conflict_rows, spread
from facemask.report.audit_duplicates import random_pairs
from facemask.report.audit_material import Audited
from facemask.report.style import class_colour, colour

SHEET_PAIRS = 60
SHEET_CONFLICTS = 40
SHEET_IMAGES = 120
"""On one sheet, at most; the CSV beside it lists all."""

_IMAGES_A_CONFLICT = 4
_COLUMNS = 8


def write_sheets(folder: Path, audited: Audited) -> None:
    """Write a sheet for each check that found images; none where nothing was found.

    `duplicates.png` shows pairs picked at random, `conflicts.png`, `suspects.png` and
    `outliers.png` the first ones of their lists.

    Raises:
        OutputError: if a sheet cannot be written.
    """
    for name, tiles_of in _SHEETS.items():
        tiles = list(tiles_of(audited))
        if tiles:
            with written_file(folder / name) as beside:
                contact_sheet(tiles, columns=_COLUMNS).save(beside, format="PNG")


def _tile(audited: Audited, row: int, title: str) -> SheetTile:
    edge = colour(class_colour(audited.label(row)))
    return SheetTile(Image.fromarray(audited.images[row]), title, edge)


def _duplicates(audited: Audited) -> Iterator[SheetTile]:
    for number, (first, second, kind) in enumerate(random_pairs(audited, None, SHEET_PAIRS)):
        yield _tile(audited, first, f"{number + 1} {kind}")
        yield _tile(audited, second, f"{number + 1} {audited.label(second)}")


def _conflicts(audited: Audited) -> Iterator[SheetTile]:
    left = SHEET_CONFLICTS
    for relation in RELATIONS:
        conflicts = conflict_rows(audited, relation, left)
        left -= len(conflicts)
        for number, rows in conflicts:
            for row in spread(audited, rows, _IMAGES_A_CONFLICT):
                yield _tile(audited, row, f"{number} {audited.label(row)}")


def _suspects(audited: Audited) -> Iterator[SheetTile]:
    suspects = audited.found.suspects
    if suspects is None:
        return
    columns = suspects[["row", "label", "suggested", "probability"]].head(SHEET_IMAGES)
    for row, label, suggested, probability in columns.itertuples(index=False):
        yield _tile(audited, row, f"{label} > {suggested} {probability:.0%}")


def _outliers(audited: Audited) -> Iterator[SheetTile]:
    columns = audited.found.outliers[["row", "reasons"]].head(SHEET_IMAGES)
    for row, reasons in columns.itertuples(index=False):
        yield _tile(audited, row, reasons)


_SHEETS: dict[str, Callable[[Audited], Iterator[SheetTile]]] = {
    "duplicates.png": _duplicates,
    "conflicts.png": _conflicts,
    "suspects.png": _suspects,
    "outliers.png": _outliers,
}
