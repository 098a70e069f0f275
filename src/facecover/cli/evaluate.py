"""`evaluate` and `compare`: what model files answer on labelled photos."""

from pathlib import Path
from typing import Annotated

import typer

from facecover.cli.console import CONSOLE, show, show_json
from facecover.cli.options import (
    AsJson,
    ChooseOn,
    ClassMapping,
    CostAlarm,
    CostMiss,
    Data,
    Labels,
    Layouts,
    MaxUnreadable,
    MinSlice,
    Models,
    Output,
    Resamples,
    Seed,
    Split,
    TargetAccuracy,
    Workers,
)
from facecover.dataset import MAX_UNREADABLE_SHARE
from facecover.evaluation import MIN_SLICE, RESAMPLES
from facecover.report import REPORT_NAME


def evaluate_command(
    data: Data,
    model: Annotated[
        Path | None,
        typer.Argument(
            help="A run folder, a model file, or the name of a model in the package; its default "
            "without one.",
            show_default=False,
        ),
    ] = None,
    split: Split = None,
    output: Output = None,
    as_json: AsJson = False,
    seed: Seed = 0,
    resamples: Resamples = RESAMPLES,
    min_slice: MinSlice = MIN_SLICE,
    cost_miss: CostMiss = None,
    cost_alarm: CostAlarm = None,
    target_accuracy: TargetAccuracy = None,
    choose_on: ChooseOn = None,
    robustness: Annotated[
        bool,
        typer.Option("--robustness", help="Measure it on corrupted images too; takes minutes."),
    ] = False,
    reference: Annotated[
        Path | None,
        typer.Option(
            help="With --robustness: the model that its errors are compared with; Net #1 of the "
            "package by default."
        ),
    ] = None,
    explained: Annotated[
        bool, typer.Option("--explain", help="Show where in the photos the evidence lies.")
    ] = False,
    classifier: Annotated[
        Path | None,
        typer.Option(
            help="With whole photos: the model that answers for each face found; the package's "
            "default without one.",
            show_default=False,
        ),
    ] = None,
    layout: Layouts = [],  # noqa: B006  (Typer reads the default, nobody changes it)
    label: Labels = [],  # noqa: B006
    mapping: ClassMapping = [],  # noqa: B006
    max_unreadable: MaxUnreadable = MAX_UNREADABLE_SHARE,
    workers: Workers = None,
) -> None:
    """Measure a model file: every metric with a 95% interval, on all images and by slice.

    With --data a dataset of whole photos, MODEL is a detector, and the metrics are those of faces
    found and answered.
    """
    from facecover.report.terminal import render
    from facecover.workflows.evaluate_model import evaluate

    found = evaluate(
        model,
        data=data,
        split=split,
        output=output,
        seed=seed,
        resamples=resamples,
        min_slice=min_slice,
        cost_miss=cost_miss,
        cost_alarm=cost_alarm,
        target_accuracy=target_accuracy,
        choose_on=choose_on,
        robustness=robustness,
        reference=reference,
        explained=explained,
        classifier=classifier,
        layout=layout,
        label=label,
        mapping=mapping,
        max_unreadable=max_unreadable,
        workers=workers,
        progress=CONSOLE,
    )
    if as_json:
        show_json(found.to_json())
    else:
        show(*render(found.sections()))
    if output is not None:
        CONSOLE.note(f"report: {output / REPORT_NAME}")


def compare_command(
    models: Models,
    data: Data,
    split: Split = None,
    output: Output = None,
    as_json: AsJson = False,
    seed: Seed = 0,
    resamples: Resamples = RESAMPLES,
    min_slice: MinSlice = MIN_SLICE,
    layout: Layouts = [],  # noqa: B006  (Typer reads the default, nobody changes it)
    label: Labels = [],  # noqa: B006
    mapping: ClassMapping = [],  # noqa: B006
    max_unreadable: MaxUnreadable = MAX_UNREADABLE_SHARE,
    workers: Workers = None,
) -> None:
    """Put models side by side on the same images, with the test of the difference."""
    from facecover.report.terminal import render
    from facecover.workflows.compare_models import compare

    found = compare(
        models,
        data=data,
        split=split,
        output=output,
        seed=seed,
        resamples=resamples,
        min_slice=min_slice,
        layout=layout,
        label=label,
        mapping=mapping,
        max_unreadable=max_unreadable,
        workers=workers,
        progress=CONSOLE,
    )
    if as_json:
        show_json(found.to_json())
    else:
        show(*render(found.sections()))
    if output is not None:
        CONSOLE.note(f"report: {output / REPORT_NAME}")
