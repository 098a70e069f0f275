from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from facemask.data.drawn import draw_face
from facemask.data.grouping import crossing_share, group_samples
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


def test_copies_never_stand_on_both_sides(copied_photos: Path, tmp_path: Path) -> None:
    source = read_source(copied_photos, "faces")
    table = prepare([source], tmp_path / "d").manifest.table
    assert table.groupby(pictures(table))["split"].nunique().max() == 1
    assert crossing_share(table) == 0
    assert set(table["split"]) == {"train", "val", "test"}


def test_a_random_split_leaks(copied_photos: Path, tmp_path: Path) -> None:
    source = read_source(copied_photos, "faces")
    table = prepare([source], tmp_path / "d", PrepareOptions(split_by="random")).manifest.table
    assert table["group"].isna().all()
    assert table.groupby(pictures(table))["split"].nunique().max() > 1


def test_names_and_given_groups_join_samples() -> None:
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    images = np.stack(
        [
            np.asarray(Image.fromarray(one).resize((64, 64), Image.Resampling.BICUBIC))
            for one in noise
        ]
    )
    people = ["anna_berg", "boris_cole", "clara_dunn", "derek_eve"]
    paths = [f"{people[number % 4]}_{number:04d}.jpg" for number in range(40)]
    table = pd.DataFrame(
        {
            "source": pd.array(["a"] * 40, dtype="string"),
            "path": pd.array(paths, dtype="string"),
            "sha256": pd.array([f"{number:064d}" for number in range(40)], dtype="string"),
            **{corner: pd.array([None] * 40, dtype="Int32") for corner in ("x0", "y0", "x1", "y1")},
            "group": pd.array(["set"] * 2 + [None] * 38, dtype="string"),
        }
    )
    groups = group_samples(images, table)
    assert groups[2] == groups[6]  # one person
    assert groups[0] == groups[1]  # one group of the data, and so both persons in it
    assert groups.nunique() == 3
