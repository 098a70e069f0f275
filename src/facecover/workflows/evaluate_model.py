"""`evaluate`: what a model answers on labelled photos, and how far to trust it."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from facecover.dataset import MAX_UNREADABLE_SHARE
from facecover.dataset.opened import (
    ALL,
    LabelledImages,
    Paths,
    SourceOptions,
    as_paths,
    whole_photos,
)
from facecover.documents import write_document
from facecover.errors import ConfigError, DatasetError
from facecover.evaluation import MIN_SLICE, RESAMPLES
from facecover.evaluation.explanation import Explanation, explain, explained_images
from facecover.evaluation.performance import (
    Calibration,
    Evaluation,
    measure_calibration,
)
from facecover.evaluation.robustness import (
    Robustness,
    corruption_size,
    corruption_steps,
    measure_robustness,
)
from facecover.evaluation.slices import Slices
from facecover.evaluation.thresholds import Costs, ThresholdChoice, at_threshold, choose_threshold
from facecover.evaluation.uncertain_band import BandChoice, RiskCoverage, choose_band, risk_coverage
from facecover.files import check_replaceable, written_folder
from facecover.inference.model_file import DEFAULT_MODEL, packaged_file
from facecover.progress import SILENT, Progress
from facecover.report import REPORT_NAME
from facecover.report.blocks import Section
from facecover.report.confidence_section import calibration_section
from facecover.report.html import notebook_frame
from facecover.report.robustness_sections import occlusion_section, robustness_section
from facecover.report.run_page import run_sections, write_run_report
from facecover.report.slices_section import slices_section
from facecover.sources.rows import SPLITS
from facecover.workflows.evaluate_detector import (
    EVALUATION_NAME,
    DetectorResult,
    evaluate_detector,
)
from facecover.workflows.measure_models import (
    LoadedModel,
    as_run,
    load_models,
    measure,
    measured_images,
    metrics_table,
    sliced,
)

_REFERENCE = "net1"
_CHOOSE_ON = "val"


@dataclass(frozen=True, repr=False)  # its tables and images fill screens
class EvaluateResult:
    """What `evaluate` found out.

    Attributes:
        images: that it was measured on.
        calibration: before and after the temperature.
        threshold: chosen by costs; None where none were stated.
        band: chosen by a target accuracy; None where none was stated.
        robustness: on corrupted images; None where it was not asked for.
        explanation: where the evidence lies; None where it was not asked for.
    """

    model: LoadedModel
    images: LabelledImages
    evaluation: Evaluation
    slices: Slices
    calibration: Calibration
    risk: RiskCoverage
    threshold: ThresholdChoice | None
    band: BandChoice | None
    robustness: Robustness | None
    explanation: Explanation | None

    def to_json(self) -> dict[str, Any]:
        """The evaluation's keys, those of each part that there is, and ``left_out``."""
        parts = {
            "robustness": self.robustness,
            "explanation": self.explanation,
            "slices": self.slices,
            "calibration": self.calibration,
            "risk_coverage": self.risk,
            "costs": self.threshold,
            "uncertain_band": self.band,
        }
        found = {key: part.to_json() for key, part in parts.items() if part is not None}
        return {**self.evaluation.to_json(), **found, "left_out": self.images.left_out}

    def to_pandas(self) -> pd.DataFrame:
        """One row a metric, see `metrics_table`."""
        return metrics_table([self.evaluation])

    def sections(self) -> tuple[Section, ...]:
        """What there is to show of it, on a page or in a terminal."""
        run = as_run(self.model, self.evaluation, self.images)
        return run_sections(run, trust=self._trust(run.colour), more=self._further())

    def _repr_html_(self) -> str:
        return notebook_frame(self.evaluation.name, self.sections())

    def write(self, folder: Path) -> None:
        """Write the figures as JSON, and the report.

        Raises:
            OutputError: if the folder holds something else or cannot be written.
        """
        with written_folder(folder, replace_if=EVALUATION_NAME, holding=[REPORT_NAME]) as beside:
            write_document(beside / EVALUATION_NAME, self.to_json())
            run = as_run(self.model, self.evaluation, self.images)
            write_run_report(
                beside / REPORT_NAME,
                run,
                self.images.manifest,
                self.images.drops,
                trust=self._trust(run.colour),
                more=self._further(),
            )

    def _trust(self, colour: str) -> tuple[Section, ...]:
        confidence = calibration_section(
            self.calibration, self.risk, colour, threshold=self.threshold, band=self.band
        )
        return slices_section(self.slices), confidence

    def _further(self) -> list[Section]:
        sections = []
        data = self.images
        if self.robustness is not None:
            images, row = data.images[self.robustness.size_px], _example(self.evaluation)
            sections.append(robustness_section(self.robustness, np.array(images[row]), row))
        if self.explanation is not None:
            images = data.images[max(data.images)]
            sections.append(
                occlusion_section(self.explanation, self.evaluation, images, data.names)
            )
        return sections


def _example(evaluation: Evaluation) -> int:
    """The row of an image to show corrupted: the first that was answered right with a mask."""
    answers = evaluation.answers
    fitting = np.flatnonzero(answers.is_right & (answers.labels == 1))
    return int(evaluation.rows[fitting[0] if len(fitting) else 0])


@dataclass(frozen=True)
class TrustOptions:
    """The options about threshold and band, checked; None for what was not stated.

    Attributes:
        target: the accuracy wanted of what is answered.
        choose_on: the split to choose on.
    """

    costs: Costs | None
    target: float | None
    choose_on: str | None


def _trust_options(
    cost_miss: float | None,
    cost_alarm: float | None,
    target: float | None,
    choose_on: str | None,
) -> TrustOptions:
    if (cost_miss is None) != (cost_alarm is None):
        raise ConfigError("--cost-miss and --cost-alarm: expected both or none, found one")
    if target is not None and not 0 < target <= 1:
        raise ConfigError(f"--target-accuracy {target:g}: expected a share of 0 to 1, as 0.995")
    if choose_on is not None and choose_on not in (*SPLITS, ALL):
        raise ConfigError(f"--choose-on {choose_on}: expected one of {', '.join((*SPLITS, ALL))}")
    costs = None
    if cost_miss is not None and cost_alarm is not None:
        costs = Costs(cost_miss, cost_alarm)
    if choose_on is not None and costs is None and target is None:
        raise ConfigError("--choose-on: expected --cost-miss or --target-accuracy with it")
    return TrustOptions(costs, target, choose_on)


def evaluate(
    model: str | Path | None = None,
    *,
    data: Paths,
    split: str | None = None,
    output: str | Path | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    min_slice: int = MIN_SLICE,
    cost_miss: float | None = None,
    cost_alarm: float | None = None,
    target_accuracy: float | None = None,
    choose_on: str | None = None,
    robustness: bool = False,
    reference: str | Path | None = None,
    explained: bool = False,
    classifier: str | Path | None = None,
    layout: Sequence[str] = (),
    label: Sequence[str] = (),
    mapping: Sequence[str] = (),
    max_unreadable: float = MAX_UNREADABLE_SHARE,
    workers: int | None = None,
    progress: Progress = SILENT,
) -> EvaluateResult | DetectorResult:
    """Measure a model file: every metric with a 95% interval, on all images and by slice.

    On a dataset of whole photos it is a detector's, with average precision, the faces found and
    rightly answered, and false alarms.

    Args:
        model: a run folder, a model file, or the name of a model in the package; its default
            without one.
        data: a dataset, or photos with labels.
        split: ``train``, ``val``, ``test`` or ``all``; test by default, all where there is none.
        output: a folder for the JSON and a report.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        min_slice: slices of fewer images are too few to judge.
        cost_miss: what a missed mask costs, in any unit: chooses a threshold.
        cost_alarm: what a false alarm costs, with it.
        target_accuracy: 0..1; leaves answers unsaid until the rest is this right.
        choose_on: the split that chooses threshold and band; val by default.
        robustness: measure it on corrupted images, too; takes minutes.
        reference: with it, the model that errors are compared with; Net #1 of the package by
            default.
        explained: show where in the photos the evidence lies.
        classifier: on whole photos, what answers for each face; the package's default without one.
        layout: ``[NAME=]LAYOUT``, see `facecover.sources`.
        label: ``[NAME=]CLASS``, of every photo in a source without class names.
        mapping: ``THEIRS=CLASS``.
        max_unreadable: 0..1; a larger share of photos that cannot be read is an error.
        workers: threads that decode; one a core by default.
        progress: told how far it is.

    Raises:
        ConfigError: if an option is wrong.
        DatasetError: if the data cannot be read or has no such split.
        ModelFileError: if there is no such model, or it is none of ours.
        OutputError: if the folder holds something else or cannot be written.
    """
    if reference is not None and not robustness:
        raise ConfigError("--reference: expected --robustness with it")
    if output is not None:
        output = Path(output)
        check_replaceable(output, replace_if=EVALUATION_NAME, holding=[REPORT_NAME])
    wanted = _trust_options(cost_miss, cost_alarm, target_accuracy, choose_on)
    if (photos := whole_photos(as_paths(data))) is not None:
        if robustness or explained or wanted != TrustOptions(None, None, None):
            raise ConfigError(
                "--data: whole photos measure a detector, which has no --robustness, --explain, "
                "costs or --target-accuracy; leave them away, or name a dataset of faces"
            )
        seen = evaluate_detector(
            model, photos, split or "test", classifier,
            seed=seed, resamples=resamples, progress=progress,
        )  # fmt: skip
        if output is not None:
            seen.write(output)
        return seen
    if classifier is not None:
        raise ConfigError("--classifier: expected --data with a dataset of whole photos with it")
    measured, other, no_reference = _with_reference(model, reference, corrupted=robustness)
    models = [measured] if other is None else [measured, other]
    options = SourceOptions(layout, label, mapping, max_unreadable, workers)
    with measured_images(
        models, as_paths(data), split, options, corrupted=robustness, progress=progress
    ) as images:
        chosen_on = _choosing(measured, images, wanted, seed, resamples, progress)
        evaluation = measure(measured, images, seed=seed, resamples=resamples, progress=progress)
        corrupted = (
            _corrupted(models, images, no_reference, seed, resamples, progress)
            if robustness
            else None
        )
        where = (
            _explained(measured, evaluation, images, seed, resamples, progress)
            if explained
            else None
        )
        threshold, band = _choices(evaluation, wanted, chosen_on)
        found = EvaluateResult(
            measured,
            images,
            evaluation,
            sliced(evaluation, images, min_slice, progress),
            measure_calibration(evaluation),
            risk_coverage(evaluation),
            threshold,
            band,
            corrupted,
            where,
        )
        if output is not None:
            found.write(Path(output))
    return found


def _with_reference(
    model: str | Path | None, reference: str | Path | None, *, corrupted: bool
) -> tuple[LoadedModel, LoadedModel | None, str]:
    """A model, the one that its errors are compared with, and why there is none.

    The package's Net #1 is no reference for itself, nor for a model of other classes.
    """
    # What nobody named is the package's own, whatever bears its name in the working folder.
    path = packaged_file(DEFAULT_MODEL) if model is None else Path(model)
    if not corrupted:
        return load_models([path])[0], None, ""
    # Together, since a name that both would have gets its place behind it.
    measured, other = load_models([path, Path(reference or packaged_file(_REFERENCE))])
    info, known = measured.classifier.info, other.classifier.info
    if reference is not None:
        return measured, other, ""
    if info.weights_sha256 == known.weights_sha256:
        return load_models([path])[0], None, "errors are compared with Net #1, and this is Net #1"
    if info.class_names != known.class_names:
        reason = "Net #1 has other classes; name a model with the same ones with --reference"
        return load_models([path])[0], None, reason
    return measured, other, ""


def _choosing(
    model: LoadedModel,
    data: LabelledImages,
    wanted: TrustOptions,
    seed: int,
    resamples: int,
    progress: Progress,
) -> Evaluation | None:
    """The model on the images that choose threshold and band; None where none have to or can.

    Without a split named these are validation images that are not measured on as well.
    """
    if wanted.costs is None and wanted.target is None:
        return None
    split = wanted.choose_on or _CHOOSE_ON
    rows = data.rows_of(split)
    if wanted.choose_on is not None and not len(rows):
        raise DatasetError(f"--choose-on {split}: the photos bring no such split")
    if wanted.choose_on is None and (not len(rows) or np.isin(rows, data.rows).any()):
        if wanted.target is not None:
            found = "the same images" if len(rows) else "no validation split"
            raise ConfigError(
                "--target-accuracy: expected validation images to choose the band on, beside "
                f"those measured on, found {found}; prepare the photos, measure another --split, "
                "or choose and measure on the same images with --choose-on, which flatters"
            )
        return None
    chosen = dataclasses.replace(data, rows=rows, split=split)
    return measure(model, chosen, seed=seed, resamples=resamples, progress=progress)


def _choices(
    evaluation: Evaluation, wanted: TrustOptions, chosen_on: Evaluation | None
) -> tuple[ThresholdChoice | None, BandChoice | None]:
    threshold = band = None
    if wanted.costs is not None:
        threshold = choose_threshold(evaluation, wanted.costs, chosen_on)
    if wanted.target is not None and chosen_on is not None:
        own, chooser = evaluation, chosen_on
        if threshold is not None:
            # The band lies around the threshold that is in use.
            own = at_threshold(own, threshold.threshold)
            chooser = at_threshold(chooser, threshold.threshold)
        band = choose_band(own, wanted.target, chooser)
    return threshold, band


def _corrupted(
    models: Sequence[LoadedModel],
    data: LabelledImages,
    no_reference: str,
    seed: int,
    resamples: int,
    progress: Progress,
) -> Robustness:
    """A model, and the one that it is compared with, on the chosen rows, corrupted in every way."""
    model, reference = models[0], models[1] if len(models) > 1 else None
    images = data.images[corruption_size(sorted(data.images), [m.input_size_px for m in models])]
    with progress.bar("corrupting", len(data.rows) * corruption_steps()) as advance:
        return measure_robustness(
            model.classifier,
            images,
            data.labels,
            rows=data.rows,
            groups=data.groups,
            reference=None if reference is None else reference.classifier,
            reference_name="" if reference is None else reference.name,
            no_reference=no_reference,
            seed=seed,
            resamples=resamples,
            on_images=advance,
        )


def _explained(
    model: LoadedModel,
    evaluation: Evaluation,
    data: LabelledImages,
    seed: int,
    resamples: int,
    progress: Progress,
) -> Explanation:
    """Where the evidence lies for the surest mistakes, for a sample, and by class."""
    count = sum(len(chosen) for chosen in explained_images(evaluation, seed).values())
    with progress.bar("covering", count) as advance:
        return explain(
            model.classifier,
            data.images[model.input_size_px],
            evaluation,
            seed=seed,
            resamples=resamples,
            on_images=advance,
        )
