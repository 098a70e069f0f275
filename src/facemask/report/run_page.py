"""One run as one page."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from facemask.data.manifest import Manifest
from facemask.report.blocks import Section
from facemask.report.data_section import data_section, left_out_section
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


def run_sections(
    run: Run, prefix: str = "", trust: Sequence[Section] | None = None, more: Sequence[Section] = ()
) -> tuple[Section, ...]:
    """All that there is to show of one run, the summary first.

    Args:
        run: the run.
        prefix: stands before each anchor, so that several runs fit on one page.
        trust: slices, and confidence, which holds the reliability diagram then; None where they
            were not measured.
        more: what else was measured; stands before the training and the network.
    """
    measured = [
        evaluation_section(
            evaluation,
            run.colour,
            f"{prefix}measured-{evaluation.split}",
            with_reliability=trust is None,
        )
        for evaluation in run.evaluations
    ]
    examined = trust or ()
    found = [finding for section in (*examined, *more) for finding in section.findings]
    sections = (
        summary_section(run, f"{prefix}summary", findings=found),
        *measured,
        *examined,
        mistakes_section(run, f"{prefix}mistakes") if run.evaluations else None,
        *more,
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
    trust: Sequence[Section] | None = None,
    more: Sequence[Section] = (),
) -> None:
    """Write the report of one run.

    Args:
        path: of the HTML file.
        run: the run.
        manifest: of the dataset, for the part about the data.
        drops: what was left out of it, see `data_section`.
        trust: slices and confidence; None where they were not measured.
        more: sections about what else was measured.

    Raises:
        OutputError: if the place cannot be written.
        ValueError: if two sections have one anchor.
    """
    if manifest is not None:
        data: tuple[Section, ...] = (data_section(manifest, drops),)
    else:
        data = () if drops is None else left_out_section(drops)
    subtitle = f"Is this face covered? Report of the experiment {run.info.name}."
    write_page(
        path, run.name, (*run_sections(run, trust=trust, more=more), *data), subtitle=subtitle
    )
