import json

import numpy as np
import pandas as pd
import pytest
from PIL import ImageOps
from tests.copies.audit_pictures import images_of, picture
from tests.copies.photo_table import photo_table

from facecover.copies.selection import deduplicate
from facecover.dataset.arrays import Images
from facecover.errors import DatasetError
from facecover.look import CHECKS
from facecover.look.audit_checks import Audit, run_checks
from facecover.look.finding import Finding

COUNT = 30


def samples(**columns: object) -> tuple[pd.DataFrame, Images]:
    """30 pictures and a mirrored copy of the first 12, half of them masked."""
    photos = [picture(seed) for seed in range(COUNT)]
    images = images_of([*photos, *(ImageOps.mirror(photo) for photo in photos[:12])])
    labels = [number % 2 for number in range(COUNT)] + [number % 2 for number in range(12)]
    return photo_table(labels, **columns), images


@pytest.fixture(scope="module")
def found() -> Audit:
    return run_checks(*samples(), workers=1)


def by_check(found: Audit) -> dict[str, Finding]:
    return {one.key: one for one in found.findings}


def test_every_check_is_made_in_order_and_told_as_json(found: Audit) -> None:
    assert [one.key for one in found.findings] == [one for one in CHECKS if one != "suspects"]
    for one in found.findings:
        assert one.sentence[0].isupper() or one.sentence[0].isdigit()
        assert one.sentence.endswith(".")
        assert "\n" not in one.sentence
        assert json.loads(json.dumps(one.facts)) == one.facts


def test_copies_are_counted(found: Audit) -> None:
    duplicates = by_check(found)["duplicates"]
    assert duplicates.is_warning
    assert duplicates.facts["pictures"] == COUNT
    assert duplicates.facts["pairs"]["mirrored"] == 12
    assert duplicates.sentence == "42 images show 30 different pictures: 12 are copies (29%)."


def test_a_random_split_is_told_but_does_not_fail(found: Audit) -> None:
    leakage = by_check(found)["leakage"]
    assert not leakage.is_warning
    assert leakage.facts["split_by"] == "random"
    assert leakage.sentence.startswith("If the images were split at random: ")


def test_a_split_that_the_data_brings_fails_where_it_leaks() -> None:
    leaking = by_check(run_checks(*samples(split=["train"] * COUNT + ["test"] * 12), workers=1))
    assert leaking["leakage"].is_warning
    assert leaking["leakage"].facts["splits"][0]["twin_share"] == 1.0
    splits = (["train"] * 12 + ["test"] * 18) + ["train"] * 12
    assert not by_check(run_checks(*samples(split=splits), workers=1))["leakage"].is_warning


def test_contradicting_copies_fail_the_conflicts() -> None:
    table, images = samples()
    table.loc[COUNT, "label"] = 1
    conflicts = by_check(run_checks(table, images, workers=1))["conflicts"]
    assert conflicts.is_warning
    assert conflicts.facts == {"pictures": 1, "edited_photos": 0, "images": 2}
    assert not by_check(run_checks(*samples(), workers=1))["conflicts"].is_warning


def test_one_class_alone_is_audited_without_shortcuts() -> None:
    table, images = samples()
    shortcuts = by_check(run_checks(table.assign(label=1), images, workers=1))["shortcuts"]
    assert not shortcuts.is_warning
    assert shortcuts.sentence.startswith("Not measured: shortcuts cannot be measured")


def test_suspects_are_told_where_a_model_was_asked(found: Audit) -> None:
    asked = Audit(**{**vars(found), "suspects": pd.DataFrame({"row": [3, 4]})})
    assert [one.key for one in asked.findings] == list(CHECKS)
    assert by_check(asked)["suspects"].sentence == (
        "2 of 42 labels are contradicted by networks that did not see the image: a list to look "
        "through."
    )


def test_what_is_left_after_settling_has_no_copies() -> None:
    table, images = samples()
    first = run_checks(table, images, workers=1)
    deduplicated = deduplicate(table, first.duplicates, first.identities.identity, {})
    left = run_checks(table[deduplicated.kept], images[deduplicated.kept], workers=1)
    assert not by_check(left)["duplicates"].is_warning
    assert left.duplicates.group_count == deduplicated.kept.sum() == COUNT


def test_a_table_with_another_index_gives_the_same() -> None:
    table, images = samples()
    other = table.set_index(np.arange(len(table)) + 1000)
    assert [one.facts for one in run_checks(other, images, workers=1).findings] == [
        one.facts for one in run_checks(table, images, workers=1).findings
    ]


def test_no_image_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"the table is empty"):
        run_checks(photo_table([]), np.zeros((0, 64, 64, 3), np.uint8))
