import numpy as np
import pytest
from tests.copies.photo_table import photo_table

from facecover.dataset.arrays import Images
from facecover.errors import DatasetError
from facecover.look.suspect_images import (
    BLANK,
    EXTREME_ASPECT,
    TINY,
    UNLIKE,
    face_space_distances,
    find_outliers,
)

COUNT = 260


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
