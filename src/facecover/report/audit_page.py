"""An audit as one page: what was found by each check, and the images to judge it by."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PIL import Image

from facecover.contact_sheet import SheetTile, contact_sheet
from facecover.errors import shown
from facecover.files import written_file
from facecover.look.finding import Finding
from facecover.look.repeated_images import RELATIONS
from facecover.report.audit_sections import (
    FINE,
    FOUND,
    NO_SPLIT,
    NOT_MEASURED,
    Audited,
    conflict_rows,
    conflicts_section,
    duplicates_section,
    headline,
    leakage_section,
    outliers_section,
    random_pairs,
    shortcuts_section,
    spread,
    state,
    suspects_section,
    told,
)
from facecover.report.blocks import Block, Bullets, Card, Cards, Paragraph, Section
from facecover.report.html import write_page
from facecover.report.plotting import class_colour, colour

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


_SECTIONS: dict[str, Callable[[Audited, Finding, str], Section]] = {
    "duplicates": duplicates_section,
    "leakage": leakage_section,
    "conflicts": conflicts_section,
    "shortcuts": shortcuts_section,
    "suspects": suspects_section,
    "outliers": outliers_section,
}

_COLOURS = {FOUND: "warning", FINE: "model_1", NO_SPLIT: "muted", NOT_MEASURED: "line"}


def audit_sections(audited: Audited) -> tuple[Section, ...]:
    """The summary, and a section for each check."""
    findings = audited.found.findings
    sections = [_SECTIONS[one.key](audited, one, one.key) for one in findings]
    return (_summary(findings), *sections)


def audit_section(findings: Sequence[Finding], anchor: str) -> Section:
    """What an audit found, as one part of another page: warnings first, then the rest."""
    warnings = [told(one) for one in findings if one.is_warning]
    rest = tuple(shown(one.sentence) for one in findings if not one.is_warning)
    blocks: tuple[Block, ...] = (_cards(findings), *warnings)
    return Section("Audit", anchor, (*blocks, Bullets(rest)) if rest else blocks)


def write_audit_page(path: Path, audited: Audited) -> None:
    """Write an audit as one HTML file.

    Raises:
        OutputError: if the place cannot be written.
    """
    names = ", ".join(shown(name) for name in audited.table["source"].astype(str).unique())
    subtitle = f"An audit of {len(audited.table):,} labelled face photos: {names}."
    write_page(path, "What is wrong with the photos", audit_sections(audited), subtitle=subtitle)


def _summary(findings: Sequence[Finding]) -> Section:
    failed = sum(one.is_warning for one in findings)
    lead = f"{failed} of {len(findings)} checks found something that needs a look."
    if not failed:
        lead = f"None of {len(findings)} checks found anything that needs a look."
    return Section("Summary", "summary", (Paragraph(lead, is_lead=True), _cards(findings)))


def _cards(findings: Sequence[Finding]) -> Cards:
    return Cards(
        tuple(Card(one.title, *headline(one), colour=_COLOURS[state(one)]) for one in findings)
    )
