import dataclasses

import numpy as np
import pandas as pd
import pytest
from tests.copies.photo_table import photo_table

from facecover.dataset.arrays import Images
from facecover.errors import DatasetError
from facecover.look.shortcuts import CUE_WORDS, Shortcut, border_statistics, cues_of, find_shortcuts

COUNT = 160
LABELS = np.tile([0, 1], COUNT // 2)
GROUPS = np.arange(COUNT)


@pytest.fixture(scope="module")
def noise() -> Images:
    return np.random.default_rng(0).integers(0, 256, (COUNT, 64, 64, 3), dtype=np.uint8)


def measured(cue: str, noise: Images, table: pd.DataFrame, seed: int = 0) -> Shortcut:
    (found,) = find_shortcuts(table, noise, GROUPS, cues=(cue,), seed=seed)
    return found


@pytest.mark.parametrize(
    ("cue", "columns"),
    [
        ("size", {"width": 100 + 50 * LABELS}),
        ("aspect", {"width": 200, "height": 200 + 40 * LABELS}),
        ("file", {"format": np.where(LABELS == 1, "PNG", "JPEG")}),
        ("file", {"jpeg_quality": 80 + 10 * LABELS}),
        ("file size", {"file_bytes": 5000 + 2000 * LABELS}),
        ("colour", {"blue": 0.4 + 0.2 * LABELS}),
        ("sharpness", {"sharpness": 0.01 + 0.02 * LABELS}),
        ("source", {"source": np.where(LABELS == 1, "masked", "bare")}),
        ("together", {"width": 100 + 50 * LABELS}),
    ],
)
def test_a_planted_cue_is_a_warning(cue: str, columns: dict[str, object], noise: Images) -> None:
    found = measured(cue, noise, photo_table(LABELS, **columns))
    assert found.is_warning
    assert found.accuracy > 0.95
    assert found.balanced_low <= found.balanced_accuracy <= found.balanced_high
    assert CUE_WORDS[cue] in found.sentence
    assert "without looking at the face" in found.sentence


def test_a_frame_around_one_class_is_a_warning(noise: Images) -> None:
    framed = noise.copy()
    framed[LABELS == 1, :3] = 0
    assert measured("border", framed, photo_table(LABELS)).is_warning


def test_no_cue_is_no_warning(noise: Images) -> None:
    found = find_shortcuts(photo_table(LABELS), noise, GROUPS)
    assert [one.cue for one in found] == [cue for cue in CUE_WORDS if cue != "source"]
    assert not any(one.is_warning for one in found)
    for one in found:
        assert one.accuracy_low <= 0.6
        assert one.majority_share == 0.5
        assert "little above guessing" in one.sentence


def test_what_only_tells_groups_apart_is_no_shortcut(noise: Images) -> None:
    # Each picture has its own width, many copies and a label drawn at random.
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(40), 4)
    labels = np.repeat(rng.permutation([0, 1] * 20), 4)
    table = photo_table(labels, width=np.repeat(rng.permutation(40) * 5 + 50, 4), height=100)
    (grouped,) = find_shortcuts(table, noise, groups, cues=("size",))
    (naive,) = find_shortcuts(table, noise, np.arange(COUNT), cues=("size",))
    assert not grouped.is_warning
    assert naive.accuracy > grouped.accuracy + 0.2


def test_a_rare_class_is_judged_as_if_it_were_frequent(noise: Images) -> None:
    labels = (np.arange(COUNT) % 10 == 0).astype(np.int64)
    found = measured("size", noise, photo_table(labels, width=100 + 50 * labels))
    assert found.majority_share == 0.9
    assert found.balanced_accuracy > 0.9
    assert found.is_warning
    assert not measured("size", noise, photo_table(labels)).is_warning


def test_the_same_seed_gives_the_same_numbers(noise: Images) -> None:
    table = photo_table(LABELS)
    first = measured("size", noise, table, seed=0)
    assert first == measured("size", noise, table, seed=0)
    assert first != measured("size", noise, table, seed=1)


def test_three_classes_have_a_lower_chance() -> None:
    found = Shortcut("size", 0.5, 0.4, 0.6, 0.5, 0.48, 0.52, 0.4, classes=3)
    assert found.is_warning  # chance 33%, so 48% closes more than a fifth of the gap
    assert not dataclasses.replace(found, classes=2).is_warning


def test_the_border_does_not_know_the_middle(noise: Images) -> None:
    changed = noise[:5].copy()
    changed[:, 8:56, 8:56] = 0
    np.testing.assert_array_equal(border_statistics(changed), border_statistics(noise[:5]))
    assert cues_of(photo_table([0] * 5), noise[:5])["together"].shape[0] == 5


def test_one_class_is_refused(noise: Images) -> None:
    with pytest.raises(DatasetError, match=r"expected two classes or more, found no_mask"):
        find_shortcuts(photo_table([0] * 20), noise[:20], np.arange(20))


def test_too_few_groups_of_a_class_are_refused(noise: Images) -> None:
    with pytest.raises(DatasetError, match=r"at least 10 different .* of 'mask', found 1"):
        find_shortcuts(photo_table(LABELS), noise, np.where(LABELS == 1, -1, GROUPS))


def test_an_empty_table_is_refused(noise: Images) -> None:
    with pytest.raises(DatasetError, match=r"found no class"):
        find_shortcuts(photo_table([]), noise[:0], GROUPS[:0])
