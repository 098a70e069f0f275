"""`explore`: looking into photos, or into a dataset."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from facemask.cli.audit import fast_checks
from facemask.cli.console import note, show, show_json
from facemask.cli.decoded import decoded
from facemask.cli.labelled import Reading
from facemask.cli.sources import Labels, Layouts, Mapping, MaxUnreadable, Sources, Workers
from facemask.data.audit import Finding, findings_json
from facemask.data.collect import MAX_UNREADABLE_SHARE
from facemask.data.drops import UNREADABLE_NAME, unreadable_among, write_drops
from facemask.data.explore import Exploration, as_json, explore_dataset
from facemask.data.insights import exploration_json
from facemask.data.rows import Drop
from facemask.data.samples import read_samples
from facemask.files import check_replaceable, written_folder
from facemask.report import REPORT_NAME
from facemask.report.audit_text import findings_text
from facemask.report.explore_page import write_explore_page
from facemask.report.explore_text import explore_text

EXPLORATION_NAME = "exploration.json"
_FURTHER_NAMES = (UNREADABLE_NAME, REPORT_NAME)
"""What else the folder of an exploration holds."""


def explore_command(
    sources: Sources,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write the page with its figures into this folder."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
    layout: Layouts = [],  # noqa: B006  (Typer reads the default, nobody changes it)
    label: Labels = [],  # noqa: B006
    mapping: Mapping = [],  # noqa: B006
    max_unreadable: MaxUnreadable = MAX_UNREADABLE_SHARE,
    workers: Workers = None,
) -> None:
    """Look into photos, or into a prepared dataset, before anything is trained."""
    if output is not None:
        check_replaceable(output, replace_if=EXPLORATION_NAME, holding=_FURTHER_NAMES)
    reading = Reading(layout, label, mapping, max_unreadable, workers)
    with decoded(sources, reading) as (dataset, drops):
        exploration = explore_dataset(dataset)
        findings = fast_checks(dataset, workers).findings
    if as_json:
        show_json(_document(exploration, findings))
    else:
        show(explore_text(exploration), "", findings_text(findings))
    if output is not None:
        note(f"report: {write_exploration(output, exploration, drops, findings)}")


def write_exploration(
    folder: Path,
    exploration: Exploration,
    drops: Sequence[Drop],
    findings: Sequence[Finding] = (),
) -> Path:
    """Write an exploration's page, numbers and unreadable files into a folder; gives the page.

    Args:
        folder: where.
        exploration: what was found.
        drops: what was left out on the way.
        findings: of an audit of the same photos, if there was one.

    Raises:
        OutputError: if the folder holds something else or cannot be written.
    """
    with written_folder(folder, replace_if=EXPLORATION_NAME, holding=_FURTHER_NAMES) as beside:
        numbers = json.dumps(_document(exploration, findings), indent=2, allow_nan=False)
        (beside / EXPLORATION_NAME).write_text(numbers + "\n", "utf-8")
        write_drops(beside / UNREADABLE_NAME, unreadable_among(drops))
        samples = read_samples(exploration)
        write_explore_page(beside / REPORT_NAME, exploration, samples, drops, findings)
    return folder / REPORT_NAME


def _document(exploration: Exploration, findings: Sequence[Finding]) -> dict[str, object]:
    """The numbers, the key insights, and under ``audit`` what the checks found."""
    audited = {"audit": as_json(findings_json(findings))} if findings else {}
    return {**exploration_json(exploration), **audited}
