import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facecover.dataset.split import (
    Shares,
    assign_splits,
    check_left_out,
    check_splits,
    leave_out_splits,
    missing_classes,
    missing_splits,
)
from facecover.errors import ConfigError, DatasetError


def samples(count: int, groups: list[str | None] | None = None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "source": ["a" if index % 3 else "b" for index in range(count)],
            "label": [index % 2 for index in range(count)],
            "split": pd.array([None] * count, dtype="string"),
            "group": pd.array(groups or [None] * count, dtype="string"),
        }
    )


def test_shares_and_strata_are_kept() -> None:
    table = samples(600)
    splits = assign_splits(table, Shares(val=0.1, test=0.2), seed=3)
    assert splits.value_counts().to_dict() == {"train": 420, "val": 60, "test": 120}
    for _, stratum in table.groupby(["source", "label"]):
        share = (splits[stratum.index] == "test").mean()
        assert share == pytest.approx(0.2, abs=0.02)


def test_same_seed_same_split_and_another_seed_another() -> None:
    table = samples(200)
    first = assign_splits(table, seed=0)
    assert first.equals(assign_splits(table, seed=0))
    assert not first.equals(assign_splits(table, seed=1))


@given(st.integers(0, 2**31), st.lists(st.integers(0, 12), min_size=1, max_size=120))
@settings(max_examples=40)
def test_no_group_stands_on_both_sides(seed: int, numbers: list[int]) -> None:
    table = samples(len(numbers), [f"person {number}" for number in numbers])
    splits = assign_splits(table, seed=seed)
    assert splits.groupby(table["group"]).nunique().max() == 1
    assert set(splits) <= {"train", "val", "test"}


def test_large_groups_do_not_spoil_the_shares() -> None:
    groups: list[str | None] = [f"g{index // 20}" for index in range(200)] + [None] * 400
    splits = assign_splits(samples(600, groups), Shares(val=0.1, test=0.2))
    shares = splits.value_counts(normalize=True)
    assert shares["test"] == pytest.approx(0.2, abs=0.03)
    assert shares["val"] == pytest.approx(0.1, abs=0.03)


def test_a_brought_split_stands_and_training_gives_the_validation_data() -> None:
    table = samples(300)
    table["split"] = pd.array(["train"] * 200 + ["test"] * 100, dtype="string")
    splits = assign_splits(table, Shares(val=0.1, test=0.2)).tolist()
    assert set(splits[200:]) == {"test"}
    assert set(splits[:200]) == {"train", "val"}
    assert splits.count("val") == pytest.approx(25, abs=2)


def test_a_brought_validation_split_is_left_alone() -> None:
    table = samples(90)
    brought = ["train"] * 50 + ["val"] * 20 + ["test"] * 20
    table["split"] = pd.array(brought, dtype="string")
    assert assign_splits(table).tolist() == brought


@pytest.mark.parametrize(
    ("brought", "missing"),
    [
        ({"train": 300}, ("val", "test")),
        ({"train": 240, "val": 60}, ("test",)),
        ({"train": 240, "test": 60}, ("val",)),
        ({"train": 200, "val": 50, "test": 50}, ()),
        ({"test": 300}, ()),
    ],
)
def test_what_is_missing_is_taken_from_training_and_what_is_brought_stays(
    brought: dict[str, int], missing: tuple[str, ...]
) -> None:
    table = samples(300, [f"person {index // 2}" for index in range(300)])
    own = [split for split, count in brought.items() for _ in range(count)]
    table["split"] = pd.array(own, dtype="string")
    assert missing_splits(table)[0] == missing
    splits = assign_splits(table, Shares(val=0.1, test=0.2))
    stays = table["split"] != "train" if missing else table["split"].notna()
    assert (splits[stays] == table.loc[stays, "split"]).all()
    assert splits.groupby(table["group"]).nunique().max() == 1
    for name in missing:
        for label in (0, 1):  # stratified
            of_label = splits[(table["label"] == label) & (table["split"] == "train")]
            wanted = {"val": 0.1, "test": 0.2}[name]
            assert (of_label == name).mean() == pytest.approx(wanted, abs=0.05)
    if missing:
        check_splits(table.assign(split=splits), brought=brought)


def test_training_data_with_the_group_of_validation_data_are_not_taken_for_the_test() -> None:
    table = samples(100, ["ann"] * 20 + [None] * 80)
    table["split"] = pd.array(["val"] * 10 + ["train"] * 90, dtype="string")
    splits = assign_splits(table).tolist()
    assert splits[:20] == ["val"] * 10 + ["train"] * 10
    assert "test" in splits[20:]


def test_test_data_of_one_source_do_for_all() -> None:
    table = samples(90)
    table["split"] = pd.array(
        ["train" if index % 3 else "test" for index in range(90)], dtype="string"
    )
    missing, gives = missing_splits(table)
    assert missing == ("val",)
    assert gives.sum() == 60
    splits = assign_splits(table)
    assert ((splits == "test") == (table["source"] == "b")).all()


def test_a_class_that_a_brought_split_lacks_is_told_as_that() -> None:
    table = samples(90)
    own = ["test" if index % 2 and index < 20 else "train" for index in range(90)]
    table["split"] = pd.array(own, dtype="string")
    split = table.assign(split=assign_splits(table))
    with pytest.raises(DatasetError, match=r"test split has no 'no_mask' image, as the photos are"):
        check_splits(split, brought={"train", "test"})


def test_the_callers_table_and_random_state_are_untouched() -> None:
    table = samples(50)
    before = table.copy()
    np.random.seed(5)  # noqa: NPY002  (the global state is what this test is about)
    state = repr(np.random.get_state())  # noqa: NPY002
    assign_splits(table)
    pd.testing.assert_frame_equal(table, before)
    assert repr(np.random.get_state()) == state  # noqa: NPY002


@pytest.mark.parametrize("shares", [(0.0, 0.2), (0.5, 0.5), (-0.1, 0.2), (0.1, 1.0)])
def test_impossible_shares_are_refused(shares: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match=r"over 0 and under 1"):
        Shares(*shares)


def test_one_class_is_refused() -> None:
    table = samples(30).assign(label=1)
    with pytest.raises(DatasetError, match=r"every one of the 30 samples is 'mask'"):
        check_splits(table.assign(split=assign_splits(table)))


def test_a_split_without_a_class_is_refused() -> None:
    table = samples(4)
    with pytest.raises(DatasetError, match=r"the val split has no"):
        check_splits(table.assign(split=assign_splits(table)))


def test_samples_follow_those_of_their_group_that_bring_a_split() -> None:
    groups = ["ann", "bob", "cy", "ann", "bob", "cy", "ann"]
    table = samples(7, [*groups])
    table["split"] = pd.array(["test", "val", "train", None, None, None, "train"], dtype="string")
    table["source"] = ["brings"] * 3 + ["open"] * 3 + ["brings"]
    splits = assign_splits(table).tolist()
    assert splits == ["test", "val", "train", "test", "val", "train", "train"]


@given(st.integers(0, 2**31), st.data())
@settings(max_examples=40)
def test_only_groups_whose_brought_splits_differ_are_divided(
    seed: int, data: st.DataObject
) -> None:
    numbers = data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=60))
    table = samples(len(numbers), [f"person {number}" for number in numbers])
    # One source brings training and test data, one brings all three, one none.
    table["source"] = [f"s{index % 3}" for index in range(len(numbers))]
    brought = {"s0": ("train", "test"), "s1": ("train", "val", "test"), "s2": (None,)}
    table["split"] = pd.array(
        [brought[str(name)][index // 3 % len(brought[str(name)])]
         for index, name in enumerate(table["source"])],
        dtype="string",
    )  # fmt: skip
    splits = assign_splits(table, seed=seed)
    before = table.groupby("group")["split"].nunique()
    after = splits.groupby(table["group"]).nunique()
    divided = set(after.index[after > 1])
    assert divided <= set(before.index[before > 1])
    stays = table["split"].notna() & ~((table["source"] == "s0") & (table["split"] == "train"))
    assert (splits[stays] == table.loc[stays, "split"]).all()


@given(st.integers(0, 2**31), st.lists(st.integers(0, 12), min_size=1, max_size=80))
@settings(max_examples=40)
def test_left_out_sources_are_the_test_data_and_no_group_is_divided(
    seed: int, numbers: list[int]
) -> None:
    table = samples(len(numbers), [f"person {number}" for number in numbers])
    # A group has one source, as after leaving out.
    table["source"] = ["a" if number % 3 else "b" for number in numbers]
    table["split"] = pd.array(["train"] * len(numbers), dtype="string")
    splits = leave_out_splits(table, ["b"], seed=seed)
    assert ((splits == "test") == (table["source"] == "b")).all()
    assert splits.groupby(table["group"]).nunique().max() == 1
    assert splits.equals(leave_out_splits(table, ["b"], seed=seed))


def test_validation_takes_its_share_of_the_sources_that_train() -> None:
    splits = leave_out_splits(samples(600), ["b"], Shares(val=0.1, test=0.7))
    assert splits.value_counts().to_dict() == {"train": 360, "test": 200, "val": 40}


def test_a_left_out_source_may_lack_a_class_but_training_may_not() -> None:
    table = samples(90)
    table.loc[table["source"] == "b", "label"] = 1
    split = table.assign(split=leave_out_splits(table, ["b"]))
    check_splits(split, leave_out=["b"])
    assert missing_classes(split, "test") == ("no_mask",)
    with pytest.raises(DatasetError, match=r"the test split has no 'no_mask' image"):
        check_splits(split)
    other = table.assign(split=leave_out_splits(table, ["a"]))
    with pytest.raises(DatasetError, match=r"train split has no 'no_mask' .*leave out another"):
        check_splits(other, leave_out=["a"])


def test_nothing_left_to_test_on_is_refused() -> None:
    table = samples(90).query("source == 'a'")
    table = table.assign(split=leave_out_splits(table, ["b"]))
    with pytest.raises(DatasetError, match=r"no image of b is left to test on"):
        check_splits(table, leave_out=["b"])


@pytest.mark.parametrize(
    ("split_by", "leave_out", "message"),
    [
        ("group", ["a"], r"--leave-out a: expected --split-by source with it"),
        ("source", [], r"name the sources to test on with --leave-out; the sources are a, bcd"),
        ("source", ["bce"], r"no source is called 'bce' \(did you mean 'bcd'\?\); .* a, bcd"),
        ("source", ["a", "bcd"], r"all 2 sources are left out, and none is left to train on"),
    ],
)
def test_sources_that_cannot_be_left_out(split_by: str, leave_out: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_left_out(split_by, leave_out, ["a", "bcd"])
