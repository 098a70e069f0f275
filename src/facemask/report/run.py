"""What a report shows of one run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.mistakes import most_confident_mistakes
from facemask.inference.model_info import ModelInfo
from facemask.report.style import model_colour

MISTAKES_SHOWN = 24
"""Photos of mistakes in a report: two dozen are looked at, and stay far under a megabyte."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A photo that was answered wrong.

    Attributes:
        pixels: ``uint8 (H, W, 3)``, RGB.
        label: its true class.
        answer: the class answered.
        confidence: the probability of the answer, 0..1.
        name: the file it came from.
    """

    pixels: npt.NDArray[np.uint8]
    label: str
    answer: str
    confidence: float
    name: str


@dataclass(frozen=True, slots=True)
class Run:
    """A trained model with what was measured of it.

    Attributes:
        name: for people.
        info: what its model file knows.
        evaluations: what it was measured on; the first one is the one that counts.
        curves: its `metrics.csv`, one row an epoch; None where there is none.
        mistakes: photos it answered wrong, the most confident first.
        training_seconds: how long it trained; None where it is not known.
        device: what it trained on.
        position: its place among the runs of a page, which decides its colour.
    """

    name: str
    info: ModelInfo
    evaluations: tuple[Evaluation, ...] = ()
    curves: pd.DataFrame | None = None
    mistakes: tuple[Mistake, ...] = ()
    training_seconds: float | None = None
    device: str = ""
    position: int = 0

    @property
    def colour(self) -> str:
        """The name of its colour in `style.COLOURS`."""
        return model_colour(self.position)


def mistakes_of(
    evaluation: Evaluation,
    images: npt.NDArray[np.uint8],
    names: Sequence[str],
    count: int = MISTAKES_SHOWN,
) -> tuple[Mistake, ...]:
    """The photos that a model was most sure of and wrong about.

    Args:
        evaluation: what it answered.
        images: ``uint8 (M, S, S, 3)``, RGB, the dataset's images at any size.
        names: the file name of each of them.
        count: how many to take at most.
    """
    answers = evaluation.answers
    return tuple(
        Mistake(
            pixels=np.asarray(images[evaluation.rows[i]]),
            label=answers.class_names[answers.labels[i]],
            answer=answers.class_names[answers.predicted[i]],
            confidence=float(answers.confidence[i]),
            name=str(names[int(evaluation.rows[i])]),
        )
        for i in most_confident_mistakes(answers, count)
    )
