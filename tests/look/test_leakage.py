import numpy as np
import pandas as pd
import pytest
from tests.copies.photo_table import photo_table

from facecover.copies.duplicates import DuplicateGroups
from facecover.errors import DatasetError
from facecover.look.leakage import find_leakage, leakage_of_random_split
from facecover.look.repeated_images import EDITED_COPY, SAME_PICTURE, find_conflicts

NO_PAIRS = pd.DataFrame({"first": [], "second": [], "kind": [], "bits": [], "difference": []})


def grouped(group: list[int], family: list[int] | None = None) -> DuplicateGroups:
    return DuplicateGroups(np.array(group), np.array(family or group), NO_PAIRS)


def nobody(count: int) -> "pd.Series[str]":
    return pd.Series([None] * count, dtype="string")


def test_twins_and_edited_copies_in_training_are_counted_by_split() -> None:
    splits = ["train", "train", "val", "val", "test", "test", "test", None]
    table = photo_table([0] * 8, split=splits)
    duplicates = grouped([0, 1, 0, 2, 1, 3, 4, 0], [0, 1, 0, 2, 1, 1, 3, 0])
    leakage = find_leakage(table, duplicates, nobody(8))
    test, val = leakage.splits
    assert (test.split, test.images, test.twins, test.edited) == ("test", 3, 1, 1)
    assert test.twin_share == pytest.approx(2 / 3)
    assert test.rows.tolist() == [4, 5]
    assert (val.split, val.images, val.twins, val.edited) == ("val", 2, 1, 0)
    assert leakage.is_found


def test_a_twin_in_the_same_split_is_no_leak() -> None:
    table = photo_table([0] * 4, split=["train", "test", "test", "test"])
    (leak,) = find_leakage(table, grouped([0, 1, 1, 2]), nobody(4)).splits
    assert (leak.twins, leak.edited, leak.same_group, leak.twin_share) == (0, 0, 0, 0)


def test_persons_and_given_groups_on_both_sides_are_counted() -> None:
    splits = ["train", "train", "test", "test", "test", "test"]
    groups = ["g", None, "g", None, None, None]
    table = photo_table([0] * 6, split=splits, group=groups)
    persons = pd.Series(["ann", "bob", "ann", "ann", "cy", None], dtype="string")
    (leak,) = find_leakage(table, grouped(list(range(6))), persons).splits
    assert (leak.named, leak.named_in_training) == (3, 2)
    assert (leak.identities, leak.shared_identities) == (2, 1)
    assert leak.shared_identity_share == 0.5
    assert leak.same_group == 1


def test_a_random_split_of_pairs_leaks_most_of_them() -> None:
    table = photo_table([0, 0, 1, 1] * 50)
    pairs = grouped([row // 2 for row in range(200)])
    leakage = leakage_of_random_split(table, pairs, nobody(200), seed=0)
    assert leakage.split_by == "random"
    assert leakage.splits[0].twin_share > 0.5
    assert (
        leakage_of_random_split(table, pairs, nobody(200)).splits[0].twins
        == leakage.splits[0].twins
    )
    single = leakage_of_random_split(table, grouped(list(range(200))), nobody(200))
    assert not single.is_found


def test_data_without_training_or_held_out_data_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"no training split"):
        find_leakage(photo_table([0, 1], split=["test", None]), grouped([0, 1]), nobody(2))
    with pytest.raises(DatasetError, match=r"no validation or test split"):
        find_leakage(photo_table([0, 1], split=["train"] * 2), grouped([0, 1]), nobody(2))


def test_conflicts_tell_one_picture_from_an_edited_copy() -> None:
    table = photo_table([0, 1, 0, 0, 1, 1])
    duplicates = grouped([0, 0, 1, 2, 3, 4], [0, 0, 1, 2, 2, 3])
    found = find_conflicts(table, duplicates)
    assert (found.count(SAME_PICTURE), found.count(EDITED_COPY)) == (1, 1)
    columns = ["conflict", "relation", "row", "class", "group", "family"]
    assert found.rows[columns].values.tolist() == [
        [0, SAME_PICTURE, 0, "no_mask", 0, 0],
        [0, SAME_PICTURE, 1, "mask", 0, 0],
        [1, EDITED_COPY, 3, "no_mask", 2, 2],
        [1, EDITED_COPY, 4, "mask", 3, 2],
    ]
    assert found.rows["path"].tolist() == [table["path"][row] for row in found.rows["row"]]


def test_agreeing_groups_are_no_conflict() -> None:
    found = find_conflicts(photo_table([1, 1, 0]), grouped([0, 0, 1]))
    assert found.rows.empty
    assert found.count(SAME_PICTURE) == found.count(EDITED_COPY) == 0
