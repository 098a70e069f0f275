"""`--robustness` and `--explain` of `evaluate`: spoilt images, and where the evidence lies."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from rich.console import Group, RenderableType
from rich.text import Text

from facecover.dataset.opened import (
    ALL,
    LabelledImages,
    SourceOptions,
    is_dataset,
    labelled_images,
)
from facecover.errors import ConfigError, DatasetError
from facecover.evaluation import MIN_SLICE, RESAMPLES
from facecover.evaluation.corruptions import BASE_PX
from facecover.evaluation.explanation import Explanation, explain, explained_images
from facecover.evaluation.performance import Calibration, Evaluation, evaluate, measure_calibration
from facecover.evaluation.robustness import (
    Robustness,
    corruption_size,
    corruption_steps,
    measure_robustness,
)
from facecover.evaluation.slices import Slices, measure_slices
from facecover.evaluation.thresholds import Costs, ThresholdChoice, at_threshold, choose_threshold
from facecover.evaluation.uncertain_band import BandChoice, RiskCoverage, choose_band, risk_coverage
from facecover.files import written_file
from facecover.inference.classifier import Classifier
from facecover.inference.model_file import MODELS_FOLDER
from facecover.progress import SILENT, Progress
from facecover.report.html import Section
from facecover.report.robustness_sections import occlusion_section, robustness_section
from facecover.report.run_figures import Run, mistakes_of
from facecover.report.terminal import (
    band_sentences,
    calibration_sentence,
    explanation_text,
    risk_sentence,
    robustness_text,
    slices_text,
    threshold_sentences,
)
from facecover.report.trust_sections import calibration_section, slices_section
from facecover.sources.rows import SPLITS
from facecover.training.run_folder import METRICS_NAME, RECORD_NAME, RunRecord, load_record

EVALUATION_NAME = "evaluation.json"
COMPARISON_NAME = "comparison.json"


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to answer.

    Attributes:
        name: for people: the experiment's name, with the place where two would be the same.
        classifier: answers.
        record: what its run says of itself; None where the model is no run folder.
        curves: the run's `metrics.csv`; None likewise.
    """

    name: str
    classifier: Classifier
    record: RunRecord | None
    curves: pd.DataFrame | None

    @property
    def input_size_px(self) -> int:
        """The side of the square images that it takes."""
        return self.classifier.info.input_size_px


def load_models(paths: list[Path]) -> list[LoadedModel]:
    """Load models, each with a name of its own.

    Raises:
        ModelFileError: if there is no such file, or it is not one of ours.
        RunError: if a run's record is broken.
    """
    classifiers = [Classifier(path) for path in paths]
    names = [classifier.info.name for classifier in classifiers]
    unique = [
        name if names.count(name) == 1 else f"{name} ({_place(path)})"
        for name, path in zip(names, paths, strict=True)
    ]
    return [_loaded(*parts) for parts in zip(unique, classifiers, paths, strict=True)]


def _place(path: Path) -> str:
    """Where a model lies, for people; where the package lies says nothing to them."""
    return f"{path.stem} of the package" if path.parent == MODELS_FOLDER else str(path)


def _loaded(name: str, classifier: Classifier, path: Path) -> LoadedModel:
    is_run = (path / RECORD_NAME).is_file()
    record = load_record(path) if is_run else None
    curves = pd.read_csv(path / METRICS_NAME) if is_run else None
    return LoadedModel(name, classifier, record, curves)


@contextmanager
def measured_images(
    models: list[LoadedModel],
    data: list[Path],
    split: str | None,
    options: SourceOptions,
    *,
    spoilt: bool = False,
    progress: Progress = SILENT,
) -> Iterator[LabelledImages]:
    """Images of every size that the models take, and of one that is fit to be spoilt."""
    sizes = {model.input_size_px for model in models}
    if spoilt and not any(is_dataset(path) for path in data):
        sizes.add(BASE_PX)  # a dataset has the sizes that it was prepared with
    n_classes = min(model.classifier.info.classes for model in models)
    with labelled_images(
        data, sorted(sizes), split, options, n_classes=n_classes, progress=progress
    ) as images:
        yield images


def measure(
    model: LoadedModel,
    data: LabelledImages,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    progress: Progress = SILENT,
) -> Evaluation:
    """One model on the chosen rows, at the threshold that stands in its file."""
    with progress.bar(f"evaluating {model.name}", len(data.rows)) as advance:
        return evaluate(
            model.classifier,
            data.images[model.input_size_px],
            data.labels,
            name=model.name,
            split=data.split,
            data_digest=data.digest,
            rows=data.rows,
            groups=data.groups,
            threshold=model.classifier.info.threshold,
            seed=seed,
            resamples=resamples,
            on_batch=advance,
        )


def as_run(
    model: LoadedModel, evaluation: Evaluation, data: LabelledImages, position: int = 0
) -> Run:
    """A model with what was measured of it, for a report."""
    largest = data.images[max(data.images)]
    return Run(
        name=model.name,
        info=model.classifier.info,
        evaluations=(evaluation,),
        curves=model.curves,
        mistakes=mistakes_of(evaluation, largest, data.names),
        training_seconds=model.record.seconds if model.record else None,
        device=model.record.device if model.record else "",
        position=position,
    )


def as_runs(
    models: Sequence[LoadedModel], evaluations: Sequence[Evaluation], data: LabelledImages
) -> list[Run]:
    """A run for each model, each with a colour of its own."""
    pairs = enumerate(zip(models, evaluations, strict=True))
    return [as_run(model, evaluation, data, place) for place, (model, evaluation) in pairs]


class Facts(Protocol):
    """What is written as JSON: an evaluation, a comparison, an examination."""

    def to_json(self) -> dict[str, Any]:
        """The facts, ready for `json.dumps`."""


def write_json(path: Path, facts: Facts) -> None:
    """Write facts as JSON; NaN and infinity are refused.

    Raises:
        OutputError: if the place cannot be written.
    """
    text = json.dumps(facts.to_json(), indent=2, allow_nan=False)
    with written_file(path) as beside:
        beside.write_text(text + "\n", "utf-8")


_CHOOSE_ON = "val"


@dataclass(frozen=True)
class Wishes:
    """The options that are about trust, checked.

    Attributes:
        min_slice: slices of fewer images are too few to judge.
        costs: of mistakes; None where none were stated.
        target: the accuracy wanted of what is answered; None where none was stated.
        choose_on: the split named to choose on; None where none was named.
    """

    min_slice: int = MIN_SLICE
    costs: Costs | None = None
    target: float | None = None
    choose_on: str | None = None


def wishes(
    min_slice: int,
    cost_miss: float | None,
    cost_alarm: float | None,
    target: float | None,
    choose_on: str | None,
) -> Wishes:
    """The options as one, known to fit.

    Raises:
        ConfigError: if one cost is stated without the other, a number is out of range, or the
            split to choose on is none.
    """
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
    return Wishes(min_slice, costs, target, choose_on)


@dataclass(frozen=True)
class Trusted:
    """What was measured of it.

    Attributes:
        evaluation: of the model on the images.
        slices: the same by slice.
        calibration: before and after the temperature.
        risk: the risk-coverage curve.
        threshold: chosen by costs; None where none were stated.
        band: chosen by a target; None where none was stated.
    """

    evaluation: Evaluation
    slices: Slices
    calibration: Calibration
    risk: RiskCoverage
    threshold: ThresholdChoice | None
    band: BandChoice | None

    def to_json(self) -> dict[str, Any]:
        """``slices``, ``calibration``, ``risk_coverage``, ``costs`` and ``uncertain_band``."""
        document: dict[str, Any] = {
            "slices": self.slices.to_json(),
            "calibration": self.calibration.to_json(),
            "risk_coverage": self.risk.to_json(),
        }
        if self.threshold is not None:
            document["costs"] = self.threshold.to_json()
        if self.band is not None:
            document["uncertain_band"] = self.band.to_json()
        return document

    def text(self) -> RenderableType:
        """What is printed after the metrics."""
        sentences = [
            calibration_sentence(self.calibration),
            risk_sentence(self.risk),
            *self._choices(),
        ]
        return Group(Text(), slices_text(self.slices), Text(), *(Text(line) for line in sentences))

    def sections(self, colour: str) -> tuple[Section, ...]:
        """What the report shows of it."""
        confidence = calibration_section(
            self.calibration, self.risk, colour, threshold=self.threshold, band=self.band
        )
        return slices_section(self.slices), confidence

    def _choices(self) -> tuple[str, ...]:
        images = self.evaluation.images_in_words
        return (
            *(threshold_sentences(self.threshold, images) if self.threshold else ()),
            *(band_sentences(self.band, images) if self.band else ()),
        )


def choosing(
    model: LoadedModel,
    data: LabelledImages,
    wanted: Wishes,
    *,
    seed: int,
    resamples: int,
    progress: Progress = SILENT,
) -> Evaluation | None:
    """The model on the images that choose threshold and band; None where none have to or can.

    Without a split named these are validation images that are not measured on as well.

    Raises:
        ConfigError: if a band is to be chosen and there are no such images.
        DatasetError: if the split named has no image.
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


def examine_trust(
    evaluation: Evaluation,
    data: LabelledImages,
    wanted: Wishes,
    chosen_on: Evaluation | None,
    progress: Progress = SILENT,
) -> Trusted:
    """Slices, calibration and what was asked for, on the images of an evaluation."""
    with progress.bar("slicing", None) as advance:
        slices = measure_slices(evaluation, data.table, min_n=wanted.min_slice, on_images=advance)
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
    return Trusted(
        evaluation,
        slices,
        measure_calibration(evaluation),
        risk_coverage(evaluation),
        threshold,
        band,
    )


@dataclass(frozen=True)
class Examination:
    """What was asked for beyond the metrics.

    Attributes:
        evaluation: of the same model on the same images.
        robustness: None where it was not asked for.
        explanation: likewise.
    """

    evaluation: Evaluation
    robustness: Robustness | None
    explanation: Explanation | None

    def to_json(self) -> dict[str, Any]:
        """The evaluation's keys, and ``robustness`` and ``explanation`` where there are any."""
        document = self.evaluation.to_json()
        if self.robustness is not None:
            document["robustness"] = self.robustness.to_json()
        if self.explanation is not None:
            document["explanation"] = self.explanation.to_json()
        return document

    def texts(self) -> list[RenderableType]:
        """What is printed after the metrics."""
        texts = []
        if self.robustness is not None:
            texts.append(robustness_text(self.robustness))
        if self.explanation is not None:
            texts.append(explanation_text(self.explanation))
        return texts

    def sections(self, data: LabelledImages) -> list[Section]:
        """What the report shows of it."""
        sections = []
        if self.robustness is not None:
            images, row = data.images[self.robustness.size_px], _example(self.evaluation)
            sections.append(robustness_section(self.robustness, np.array(images[row]), row))
        if self.explanation is not None:
            images = data.images[max(data.images)]
            sections.append(
                occlusion_section(self.explanation, self.evaluation, images, data.names)
            )
        return sections


def spoil(
    model: LoadedModel,
    reference: LoadedModel | None,
    data: LabelledImages,
    *,
    no_reference: str,
    seed: int,
    resamples: int,
    progress: Progress = SILENT,
) -> Robustness:
    """A model, and the one that it is compared with, on the chosen rows, spoilt in every way.

    Where it is compared with none, `no_reference` says why.
    """
    inputs = [one.input_size_px for one in (model, reference) if one is not None]
    images = data.images[corruption_size(sorted(data.images), inputs)]
    with progress.bar("spoiling", len(data.rows) * corruption_steps()) as advance:
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


def explain_answers(
    model: LoadedModel,
    evaluation: Evaluation,
    data: LabelledImages,
    *,
    seed: int,
    resamples: int,
    progress: Progress = SILENT,
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


def _example(evaluation: Evaluation) -> int:
    """The row of an image to show spoilt: the first that was answered right with a mask."""
    answers = evaluation.answers
    fitting = np.flatnonzero(answers.is_right & (answers.labels == 1))
    return int(evaluation.rows[fitting[0] if len(fitting) else 0])
