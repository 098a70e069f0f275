"""Divisions hold what they promise, whatever the photos: nothing is trained here."""

from typing import get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.copies.photo_table import photo_table

from facecover.copies.duplicates import DuplicateGroups, codes, group_together
from facecover.dataset.arrays import UNUSED
from facecover.errors import ConfigError, DatasetError
from facecover.sources.rows import SPLITS
from facecover.studies.definition import Division
from facecover.studies.divisions import ALL_SOURCES, Photos, StudyPart, divide, limited

DIVISIONS: tuple[Division, ...] = get_args(Division)


def _photos(
    sources: list[str], labels: list[int], pictures: list[int], persons: list[int] | None = None
) -> Photos:
    """Photos of some pictures; a picture is in one family with none but its copies."""
    n = len(labels)
    widths = np.arange(200, 200 + n)  # so that no copy is as large as another
    table = photo_table(labels, source=sources, width=widths)
    group = codes(np.array(pictures))
    pairs = pd.DataFrame({"first": [0], "second": [0], "kind": ["near"]}).iloc[:0]
    duplicates = DuplicateGroups(group, group, pairs.assign(bits=0, difference=0.0))
    identity = pd.Series(
        pd.array([None if p < 0 else f"person {p}" for p in persons or [-1] * n], dtype="string")
    )
    return Photos(table, group_together(table, duplicates, identity), duplicates)


@st.composite
def _some_photos(draw: st.DrawFn) -> Photos:
    n = draw(st.integers(40, 160))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sources = rng.choice(["a", "b", "c"], n).tolist()
    pictures = rng.integers(0, draw(st.integers(8, 2 * n)), n)
    # A label is of the picture, but for a few contradictions.
    labels = ((pictures % 2) ^ (rng.random(n) < 0.05)).astype(int)
    if draw(st.booleans()):
        labels[np.array(sources) == "c"] = 1
    persons = np.where(rng.random(n) < 0.3, rng.integers(0, 12, n), -1)
    return _photos(sources, labels.tolist(), pictures.tolist(), persons.tolist())


def _groups(photos: Photos, part: StudyPart, split: str) -> set[int]:
    return set(photos.group[part.splits == split].tolist())


@given(_some_photos(), st.sampled_from(DIVISIONS))
@settings(max_examples=12)
def test_every_photo_is_accounted_for(photos: Photos, division: Division) -> None:
    parts, skipped = divide(photos, division)
    sources = [ALL_SOURCES] if division.startswith("merged") else list(photos.sources)
    assert [one.source for one in parts] == [s for s in sources if s not in _names(skipped)]
    assert sorted([one.source for one in parts] + list(_names(skipped))) == sorted(sources)
    for part in parts:
        assert len(part.splits) == len(photos)
        assert set(part.splits) <= {*SPLITS, UNUSED}
        for split in ("train", "val"):
            assert set(photos.labels[part.splits == split]) == {0, 1}
        assert (part.splits == "test").any()


def _names(skipped: object) -> set[str]:
    return {one.source for one in skipped}  # type: ignore[attr-defined]


@given(_some_photos(), st.sampled_from(("each-group", "merged-group", "left-out")))
@settings(max_examples=12)
def test_no_group_stands_on_both_sides(photos: Photos, division: Division) -> None:
    assert photos.duplicates is not None
    for part in divide(photos, division)[0]:
        train, val, test = (_groups(photos, part, split) for split in SPLITS)
        assert not train & val
        assert not train & test
        assert not val & test
        used = part.splits != UNUSED
        pictures = photos.duplicates.group[used]
        assert len(set(pictures)) == len(pictures)


@given(_some_photos())
@settings(max_examples=12)
def test_what_is_left_out_is_tested_and_nothing_else(photos: Photos) -> None:
    source = photos.table["source"].to_numpy(dtype=object)
    for part in divide(photos, "left-out")[0]:
        is_test = part.splits == "test"
        assert set(source[is_test]) == {part.source}
        trained = np.isin(part.splits, ("train", "val"))
        assert part.source not in set(source[trained])
        # Not even a photo that was a copy and is not trained on itself.
        assert not set(photos.group[is_test]) & set(photos.group[source != part.source])


@given(_some_photos(), st.sampled_from(("each-random", "merged-random")))
@settings(max_examples=12)
def test_a_random_division_keeps_the_copies(photos: Photos, division: Division) -> None:
    for part in divide(photos, division)[0]:
        rows = np.arange(len(photos)) if part.source == ALL_SOURCES else photos.rows_of(part.source)
        assert np.flatnonzero(part.splits != UNUSED).tolist() == rows.tolist()
        share = np.mean(part.splits[rows] == "test")
        assert 0.1 < share < 0.35


def test_a_random_division_puts_copies_on_both_sides() -> None:
    n = 200
    photos = _photos(["a"] * n, [i % 2 for i in range(n)], [i % 20 for i in range(n)])
    ((part,), _) = divide(photos, "each-random")
    assert _groups(photos, part, "train") & _groups(photos, part, "test")
    ((part,), _) = divide(photos, "each-group")
    assert np.count_nonzero(part.splits != UNUSED) == 20


def test_a_source_of_one_class_is_tested_when_left_out_and_skipped_alone() -> None:
    n = 120
    sources = ["a"] * 80 + ["b"] * 40
    labels = [i % 2 for i in range(80)] + [1] * 40
    photos = _photos(sources, labels, list(range(n)))
    parts, skipped = divide(photos, "each-random")
    assert [part.source for part in parts] == ["a"]
    assert "every one of its 40 photos is 'mask'" in skipped[0].reason
    parts, skipped = divide(photos, "left-out")
    assert [part.source for part in parts] == ["b"]
    assert np.count_nonzero(parts[0].splits == "test") == 40
    assert [one.source for one in skipped] == ["a"]


def test_a_source_with_nothing_of_its_own_cannot_be_left_out() -> None:
    pictures = [*range(60), *range(20)]
    labels = [picture % 2 for picture in pictures]
    photos = _photos(["a"] * 60 + ["b"] * 20, labels, pictures)
    parts, skipped = divide(photos, "left-out")
    assert [(one.source, one.reason) for one in skipped] == [
        ("b", "each of its photos is shared with the sources trained on")
    ]
    (part,) = parts
    assert set(photos.group[part.splits == "test"]) == set(range(20, 60))


def test_one_source_cannot_be_left_out() -> None:
    photos = _photos(["a"] * 60, [i % 2 for i in range(60)], list(range(60)))
    parts, (skipped,) = divide(photos, "left-out")
    assert not parts
    assert "there is no other source" in skipped.reason


@given(_some_photos(), st.sampled_from(["a", "b", "c"]))
@settings(max_examples=6)
def test_only_the_named_sources_are_left_out(photos: Photos, source: str) -> None:
    assume(source in photos.sources)
    parts, skipped = divide(photos, "left-out")
    some, others = divide(photos, "left-out", [source])
    assert [one.source for one in some] + [one.source for one in others] == [source]
    for part in some:
        (same,) = (one for one in parts if one.source == source)
        assert (part.splits == same.splits).all()
    assert set(others) <= set(skipped)


def test_a_source_that_is_not_there_cannot_be_left_out() -> None:
    photos = _photos(["one", "two"] * 20, [0, 0, 1, 1] * 10, list(range(40)))
    with pytest.raises(ConfigError, match=r"'tow' \(did you mean 'two'\?\); the sources are one"):
        divide(photos, "left-out", ["tow"])


@pytest.mark.parametrize("division", [one for one in DIVISIONS if one != "merged-group"])
def test_a_prepared_dataset_serves_its_own_split_alone(division: Division) -> None:
    splits = ["train", "val", "test", "train"]
    photos = Photos(photo_table([0, 1, 0, 1], split=splits), np.arange(4), None)
    with pytest.raises(DatasetError, match=r"holds each picture once .* merged-group"):
        divide(photos, division)
    ((part,), skipped) = divide(photos, "merged-group")
    assert part.splits.tolist() == splits
    assert not skipped


@given(_some_photos(), st.floats(0.01, 1), st.floats(0.01, 1), st.integers(0, 5))
@settings(max_examples=12)
def test_a_share_of_the_training_data_is_of_groups_and_nested(
    photos: Photos, one: float, other: float, seed: int
) -> None:
    parts, _ = divide(photos, "merged-group")
    for part in parts:
        few, many = (
            limited(part.splits, photos, share, seed=seed) for share in sorted((one, other))
        )
        assert set(np.flatnonzero(few == "train")) <= set(np.flatnonzero(many == "train"))
        for splits in (few, many):
            held = part.splits != "train"
            assert splits[held].tolist() == part.splits[held].tolist()
            assert set(photos.labels[splits == "train"]) == {0, 1}
            left = set(photos.group[(part.splits == "train") & (splits == UNUSED)])
            assert not left & set(photos.group[splits == "train"])


def test_the_groups_of_some_images_are_those_of_all() -> None:
    links = pd.DataFrame({"first": [0, 1, 3], "second": [1, 4, 5], "kind": ["near"] * 3})
    groups = DuplicateGroups(
        np.array([0, 0, 1, 2, 0, 2]), np.array([0, 0, 1, 2, 0, 2]),
        links.assign(bits=3, difference=1.0),
    )  # fmt: skip
    some = groups.of_rows(np.array([0, 3, 4, 5]))
    # 0 and 4 stay together, although 1, which links them, is left out.
    assert some.group.tolist() == [0, 1, 0, 1]
    assert some.pairs.empty
