from pathlib import Path

import numpy as np
import pytest
from tests.copies.photo_table import photo_table
from tests.look.test_leakage import grouped

from facecover.copies.selection import check_class_names, check_shared_pictures
from facecover.errors import DatasetError, LabelError
from facecover.sources.rows import Source


def source(name: str, **class_labels: int) -> Source:
    return Source(name, Path("/data") / name, "class-folders", (), (), class_labels)


def test_one_class_name_with_two_meanings_is_refused() -> None:
    sources = [source("ours", masks=1, bare=0), source("theirs", masks=0)]
    with pytest.raises(LabelError, match=r"theirs: the class 'masks' is read as no_mask, but in"):
        check_class_names(sources)


def test_sources_that_agree_or_use_other_names_pass() -> None:
    check_class_names([source("ours", masks=1, bare=0), source("theirs", masks=1, no=0)])


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
