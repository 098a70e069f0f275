"""Copies of answered photos: when one gets a name of its own."""

from pathlib import Path

from facecover.inference.inputs import Answered
from facecover.inference.outputs import Copies
from facecover.inference.prediction import Prediction
from facecover.photos import FoundPhoto


def answer(source: Path | bytes, inner: str = "b.png") -> Answered:
    given = Prediction("mask", 0.9, {"no_mask": 0.1, "mask": 0.9}, False, "", (9, 9))
    return Answered(FoundPhoto(inner, source, inner), given)


def test_a_photo_that_is_named_twice_is_copied_once(tmp_path: Path) -> None:
    photo = tmp_path / "b.png"
    photo.write_bytes(b"1")
    for _ in range(2):
        copies = Copies(tmp_path / "out")
        names = [copies.add(answer(source)).name for source in (photo, photo, b"2", photo, b"3")]
        assert names == ["b.png", "b.png", "b-2.png", "b.png", "b-3.png"]
    assert len(list((tmp_path / "out").rglob("*.png"))) == 3
