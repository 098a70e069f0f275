from collections import Counter
from collections.abc import Sequence
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
    TRAINED_EDIT,
    TRAINED_GROUP,
    TRAINED_PERSON,
    TRAINED_PICTURE,
    Deduplicated,
    check_class_names,
    check_shared_pictures,
    choose_samples,
    deduplicate,
)
from facecover.errors import DatasetError, LabelError
from facecover.sources.rows import Source

SIDE = {"width": 10, "height": 10}


def chosen(labels: list[int], group: list[int], **columns: object) -> Deduplicated:
    table = photo_table(labels, **columns)
    return deduplicate(table, grouped(group), nobody(len(labels)), {"faces": Path("/data/faces")})


def test_the_image_with_the_most_pixels_stays() -> None:
    found = chosen([0, 0, 0, 1], [0, 0, 0, 1], width=[9, 20, 30, 5], height=[10, 30, 15, 5])
    assert found.kept.tolist() == [False, True, False, True]
    assert [drop.reason for drop in found.drops] == [DUPLICATE] * 2
    assert found.drops[0].path == Path("/data/faces/photo 0.jpg")
    assert "same picture as faces: photo 1.jpg, 20 x 30 pixels" in found.drops[0].detail


def test_of_images_of_one_size_the_first_stays() -> None:
    assert chosen([0, 0, 1], [0, 0, 1], **SIDE).kept.tolist() == [True, False, True]


def test_two_thirds_of_the_files_decide_the_label() -> None:
    sizes = {"width": [50, 10, 12, 9, 9], "height": 10}
    found = chosen([0, 1, 1, 0, 1], [0, 0, 0, 1, 2], **sizes)
    assert found.kept.tolist() == [False, False, True, True, True]
    assert [drop.reason for drop in found.drops] == [OUTVOTED, DUPLICATE]
    assert "no_mask here, mask by most files" in found.drops[0].detail


def test_without_a_majority_the_whole_picture_goes() -> None:
    found = chosen([0, 1, 0, 1], [0, 0, 1, 2], **SIDE)
    assert found.kept.tolist() == [False, False, True, True]
    assert [drop.reason for drop in found.drops] == [CONTRADICTED] * 2


def test_a_corrected_label_decides_for_its_picture() -> None:
    table = photo_table([1, 0, 0, 0, 1], label_before=[0, None, None, None, None], **SIDE)
    found = deduplicate(table, grouped([0, 0, 0, 1, 2]), nobody(5), {})
    assert found.kept.tolist() == [True, False, False, True, True]
    assert {drop.reason for drop in found.drops} == {OUTVOTED}
    assert "no_mask here, mask by a correction" in found.drops[0].detail


def test_corrections_that_disagree_take_the_picture_out() -> None:
    table = photo_table([1, 0, 0, 1], label_before=[0, 1, None, None], **SIDE)
    found = deduplicate(table, grouped([0, 0, 1, 2]), nobody(4), {})
    assert found.kept.tolist() == [False, False, True, True]


def test_an_image_of_a_lower_rank_stays_before_a_larger_one() -> None:
    table = photo_table([0, 0, 0, 1], width=[30, 20, 10, 9], height=10)
    rank = np.array([1, 0, 0, 1])
    found = deduplicate(table, grouped([0, 0, 0, 1]), nobody(4), {}, rank=rank)
    assert found.kept.tolist() == [False, True, False, True]
    assert found.keeper.tolist() == [1, 1, 1, 3]


def test_no_rank_helps_a_label_that_was_outvoted() -> None:
    table = photo_table([0, 1, 1, 0], **SIDE)
    found = deduplicate(table, grouped([0, 0, 0, 1]), nobody(4), {}, rank=np.array([0, 1, 1, 0]))
    assert found.kept.tolist() == [False, True, False, True]


def test_copies_of_one_file_have_one_vote() -> None:
    files = ["a", "a", "a", "b", "c", "d"]
    found = chosen([1, 1, 1, 0, 0, 1], [0, 0, 0, 0, 1, 2], sha256=files, **SIDE)
    assert found.kept.tolist() == [False] * 4 + [True] * 2
    assert {drop.reason for drop in found.drops} == {CONTRADICTED}


def test_edited_copies_stay_and_belong_together() -> None:
    table = photo_table([0, 1, 0], **SIDE)
    duplicates = grouped([0, 1, 2], [0, 0, 1])
    found = deduplicate(table, duplicates, nobody(3), {})
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
@settings(max_examples=40)
def test_counts_add_up_and_each_picture_stands_once(data: st.DataObject) -> None:
    group = data.draw(st.lists(st.integers(0, 8), min_size=1, max_size=25))
    labels = data.draw(st.lists(st.integers(0, 1), min_size=len(group), max_size=len(group)))
    # Two pictures that agree keep every class and two groups alive.
    group, labels = [*group, 20, 21], [*labels, 0, 1]
    found = chosen(labels, group, **SIDE)
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
    deduplicate(table, grouped([0, 0, 1]), nobody(3), {})
    pd.testing.assert_frame_equal(table, before)


def test_identical_images_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"all 3 images show the same picture"):
        chosen([0, 0, 0], [0, 0, 0])


def test_a_class_that_vanishes_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"no 'mask' image is left of 1"):
        chosen([0, 1, 0], [0, 0, 1])


def test_a_single_group_is_refused() -> None:
    table = photo_table([0, 1], group=["shoot", "shoot"])
    with pytest.raises(DatasetError, match=r"all 2 images belong to one group"):
        deduplicate(table, grouped([0, 1]), nobody(2), {})


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"no image to choose"):
        chosen([], [])


ROOTS = {"ours": Path("/data/ours"), "new": Path("/data/new")}


def left_out(
    sources: Sequence[str],
    pictures: Sequence[int],
    family: Sequence[int] | None = None,
    persons: Sequence[str | None] | None = None,
    **columns: object,
) -> Deduplicated:
    count = len(sources)
    table = photo_table([row % 2 for row in range(count)], source=list(sources), **columns)
    # The rows of one picture carry one label: that of its number.
    table["label"] = pd.Series([number % 2 for number in pictures]).astype("int8")
    duplicates = grouped(list(pictures), list(family or pictures))
    identity = pd.Series(pd.array(persons or [None] * count, dtype="string"))
    return choose_samples(table, duplicates, identity, ROOTS, "source", ["new"])


def test_of_a_shared_picture_the_training_sources_image_stays() -> None:
    found = left_out(
        ["new", "ours", "new", "ours"], [0, 0, 1, 2], width=[90, 10, 10, 10], height=10
    )
    assert found.kept.tolist() == [False, True, True, True]
    assert [(drop.reason, drop.path) for drop in found.drops] == [
        (TRAINED_PICTURE, Path("/data/new/photo 0.jpg"))
    ]
    assert "same picture as ours: photo 1.jpg" in found.drops[0].detail


def test_copies_within_the_left_out_source_are_mere_duplicates() -> None:
    found = left_out(["new", "new", "ours"], [0, 0, 1])
    assert [drop.reason for drop in found.drops] == [DUPLICATE]


def test_edits_persons_and_groups_of_training_images_go_with_their_reasons() -> None:
    found = left_out(
        ["ours", "new", "ours", "new", "ours", "new", "new"],
        [0, 1, 2, 3, 4, 5, 6],
        family=[0, 0, 1, 2, 3, 4, 5],
        persons=[None, None, "ann", "ann", None, None, "bob"],
        group=[None, None, None, None, "shoot", "shoot", None],
    )
    assert found.kept.tolist() == [True, False, True, False, True, False, True]
    assert [drop.reason for drop in found.drops] == [TRAINED_EDIT, TRAINED_PERSON, TRAINED_GROUP]
    assert found.drops[1].detail == (
        "/data/new/photo 3.jpg: names the same person as ours: photo 2.jpg"
    )


def test_drops_stand_in_the_order_of_the_table() -> None:
    persons = ["ann", "ann", None, None, None]
    found = left_out(["new", "ours", "new", "new", "ours"], [0, 1, 2, 2, 3], persons=persons)
    assert [drop.path.name for drop in found.drops] == ["photo 0.jpg", "photo 3.jpg"]


@given(st.data())
@settings(max_examples=40)
def test_nothing_that_stays_is_known_from_training(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 20))
    rows = st.lists(st.integers(0, 6), min_size=count, max_size=count)
    sources = data.draw(st.lists(st.sampled_from(["ours", "new"]), min_size=count, max_size=count))
    group = data.draw(rows)
    names = st.lists(st.sampled_from([None, "ann", "bob", "cy"]), min_size=count, max_size=count)
    persons = data.draw(names)
    # Two pictures of nobody keep both classes and two groups alive.
    sources, group, persons = [*sources, "ours", "ours"], [*group, 10, 11], [*persons, None, None]
    # Families are unions of groups.
    family = [number // 2 for number in group]
    found = left_out(sources, group, family, persons)
    assert found.kept.sum() + len(found.drops) == len(sources)
    is_new = np.array(sources) == "new"
    for keys in (np.array(group), np.array(family), found.group.to_numpy()):
        assert not set(keys[found.kept & is_new]) & set(keys[found.kept & ~is_new])
    named = np.array([name or "" for name in persons])
    both = set(named[found.kept & is_new]) & set(named[found.kept & ~is_new])
    assert both <= {""}


def source_of(name: str, **class_labels: int) -> Source:
    return Source(name, Path("/data") / name, "class-folders", (), (), class_labels)


def test_one_class_name_with_two_meanings_is_refused() -> None:
    sources = [source_of("ours", masks=1, bare=0), source_of("theirs", masks=0)]
    with pytest.raises(LabelError, match=r"theirs: the class 'masks' is read as no_mask, but in"):
        check_class_names(sources)


def test_sources_that_agree_or_use_other_names_pass() -> None:
    check_class_names([source_of("ours", masks=1, bare=0), source_of("theirs", masks=1, no=0)])


def two_sources(shared: int, disagreeing: int) -> None:
    """Two sources with some pictures in common, of which some are labelled differently."""
    labels = np.arange(shared) % 2
    others = np.where(np.arange(shared) < disagreeing, 1 - labels, labels)
    both = np.concatenate([labels, others, [0, 1]])
    names = ["ours"] * shared + ["theirs"] * shared + ["ours", "theirs"]
    pictures = [*range(shared), *range(shared), shared, shared + 1]
    check_shared_pictures(photo_table(both, source=names), grouped(pictures))


def test_swapped_labels_are_seen_from_shared_pictures() -> None:
    message = r"ours and theirs have 12 pictures in common and label 11 of them differently"
    with pytest.raises(DatasetError, match=message):
        two_sources(12, 11)


@pytest.mark.parametrize(("shared", "disagreeing"), [(12, 6), (9, 9), (1, 1), (30, 0)])
def test_few_pictures_or_few_disagreements_say_nothing(shared: int, disagreeing: int) -> None:
    two_sources(shared, disagreeing)
