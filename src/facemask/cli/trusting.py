"""Slices, calibration, thresholds and bands of `evaluate`: how far an answer can be trusted."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Group, RenderableType
from rich.text import Text

from facemask.cli.console import progress
from facemask.cli.labelled import ALL, LabelledImages
from facemask.cli.measuring import measure
from facemask.cli.models import LoadedModel
from facemask.data.rows import SPLITS
from facemask.errors import ConfigError, DatasetError
from facemask.evaluation.choices_text import (
    band_sentences,
    calibration_sentence,
    risk_sentence,
    threshold_sentences,
)
from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.risk_coverage import RiskCoverage, risk_coverage
from facemask.evaluation.slices import MIN_SLICE, Slices, measure_slices
from facemask.evaluation.slices_text import slices_text
from facemask.evaluation.temperature_effect import Calibration, measure_calibration
from facemask.evaluation.thresholds import Costs, ThresholdChoice, at_threshold, choose_threshold
from facemask.evaluation.uncertain_band import BandChoice, choose_band
from facemask.report.blocks import Section
from facemask.report.calibration_section import calibration_section
from facemask.report.slices_section import slices_section

MinSlice = Annotated[
    int, typer.Option("--min-slice", help="Slices of fewer images are too few to judge.", min=1)
]
CostMiss = Annotated[
    float | None,
    typer.Option(help="What a missed mask costs, in any unit: chooses a threshold."),
]
CostAlarm = Annotated[float | None, typer.Option(help="What a false alarm costs, with it.")]
TargetAccuracy = Annotated[
    float | None,
    typer.Option(help="Leave answers unsaid until the rest is this right, as 0.995."),
]
ChooseOn = Annotated[
    str | None,
    typer.Option(
        help="The split that chooses threshold and band: train, val, test or all; val by default."
    ),
]

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
    model: LoadedModel, data: LabelledImages, wanted: Wishes, *, seed: int, resamples: int
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
    return measure(model, chosen, seed=seed, resamples=resamples)


def examine_trust(
    evaluation: Evaluation, data: LabelledImages, wanted: Wishes, chosen_on: Evaluation | None
) -> Trusted:
    """Slices, calibration and what was asked for, on the images of an evaluation."""
    with progress("slicing", None) as advance:
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
