"""`compare`: what several model files answer on the same labelled photos."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from facecover.errors import ConfigError
from facecover.evaluation import MIN_SLICE, RESAMPLES
from facecover.files import check_replaceable, written_folder
from facecover.inference.model_file import DEFAULT_MODEL, packaged_file
from facecover.report import REPORT_NAME

if TYPE_CHECKING:
    from facecover.dataset.opened import LabelledImages
    from facecover.evaluation.comparison import Comparison
    from facecover.workflows.measure_models import Examination, LoadedModel, Trusted

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
    mapping: ClassMapping = [],  # noqa: B006
    max_unreadable: MaxUnreadable = MAX_UNREADABLE_SHARE,
    workers: Workers = None,
) -> None:
    """Measure a model file: every metric with a 95% interval, on all images and by slice."""
    if reference is not None and not robustness:
        raise ConfigError("--reference: expected --robustness with it")

    from facecover.dataset.opened import SourceOptions
    from facecover.report.terminal import evaluation_text
    from facecover.workflows.measure_models import (
        EVALUATION_NAME,
        Examination,
        choosing,
        examine_trust,
        explain_answers,
        measure,
        measured_images,
        spoil,
        wishes,
    )

    if output is not None:
        check_replaceable(output, replace_if=EVALUATION_NAME, holding=[REPORT_NAME])
    wanted = wishes(min_slice, cost_miss, cost_alarm, target_accuracy, choose_on)
    measured, other, no_reference = _load(model, reference, robustness=robustness)
    others = [] if other is None else [other]
    reading = SourceOptions(layout, label, mapping, max_unreadable, workers)
    with measured_images(
        [measured, *others], data, split, reading, spoilt=robustness, progress=CONSOLE
    ) as images:
        chosen_on = choosing(
            measured, images, wanted, seed=seed, resamples=resamples, progress=CONSOLE
        )
        evaluation = measure(measured, images, seed=seed, resamples=resamples, progress=CONSOLE)
        examination = Examination(
            evaluation,
            spoil(
                measured,
                other,
                images,
                no_reference=no_reference,
                seed=seed,
                resamples=resamples,
                progress=CONSOLE,
            )
            if robustness
            else None,
            explain_answers(
                measured, evaluation, images, seed=seed, resamples=resamples, progress=CONSOLE
            )
            if explained
            else None,
        )
        trusted = examine_trust(evaluation, images, wanted, chosen_on, CONSOLE)
        found = _Found(examination, trusted, images.left_out)
        if as_json:
            show_json(found.to_json())
        else:
            show(evaluation_text(evaluation), found.trusted.text(), *examination.texts())
        if output is not None:
            _write_evaluation(output, measured, found, images)
            CONSOLE.note(f"report: {output / REPORT_NAME}")


def _load(
    model: Path | None, reference: Path | None, *, robustness: bool
) -> "tuple[LoadedModel, LoadedModel | None, str]":
    """A model, the one that its errors are compared with, and why there is none.

    The package's Net #1 is no reference for itself, nor for a model of other classes.
    """
    from facecover.workflows.measure_models import load_models

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

    examination: "Examination"
    trusted: "Trusted"
    left_out: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """The keys of both, and ``left_out``: how many files, by reason."""
        return {
            **self.examination.to_json(),
            **self.trusted.to_json(),
            "left_out": self.left_out,
        }


def _write_evaluation(
    folder: Path, model: "LoadedModel", found: _Found, images: "LabelledImages"
) -> None:
    from facecover.report.run_page import write_run_report
    from facecover.workflows.measure_models import EVALUATION_NAME, as_run, write_json

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
    if len(models) < 2:
        raise ConfigError(f"compare: expected two models or more, found {len(models)}")

    from facecover.dataset.opened import SourceOptions
    from facecover.evaluation.comparison import compare
    from facecover.evaluation.slices import measure_slices
    from facecover.report.comparison_page import write_compare_report
    from facecover.report.run_page import run_chapter
    from facecover.report.terminal import comparison_text
    from facecover.workflows.measure_models import (
        COMPARISON_NAME,
        as_runs,
        load_models,
        measure,
        measured_images,
        write_json,
    )

    if output is not None:
        check_replaceable(output, replace_if=COMPARISON_NAME, holding=[REPORT_NAME])
    loaded = load_models(models)
    reading = SourceOptions(layout, label, mapping, max_unreadable, workers)
    with measured_images(loaded, data, split, reading, progress=CONSOLE) as images:
        evaluations = [
            measure(one, images, seed=seed, resamples=resamples, progress=CONSOLE) for one in loaded
        ]
        comparison = compare(evaluations)
        found = _ComparisonFound(comparison, images.left_out)
        if as_json:
            show_json(found.to_json())
        else:
            show(comparison_text(comparison))
        if output is not None:
            with written_folder(
                output, replace_if=COMPARISON_NAME, holding=[REPORT_NAME]
            ) as beside:
                write_json(beside / COMPARISON_NAME, found)
                runs = as_runs(loaded, evaluations, images)
                with CONSOLE.bar("slicing", None) as advance:
                    slices = [
                        measure_slices(one, images.table, min_n=min_slice, on_images=advance)
                        for one in evaluations
                    ]
                write_compare_report(
                    beside / REPORT_NAME,
                    comparison,
                    runs,
                    images.manifest,
                    images.drops,
                    slices=slices,
                    more=[run_chapter(run, f"run{place}") for place, run in enumerate(runs, 1)],
                )
            CONSOLE.note(f"report: {output / REPORT_NAME}")


@dataclass(frozen=True)
class _ComparisonFound:
    """What `compare` writes and prints as JSON."""

    comparison: "Comparison"
    left_out: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """The comparison's keys, and ``left_out``: how many files, by reason."""
        return {**self.comparison.to_json(), "left_out": self.left_out}
