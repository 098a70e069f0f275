import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from tests.copies.photo_table import explored, photo_table

from facecover.dataset.arrays import Images
from facecover.errors import DatasetError
from facecover.look.suspect_images import (
    BLANK,
    EXTREME_ASPECT,
    TINY,
    UNLIKE,
    face_space_distances,
    find_outliers,
    outliers_finding,
    rank_suspects,
)

COUNT = 260
LABELS = 400


@pytest.fixture(scope="module")
def portraits() -> Images:
    """Ovals of one kind before plain grounds."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:64, :64] / 64
    images = np.empty((COUNT, 64, 64, 3), np.uint8)
    for image in images:
        x, y = rng.normal(0.5, 0.03, 2)
        inside = ((columns - x) / 0.3) ** 2 + ((rows - y) / 0.4) ** 2 < 1
        ground, skin = rng.integers(20, 90, 3), rng.integers(130, 230, 3)
        noise = rng.integers(0, 12, (64, 64, 3))
        image[:] = np.where(inside[..., None], skin, ground) + noise
    return images


def test_crowds_are_far_from_the_space_of_faces(portraits: Images) -> None:
    images, crowds = portraits.copy(), [3, 90, 200]
    rng = np.random.default_rng(2)
    scenes = rng.integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    images[crowds] = scenes.repeat(8, axis=1).repeat(8, axis=2)
    found = find_outliers(images, photo_table([0] * COUNT), np.arange(COUNT))
    assert set(found["row"][:3]) == set(crowds)
    assert set(found["reasons"][:3]) == {UNLIKE}
    assert found["score"].is_monotonic_decreasing


def test_copies_of_a_scene_do_not_make_it_usual(portraits: Images) -> None:
    rng = np.random.default_rng(1)
    scene = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    images = np.concatenate([portraits, np.broadcast_to(scene, (60, 64, 64, 3))])
    copies = np.arange(len(images)).clip(max=COUNT)
    grouped = face_space_distances(images, copies, seed=0)
    apart = face_space_distances(images, np.arange(len(images)), seed=0)
    assert grouped[-1] > 10 * apart[-1]
    assert grouped[-1] > grouped[:COUNT].max()


def test_of_many_photos_the_space_is_learned_from_all(
    portraits: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = np.roll(portraits, (20, 20), axis=(1, 2))
    images = np.concatenate([portraits, elsewhere])  # as two sources stand, one after the other
    monkeypatch.setattr("facecover.look.suspect_images._MOST_LEARNED", 200)
    distances = face_space_distances(images, np.arange(len(images)), seed=0)
    halves = np.median(distances[:COUNT]), np.median(distances[COUNT:])
    assert max(halves) < 1.5 * min(halves)


def test_odd_shapes_tiny_and_blank_images_are_named(portraits: Images) -> None:
    table = photo_table([0] * 5, width=[300, 200, 12, 200, 90], height=[100, 200, 15, 210, 200])
    table.loc[3, "contrast"] = 0.01
    found = find_outliers(portraits[:5], table, np.arange(5)).set_index("row")
    assert found["reasons"].to_dict() == {0: EXTREME_ASPECT, 2: TINY, 3: BLANK, 4: EXTREME_ASPECT}
    assert found["distance"].isna().all()  # too few images to know what is usual
    assert found.index[0] == 3
    assert found.loc[0, "path"] == "photo 0.jpg"


def test_several_reasons_stand_together(portraits: Images) -> None:
    table = photo_table([0, 0], width=[40, 200], height=[10, 200])
    found = find_outliers(portraits[:2], table, np.arange(2))
    assert found["reasons"].tolist() == [f"{EXTREME_ASPECT}; {TINY}"]


def test_the_same_seed_gives_the_same_list(portraits: Images) -> None:
    first, second = (
        find_outliers(portraits, photo_table([0] * COUNT), np.arange(COUNT), seed=0)
        for _ in range(2)
    )
    assert first.equals(second)


def test_identical_images_are_no_outliers(portraits: Images) -> None:
    same = np.broadcast_to(portraits[:1], (COUNT, 64, 64, 3))
    found = find_outliers(same, photo_table([0] * COUNT), np.zeros(COUNT, np.int64))
    assert found.empty


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"no image to look for outliers in"):
        find_outliers(np.zeros((0, 64, 64, 3), np.uint8), photo_table([]), np.zeros(0, np.int64))


def test_explore_and_audit_find_the_same_blank_images(portraits: Images) -> None:
    table = photo_table([0] * COUNT, contrast=[0.01, 0.03, 0.05] + [0.2] * (COUNT - 3))
    (blank,) = (one for one in explored(table).flags if one.name == "blank")
    outliers = find_outliers(portraits, table, np.arange(COUNT))
    assert blank.n == outliers_finding(outliers, COUNT).facts["reasons"][BLANK] == 2


def judged(labels: npt.NDArray[np.int64], classes: int = 2) -> npt.NDArray[np.float64]:
    """What a good model says of samples with these true labels."""
    rng = np.random.default_rng(0)
    noise = rng.dirichlet([1.0] * classes, len(labels))
    return 0.8 * np.eye(classes)[labels] + 0.2 * noise


def test_flipped_labels_lead_the_list() -> None:
    rng = np.random.default_rng(1)
    truth = np.tile([0, 1], LABELS // 2)
    flipped = rng.choice(LABELS, LABELS // 20, replace=False)
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
    truth = np.tile([0, 1], LABELS // 2)
    found = rank_suspects(photo_table(truth), judged(truth))
    assert found.empty
    expected = ["row", "source", "path", "x0", "y0", "x1", "y1", "label", "suggested", "quality"]
    assert found.columns.tolist() == [*expected, "probability", "who", "when", "why"]


def test_a_class_that_the_data_lacks_is_never_suggested() -> None:
    truth = np.tile([0, 2], LABELS // 2)
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
