import numpy as np
import numpy.typing as npt
import pytest

from facecover.errors import DatasetError, ModelFileError
from facecover.evaluation.answers import check_answers

GOOD = np.array([[0.4, 0.6], [0.9, 0.1]])


def test_confidence_is_the_probability_of_the_answer() -> None:
    answers = check_answers(np.array([1, 1]), GOOD)
    assert answers.predicted.tolist() == [1, 0]
    assert answers.confidence.tolist() == pytest.approx([0.6, 0.9])
    assert answers.is_right.tolist() == [True, False]
    assert answers.class_names == ("no_mask", "mask")


def test_rounding_of_float32_is_removed() -> None:
    answers = check_answers(np.array([1]), np.array([[0.40001, 0.60001]]))
    assert answers.probabilities.sum() == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0, 2]), r"1 image of 2 with a label.*first: 2, incorrect_mask.*no_mask, mask"),
        (np.array([-1, -1]), "2 images of 2 with a label.*no known class"),
        (np.array([0]), r"expected shape \(1, classes\)"),
        (np.array([], dtype=np.int64), "at least one image"),
        (np.array([0.0, 1.0]), "expected whole numbers"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: npt.NDArray[np.int64], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        check_answers(labels, GOOD)


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        ([[0.5, 0.5], [np.nan, 0.5]], r"1 image of 2 got a probability that is not a number"),
        ([[0.5, 0.5], [np.inf, 0.5]], "not a number.*first: image 1"),
        ([[2.0, -1.0], [0.5, 0.5]], r"1 image of 2 got no probabilities.*are these logits"),
        ([[0.5, 0.4], [0.5, 0.5]], r"sum to 1, found \[0.5, 0.4\] for image 0"),
        ([[1.0], [1.0]], "expected 2 to 3 classes, found 1"),
    ],
)
def test_probabilities_that_are_none_are_refused(
    probabilities: list[list[float]], message: str
) -> None:
    with pytest.raises(ModelFileError, match=message):
        check_answers(np.array([0, 1]), np.array(probabilities))


def test_a_name_is_needed_for_each_class() -> None:
    with pytest.raises(ModelFileError, match="each class of a, b, c, found 2"):
        check_answers(np.array([0, 1]), GOOD, class_names=("a", "b", "c"))
