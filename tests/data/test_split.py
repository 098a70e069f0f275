import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facemask.data.split import Shares, assign_splits, check_splits
from facemask.errors import ConfigError, DatasetError


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
@settings(max_examples=40, deadline=None)
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
