"""Risk and coverage, and the band of probabilities that are no answer."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from facecover.documents import Json, to_document
from facecover.errors import ConfigError
from facecover.evaluation.answers import Answers
from facecover.evaluation.formatting import FEW_IMAGES
from facecover.evaluation.intervals import Interval, interval_of
from facecover.evaluation.metrics import Floats
from facecover.evaluation.performance import Estimate, Evaluation, share
from facecover.evaluation.thresholds import (
    check_two_classes,
    gain_to_json,
    may_be_chance,
    out_of_bag,
)
from facecover.labels import MASK

COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.5)
"""The coverages whose risk stands in JSON and in the report's table."""

_SMALLEST = 1e-12
"""Probabilities are kept this far from 0 and 1, whose log-odds are infinite."""

_DIGITS = 9
"""Of log-odds: 0.02 and 0.98 are equally sure, but for the last bits."""


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The share of wrong answers among the surest ones, for each share that is answered.

    Attributes:
        coverage: ``float64 (N,)``, 1/N to 1.
        risk: ``float64 (N,)``, 0..1; images of the same certainty share their mistakes evenly.
        aurc: the mean risk, with its interval.
    """

    coverage: Floats
    risk: Floats
    aurc: float
    ci95: Interval | None

    def risk_at(self, coverage: float) -> float:
        """The risk at a coverage of 0..1, to the next image above."""
        return float(self.risk[max(int(np.ceil(coverage * len(self.risk) - 1e-9)) - 1, 0)])

    def to_json(self) -> dict[str, Json]:
        """The risk at `COVERAGES` alone."""
        return {
            "aurc": self.aurc,
            "ci95": to_document(self.ci95),
            "risk": [{"coverage": at, "risk": self.risk_at(at)} for at in COVERAGES],
        }


def certainty(answers: Answers) -> Floats:
    """How sure each answer is, for ordering: ``float64 (N,)``.

    The confidence, by which mistakes are fewest for any coverage if probabilities are right (Chow,
    "On optimum recognition error and reject tradeoff", IEEE Transactions on Information Theory
    16, 1970). With two classes its log-odds, which tell apart what is next to 1; they are negative
    where the threshold gives the less likely answer.
    """
    if answers.threshold is None:
        return answers.confidence
    masked = log_odds(answers.probabilities[:, MASK])
    certain: Floats = np.where(answers.predicted == MASK, masked, -masked)
    return np.round(certain, _DIGITS)


def log_odds(probabilities: Floats) -> Floats:
    """The log-odds of probabilities, finite for 0 and 1 too."""
    return np.asarray(logit(np.clip(probabilities, _SMALLEST, 1 - _SMALLEST)), dtype=np.float64)


def risk_coverage(evaluation: Evaluation) -> RiskCoverage:
    """The curve of an evaluation, with the interval of its area."""
    answers = evaluation.answers
    order = np.argsort(-certainty(answers), kind="stable")
    wrong = _shared(certainty(answers)[order], (~answers.is_right[order]).astype(np.float64))
    draws = evaluation.bootstrap.draws(lambda weights: _areas(weights[:, order], wrong))
    given = np.arange(1, len(answers) + 1)
    risk = np.cumsum(wrong) / given
    return RiskCoverage(
        coverage=given / len(answers),
        risk=risk,
        aurc=float(risk.mean()),
        ci95=interval_of(draws),
    )


def _shared(ordered: Floats, wrong: Floats) -> Floats:
    """Mistakes, spread evenly over images of the same certainty: their order says nothing."""
    ties = np.unique(-ordered, return_inverse=True)[1]
    means: Floats = np.bincount(ties, weights=wrong) / np.bincount(ties)
    return means[ties]


def _areas(weights: Floats, wrong: Floats) -> Floats:
    """The mean risk by weighting: ``float64 (B,)`` for ``(B, N)``, both in falling certainty."""
    given = np.cumsum(weights, axis=1)
    risk = np.divide(
        np.cumsum(weights * wrong, axis=1), given, out=np.zeros_like(given), where=given > 0
    )
    areas: Floats = (weights * risk).sum(axis=1) / weights.sum(axis=1)
    return areas


Band = tuple[float, float]


@dataclass(frozen=True, slots=True)
class BandChoice:
    """An uncertain band that was chosen, and what it does elsewhere.

    Attributes:
        band: the probabilities of a mask, from and to, that are no answer; None if all are one.
        is_reached: whether the images that chose it reach the target.
        chosen_accuracy: of what is answered there.
        chosen_coverage: the share that is answered there.
        gain: by how much what is answered is right more often than all is, see `out_of_bag`.
        same_images: whether images that it is measured on chose it too.
        accuracy: of what is answered of the evaluated images.
        unanswered: the share of them that is not.
    """

    target: float
    band: Band | None
    is_reached: bool
    chosen_on: Evaluation
    chosen_accuracy: float
    chosen_coverage: float
    gain: Estimate
    same_images: bool
    accuracy: Estimate
    unanswered: Estimate

    @property
    def may_be_chance(self) -> bool:
        """Whether what it gains may be chance."""
        return self.band is not None and may_be_chance(self.gain)

    def to_json(self) -> dict[str, Json]:
        """``chosen_on`` and ``measured`` say how much of which images is answered how well."""
        return {
            "target": self.target,
            "band": to_document(self.band),
            "is_reached": self.is_reached,
            "chosen_on": {
                "split": self.chosen_on.split,
                "n": len(self.chosen_on.answers),
                "accuracy": self.chosen_accuracy,
                "coverage": self.chosen_coverage,
                "gain": gain_to_json(self.gain),
            },
            "same_images": self.same_images,
            "measured": {
                "answered": self.accuracy.n,
                "accuracy": self.accuracy.value,
                "undefined": None if self.accuracy.n else "no image is answered",
                "unanswered": self.unanswered.value,
                "ci95": {
                    "accuracy": to_document(self.accuracy.ci95),
                    "unanswered": to_document(self.unanswered.ci95),
                },
            },
        }


def choose_band(evaluation: Evaluation, target: float, chosen_on: Evaluation) -> BandChoice:
    """The band that leaves the fewest images out to reach a target, measured on others.

    Args:
        evaluation: of the images to measure on.
        target: the accuracy that is wanted of what is answered, 0..1.
        chosen_on: the same model on the images that choose.

    Raises:
        ConfigError: if the target is not between 0 and 1, the model has more than two classes,
            or there are fewer than `FEW_IMAGES` images to choose on.
    """
    if not 0 < target <= 1:
        raise ConfigError(f"--target-accuracy {target:g}: expected a share of 0 to 1, as 0.995")
    check_two_classes(evaluation.answers, "--target-accuracy")
    if len(chosen_on.answers) < FEW_IMAGES:
        raise ConfigError(
            f"--target-accuracy: expected {FEW_IMAGES} images or more to choose the band on, "
            f"found {len(chosen_on.answers)} {chosen_on.images_in_words}"
        )
    band = band_reaching(chosen_on.answers, target)
    there = ~is_uncertain(chosen_on.answers, band)
    right = float(chosen_on.answers.is_right[there].mean())
    answered = ~is_uncertain(evaluation.answers, band)
    return BandChoice(
        target=target,
        band=band,
        is_reached=right >= target,
        chosen_on=chosen_on,
        chosen_accuracy=right,
        chosen_coverage=float(there.mean()),
        gain=_gained(chosen_on, target),
        same_images=bool(np.isin(chosen_on.rows, evaluation.rows).any()),
        accuracy=share(evaluation, evaluation.answers.is_right, answered),
        unanswered=share(evaluation, ~answered),
    )


def _gained(chosen_on: Evaluation, target: float) -> Estimate:
    """What a band gains in accuracy on images that did not choose it."""
    answers = chosen_on.answers
    is_right = answers.is_right.astype(np.float64)

    def effect(drawn: Answers) -> Floats:
        answered = ~is_uncertain(answers, band_reaching(drawn, target))
        return np.column_stack([answered, answered * is_right])

    answered, right = out_of_bag(chosen_on, effect).T
    parts = np.column_stack([right, answered, is_right, np.ones_like(is_right)])

    def gain(weights: Floats) -> Floats:
        sums = weights @ parts
        return np.asarray(sums[:, 0] / np.maximum(sums[:, 1], 1e-9) - sums[:, 2] / sums[:, 3])

    value = float(gain(np.ones((1, len(parts))))[0])
    return Estimate(value, interval_of(chosen_on.bootstrap.draws(gain)), len(parts))


def is_uncertain(answers: Answers, band: Band | None) -> npt.NDArray[np.bool_]:
    """Which images stay unanswered: ``bool (N,)``; as `inference.prediction` has it."""
    scores = answers.probabilities[:, MASK]
    if band is None:
        return np.zeros(len(scores), dtype=bool)
    return np.asarray((band[0] <= scores) & (scores <= band[1]))


def band_reaching(answers: Answers, target: float) -> Band | None:
    """The least certain answers, as few as reach a target, as a band with the threshold in it.

    With a threshold of 0.5 it reaches equally far in log-odds to both sides; with another, only
    to the side of the less likely answers as long as those are enough. At least `FEW_IMAGES`
    images stay answered. Where no such band reaches the target, the one with the highest accuracy
    is given, and of equal ones the narrowest.

    Args:
        answers: of two classes, `FEW_IMAGES` or more.
        target: the accuracy that is wanted of what is answered, 0..1.
    """
    certain = certainty(answers)
    order = np.argsort(-certain, kind="stable")
    ordered = certain[order]
    accuracy = np.cumsum(answers.is_right[order]) / np.arange(1, len(ordered) + 1)
    # Images of one certainty are answered all or none: only the last of them ends a cut.
    ends = np.flatnonzero(np.diff(ordered, append=-np.inf) != 0)
    ends = ends[ends >= min(FEW_IMAGES, ends[-1] + 1) - 1]
    reaching = ends[accuracy[ends] >= target]
    best = reaching if len(reaching) else ends[accuracy[ends] == accuracy[ends].max()]
    last = int(best.max())
    if last == len(ordered) - 1 or answers.threshold is None:
        return None
    least = (ordered[last] + ordered[last + 1]) / 2
    low, high = float(expit(-least)), float(expit(least))
    return min(answers.threshold, low), max(answers.threshold, high)
