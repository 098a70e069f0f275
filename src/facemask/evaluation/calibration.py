"""How far the stated confidence is from the share that is right."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from facemask.evaluation.answers import Answers, Probabilities

BINS = 15
"""Equal-width bins over (0, 1], as in Guo et al., "On Calibration of Modern Neural Networks",
ICML 2017, section 2 (their M)."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """Answers sorted into bins by confidence; bin i covers (i / B, (i + 1) / B].

    Attributes:
        counts: ``int64 (B,)``, images in the bin.
        right: ``int64 (B,)``, images in the bin answered right.
        confidence: ``float64 (B,)``, mean confidence in the bin; 0 where it is empty.
    """

    counts: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    confidence: Probabilities


def bins_of(confidence: Probabilities) -> npt.NDArray[np.int64]:
    """The bin of each confidence, ``int64 (N,)``, 0..`BINS` - 1."""
    return np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)


def reliability(answers: Answers) -> Reliability:
    """The bins of a reliability diagram, on the confidence in the class answered."""
    confidence = answers.confidence
    bins = bins_of(confidence)
    counts = np.bincount(bins, minlength=BINS)
    right = np.bincount(bins[answers.is_right], minlength=BINS)
    total = np.bincount(bins, weights=confidence, minlength=BINS)
    return Reliability(counts, right, total / np.maximum(counts, 1))


def expected_calibration_error(answers: Answers) -> float:
    """The mean over images of |share right - mean confidence| in their bin, 0..1.

    Guo et al. 2017, equation 3. It is never negative, so with few images a perfectly calibrated
    model gets more than 0 too.
    """
    bins = reliability(answers)
    gaps = np.abs(bins.right - bins.counts * bins.confidence)
    return float(gaps.sum() / len(answers))


def chance_calibration_error(answers: Answers, *, draws: int, seed: int) -> float:
    """What a model whose confidence is exactly right may still be charged on these images.

    The 95th percentile of the error when each image is right with the probability stated for it:
    the consistency resampling of Bröcker and Smith, "Increasing the Reliability of Reliability
    Diagrams", Weather and Forecasting 22, 2007. An error below it shows nothing.

    Args:
        answers: what the model answered; only its confidences are used.
        draws: how many times the images are drawn anew.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    confidence = answers.confidence
    order = np.argsort(confidence, kind="stable")
    ordered = confidence[order]
    starts = np.flatnonzero(np.diff(bins_of(ordered), prepend=-1))
    errors = [
        np.abs(np.add.reduceat((rng.random(len(answers)) < ordered) - ordered, starts)).sum()
        for _ in range(draws)
    ]
    return float(np.percentile(errors, 95) / len(answers))
