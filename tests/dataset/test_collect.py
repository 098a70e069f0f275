from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facecover.dataset.collect import drops_table, read_drops, unreadable_among, write_drops
from facecover.dataset.decode import BAD_BOX, UNREADABLE
from facecover.errors import DatasetError
from facecover.sources.rows import Drop

words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)


@given(st.lists(st.builds(Drop, path=words.map(Path), source=words, reason=words, detail=words)))
def test_drops_come_back_from_their_file(
    tmp_path_factory: pytest.TempPathFactory, drops: list[Drop]
) -> None:
    path = tmp_path_factory.mktemp("drops") / "dropped.csv"
    write_drops(path, drops)
    assert read_drops(path) == drops
    assert len(drops_table(drops)) == len(drops)


def test_what_counts_as_unreadable() -> None:
    drops = [Drop(Path("a"), "s", reason, "") for reason in (UNREADABLE, "duplicate", BAD_BOX)]
    assert [drop.reason for drop in unreadable_among(drops)] == [UNREADABLE, BAD_BOX]


@pytest.mark.parametrize("content", ["", "path,reason\na,b\n", "\x00"])
def test_a_broken_list_says_so(tmp_path: Path, content: str) -> None:
    (tmp_path / "dropped.csv").write_text(content)
    with pytest.raises(DatasetError, match=r"broken list: .*run prepare again"):
        read_drops(tmp_path / "dropped.csv")


def test_no_list_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"dropped\.csv: cannot be read: .*run prepare again"):
        read_drops(tmp_path / "dropped.csv")
