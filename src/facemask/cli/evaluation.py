"""`evaluate` and `compare`: what model files answer on labelled photos."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from facemask.cli.console import note, show, show_json
from facemask.cli.labelled import LabelledImages, Reading, labelled_images
from facemask.cli.measuring import (
    COMPARISON_NAME,
    EVALUATION_NAME,
    RESAMPLES,
    as_run,
    as_runs,
    measure,
    write_json,
)
from facemask.cli.models import LoadedModel, Models, load_models
from facemask.cli.sources import Labels, Layouts, Mapping, MaxUnreadable, Workers
from facemask.data.collect import MAX_UNREADABLE_SHARE
from facemask.errors import ConfigError
from facemask.evaluation.compare import compare
from facemask.evaluation.text import comparison_text, evaluation_text
from facemask.files import written_folder
from facemask.report.compare_page import write_compare_report
from facemask.report.run_page import run_chapter, write_run_report

Data = Annotated[
    list[Path],
    typer.Option("--data", help="A dataset, or photos with labels; may be given several times."),
]
Split = Annotated[
    str | None,
    typer.Option(help="train, val, test or all; test by default, all where there is no split."),
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="Write the JSON and a report into this folder."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Seed = Annotated[int, typer.Option(help="Of the bootstrap.", min=0)]
Resamples = Annotated[int, typer.Option(help="Of the bootstrap.", min=100)]


def evaluate_command(
    model: Annotated[Path, typer.Argument(help="A run folder or a model file.")],
    data: Data,
    split: Split = None,
    output: Output = None,
    as_json: AsJson = False,
    seed: Seed = 0,
    resamples: Resamples = RESAMPLES,
    layout: Layouts = [],  # noqa: B006  (Typer reads the default, nobody changes it)
    label: Labels = [],  # noqa: B006
    mapping: Mapping = [],  # noqa: B006
    max_unreadable: MaxUnreadable = MAX_UNREADABLE_SHARE,
    workers: Workers = None,
) -> None:
    """Measure a model file: every metric with a 95% interval."""
    models = load_models([model])
    reading = Reading(layout, label, mapping, max_unreadable, workers)
    with _images(models, data, split, reading) as images:
        evaluation = measure(models[0], images, seed=seed, resamples=resamples)
        if as_json:
            show_json(evaluation.to_json())
        else:
            show(evaluation_text(evaluation))
        if output is not None:
            with written_folder(output, replace_if=EVALUATION_NAME) as beside:
                write_json(beside / EVALUATION_NAME, evaluation)
                run = as_run(models[0], evaluation, images)
                write_run_report(beside / "report.html", run, images.manifest, images.drops)
            note(f"report: {output / 'report.html'}")


def compare_command(
    models: Models,
    data: Data,
    split: Split = None,
    output: Output = None,
    as_json: AsJson = False,
    seed: Seed = 0,
    resamples: Resamples = RESAMPLES,
    layout: Layouts = [],  # noqa: B006
    label: Labels = [],  # noqa: B006
    mapping: Mapping = [],  # noqa: B006
    max_unreadable: MaxUnreadable = MAX_UNREADABLE_SHARE,
    workers: Workers = None,
) -> None:
    """Put models side by side on the same images, with the test of the difference."""
    if len(models) < 2:
        raise ConfigError(f"compare: expected two models or more, found {len(models)}")
    loaded = load_models(models)
    reading = Reading(layout, label, mapping, max_unreadable, workers)
    with _images(loaded, data, split, reading) as images:
        evaluations = [measure(one, images, seed=seed, resamples=resamples) for one in loaded]
        comparison = compare(evaluations)
        if as_json:
            show_json(comparison.to_json())
        else:
            show(comparison_text(comparison))
        if output is not None:
            with written_folder(output, replace_if=COMPARISON_NAME) as beside:
                write_json(beside / COMPARISON_NAME, comparison)
                runs = as_runs(loaded, evaluations, images)
                write_compare_report(
                    beside / "report.html",
                    comparison,
                    runs,
                    images.manifest,
                    images.drops,
                    more=[run_chapter(run, f"run{place}") for place, run in enumerate(runs, 1)],
                )
            note(f"report: {output / 'report.html'}")


@contextmanager
def _images(
    models: list[LoadedModel], data: list[Path], split: str | None, reading: Reading
) -> Iterator[LabelledImages]:
    """Images of every size that the models take."""
    sizes = sorted({model.input_size_px for model in models})
    n_classes = min(model.classifier.info.classes for model in models)
    with labelled_images(data, sizes, split, reading, n_classes=n_classes) as images:
        yield images
