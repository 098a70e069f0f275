import subprocess
import sys

import numpy as np
import pytest

from facecover.dataset.arrays import channel_statistics
from facecover.dataset.decode import MEASURES, measure_pixels


def images(count: int = 5, size_px: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size_px, size_px, 3), dtype=np.uint8)


def test_measures_are_their_formulas() -> None:
    some = images()
    measured = dict(zip(MEASURES, measure_pixels(some).T, strict=True))
    scaled = some / 255
    luma = scaled @ [0.299, 0.587, 0.114]
    laplacian = (
        luma[:, 1:-1, 1:-1]
        - (luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1] + luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:]) / 4
    )
    expected = {
        "brightness": luma.mean(axis=(1, 2)),
        "contrast": luma.std(axis=(1, 2)),
        "sharpness": np.abs(laplacian).mean(axis=(1, 2)),
        **{
            name: scaled[..., i].mean(axis=(1, 2))
            for i, name in enumerate(("red", "green", "blue"))
        },
    }
    assert list(expected) == list(MEASURES)
    for name, values in expected.items():
        np.testing.assert_allclose(measured[name], values, rtol=1e-4)


@pytest.mark.parametrize("value", [0, 255])
def test_a_blank_image_has_no_contrast(value: int) -> None:
    blank = np.full((1, 64, 64, 3), value, dtype=np.uint8)
    brightness, contrast, sharpness, *colours = measure_pixels(blank)[0]
    assert brightness == pytest.approx(value / 255, abs=1e-6)
    assert contrast == pytest.approx(0, abs=1e-6)
    assert sharpness == pytest.approx(0, abs=1e-6)
    assert colours == pytest.approx([value / 255] * 3)


def test_no_image_has_no_measures() -> None:
    assert measure_pixels(images(0)).shape == (0, 6)


def test_channel_statistics_are_those_of_the_rows_asked_for() -> None:
    some = images(3000, 8)
    rows = np.arange(0, 3000, 2)
    mean, std = channel_statistics(some, rows)
    np.testing.assert_allclose(mean, (some[rows] / 255).mean(axis=(0, 1, 2)), atol=1e-6)
    np.testing.assert_allclose(std, (some[rows] / 255).std(axis=(0, 1, 2)), atol=1e-6)


def test_a_helper_process_that_decodes_needs_no_pandas() -> None:
    code = "import sys, facecover.dataset.decode; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
