"""`evaluate`: what a model file answers on labelled photos."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from facemask.cli.console import note, show, show_json
from facemask.cli.examining import Examination, explain_answers, spoil
from facemask.cli.labelled import LabelledImages, Reading
from facemask.cli.measure_options import (
    AsJson,
    Data,
    Output,
    Resamples,
    Seed,
    Split,
    measured_images,
)
from facemask.cli.measuring import (
    EVALUATION_NAME,
    RESAMPLES,
    as_run,
    measure,
    write_json,
)
from facemask.cli.models import LoadedModel, load_models
from facemask.cli.sources import Labels, Layouts, Mapping, MaxUnreadable, Workers
from facemask.cli.trusting import (
    ChooseOn,
    CostAlarm,
    CostMiss,
    MinSlice,
    TargetAccuracy,
    Trusted,
    choosing,
    examine_trust,
    wishes,
)
from facemask.data.collect import MAX_UNREADABLE_SHARE
from facemask.errors import ConfigError
from facemask.evaluation.slices import MIN_SLICE
from facemask.evaluation.text import evaluation_text
from facemask.files import check_replaceable, written_folder
from facemask.inference.packaged import DEFAULT_MODEL, packaged_file
from facemask.report import REPORT_NAME
from facemask.report.run_page import write_run_report

_REFERENCE = "net1"


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
        bool, typer.Option("--robustness", help="Measure it on spoilt images too; takes minutes.")
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
    layout: Layouts = [],  # noqa: B006  (Typer reads the default, nobody changes it)
    label: Labels = [],  # noqa: B006
    mapping: Mapping = [],  # noqa: B006
    max_unreadable: MaxUnreadable = MAX_UNREADABLE_SHARE,
    workers: Workers = None,
) -> None:
    """Measure a model file: every metric with a 95% interval, on all images and by slice."""
    if reference is not None and not robustness:
        raise ConfigError("--reference: expected --robustness with it")
    if output is not None:
        check_replaceable(output, replace_if=EVALUATION_NAME, holding=[REPORT_NAME])
    wanted = wishes(min_slice, cost_miss, cost_alarm, target_accuracy, choose_on)
    measured, other, no_reference = _load(model, reference, robustness=robustness)
    others = [] if other is None else [other]
    reading = Reading(layout, label, mapping, max_unreadable, workers)
    drawn = {"seed": seed, "resamples": resamples}
    with measured_images([measured, *others], data, split, reading, spoilt=robustness) as images:
        chosen_on = choosing(measured, images, wanted, **drawn)
        evaluation = measure(measured, images, **drawn)
        examination = Examination(
            evaluation,
            spoil(measured, other, images, no_reference=no_reference, **drawn)
            if robustness
            else None,
            explain_answers(measured, evaluation, images, **drawn) if explained else None,
        )
        trusted = examine_trust(evaluation, images, wanted, chosen_on)
        found = _Found(examination, trusted, images.left_out)
        if as_json:
            show_json(found.to_json())
        else:
            show(evaluation_text(evaluation), found.trusted.text(), *examination.texts())
        if output is not None:
            _write_evaluation(output, measured, found, images)
            note(f"report: {output / REPORT_NAME}")


def _load(
    model: Path | None, reference: Path | None, *, robustness: bool
) -> tuple[LoadedModel, LoadedModel | None, str]:
    """A model, the one that its errors are compared with, and why there is none.

    The package's Net #1 is no reference for itself, nor for a model of other classes.
    """
    # What nobody named is the package's own, whatever bears its name in the working folder.
    path = packaged_file(DEFAULT_MODEL) if model is None else model
    if not robustness:
        return load_models([path])[0], None, ""
    # Together, since a name that both would have gets its place behind it.
    measured, other = load_models([path, reference or packaged_file(_REFERENCE)])
    info, known = measured.classifier.info, other.classifier.info
    if reference is not None:
        return measured, other, ""
    if info.weights_sha256 == known.weights_sha256:
        return load_models([path])[0], None, "errors are compared with Net #1, and this is Net #1"
    if info.class_names != known.class_names:
        reason = "Net #1 has other classes; name a model with the same ones with --reference"
        return load_models([path])[0], None, reason
    return measured, other, ""


@dataclass(frozen=True)
class _Found:
    """All that `evaluate` found out: what it writes and prints as JSON."""

    examination: Examination
    trusted: Trusted
    left_out: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """The keys of both, and ``left_out``: how many files, by reason."""
        return {
            **self.examination.to_json(),
            **self.trusted.to_json(),
            "left_out": self.left_out,
        }


def _write_evaluation(
    folder: Path, model: LoadedModel, found: _Found, images: LabelledImages
) -> None:
    with written_folder(folder, replace_if=EVALUATION_NAME, holding=[REPORT_NAME]) as beside:
        write_json(beside / EVALUATION_NAME, found)
        run = as_run(model, found.examination.evaluation, images)
        write_run_report(
            beside / REPORT_NAME,
            run,
            images.manifest,
            images.drops,
            trust=found.trusted.sections(run.colour),
            more=found.examination.sections(images),
        )
