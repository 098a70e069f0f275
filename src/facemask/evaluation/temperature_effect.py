"""What the temperature of a model file does to its confidence: before and after."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from facemask.evaluation.answers import Answers
from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.metrics import Metrics, measure_answers
from facemask.evaluation.plain import Json, plain_json

MEASURES = ("ece", "log_loss", "brier")
"""The metrics that look at probabilities and not at answers."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A model before and after its temperature, on the same images.

    Attributes:
        before: with a temperature of 1; the same evaluation where it is 1.
        after: as the model file has it.
    """

    before: Evaluation
    after: Evaluation

    @property
    def temperature(self) -> float:
        """Of the model file."""
        return self.after.model.temperature

    def to_json(self) -> dict[str, Json]:
        """``temperature``, ``fitted_on`` (images, or null), ``note``, ``before``, ``after``.

        The last two hold ``ece``, ``log_loss`` and ``brier``, their ``ci95``, and ``chance_ece``.
        """
        fit = self.after.model.temperature_fit
        return {
            "temperature": self.temperature,
            "fitted_on": None if fit is None else fit.images,
            "note": None if fit is None else fit.note or None,
            "before": _figures(self.before.metrics),
            "after": _figures(self.after.metrics),
        }


def measure_calibration(evaluation: Evaluation) -> Calibration:
    """The same answers with the confidence that a temperature of 1 gives them."""
    if evaluation.model.temperature == 1:
        return Calibration(evaluation, evaluation)
    answers = uncalibrated(evaluation.answers, evaluation.model.temperature)
    known = evaluation.metrics
    metrics = measure_answers(
        answers, seed=known.seed, resamples=known.resamples, groups=evaluation.groups
    )
    return Calibration(
        dataclasses.replace(evaluation, answers=answers, metrics=metrics), evaluation
    )


def uncalibrated(answers: Answers, temperature: float) -> Answers:
    """The answers with the probabilities that a temperature of 1 gives.

    Logits over T have probabilities p, so the logits are T log p up to a constant. The classes
    answered stay: what changes is how sure they are.
    """
    powers = answers.probabilities**temperature
    before = powers / powers.sum(axis=1, keepdims=True)
    return dataclasses.replace(answers, probabilities=np.asarray(before, dtype=np.float64))


def _figures(metrics: Metrics) -> dict[str, Json]:
    return {
        **{key: metrics.values[key] for key in MEASURES},
        "ci95": {key: plain_json(metrics.ci95[key]) for key in MEASURES},
        "chance_ece": metrics.chance_ece,
    }
