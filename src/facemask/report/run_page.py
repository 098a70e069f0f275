"""One run as one page."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from facemask.data.manifest import Manifest
from facemask.report.blocks import Section
from facemask.report.data_section import data_section
from facemask.report.page import write_page
from facemask.report.run import Run
from facemask.report.run_sections import (
    curves_section,
    evaluation_section,
    mistakes_section,
    network_section,
    settings_section,
    summary_section,
)


def run_sections(run: Run, prefix: str = "") -> tuple[Section, ...]:
    """All that there is to show of one run, the summary first.

    Args:
        run: the run.
        prefix: stands before each anchor, so that several runs fit on one page.
    """
    measured = [
        evaluation_section(evaluation, run.colour, f"{prefix}measured-{evaluation.split}")
        for evaluation in run.evaluations
    ]
    sections = (
        summary_section(run, f"{prefix}summary"),
        *measured,
        mistakes_section(run, f"{prefix}mistakes") if run.evaluations else None,
        curves_section(run, f"{prefix}training"),
        network_section(run, f"{prefix}network"),
        settings_section(run, f"{prefix}settings"),
    )
    return tuple(section for section in sections if section is not None)


def run_chapter(run: Run, anchor: str) -> Section:
    """One run as a part of a larger page."""
    return Section(run.name, anchor, children=run_sections(run, f"{anchor}-"))


def write_run_report(
    path: Path,
    run: Run,
    manifest: Manifest | None = None,
    drops: pd.DataFrame | None = None,
    *,
    more: Sequence[Section] = (),
) -> None:
    """Write the report of one run.

    Args:
        path: of the HTML file.
        run: the run.
        manifest: of the dataset, for the part about the data.
        drops: what was left out of it, see `data_section`.
        more: further sections for the end.

    Raises:
        OutputError: if the place cannot be written.
        ValueError: if two sections have one anchor.
    """
    data = () if manifest is None else (data_section(manifest, drops),)
    subtitle = f"Is this face covered? Report of the experiment {run.info.name}."
    write_page(path, run.name, (*run_sections(run), *data, *more), subtitle=subtitle)
