"""Which answers were wrong, the most confident first."""

import numpy as np
import numpy.typing as npt

from facemask.evaluation.answers import Answers


def most_confident_mistakes(answers: Answers, count: int) -> npt.NDArray[np.int64]:
    """The wrong answers with the highest confidence: ``int64 (K,)``, K at most `count`.

    They index the answers; equal confidences keep the order of the images.
    """
    wrong = np.flatnonzero(~answers.is_right)
    order = np.argsort(-answers.confidence[wrong], kind="stable")
    return wrong[order][:count]
