"""Whatever the sources hold, every sample is kept or listed with its reason."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ImageOps
from tests.copies.audit_pictures import picture

from facecover.copies.selection import SplitBy
from facecover.dataset.arrays import Dataset
from facecover.dataset.split import Shares
from facecover.labels import Box
from facecover.preparation.pipeline import PrepareOptions, write_dataset
from facecover.sources.rows import Drop, Row, Source

PICTURES, VARIANTS, SOURCES = 6, ("plain", "small", "mirrored", "broken"), ("ours", "new")
BASE = {"ours": 16, "new": 4}
"""So many pictures of its own each source always has, of both classes."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of some pictures in both sources, and pictures that stand once."""
    root = tmp_path_factory.mktemp("photos")
    for number in range(PICTURES):
        photo = picture(number, (80, 100))
        copies = (photo, photo.resize((64, 80)), ImageOps.mirror(photo))
        for source in SOURCES:
            (root / source).mkdir(exist_ok=True)
            for variant, copy in zip(VARIANTS, copies, strict=False):
                copy.save(root / source / f"{number} {variant}.png")
            (root / source / f"{number} broken.png").write_bytes(b"no picture")
    for offset, (source, count) in enumerate(BASE.items()):
        for number in range(count):
            photo = picture(100 * (offset + 1) + number, (70, 90))
            photo.save(root / source / f"base {number}.png")
    return root


def drawn_sources(data: st.DataObject, photos: Path) -> list[Source]:
    """Copies with any labels, boxes inside and outside, broken files and earlier drops."""
    chosen = st.tuples(
        st.sampled_from(SOURCES), st.integers(0, PICTURES - 1), st.sampled_from(VARIANTS)
    )
    boxes = st.sampled_from([None, Box(0, 0, 60, 70), Box(0, 0, 5000, 10)])
    details = st.tuples(st.integers(0, 2), boxes)
    rows: dict[str, list[Row]] = {
        source: [
            Row(photos / source / f"base {number}.png", source, number % 2)
            for number in range(count)
        ]
        for source, count in BASE.items()
    }
    for (source, number, variant), (label, box) in data.draw(
        st.dictionaries(chosen, details, max_size=20)
    ).items():
        path = photos / source / f"{number} {variant}.png"
        rows[source].append(Row(path, source, label, box))
    drops = (Drop(photos / "gone.png", "ours", "no such file", "line 3: gone.png: no such file"),)
    return [
        Source(name, photos / name, "class-folders", tuple(rows[name]), drops * (name == "ours"))
        for name in SOURCES
    ]


def written_corrections(data: st.DataObject, sources: list[Source], path: Path) -> int:
    """A list of corrections of some base pictures; how many change a label."""
    base = [row for source in sources for row in source.rows if row.path.name.startswith("base")]
    # Two of sixteen at most, so that both classes stay in every split.
    rows = data.draw(st.lists(st.sampled_from(base), max_size=2, unique_by=lambda row: row.path))
    labels = [data.draw(st.integers(0, 2)) for _ in rows]
    lines = [
        {"source": row.source, "path": row.path.name, "label": label, "who": "me",
         "when": "2024-05-31", "why": "seen"}
        for row, label in zip(rows, labels, strict=True)
    ]  # fmt: skip
    columns = ["source", "path", "label", "who", "when", "why"]
    pd.DataFrame(lines, columns=columns).to_csv(path, index=False)
    return sum(row.label != label for row, label in zip(rows, labels, strict=True))


@pytest.mark.slow
@given(st.data(), st.sampled_from(["group", "source", "random"]))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_sample_is_kept_or_listed_and_no_group_is_divided(
    photos: Path, tmp_path: Path, data: st.DataObject, split_by: SplitBy
) -> None:
    sources = drawn_sources(data, photos)
    corrections = tmp_path / "corrections.csv"
    changed = written_corrections(data, sources, corrections)
    options = PrepareOptions(
        shares=Shares(val=0.25, test=0.25),
        split_by=split_by,
        leave_out=("new",) if split_by == "source" else (),
        max_unreadable_share=1,
        keeps_incorrect=False,
        relabel=(corrections,),
        audits=False,
        workers=1,
    )
    dataset = write_dataset(sources, tmp_path / "dataset", options)
    check_counts(dataset, sources)
    assert dataset.manifest.info.relabelled == changed
    table = dataset.manifest.table
    if split_by != "random":
        assert table.groupby("group")["split"].nunique().max() == 1
    if split_by == "source":
        assert ((table["split"] == "test") == (table["source"] == "new")).all()


def check_counts(dataset: Dataset, sources: list[Source]) -> None:
    table, counts = dataset.manifest.table, dict(dataset.manifest.info.counts)
    dropped = pd.read_csv(dataset.folder / "dropped.csv")
    read, kept = counts.pop("read"), counts.pop("kept")
    assert kept == len(table) == len(dataset.images(64))
    assert Counter(counts) == Counter(dropped["reason"])
    assert read == kept + len(dropped)
    given = Counter(row.path for source in sources for row in source.rows)
    given.update(drop.path for source in sources for drop in source.drops)
    roots = {source.name: source.root for source in sources}
    found = Counter(Path(path) for path in dropped["path"])
    found.update(
        roots[source] / path for source, path in zip(table["source"], table["path"], strict=True)
    )
    assert found == given
