"""Which images show the same picture: exact copies, near copies, mirror images, edited copies."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from threadpoolctl import threadpool_limits

from facecover.copies.hashes import Candidates, find_candidates, hash_images
from facecover.copies.identities import find_identities
from facecover.copies.matching import compare
from facecover.dataset import MEASURE_SIZE_PX
from facecover.dataset.arrays import Images
from facecover.dataset.manifest import BOX
from facecover.errors import DatasetError
from facecover.files import available_cores

Pairs = npt.NDArray[np.int64]
"""``int64 (n, 2)``, positions."""

Members = npt.NDArray[np.int64]
"""``int64 (N,)``, the group of each of N, numbered from 0 in the order of first members."""

Agrees = Callable[[Pairs], npt.NDArray[np.bool_]]
"""Whether the two of each pair may stand in one group, ``bool (n,)``."""


SAME_FILE, SAME_PIXELS, NEAR = "same file", "same pixels", "near"
MIRRORED, EDITED = "mirrored", "edited"
KINDS = (SAME_FILE, SAME_PIXELS, NEAR, MIRRORED, EDITED)
"""How two images of a pair are related; ``edited``: one picture, changed in a part of it."""

FLAT_CONTRAST = 3.0
"""In grey levels: images of less contrast are nearly blank, their hashes are noise, and only
exact copies of them are looked for."""

CENTRE_TOLERANCE = 1.4
"""How much looser than a link the agreement with the centre of a group is."""

CLOSE_BITS = 14
"""Pairs whose hashes differ in no more bits are edited copies by the looser measure already."""


@dataclass(frozen=True)
class DuplicateGroups:
    """Which images show the same picture.

    Attributes:
        group: ``int64 (N,)``, images of one number show the same picture; numbered from 0 in
            the order of first images.
        family: ``int64 (N,)``, the same, with edited copies joined: a photo with and without
            a mask pasted onto it is one family, but two groups.
        pairs: the links found, each a row: ``first`` and ``second`` (rows of the table),
            ``kind`` (one of `KINDS`), ``bits`` (differing bits of 128), ``difference`` (of the
            worst block, grey levels). Copies of the same pixels are linked to their first only.
    """

    group: Members
    family: Members
    pairs: pd.DataFrame

    def __len__(self) -> int:
        return len(self.group)

    @property
    def group_count(self) -> int:
        """How many different pictures there are."""
        return int(self.group.max()) + 1 if len(self.group) else 0

    @property
    def family_count(self) -> int:
        """How many there are when edited copies count as one."""
        return int(self.family.max()) + 1 if len(self.family) else 0

    def of_rows(self, rows: npt.NDArray[np.int64]) -> "DuplicateGroups":
        """The groups among some of the images, without their links; rows: ``int64 (n,)``."""
        return DuplicateGroups(
            codes(self.group[rows]), codes(self.family[rows]), self.pairs.iloc[:0]
        )


def find_duplicates(
    images: Images, table: pd.DataFrame, *, workers: int | None = None
) -> DuplicateGroups:
    """Find the images that show the same picture.

    Exact copies share their pixels. Others are candidates when their perceptual hashes differ in
    few bits (see `hashes`), and a pair when their pixels agree (see `matching`). Groups are
    connected components, cut where a member does not agree with its centre (see `cut_chains`).

    Args:
        images: ``uint8 (N, 64, 64, 3)``, RGB.
        table: N samples with the columns of `manifest.COLUMNS`.
        workers: threads; by default one a core.

    Raises:
        DatasetError: if there is no image, or the images do not fit the table.
    """
    _check(images, table)
    threads = workers or available_cores()
    # The threads are shared out here; each then multiplies its small matrices alone.
    with threadpool_limits(1, user_api="blas"):
        copy_of = _first_copies(images)
        distinct = np.flatnonzero(copy_of == np.arange(len(images)))
        hashes = hash_images(images, distinct, threads)
        searched = np.flatnonzero(hashes.contrast >= FLAT_CONTRAST)
        found = find_candidates(hashes.codes[searched], threads)
        found = found._replace(pairs=distinct[searched][found.pairs])
        links = pd.concat([_exact_links(copy_of, table), _verified(images, found, threads)])
        links = links.sort_values(["first", "second"], kind="stable", ignore_index=True)
        return _grouped(images, links, threads)


def _check(images: Images, table: pd.DataFrame) -> None:
    if not len(table):
        raise DatasetError("no image to look for duplicates in: the table is empty")
    side = MEASURE_SIZE_PX
    if images.shape != (len(table), side, side, 3) or images.dtype != np.uint8:
        raise DatasetError(
            f"images to look for duplicates in: expected uint8 {(len(table), side, side, 3)}, "
            f"found {images.dtype} {images.shape}"
        )


def _first_copies(images: Images) -> npt.NDArray[np.int64]:
    """For each image the first one with the same pixels, maybe itself: ``int64 (N,)``."""
    digests = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]
    first: dict[bytes, int] = {}
    return np.array([first.setdefault(one, row) for row, one in enumerate(digests)], np.int64)


def same_file_keys(table: pd.DataFrame) -> npt.NDArray[np.int64]:
    """A number for each sample, equal where file and box are the same: ``int64 (N,)``."""
    grouped = table.groupby(["sha256", *BOX], dropna=False, sort=False)
    return np.asarray(grouped.ngroup(), dtype=np.int64)


def _exact_links(copy_of: npt.NDArray[np.int64], table: pd.DataFrame) -> pd.DataFrame:
    """Every copy of the same pixels with its first one."""
    copies = np.flatnonzero(copy_of != np.arange(len(copy_of)))
    files = same_file_keys(table)
    kinds = np.where(files[copies] == files[copy_of[copies]], SAME_FILE, SAME_PIXELS)
    links = {"first": copy_of[copies], "second": copies, "kind": pd.array(kinds, dtype="string")}
    return pd.DataFrame(links).assign(bits=0, difference=np.float32(0))


def _verified(images: Images, found: Candidates, threads: int) -> pd.DataFrame:
    """The candidates whose pixels agree; of a pair found both ways, the closer way."""
    compared = compare(images, found.pairs, found.is_mirrored, threads)
    is_same = compared.same()
    is_close = found.bits <= CLOSE_BITS
    is_edited = compared.edited() | (is_close & compared.edited(CENTRE_TOLERANCE))
    kinds = np.where(is_same, np.where(found.is_mirrored, MIRRORED, NEAR), EDITED)
    links = pd.DataFrame(found.pairs, columns=["first", "second"]).assign(
        kind=pd.array(kinds, dtype="string"), bits=found.bits, difference=compared.worst
    )
    links = links[is_same | is_edited]
    links = links.sort_values(["first", "second", "difference"], kind="stable")
    return links.drop_duplicates(["first", "second"])


def _grouped(images: Images, links: pd.DataFrame, threads: int) -> DuplicateGroups:
    count = len(images)
    pairs = links[["first", "second"]].to_numpy(dtype=np.int64)
    is_edit = (links["kind"] == EDITED).to_numpy(dtype=bool)
    agree = partial(_agree, images, threads)
    group = cut_chains(count, pairs[~is_edit], partial(agree, is_edited=False))
    family = cut_chains(count, pairs, partial(agree, is_edited=True))
    # A group never falls apart in families, whichever centres they have.
    family = components(count, np.concatenate([_linked(group), _linked(family)]))
    return DuplicateGroups(group, family, links)


def _agree(images: Images, threads: int, pairs: Pairs, *, is_edited: bool) -> npt.NDArray[np.bool_]:
    """Whether pairs agree by looser thresholds, as they are or mirrored."""
    agreed = np.zeros(len(pairs), bool)
    for is_mirrored in (False, True):
        left = np.flatnonzero(~agreed)
        compared = compare(images, pairs[left], np.full(len(left), is_mirrored), threads)
        judged = compared.edited if is_edited else compared.same
        agreed[left] = judged(CENTRE_TOLERANCE)
    return agreed


def components(count: int, pairs: Pairs) -> Members:
    """One group for all that are linked, directly or through others."""
    links = coo_array((np.ones(len(pairs), np.int8), pairs.T), (count, count))
    _, found = connected_components(links, directed=False)
    return codes(found)


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
    return codes(groups)


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
    is_fit = ~is_open | (centre == np.arange(count))
    for one, other in (links.T, links.T[::-1]):
        is_fit[other[centre[other] == one]] = True
    members = np.flatnonzero(~is_fit)
    if not len(members):
        return members
    return members[~agrees(np.column_stack([centre[members], members]))]


def codes(values: "pd.Series[str] | npt.NDArray[np.int64]") -> Members:
    """A number for each value, -1 for null."""
    return pd.factorize(values)[0].astype(np.int64)


def shares_with(
    groups: npt.NDArray[np.int64], chosen: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Which samples are in a group, not -1, with a chosen sample."""
    return np.isin(groups, np.unique(groups[chosen & (groups >= 0)]))


def group_together(
    table: pd.DataFrame, duplicates: DuplicateGroups, identity: "pd.Series[str]"
) -> Members:
    """The samples that may not be split apart, as numbers of groups.

    Samples that share a family, a person, a photo or a group given by the data stand in one
    group, directly or through others.

    Args:
        table: samples with ``group`` and ``sha256``.
        duplicates: their groups.
        identity: the person in each sample, or null.
    """
    persons, given, photos = (codes(one) for one in (identity, table["group"], table["sha256"]))
    links = [_linked(groups) for groups in (duplicates.family, persons, given, photos)]
    return components(len(table), np.concatenate(links))


def _linked(groups: Members) -> Pairs:
    """Each member with the first of its group; -1 is no group."""
    members = np.flatnonzero(groups >= 0)
    _, first, inverse = np.unique(groups[members], return_index=True, return_inverse=True)
    return np.column_stack([members[first][inverse], members])


def group_copies(table: pd.DataFrame, images: Images, *, workers: int | None = None) -> Members:
    """Which images are not independent of each other, as numbers of groups: ``int64 (N,)``.

    See `group_together`; 5,000 images take about a second.

    Args:
        table: N samples with the columns of `manifest.COLUMNS`.
        images: ``uint8 (N, 64, 64, 3)``, RGB.
        workers: threads; by default one a core.

    Raises:
        DatasetError: as `find_duplicates`.
    """
    duplicates = find_duplicates(images, table, workers=workers)
    return group_together(table, duplicates, find_identities(table).identity)
