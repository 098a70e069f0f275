"""An audit as one page: what was found by each check, and the images to judge it by."""

from collections.abc import Callable, Sequence
from pathlib import Path

from facemask.data.audit.finding import Finding
from facemask.errors import shown
from facemask.report.audit_conflicts import conflicts_section
from facemask.report.audit_duplicates import duplicates_section
from facemask.report.audit_leakage import leakage_section
from facemask.report.audit_lists import outliers_section, suspects_section
from facemask.report.audit_material import Audited, told
from facemask.report.audit_shortcuts import shortcuts_section
from facemask.report.audit_words import FINE, FOUND, NO_SPLIT, NOT_MEASURED, TITLES, headline, state
from facemask.report.blocks import Block, Bullets, Card, Cards, Paragraph, Section
from facemask.report.page import write_page

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
    sections = [_SECTIONS[one.check](audited, one, one.check) for one in findings]
    return (_summary(findings), *sections)


def audit_section(findings: Sequence[Finding], anchor: str) -> Section:
    """What an audit found, as one part of another page: warnings first, then the rest."""
    warnings = [told(one) for one in findings if one.is_failed]
    rest = tuple(shown(one.sentence) for one in findings if not one.is_failed)
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
    failed = sum(one.is_failed for one in findings)
    lead = f"{failed} of {len(findings)} checks found something that needs a look."
    if not failed:
        lead = f"None of {len(findings)} checks found anything that needs a look."
    return Section("Summary", "summary", (Paragraph(lead, is_lead=True), _cards(findings)))


def _cards(findings: Sequence[Finding]) -> Cards:
    return Cards(
        tuple(
            Card(TITLES[one.check], *headline(one), colour=_COLOURS[state(one)]) for one in findings
        )
    )
