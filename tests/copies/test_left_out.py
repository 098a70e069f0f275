from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.copies.photo_table import photo_table
from tests.look.test_leakage import grouped

from facecover.copies.selection import (
    DUPLICATE,
    TRAINED_EDIT,
    TRAINED_GROUP,
    TRAINED_PERSON,
    TRAINED_PICTURE,
    Settled,
    leave_out,
    settle,
    training_first,
)

ROOTS = {"ours": Path("/data/ours"), "new": Path("/data/new")}


def chosen(
    sources: Sequence[str],
    pictures: Sequence[int],
    family: Sequence[int] | None = None,
    persons: Sequence[str | None] | None = None,
    **columns: object,
) -> Settled:
    count = len(sources)
    table = photo_table([row % 2 for row in range(count)], source=list(sources), **columns)
    # The rows of one picture carry one label: that of its number.
    table["label"] = pd.Series([number % 2 for number in pictures]).astype("int8")
    duplicates = grouped(list(pictures), list(family or pictures))
    identity = pd.Series(pd.array(persons or [None] * count, dtype="string"))
    settled = settle(table, duplicates, identity, ROOTS, rank=training_first(table, ["new"]))
    return leave_out(table, settled, duplicates, identity, ["new"], ROOTS)


def test_of_a_shared_picture_the_training_sources_image_stays() -> None:
    found = chosen(["new", "ours", "new", "ours"], [0, 0, 1, 2], width=[90, 10, 10, 10], height=10)
    assert found.kept.tolist() == [False, True, True, True]
    assert [(drop.reason, drop.path) for drop in found.drops] == [
        (TRAINED_PICTURE, Path("/data/new/photo 0.jpg"))
    ]
    assert "same picture as ours: photo 1.jpg" in found.drops[0].detail


def test_copies_within_the_left_out_source_are_mere_duplicates() -> None:
    found = chosen(["new", "new", "ours"], [0, 0, 1])
    assert [drop.reason for drop in found.drops] == [DUPLICATE]


def test_edits_persons_and_groups_of_training_images_go_with_their_reasons() -> None:
    found = chosen(
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
    found = chosen(["new", "ours", "new", "new", "ours"], [0, 1, 2, 2, 3], persons=persons)
    assert [drop.path.name for drop in found.drops] == ["photo 0.jpg", "photo 3.jpg"]


@given(st.data())
@hypothesis_settings(max_examples=40, deadline=None)
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
    found = chosen(sources, group, family, persons)
    assert found.kept.sum() + len(found.drops) == len(sources)
    is_new = np.array(sources) == "new"
    for keys in (np.array(group), np.array(family), found.group.to_numpy()):
        assert not set(keys[found.kept & is_new]) & set(keys[found.kept & ~is_new])
    named = np.array([name or "" for name in persons])
    both = set(named[found.kept & is_new]) & set(named[found.kept & ~is_new])
    assert both <= {""}
