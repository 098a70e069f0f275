import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facecover.errors import LabelError
from facecover.labels import (
    CLASS_NAMES,
    INCORRECT_MASK,
    MASK,
    NO_MASK,
    class_name,
    is_ignored,
    is_known,
    known_names,
    parse_mapping,
    resolve_label,
)

WILD_NAMES = {
    "with_mask": MASK, "without_mask": NO_MASK, "mask_weared_incorrect": INCORRECT_MASK,
    "with_incorrect_mask": INCORRECT_MASK, "WithMask": MASK, "WithoutMask": NO_MASK,
    "yes": MASK, "no": NO_MASK, "masks": MASK, "non-masks": NO_MASK, "1": MASK, "0": NO_MASK,
    " With  Mask ": MASK, "NO MASK": NO_MASK, "1.0": MASK, "0.": NO_MASK, "2": INCORRECT_MASK,
    "masked_face": MASK, "unmasked_face": NO_MASK, "incorrectly_masked_face": INCORRECT_MASK,
    "face_with_mask": MASK, "face_no_mask": NO_MASK, "face_with_mask_incorrect": INCORRECT_MASK,
    "mask-on": MASK, "mask-off": NO_MASK, "no_face_mask": NO_MASK, "wearing_mask": MASK,
    "not_wearing_mask": NO_MASK,
}  # fmt: skip

KNOWN_WORDS = [
    name for name in re.findall(r"\w+", re.sub(r"\w+:", "", known_names())) if name.isalpha()
]


@pytest.mark.parametrize(("name", "label"), WILD_NAMES.items())
def test_names_in_the_wild_have_a_label(name: str, label: int) -> None:
    assert is_known(name)
    assert resolve_label(name) == label


@pytest.mark.parametrize("name", ["0000", "0001", "0002", "00", "-1", " -1 ", "1.5", "3", "", "-"])
def test_numbers_that_are_no_class_stay_unknown(name: str) -> None:
    assert not is_known(name)
    with pytest.raises(LabelError, match="unknown class name"):
        resolve_label(name)


@pytest.mark.parametrize("label", range(len(CLASS_NAMES)))
def test_canonical_names_are_their_own_names(label: int) -> None:
    assert resolve_label(class_name(label)) == label


@pytest.mark.parametrize("label", [-1, 3])
def test_there_is_no_name_for_other_labels(label: int) -> None:
    with pytest.raises(LabelError, match=f"label {label}: expected 0 to 2"):
        class_name(label)


@given(
    name=st.sampled_from(KNOWN_WORDS),
    separators=st.lists(st.sampled_from(["_", "-", " ", ".", ""]), min_size=30, max_size=30),
    upper=st.booleans(),
)
def test_case_and_separators_between_words_do_not_matter(
    name: str, separators: list[str], upper: bool
) -> None:
    spelled = name[0] + "".join(a + b for a, b in zip(separators, name[1:], strict=False))
    assert resolve_label(spelled.upper() if upper else spelled) == resolve_label(name)


@given(st.text(max_size=12))
def test_any_name_is_known_or_refused_and_twice_resolved_is_resolved(name: str) -> None:
    if is_known(name):
        label = resolve_label(name)
        assert resolve_label(class_name(label)) == label
    else:
        with pytest.raises(LabelError, match="unknown class name") as caught:
            resolve_label(name, where="a.xml")
        assert len(str(caught.value).splitlines()) == 1
        assert str(caught.value).startswith("a.xml: ")


def test_an_unknown_name_comes_with_the_closest_one_and_a_way_out() -> None:
    with pytest.raises(LabelError, match=r"did you mean 'withmask'.*--map 'with_msk=mask'"):
        resolve_label("with_msk")


EVERY_WAY = ["mask", "no_mask", "ignore"]


@pytest.mark.parametrize(
    ("name", "ways"),
    [
        ("people_with_masks", ["mask"]), ("MaskedPerson", ["mask"]), ("mask 7", ["mask"]),
        ("unmasked_people", ["no_mask"]), ("people-mask-off", ["no_mask"]),
        ("not_wearing_a_mask", ["no_mask"]), ("facenomask2", ["no_mask"]),
        ("WithoutFaceMaskPhotos", ["no_mask"]), ("maskless_faces", ["no_mask"]),
        ("mask_under_nose", ["incorrect_mask"]), ("mask not properly worn", ["incorrect_mask"]),
        ("train", EVERY_WAY), ("person", EVERY_WAY), ("examples", EVERY_WAY), ("hat", EVERY_WAY),
        ("ohne_maske", EVERY_WAY), ("non_medical_mask", EVERY_WAY), ("mask_or_not", EVERY_WAY),
    ],
)  # fmt: skip
def test_a_hint_proposes_what_the_name_says_and_else_every_way(name: str, ways: list[str]) -> None:
    with pytest.raises(LabelError) as caught:
        resolve_label(name)
    assert re.findall(r"=(\w+)'", str(caught.value)) == ways
    found, known = str(caught.value).split("; known are ")
    assert found.startswith(f"unknown class name {name!r}")
    assert known == known_names()


def test_no_close_name_of_another_class_is_proposed() -> None:
    with pytest.raises(LabelError, match="unknown class name 'unmaskd_face'") as caught:
        resolve_label("unmaskd_face")
    assert "did you mean 'unmaskedface'" in str(caught.value)


def test_a_name_mapped_to_ignore_is_known_and_has_no_label() -> None:
    mapping = parse_mapping(["Person=ignore", "no=Ignore"])
    assert is_known("person", mapping)
    assert is_ignored("PERSON", mapping)
    assert is_ignored("no", mapping)
    assert not is_ignored("mask", mapping)
    assert not is_known("ignore")
    with pytest.raises(LabelError, match="already mapped to 'ignore'"):
        parse_mapping(["a=ignore", "A=mask"])


def test_the_users_names_win_over_the_known_ones() -> None:
    mapping = parse_mapping(["Face=mask", "a=b=no_mask"])
    assert resolve_label("face", mapping) == MASK
    assert resolve_label("a=b", mapping) == NO_MASK
    assert resolve_label("face") == NO_MASK


def test_an_accent_written_as_a_character_of_its_own_is_the_same_name() -> None:
    mapping = parse_mapping(["m\N{LATIN SMALL LETTER A WITH ACUTE}scara=mask"])
    assert resolve_label("ma\N{COMBINING ACUTE ACCENT}scara", mapping) == MASK


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["mask"], "expected THEIR_NAME=CLASS"),
        (["=mask"], "expected THEIR_NAME=CLASS"),
        (["a=hat"], "unknown class 'hat'"),
        (["a b=mask", "a_b=no_mask"], "already mapped to 'mask'"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(pairs: list[str], message: str) -> None:
    with pytest.raises(LabelError, match=message):
        parse_mapping(pairs)


def test_the_same_mapping_twice_is_no_contradiction() -> None:
    assert set(parse_mapping(["a=mask", "A=with_mask"])) == {"a", "A"}
