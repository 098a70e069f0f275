from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import ImageOps

from facemask.data.drawn import draw_face
from facemask.data.grouping import crossing_share
from facemask.data.layouts import read_source
from facemask.data.prepare import PrepareOptions, prepare


@pytest.fixture(scope="module")
def copied_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty drawn faces of each class, each three times: whole, smaller, and mirrored."""
    root = tmp_path_factory.mktemp("copied") / "faces"
    for label, name in enumerate(("no_mask", "mask")):
        (root / name).mkdir(parents=True)
        for number in range(20):
            face = draw_face(np.random.default_rng((label, number)), label, (128, 144))
            copies = (face, face.resize((96, 108)), ImageOps.mirror(face))
            for kind, copy in zip("abc", copies, strict=True):
                copy.save(root / name / f"{kind}{number * 7}{kind}.jpg", quality=85)
    return root


def pictures(table: pd.DataFrame) -> "pd.Series[str]":
    """The class and the digits of a file's name: the same for the copies of one face."""
    return table["path"].str.extract(r"^(\w+)/\w(\d+)\w", expand=True).agg("/".join, axis=1)


def test_of_every_picture_the_largest_stays(copied_photos: Path, tmp_path: Path) -> None:
    source = read_source(copied_photos, "faces")
    dataset = prepare([source], tmp_path / "d")
    table, counts = dataset.manifest.table, dataset.manifest.info.counts
    assert len(table) == pictures(table).nunique() == 40
    assert (table["width"] == 128).all()
    assert counts == {"read": 120, "kept": 40, "duplicate of a kept image": 80}
    assert len(pd.read_csv(tmp_path / "d/dropped.csv")) == 80
    assert crossing_share(table) == 0
    assert set(table["split"]) == {"train", "val", "test"}
    size = dataset.images(32).shape
    assert size == (40, 32, 32, 3)


def test_a_random_split_leaks(copied_photos: Path, tmp_path: Path) -> None:
    source = read_source(copied_photos, "faces")
    table = prepare([source], tmp_path / "d", PrepareOptions(split_by="random")).manifest.table
    assert table["group"].isna().all()
    assert table.groupby(pictures(table))["split"].nunique().max() > 1
