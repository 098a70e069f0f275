import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from tests.copies.photo_table import photo_table

from facecover.errors import DatasetError
from facecover.look.suspect_images import rank_suspects

COUNT = 400


def judged(labels: npt.NDArray[np.int64], classes: int = 2) -> npt.NDArray[np.float64]:
    """What a good model says of samples with these true labels."""
    rng = np.random.default_rng(0)
    noise = rng.dirichlet([1.0] * classes, len(labels))
    return 0.8 * np.eye(classes)[labels] + 0.2 * noise


def test_flipped_labels_lead_the_list() -> None:
    rng = np.random.default_rng(1)
    truth = np.tile([0, 1], COUNT // 2)
    flipped = rng.choice(COUNT, COUNT // 20, replace=False)
    labels = truth.copy()
    labels[flipped] = 1 - labels[flipped]
    found = rank_suspects(photo_table(labels), judged(truth))
    assert set(found["row"]) <= set(flipped.tolist())
    assert len(found) >= 0.8 * len(flipped)
    assert found["quality"].is_monotonic_increasing
    assert (found["label"] != found["suggested"]).all()
    assert (
        found["suggested"].map({"no_mask": 0, "mask": 1}).tolist() == truth[found["row"]].tolist()
    )


def test_clean_labels_raise_no_suspicion() -> None:
    truth = np.tile([0, 1], COUNT // 2)
    found = rank_suspects(photo_table(truth), judged(truth))
    assert found.empty
    expected = ["row", "source", "path", "x0", "y0", "x1", "y1", "label", "suggested", "quality"]
    assert found.columns.tolist() == [*expected, "probability", "who", "when", "why"]


def test_a_class_that_the_data_lacks_is_never_suggested() -> None:
    truth = np.tile([0, 2], COUNT // 2)
    labels = truth.copy()
    labels[:6] = 2 - labels[:6]
    probabilities = judged(truth, classes=3)
    found = rank_suspects(photo_table(labels), probabilities)
    assert set(found["suggested"]) <= {"no_mask", "incorrect_mask"}
    assert set(found["row"]) <= set(range(6))
    assert len(found) >= 4


def test_the_callers_table_and_probabilities_are_untouched() -> None:
    table = photo_table([0, 1] * 20)
    before, probabilities = table.copy(), judged(np.tile([1, 0], 20))
    kept = probabilities.copy()
    rank_suspects(table, probabilities)
    pd.testing.assert_frame_equal(table, before)
    np.testing.assert_array_equal(probabilities, kept)


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([0, 1], np.full((3, 2), 0.5), r"expected shape \(2, 2 or more\), found \(3, 2\)"),
        ([0, 2], np.full((2, 2), 0.5), r"expected shape \(2, 3 or more\)"),
        ([0, 1], np.full((2, 2), 0.7), r"rows that sum to 1"),
        ([0, 1], np.full((2, 2), np.nan), r"numbers of 0 and more"),
        ([1, 1], np.full((2, 2), 0.5), r"every label is 'mask'"),
        ([0, 0, 0, 0, 0, 1], np.full((6, 2), 0.5), r"only 1 samples are 'mask'"),
        ([], np.zeros((0, 2)), r"no label to judge"),
    ],
)
def test_what_does_not_fit_is_refused(
    labels: list[int], probabilities: npt.NDArray[np.float64], message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        rank_suspects(photo_table(labels), probabilities)
