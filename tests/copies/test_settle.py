from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.copies.photo_table import photo_table
from tests.look.test_leakage import grouped, nobody

from facecover.copies.duplicates import group_together
from facecover.copies.selection import (
    CONTRADICTED,
    DUPLICATE,
    OUTVOTED,
    Settled,
    settle,
)
from facecover.errors import DatasetError

SIDE = {"width": 10, "height": 10}


def settled(labels: list[int], group: list[int], **columns: object) -> Settled:
    table = photo_table(labels, **columns)
    return settle(table, grouped(group), nobody(len(labels)), {"faces": Path("/data/faces")})


def test_the_image_with_the_most_pixels_stays() -> None:
    found = settled([0, 0, 0, 1], [0, 0, 0, 1], width=[9, 20, 30, 5], height=[10, 30, 15, 5])
    assert found.kept.tolist() == [False, True, False, True]
    assert [drop.reason for drop in found.drops] == [DUPLICATE] * 2
    assert found.drops[0].path == Path("/data/faces/photo 0.jpg")
    assert "same picture as faces: photo 1.jpg, 20 x 30 pixels" in found.drops[0].detail


def test_of_images_of_one_size_the_first_stays() -> None:
    assert settled([0, 0, 1], [0, 0, 1], **SIDE).kept.tolist() == [True, False, True]


def test_two_thirds_of_the_files_decide_the_label() -> None:
    sizes = {"width": [50, 10, 12, 9, 9], "height": 10}
    found = settled([0, 1, 1, 0, 1], [0, 0, 0, 1, 2], **sizes)
    assert found.kept.tolist() == [False, False, True, True, True]
    assert [drop.reason for drop in found.drops] == [OUTVOTED, DUPLICATE]
    assert "no_mask here, mask by most files" in found.drops[0].detail


def test_without_a_majority_the_whole_picture_goes() -> None:
    found = settled([0, 1, 0, 1], [0, 0, 1, 2], **SIDE)
    assert found.kept.tolist() == [False, False, True, True]
    assert [drop.reason for drop in found.drops] == [CONTRADICTED] * 2


def test_a_corrected_label_decides_for_its_picture() -> None:
    table = photo_table([1, 0, 0, 0, 1], label_before=[0, None, None, None, None], **SIDE)
    found = settle(table, grouped([0, 0, 0, 1, 2]), nobody(5), {})
    assert found.kept.tolist() == [True, False, False, True, True]
    assert {drop.reason for drop in found.drops} == {OUTVOTED}
    assert "no_mask here, mask by a correction" in found.drops[0].detail


def test_corrections_that_disagree_take_the_picture_out() -> None:
    table = photo_table([1, 0, 0, 1], label_before=[0, 1, None, None], **SIDE)
    found = settle(table, grouped([0, 0, 1, 2]), nobody(4), {})
    assert found.kept.tolist() == [False, False, True, True]


def test_an_image_of_a_lower_rank_stays_before_a_larger_one() -> None:
    table = photo_table([0, 0, 0, 1], width=[30, 20, 10, 9], height=10)
    rank = np.array([1, 0, 0, 1])
    found = settle(table, grouped([0, 0, 0, 1]), nobody(4), {}, rank=rank)
    assert found.kept.tolist() == [False, True, False, True]
    assert found.keeper.tolist() == [1, 1, 1, 3]


def test_no_rank_helps_a_label_that_was_outvoted() -> None:
    table = photo_table([0, 1, 1, 0], **SIDE)
    found = settle(table, grouped([0, 0, 0, 1]), nobody(4), {}, rank=np.array([0, 1, 1, 0]))
    assert found.kept.tolist() == [False, True, False, True]


def test_copies_of_one_file_have_one_vote() -> None:
    files = ["a", "a", "a", "b", "c", "d"]
    found = settled([1, 1, 1, 0, 0, 1], [0, 0, 0, 0, 1, 2], sha256=files, **SIDE)
    assert found.kept.tolist() == [False] * 4 + [True] * 2
    assert {drop.reason for drop in found.drops} == {CONTRADICTED}


def test_edited_copies_stay_and_belong_together() -> None:
    table = photo_table([0, 1, 0], **SIDE)
    duplicates = grouped([0, 1, 2], [0, 0, 1])
    found = settle(table, duplicates, nobody(3), {})
    assert found.kept.all()
    assert found.group.tolist() == ["group 0", "group 0", "group 1"]


def test_families_persons_photos_and_given_groups_join_directly_or_through_others() -> None:
    table = photo_table(
        [0] * 7,
        group=[None, None, "shoot", "shoot", None, None, None],
        sha256=["a", "b", "c", "d", "d", "e", "f"],
    )
    persons = pd.Series(["ann", None, "ann", None, None, None, None], dtype="string")
    duplicates = grouped(list(range(7)), [0, 0, 1, 2, 3, 4, 5])
    together = group_together(table, duplicates, persons)
    # 0-1 family, 0-2 person, 2-3 given group, 3-4 faces of one photo
    assert together.tolist() == [0] * 5 + [1, 2]


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_counts_add_up_and_each_picture_stands_once(data: st.DataObject) -> None:
    group = data.draw(st.lists(st.integers(0, 8), min_size=1, max_size=25))
    labels = data.draw(st.lists(st.integers(0, 1), min_size=len(group), max_size=len(group)))
    # Two pictures that agree keep every class and two groups alive.
    group, labels = [*group, 20, 21], [*labels, 0, 1]
    found = settled(labels, group, **SIDE)
    assert found.kept.sum() + len(found.drops) == len(labels)
    kept = np.flatnonzero(found.kept)
    assert len({group[row] for row in kept}) == len(kept)
    for number in set(group):
        votes = Counter(label for one, label in zip(group, labels, strict=True) if one == number)
        winner, most = votes.most_common(1)[0]
        stays = [row for row in kept if group[row] == number]
        assert len(stays) == (3 * most >= 2 * votes.total())
        assert all(labels[row] == winner for row in stays)


def test_the_callers_table_is_untouched() -> None:
    table = photo_table([0, 0, 1])
    before = table.copy()
    settle(table, grouped([0, 0, 1]), nobody(3), {})
    pd.testing.assert_frame_equal(table, before)


def test_identical_images_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"all 3 images show the same picture"):
        settled([0, 0, 0], [0, 0, 0])


def test_a_class_that_vanishes_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"no 'mask' image is left of 1"):
        settled([0, 1, 0], [0, 0, 1])


def test_a_single_group_is_refused() -> None:
    table = photo_table([0, 1], group=["shoot", "shoot"])
    with pytest.raises(DatasetError, match=r"all 2 images belong to one group"):
        settle(table, grouped([0, 1]), nobody(2), {})


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"no image to settle"):
        settled([], [])
