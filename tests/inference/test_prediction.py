"""When an answer is uncertain, and why."""

import numpy as np
import pytest
from msgspec.structs import replace
from tests.inference.example_model import SIZE_PX, example_info

from facecover.images import BRIGHT_LEVEL, DARK_LEVEL
from facecover.inference.prediction import (
    SMALLEST_SIDE_PX,
    Input,
    Prediction,
    predictions,
)

INFO = example_info()  # its band is 0.4 to 0.6


def _input(
    size_px: tuple[int, int] = (90, 120), *, darkest: int = 0, brightest: int = 255
) -> Input:
    rng = np.random.default_rng(0)
    pixels = rng.integers(darkest, brightest + 1, (SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
    return Input(pixels, size_px)


def _predicted(given: Input, mask: float, band: tuple[float, float] | None) -> Prediction:
    info = replace(INFO, uncertain_band=band)
    return predictions([given], np.array([[1 - mask, mask]]), info)[0]


@pytest.mark.parametrize("mask", [0.4, 0.45, 0.5, 0.6])
def test_inside_the_band_an_answer_is_uncertain(mask: float) -> None:
    prediction = _predicted(_input(), mask, (0.4, 0.6))
    assert (prediction.is_uncertain, prediction.reason) == (True, "near_boundary")
    assert f"probability of mask, {100 * mask:.1f}%, lies in" in str(prediction.explanation)
    assert prediction.label == ("mask" if mask >= INFO.threshold else "no_mask")


@pytest.mark.parametrize("mask", [0.0, 0.399, 0.601, 1.0])
def test_outside_the_band_an_answer_is_certain(mask: float) -> None:
    prediction = _predicted(_input(), mask, (0.4, 0.6))
    assert (prediction.is_uncertain, prediction.reason) == (False, None)


def test_without_a_band_every_probability_is_certain() -> None:
    assert not _predicted(_input(), 0.5, None).is_uncertain


@pytest.mark.parametrize("size_px", [(SMALLEST_SIDE_PX - 1, 500), (500, 1)])
def test_too_few_pixels_are_uncertain(size_px: tuple[int, int]) -> None:
    prediction = _predicted(_input(size_px), 0.99, None)
    assert prediction.reason == "too_small"
    assert f"{size_px[0]} x {size_px[1]} pixels" in str(prediction.explanation)
    assert prediction.size_px == size_px


def test_the_smallest_side_is_enough() -> None:
    assert not _predicted(_input((SMALLEST_SIDE_PX, SMALLEST_SIDE_PX)), 0.99, None).is_uncertain


def test_without_light_or_contrast_an_answer_is_uncertain_whatever_the_model_says() -> None:
    for name, (low, high) in {
        "too_dark": (0, DARK_LEVEL),
        "too_bright": (BRIGHT_LEVEL, 255),
        "blank": (90, 110),
    }.items():
        prediction = _predicted(_input(darkest=low, brightest=high), 0.99, (0.4, 0.6))
        assert (prediction.reason, prediction.label) == (name, "mask")
        assert name.split("_")[-1] in str(prediction.explanation)
        assert prediction.to_json()["reason"] == name
    assert _predicted(_input(), 0.99, (0.4, 0.6)).to_json()["reason"] is None
