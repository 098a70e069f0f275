import numpy as np
from tests.evaluation.synthetic import binary_answers

from facecover.evaluation.answers import check_answers
from facecover.evaluation.performance import most_confident_mistakes


def test_the_most_confident_come_first_and_only_mistakes() -> None:
    answers = check_answers(*binary_answers(200))
    chosen = most_confident_mistakes(answers, 10)
    assert len(set(chosen.tolist())) == 10
    assert not answers.is_right[chosen].any()
    assert (np.diff(answers.confidence[chosen]) <= 0).all()
    others = np.setdiff1d(np.flatnonzero(~answers.is_right), chosen)
    assert answers.confidence[others].max() <= answers.confidence[chosen].min()


def test_a_perfect_model_makes_none() -> None:
    labels = np.array([0, 1, 1])
    assert most_confident_mistakes(check_answers(labels, np.eye(2)[labels]), 5).size == 0
