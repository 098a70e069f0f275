import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import ImageOps
from tests.copies.audit_pictures import images_of, picture
from tests.copies.photo_table import photo_table

from facecover.dataset.arrays import Images
from facecover.look.audit_checks import Audit, run_checks
from facecover.look.audit_tables import (
    SAME_PERSON,
    duplicates_table,
    leakage_table,
    leaks,
    outliers_table,
    suspects_table,
    write_tables,
)
from facecover.preparation.label_corrections import apply_corrections, read_corrections

COUNT = 20
COPIES = 6
HOSTILE = ['=cmd()|"x"', "line\nbreak", "return\rhere", "comma,quote\"'", " blank ", "\\xff.jpg"]


def samples() -> tuple[pd.DataFrame, Images]:
    """20 training pictures, then mirrored copies of the first 6 as test images."""
    photos = [picture(seed) for seed in range(COUNT)]
    images = images_of([*photos, *(ImageOps.mirror(photo) for photo in photos[:COPIES])])
    labels = [number % 2 for number in (*range(COUNT), *range(COPIES))]
    names = [*HOSTILE, *(f"{number}.jpg" for number in range(COPIES, COUNT))]
    paths = [*names, *(f"copy of {name}" for name in names[:COPIES])]
    splits = ["train"] * COUNT + ["test"] * COPIES
    return photo_table(labels, split=splits, path=paths), images


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return samples()[0]


@pytest.fixture(scope="module")
def found() -> Audit:
    return run_checks(*samples(), workers=1)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def test_every_copy_is_listed_and_one_of_each_picture_is_kept(
    table: pd.DataFrame, found: Audit
) -> None:
    listed = duplicates_table(table, found, {})
    assert sorted(listed.index) == [*range(COPIES), *range(COUNT, COUNT + COPIES)]
    assert set(listed["kind"]) == {"mirrored"}
    assert (listed[listed["kept"] == "yes"].groupby("group").size() == 1).all()
    assert (listed["kept"] == "yes").sum() == (listed["kept"] == "no").sum() == COPIES


def test_nothing_is_kept_where_prepare_refuses() -> None:
    table = photo_table([0, 1])
    same = images_of([picture(0)] * 2)
    listed = duplicates_table(table, run_checks(table, same, workers=1), {})
    assert listed["kept"].tolist() == ["", ""]


def test_each_leaking_image_is_listed_once_with_its_twin(table: pd.DataFrame, found: Audit) -> None:
    listed = leakage_table(table, found)
    assert len(listed) == COPIES
    assert listed["path"].tolist() == [f"copy of {name}" for name in listed["training_path"]]
    assert set(listed["split"]) == {"test"}
    assert set(listed["split_by"]) == {"source data"}


def test_what_leaks_is_what_the_leakage_counts(table: pd.DataFrame, found: Audit) -> None:
    assert found.leakage is not None
    rows = leaks(table, found)["row"]
    assert sorted(rows) == sorted(found.leakage.splits[0].rows.tolist())


def test_a_person_on_both_sides_leaks() -> None:
    names = [f"{first} {last}" for first in ("Ada", "Ben", "Cleo") for last in ("Ames", "Bird")]
    paths = [f"{name}_{number:04}.jpg" for name in names for number in range(4)]
    table = photo_table([0] * 24, path=paths, split=["train", "train", "train", "test"] * 6)
    listed = leakage_table(table, run_checks(table, images_of(map(picture, range(24))), workers=1))
    assert listed["kind"].tolist() == [SAME_PERSON] * 6
    before = [path.rpartition("_")[0] for path in listed["path"]]
    assert before == [path.rpartition("_")[0] for path in listed["training_path"]]


def test_a_random_split_says_so() -> None:
    table, images = samples()
    alone = table.assign(split=pd.Series(pd.NA, index=table.index, dtype="string"))
    listed = leakage_table(alone, run_checks(alone, images, workers=1))
    assert set(listed["split_by"]) <= {"random"}


def test_too_few_images_leak_nothing() -> None:
    table = photo_table([1])
    assert leakage_table(table, run_checks(table, images_of([picture(0)]), workers=1)).empty


def test_names_come_back_from_the_files_as_they_are(
    table: pd.DataFrame, found: Audit, tmp_path: Path
) -> None:
    write_tables(tmp_path, table, found, {})
    names = {"duplicates.csv", "leakage.csv", "conflicts.csv", "outliers.csv"}
    assert {path.name for path in tmp_path.iterdir()} == names
    paths = {line["path"] for line in read(tmp_path / "duplicates.csv")}
    assert paths == {*HOSTILE, *(f"copy of {name}" for name in HOSTILE)}
    assert {line["training_path"] for line in read(tmp_path / "leakage.csv")} == set(HOSTILE)
    assert read(tmp_path / "conflicts.csv") == []


def test_edited_conflicts_are_corrections(tmp_path: Path) -> None:
    table, images = samples()
    table.loc[COUNT, "label"] = 1
    write_tables(tmp_path, table, run_checks(table, images, workers=1), {})
    conflicts = pd.read_csv(tmp_path / "conflicts.csv", keep_default_na=False)
    assert len(conflicts) == 2
    signed = {"label": "mask", "who": "a person", "when": "2024-05-31", "why": "looked"}
    conflicts.assign(**signed).to_csv(tmp_path / "edited.csv", index=False)
    corrected, changes = apply_corrections(table, read_corrections(tmp_path / "edited.csv"))
    assert len(changes) == 1
    assert corrected.loc[[0, COUNT], "label"].tolist() == [1, 1]


def test_suspects_lose_their_row_and_keep_room_for_a_signature() -> None:
    suspects = pd.DataFrame(
        {"row": [3], "path": ["a"], "label": ["mask"], "quality": [0.123456], "probability": [1.0],
         "who": [""]}
    )  # fmt: skip
    listed = suspects_table(suspects)
    assert list(listed) == ["path", "label", "quality", "probability", "who"]
    assert listed["quality"].tolist() == [0.1235]


def test_outliers_carry_label_and_size() -> None:
    table, images = samples()
    table.loc[2, ["width", "height"]] = [300, 20]
    listed = outliers_table(table, run_checks(table, images, workers=1))
    assert listed[["path", "label", "width", "height"]].to_numpy().tolist() == [
        [HOSTILE[2], "no_mask", 300, 20]
    ]
    assert np.isclose(listed["score"], 7.5).all()
