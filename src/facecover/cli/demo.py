"""`demo`: the whole study in one go, on the built-in data or on the user's photos."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facecover.cli.console import CONSOLE, show
from facecover.cli.options import ClassMapping, Labels, Layouts
from facecover.documents import to_text, write_document
from facecover.drawn.drawn_dataset import MARKER_NAME, draw_dataset, drawn_facts
from facecover.report import REPORT_NAME

if TYPE_CHECKING:
    from facecover.dataset.arrays import Dataset
    from facecover.evaluation.comparison import Comparison
    from facecover.look.exploration import Exploration
    from facecover.report.run_figures import RunReport

DRAWN_TRAIN, DRAWN_TEST = 4000, 1000
"""Enough that both networks learn what a mask is."""

EPOCHS = {"net1": 12, "net2": 10}
"""Both networks together train in two to five minutes on 2 cores, on the drawn faces."""


def demo_command(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Everything is written in this folder.")
    ] = Path("demo"),
    data: Annotated[
        list[Path],
        typer.Option(help="Your own photos, instead of the built-in ones.", show_default=False),
    ] = [],  # noqa: B006  (Typer reads the default, nobody changes it)
    settings: Annotated[
        list[str],
        typer.Option("--set", metavar="KEY=VALUE", help="Change a value of both experiments."),
    ] = [],  # noqa: B006
    layout: Layouts = [],  # noqa: B006
    label: Labels = [],  # noqa: B006
    mapping: ClassMapping = [],  # noqa: B006
) -> None:
    """Run the whole study: explore, prepare, train Net #1 and Net #2, evaluate, compare.

    What stands already is used again; a run that was stopped goes on.
    """
    from facecover.dataset.collect import DROPPED_NAME, read_drops
    from facecover.dataset.opened import SourceOptions, read_labelled
    from facecover.preparation.pipeline import PrepareOptions
    from facecover.report.terminal import render
    from facecover.workflows.compare_models import COMPARISON_NAME, compare
    from facecover.workflows.inspect_data import explored
    from facecover.workflows.measure_models import as_runs
    from facecover.workflows.prepare_data import prepared_once

    paths = data or [_drawn(output / "photos")]
    sources = read_labelled(paths, SourceOptions(layout, label, mapping), CONSOLE)
    dataset = prepared_once(output / "dataset", sources, PrepareOptions(), CONSOLE)
    drops = read_drops(dataset.folder / DROPPED_NAME)
    found = explored(dataset, drops, progress=CONSOLE)
    CONSOLE.note(f"explored: {found.write(output / 'explore')}")
    runs = [_trained(output, dataset, name, settings) for name in EPOCHS]
    compared = compare(runs, data=dataset.folder, progress=CONSOLE)
    comparison = compared.comparison
    write_document(output / COMPARISON_NAME, comparison.to_json())
    page = output / REPORT_NAME
    shown = as_runs(compared.models, comparison.evaluations, compared.images)
    _write_study(page, comparison, shown, dataset, found.exploration)
    show(*render(compared.sections()), f"report: {page}")


def _drawn(folder: Path) -> Path:
    """The built-in photos, drawn unless they stand there."""
    wanted = to_text(drawn_facts(DRAWN_TRAIN, DRAWN_TEST, 0)).encode()
    marker = folder / MARKER_NAME
    if not marker.is_file() or marker.read_bytes() != wanted:
        with CONSOLE.bar("drawing", DRAWN_TRAIN + DRAWN_TEST) as advance:
            draw_dataset(folder, DRAWN_TRAIN, DRAWN_TEST, 0, advance)
    return folder


def _trained(output: Path, dataset: "Dataset", name: str, settings: list[str]) -> Path:
    """A finished run: reused, gone on with, or begun."""
    from facecover.report.run_page import network_section
    from facecover.report.terminal import render
    from facecover.training.experiments import load_experiment
    from facecover.training.fit import fit
    from facecover.training.network import describe_network

    experiment = load_experiment(name, [f"training.epochs={EPOCHS[name]}", *settings])
    key = hashlib.sha256(
        (dataset.manifest.info.digest + experiment.model_dump_json()).encode()
    ).hexdigest()
    run = output / "runs" / f"{name}-{key[:8]}"
    network = describe_network(experiment.network, len(dataset.manifest.info.class_names))
    show(*render([network_section(network)]))
    fit(experiment, dataset, run, resume=True, progress=CONSOLE)
    return run


def _write_study(
    page: Path,
    comparison: "Comparison",
    runs: "list[RunReport]",
    dataset: "Dataset",
    explored: "Exploration",
) -> None:
    from facecover.dataset.collect import DROPPED_NAME, drops_table, read_drops
    from facecover.report.comparison_page import compare_sections
    from facecover.report.data_sections import data_section
    from facecover.report.exploration_page import explore_highlights
    from facecover.report.html import write_page
    from facecover.report.run_page import run_chapter

    drops = drops_table(read_drops(dataset.folder / DROPPED_NAME))
    sections = (
        *compare_sections(comparison, runs),
        explore_highlights(explored),
        data_section(dataset.manifest, drops),
        *(run_chapter(run, run.name) for run in runs),
    )
    write_page(page, "Is this face covered?", sections, subtitle="The study of two networks.")
