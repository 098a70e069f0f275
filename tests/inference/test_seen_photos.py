"""Fingerprints of training photos: what they find, how large they are, how rarely they err."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.inference.example_model import example_info, sealed_example

from facecover.errors import ModelFileError
from facecover.inference.classifier import Classifier
from facecover.inference.model_info import info_from_json, info_to_json
from facecover.inference.seen_photos import pack_fingerprints, seen_in_training

DIGESTS = st.lists(st.text("0123456789abcdef", min_size=64, max_size=64), max_size=20)


def digests(first: int, n: int) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(first, first + n)]


@given(DIGESTS.filter(bool), DIGESTS)
def test_what_was_seen_is_found_and_nothing_else(learned: list[str], asked: list[str]) -> None:
    info = replace(example_info(), seen_photos=pack_fingerprints(learned))
    found = seen_in_training(info_from_json(info_to_json(info)), [*learned, *asked])
    known = {digest[:12] for digest in learned}
    assert found is not None
    assert found.tolist() == [digest[:12] in known for digest in [*learned, *asked]]


def test_ten_thousand_photos_take_less_than_100_kb_and_are_never_mistaken() -> None:
    """The chance of one mistake in the 200,000 questions is 7 in a million (N n / 2**48)."""
    packed = pack_fingerprints(digests(0, 10_000))
    assert len(packed) <= 100_000
    info = replace(example_info(), seen_photos=packed)
    found = seen_in_training(info, digests(0, 210_000))
    assert found is not None
    assert np.flatnonzero(found).tolist() == list(range(10_000))


def test_the_order_of_the_photos_and_repeats_change_nothing() -> None:
    some = digests(0, 9)
    assert pack_fingerprints(some) == pack_fingerprints([*reversed(some), some[0]])


def test_a_file_without_fingerprints_does_not_tell() -> None:
    assert seen_in_training(example_info(), digests(0, 3)) is None


@pytest.mark.parametrize("text", ["?", "AAAA", "\u00e9", "AAAAAAA"])
def test_broken_fingerprints_are_one_line(text: str) -> None:
    info = replace(example_info(), seen_photos=text)
    with pytest.raises(ModelFileError, match="example: broken fingerprints") as caught:
        seen_in_training(info, digests(0, 1))
    assert "\n" not in str(caught.value)


def test_answering_does_not_read_them(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(sealed_example(replace(example_info(), seen_photos="?")))
    assert Classifier(path)(np.full((20, 20, 3), (0, 200, 0), np.uint8)).label == "mask"
