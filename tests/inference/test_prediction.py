"""When an answer is uncertain, and why."""

import numpy as np
import pytest
from msgspec.structs import replace
from tests.inference.example_model import SIZE_PX, example_info

from facecover.inference.prediction import (
    BLANK_RANGE,
    DARK_LEVEL,
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
    assert prediction.is_uncertain
    assert f"probability of mask, {mask:.3f}, lies in" in prediction.reason
    assert prediction.label == ("mask" if mask >= INFO.threshold else "no_mask")


@pytest.mark.parametrize("mask", [0.0, 0.399, 0.601, 1.0])
def test_outside_the_band_an_answer_is_certain(mask: float) -> None:
    prediction = _predicted(_input(), mask, (0.4, 0.6))
    assert (prediction.is_uncertain, prediction.reason) == (False, "")


def test_without_a_band_every_probability_is_certain() -> None:
    assert not _predicted(_input(), 0.5, None).is_uncertain


@pytest.mark.parametrize("size_px", [(SMALLEST_SIDE_PX - 1, 500), (500, 1)])
def test_too_few_pixels_are_uncertain(size_px: tuple[int, int]) -> None:
    prediction = _predicted(_input(size_px), 0.99, None)
    assert prediction.is_uncertain
    assert f"{size_px[0]} x {size_px[1]} pixels" in prediction.reason
    assert prediction.size_px == size_px


def test_the_smallest_side_is_enough() -> None:
    assert not _predicted(_input((SMALLEST_SIDE_PX, SMALLEST_SIDE_PX)), 0.99, None).is_uncertain


def test_a_blank_photo_is_uncertain_and_a_faint_one_is_not() -> None:
    flat, faint = (
        _input(darkest=90, brightest=90 + more) for more in (BLANK_RANGE, BLANK_RANGE + 10)
    )
    assert "blank" in _predicted(flat, 0.99, None).reason
    assert not _predicted(faint, 0.99, None).is_uncertain


def test_a_blank_photo_may_be_of_any_colour() -> None:
    pixels = np.broadcast_to(np.array([200, 10, 90], np.uint8), (SIZE_PX, SIZE_PX, 3))
    assert _predicted(Input(pixels, (50, 50)), 0.99, None).is_uncertain


def test_a_photo_without_light_is_uncertain_and_a_dim_one_is_not() -> None:
    dark = _input(brightest=DARK_LEVEL)
    assert "too dark" in _predicted(dark, 0.99, None).reason
    assert not _predicted(_input(brightest=2 * DARK_LEVEL), 0.99, None).is_uncertain
    # A few bright pixels, such as a lamp or a broken sensor's, show no face.
    lamp = np.zeros((20, 20, 3), np.uint8)
    lamp[:2, :2] = 255
    assert "too dark" in _predicted(Input(lamp, (90, 120)), 0.99, None).reason
    lamp[:3, :2] = 255
    assert not _predicted(Input(lamp, (90, 120)), 0.99, None).is_uncertain
