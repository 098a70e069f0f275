"""Several runs on the same images as one page."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from facemask.data.manifest import Manifest
from facemask.errors import DatasetError
from facemask.evaluation.compare import Comparison
from facemask.evaluation.slices import Slices
from facemask.evaluation.wording import joined
from facemask.report.blocks import Section
from facemask.report.compare_sections import (
    architecture_section,
    comparison_summary,
    curves_side_by_side,
    differences_section,
    hyperparameters_section,
    metrics_side_by_side,
    seeds_section,
)
from facemask.report.compare_slices import slices_side_by_side
from facemask.report.data_section import data_section, left_out_section
from facemask.report.page import write_page
from facemask.report.run import Run


def compare_sections(
    comparison: Comparison,
    runs: Sequence[Run],
    prefix: str = "",
    *,
    slices: Sequence[Slices] = (),
) -> tuple[Section, ...]:
    """All that there is to show of a comparison, the summary first.

    Args:
        comparison: the models on the same images.
        runs: the run of each of them, in the same order.
        prefix: stands before each anchor.
        slices: of each model, in the same order; none leave them out.

    Raises:
        DatasetError: if there is not one run for each model.
    """
    if len(runs) != len(comparison.evaluations):
        raise DatasetError(
            f"expected a run for each of {len(comparison.evaluations)} models, found {len(runs)}"
        )
    sections = (
        comparison_summary(comparison, runs, f"{prefix}summary"),
        seeds_section(comparison, f"{prefix}seeds"),
        metrics_side_by_side(comparison, runs, f"{prefix}metrics"),
        differences_section(comparison, f"{prefix}differences"),
        slices_side_by_side([run.name for run in runs], slices, f"{prefix}slices")
        if slices
        else None,
        architecture_section(runs, f"{prefix}architecture"),
        hyperparameters_section(runs, f"{prefix}hyperparameters"),
        curves_side_by_side(runs, f"{prefix}training"),
    )
    return tuple(section for section in sections if section is not None)


def compare_chapter(comparison: Comparison, runs: Sequence[Run], anchor: str) -> Section:
    """A comparison as a part of a larger page; see `compare_sections`."""
    names = joined(run.name for run in runs)
    return Section(
        f"{names} compared", anchor, children=compare_sections(comparison, runs, f"{anchor}-")
    )


def write_compare_report(
    path: Path,
    comparison: Comparison,
    runs: Sequence[Run],
    manifest: Manifest | None = None,
    drops: pd.DataFrame | None = None,
    *,
    slices: Sequence[Slices] = (),
    more: Sequence[Section] = (),
) -> None:
    """Write the report of a comparison.

    Args:
        path: of the HTML file.
        comparison: the models on the same images.
        runs: the run of each of them, in the same order.
        manifest: of the dataset, for the part about the data.
        drops: what was left out of it, see `data_section`.
        slices: of each model, in the same order; none leave them out.
        more: further sections for the end, such as `run_chapter` of each run.

    Raises:
        DatasetError: if there is not one run for each model.
        OutputError: if the place cannot be written.
        ValueError: if two sections have one anchor.
    """
    if manifest is not None:
        data: tuple[Section, ...] = (data_section(manifest, drops),)
    else:
        data = () if drops is None else left_out_section(drops)
    sections = (*compare_sections(comparison, runs, slices=slices), *data, *more)
    title = f"{joined(run.name for run in runs)} compared"
    write_page(path, title, sections, subtitle="Is this face covered? Models side by side.")
