import pandas as pd
import pytest

from facecover.copies.identities import IDENTITY, SERIES, find_identities


def table_of(paths: list[str], source: str = "faces") -> pd.DataFrame:
    return pd.DataFrame({"source": [source] * len(paths), "path": paths}, dtype="string")


def photos_of(names: list[str], each: int, form: str) -> list[str]:
    return [form.format(name=name, n=n) for name in names for n in range(each)]


def test_given_and_family_names_with_a_number_are_persons() -> None:
    names = ["Ann_Doe", "Bob_Moe-Doe", "Cy_O'Doe", "Dee_Doe"]
    found = find_identities(table_of(photos_of(names, 5, "faces/{name}_{n:04d}.jpg")))
    assert found.count == 4
    assert set(found.identity) == {"ann doe", "bob moe doe", "cy o'doe", "dee doe"}
    (pattern,) = found.patterns
    assert (pattern.pattern, pattern.kind) == ("{name}_{n}", IDENTITY)
    assert (pattern.files, pattern.identities) == (20, 4)
    assert pattern.example == "faces/Ann_Doe_0000.jpg"


def test_names_between_numbers_are_persons_if_there_are_many() -> None:
    names = [f"na{letter}o" for letter in "bcdfghklmnpr"]
    paths = photos_of(names, 4, "without_mask/{n}_0_{name}_00{n}.jpg")
    found = find_identities(table_of(paths))
    assert found.count == 12
    assert found.patterns[0].pattern == "{n}_{n}_{name}_{n}"
    assert find_identities(table_of(paths[:36])).count == 0  # nine names are too few


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("with_mask_{n}.jpg", "with_mask_{n}"),
        ("img ({n}).jpg", "img ({n})"),
        ("{n}.png", "{n}"),
        ("{n}-with-mask.jpg", "{n}-with-mask"),
        ("augmented_image_{n}.jpg", "augmented_image_{n}"),
        ("0_0_0 copy {n}.jpg", "{n}_{n}_{n} copy {n}"),
        ("Screenshot ({n}).png", "Screenshot ({n})"),
        ("zebra_{n}.jpg", "zebra_{n}"),
    ],
)
def test_a_word_that_repeats_with_a_number_is_a_series(form: str, pattern: str) -> None:
    found = find_identities(table_of([form.format(n=n) for n in range(30)]))
    assert found.identity.isna().all()
    (one,) = found.patterns
    assert (one.pattern, one.kind, one.files, one.identities) == (pattern, SERIES, 30, 0)


def test_kinds_of_masks_are_no_persons() -> None:
    kinds = ["surgical_mask", "cloth_mask", "scarf_face", "no_mask"]
    found = find_identities(table_of(photos_of(kinds, 12, "{name}_{n}.jpg")))
    assert found.count == 0
    assert {one.kind for one in found.patterns} == {SERIES}


def test_a_copy_belongs_to_the_person_of_its_original() -> None:
    names = ["Ann_Doe", "Bob_Doe", "Cy_Doe", "Dee_Doe", "Eve_Doe"]
    paths = photos_of(names, 3, "{name}_{n}.jpg")
    copies = ["Ann_Doe_0 (1).jpg", "Bob_Doe_1 copy.jpg", "Cy_Doe_2 (copy).jpg"]
    found = find_identities(table_of([*paths, *copies]))
    assert found.identity.tolist()[-3:] == ["ann doe", "bob doe", "cy doe"]


def test_folders_named_after_persons_count_too() -> None:
    names = ["Ann Doe", "Bob Doe", "Cy Doe", "Dee Doe", "Eve Doe"]
    found = find_identities(table_of(photos_of(names, 4, "with_mask/{name}/{n}.jpg")))
    assert found.count == 5
    assert found.patterns[0].pattern == "{name}/"


def test_a_subject_of_most_files_is_no_person() -> None:
    names = ["big_zebra", "Ann_Doe", "Bob_Doe", "Cy_Doe"]
    many = photos_of(names[:1], 40, "{name}_{n}.jpg") + photos_of(names[1:], 2, "{name}_{n}.jpg")
    assert find_identities(table_of(many)).count == 0


def test_one_person_in_two_sources_is_one() -> None:
    paths = photos_of(["Ann_Doe", "Bob_Doe", "Cy_Doe", "Dee_Doe"], 3, "{name}_{n}.jpg")
    both = pd.concat([table_of(paths, "a"), table_of(paths, "b")], ignore_index=True)
    found = find_identities(both)
    assert found.count == 4
    assert [one.source for one in found.patterns] == ["a", "b"]


def test_an_empty_table_names_nobody() -> None:
    found = find_identities(table_of([]))
    assert (found.count, found.patterns, len(found.identity)) == (0, (), 0)
