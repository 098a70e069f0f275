import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from facecover.copies.duplicates import components, cut_chains, numbered

Pairs = npt.NDArray[np.int64]
LINKS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30)


def pairs_of(links: list[tuple[int, int]]) -> Pairs:
    return np.array(links, dtype=np.int64).reshape(-1, 2)


def always(pairs: Pairs) -> npt.NDArray[np.bool_]:
    return np.ones(len(pairs), bool)


def test_groups_are_numbered_by_their_first_members() -> None:
    assert numbered(np.array([7, 3, 7, 9, 3])).tolist() == [0, 1, 0, 2, 1]


def test_what_is_linked_through_others_is_one_group() -> None:
    assert components(6, pairs_of([(5, 1), (1, 3)])).tolist() == [0, 1, 2, 1, 3, 1]


def test_no_link_no_group() -> None:
    assert components(3, pairs_of([])).tolist() == [0, 1, 2]


def test_a_chain_is_cut_where_its_ends_are_strangers() -> None:
    # Pictures on a line; a link joins neighbours, three steps away is another picture.
    chain = pairs_of([(place, place + 1) for place in range(9)])
    groups = cut_chains(10, chain, lambda pairs: np.abs(np.subtract(*pairs.T)) <= 2)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        assert np.ptp(members) <= 4
        assert (np.diff(members) == 1).all()
    assert len(np.unique(groups)) < 6


def test_a_bridge_between_two_tight_groups_is_cut() -> None:
    tight = [(a, b) for a in range(4) for b in range(a)]
    links = [*tight, *((a + 4, b + 4) for a, b in tight), (3, 4)]

    def same_half(pairs: Pairs) -> npt.NDArray[np.bool_]:
        return np.equal(pairs[:, 0] < 4, pairs[:, 1] < 4)

    groups = cut_chains(8, pairs_of(links), same_half)
    assert len(set(groups.tolist())) == 2
    assert (groups[[0, 1, 2]] == groups[0]).all()
    assert (groups[[5, 6, 7]] == groups[7]).all()
    assert groups[0] != groups[7]


@given(LINKS)
@settings(max_examples=60, deadline=None)
def test_where_all_agree_nothing_is_cut(links: list[tuple[int, int]]) -> None:
    pairs = pairs_of(links)
    assert cut_chains(12, pairs, always).tolist() == components(12, pairs).tolist()


@given(LINKS, st.integers(0, 2**16))
@settings(max_examples=60, deadline=None)
def test_cutting_only_divides_and_always_ends(links: list[tuple[int, int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    verdicts = rng.random((12, 12)) < 0.5
    pairs = pairs_of(links)
    whole = components(12, pairs)
    cut = cut_chains(12, pairs, lambda some: verdicts[some[:, 0], some[:, 1]])
    for group in np.unique(cut):
        assert len(np.unique(whole[cut == group])) == 1
