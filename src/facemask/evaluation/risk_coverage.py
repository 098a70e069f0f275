"""What a model gains by leaving its least certain answers unsaid.

Risk is the share of wrong answers among those that are given, coverage the share that is given
(El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification", JMLR 11, 2010).
The area under the curve is the AURC of Geifman, Uziel and El-Yaniv ("Bias-Reduced Uncertainty
Estimation for Deep Neural Classifiers", ICLR 2019): the mean risk over all coverages; 0 is
perfect, and certainty that knows nothing of the mistakes gives the share that is wrong.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logit

from facemask.evaluation.answers import Answers
from facemask.evaluation.bootstrap import percentile_interval, resample_weights, units_of
from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.exact import Interval
from facemask.evaluation.plain import Json, plain_json
from facemask.labels import MASK

Floats = npt.NDArray[np.float64]

COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.5)
"""The coverages whose risk stands in JSON and in the report's table."""

_SMALLEST = 1e-12
"""Probabilities are kept this far from 0 and 1, whose log-odds are infinite."""

_DIGITS = 9
"""Of log-odds: 0.02 and 0.98 are equally sure, but for the last bits."""

_NO_WIDTH = 1e-12
"""Intervals narrower than this are rounding."""


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The risk at each coverage.

    Attributes:
        coverage: ``float64 (N,)``, 1/N to 1.
        risk: ``float64 (N,)``, 0..1; images of the same certainty share their mistakes evenly.
        aurc: the mean risk.
        ci95: its 95% interval; None where no resample moves it.
    """

    coverage: Floats
    risk: Floats
    aurc: float
    ci95: Interval | None

    def risk_at(self, coverage: float) -> float:
        """The risk at a coverage of 0..1, to the next image above."""
        return float(self.risk[max(int(np.ceil(coverage * len(self.risk) - 1e-9)) - 1, 0)])

    def to_json(self) -> dict[str, Json]:
        """``aurc``, its ``ci95``, and ``risk`` at some coverages."""
        return {
            "aurc": self.aurc,
            "ci95": plain_json(self.ci95),
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
    answers, metrics = evaluation.answers, evaluation.metrics
    order = np.argsort(-certainty(answers), kind="stable")
    wrong = _shared(certainty(answers)[order], (~answers.is_right[order]).astype(np.float64))
    units = units_of(len(answers), evaluation.groups)
    draws = [
        _areas(weights[:, order], wrong)
        for weights in resample_weights(units, resamples=metrics.resamples, seed=metrics.seed)
    ]
    low, high = percentile_interval(np.concatenate(draws))
    given = np.arange(1, len(answers) + 1)
    risk = np.cumsum(wrong) / given
    return RiskCoverage(
        coverage=given / len(answers),
        risk=risk,
        aurc=float(risk.mean()),
        ci95=(low, high) if high - low > _NO_WIDTH else None,
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
