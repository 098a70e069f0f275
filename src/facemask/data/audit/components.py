"""Groups from links: connected components, and a guard against chains that join strangers."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Pairs = npt.NDArray[np.int64]
"""``int64 (n, 2)``, positions."""

Members = npt.NDArray[np.int64]
"""``int64 (N,)``, the group of each member, numbered from 0 in the order of first members."""

Agrees = Callable[[Pairs], npt.NDArray[np.bool_]]
"""Whether the two of each pair may stand in one group, ``bool (n,)``."""


def components(count: int, pairs: Pairs) -> Members:
    """What is linked, directly or through others, is one group."""
    links = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), (count, count))
    _, found = connected_components(links, directed=False)
    return numbered(found)


def numbered(groups: npt.NDArray[np.int64]) -> Members:
    """The same groups, numbered from 0 in the order of their first members."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse.reshape(-1)]


def cut_chains(count: int, pairs: Pairs, agrees: Agrees) -> Members:
    """Connected components without the members that do not fit their centre.

    In a chain each link is near the next, yet its ends may be strangers. So every group has a
    centre, the member with the most links (the first of them, if several have as many), and each
    member that has no link to the centre must agree with it. Those that do not leave, with the
    links among themselves, and make groups of their own by the same rule.

    Args:
        count: the number of members.
        pairs: their links.
        agrees: judges (centre, member) pairs; looser than what makes a link.
    """
    links = pairs
    groups = components(count, links)
    is_open = np.ones(count, bool)
    while is_open.any():
        leaving = _misfits(groups, links, is_open, agrees)
        is_open = np.zeros(count, bool)
        is_open[leaving] = True
        links = links[is_open[links].all(axis=1)]
        apart = components(count, links)
        groups = np.where(is_open, apart + count, groups)
    return numbered(groups)


def _misfits(
    groups: Members, links: Pairs, is_open: npt.NDArray[np.bool_], agrees: Agrees
) -> npt.NDArray[np.int64]:
    """The members of open groups that do not agree with the centre of their group."""
    count = len(groups)
    degree = np.bincount(links.ravel(), minlength=count)
    order = np.lexsort((-degree, groups))  # stable, so that the first of equals leads
    _, first, inverse = np.unique(groups[order], return_index=True, return_inverse=True)
    centre = np.empty(count, np.int64)
    centre[order] = order[first][inverse.reshape(-1)]
    is_settled = ~is_open | (centre == np.arange(count))
    for one, other in (links.T, links.T[::-1]):
        is_settled[other[centre[other] == one]] = True
    members = np.flatnonzero(~is_settled)
    if not len(members):
        return members
    return members[~agrees(np.column_stack([centre[members], members]))]
