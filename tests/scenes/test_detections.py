import io
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from tests.scenes.example_detector import scene

from facecover.errors import DatasetError
from facecover.inference.prediction import Prediction
from facecover.scenes.detections import Detections
from facecover.scenes.detector import Detector

MASK = Prediction("mask", 0.9, {"no_mask": 0.1, "mask": 0.9}, None, None, (10, 10))
UNSURE = Prediction("no_mask", 0.6, {"no_mask": 0.6, "mask": 0.4}, "near_boundary", "it is", (5, 5))


def example(boxes: object = ((0, 0, 10, 10), (20, 30, 25, 35)), **other: object) -> Detections:
    fields: dict[str, Any] = {
        "boxes": np.array(boxes, np.float32),
        "scores": np.array([0.9, 0.5], np.float32),
        "predictions": (MASK, UNSURE),
        "width": 40,
        "height": 50,
    }
    return Detections(**fields | other)


def test_what_follows_from_its_fields() -> None:
    found = example()
    assert len(found) == 2
    assert found.labels == ("mask", "no_mask")
    np.testing.assert_array_equal(found.probabilities, [[0.1, 0.9], [0.6, 0.4]])
    assert found.counts() == {"mask": 1, "uncertain": 1}
    assert repr(found) == "<Detections 40 x 50: 2 faces: 1 mask, 1 uncertain>"


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"boxes": ((0, 0, 10, 10),)}, r"boxes: expected float32 \(2, 4\) for 2 predictions"),
        ({"boxes": ((0, 0, 10, 10), (5, 5, 5, 9))}, "boxes: expected 0 <= x0 < x1 <= 40"),
        ({"boxes": ((0, 0, 10, 10), (5, 5, 41, 9))}, "boxes: expected 0 <= x0 < x1 <= 40"),
        ({"boxes": ((0, 0, 10, 10), (-1, 5, 7, 9))}, "boxes: expected 0 <= x0 < x1 <= 40"),
        ({"boxes": ((0, 0, 10, 10), (np.nan, 5, 7, 9))}, "boxes: expected 0 <= x0 < x1 <= 40"),
        ({"scores": np.array([0.5, 1.5], np.float32)}, "scores: expected 0 to 1"),
        ({"scores": np.array([0.5, 0.5])}, r"scores: expected float32 \(2,\)"),
        ({"predictions": (MASK,)}, "for 1 prediction, found float32"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(fields: dict[str, Any], match: str) -> None:
    with pytest.raises(DatasetError, match=match):
        example(**fields)


def test_a_table_has_a_row_a_face() -> None:
    table = example().to_pandas()
    assert table[["x0", "y0", "x1", "y1"]].to_numpy().tolist() == [[0, 0, 10, 10], [20, 30, 25, 35]]
    assert table["p_mask"].tolist() == [0.9, 0.4]
    assert table["reason"].dropna().tolist() == ["near_boundary"]


def test_supervision_gets_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass
    class Theirs:
        xyxy: np.ndarray
        confidence: np.ndarray
        class_id: np.ndarray
        data: dict[str, np.ndarray]

    module = ModuleType("supervision")
    module.Detections = Theirs  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "supervision", module)
    found = example().to_supervision()
    assert found.class_id.tolist() == [1, 0]
    assert found.data["class_name"].tolist() == ["mask", "no_mask"]
    np.testing.assert_array_equal(found.xyxy, example().boxes)


def test_a_notebook_shows_the_picture_or_says_what_was_in_it(detector: Detector) -> None:
    image = scene((32, 64))
    assert detector(image)._repr_html_().startswith('<img alt="1 face: 1 no_mask" src="data:image')
    stream = io.BytesIO()
    image.save(stream, "PNG")
    stream.seek(0)
    assert detector(stream)._repr_html_() == "<p>1 face: 1 no_mask</p>"
    (streamed,) = detector.detect([image])
    assert streamed.source is None
