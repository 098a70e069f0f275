"""Small photos that the tests draw themselves."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

DrawPhoto = Callable[..., Image.Image]


def draw_photo(seed: int, label: int, size: tuple[int, int] = (80, 96)) -> Image.Image:
    """A face of an oval and two eyes; label 1 covers its lower half."""
    rng = np.random.default_rng(seed)
    width, height = size
    noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    photo = Image.fromarray(noise // 4 + int(rng.integers(0, 160)))
    draw = ImageDraw.Draw(photo)
    skin = tuple(int(value) for value in rng.integers(60, 230, 3))
    left, top, right, bottom = width // 5, height // 8, width * 4 // 5, height * 7 // 8
    draw.ellipse((left, top, right, bottom), fill=skin)
    for x in (width * 2 // 5, width * 3 // 5):
        draw.ellipse((x - 3, height // 3 - 3, x + 3, height // 3 + 3), fill="black")
    if label == 1:
        draw.rectangle((left, height // 2, right, bottom), fill=(235, 240, 250))
    return photo


@pytest.fixture(scope="session")
def class_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 photos of each class in `with_mask/` and `without_mask/`; do not write into it."""
    root = tmp_path_factory.mktemp("photos") / "faces"
    for label, name in enumerate(("without_mask", "with_mask")):
        (root / name).mkdir(parents=True)
        for number in range(60):
            seed = 1000 * label + number
            size = (40 + number, 48 + 2 * (number % 30))
            draw_photo(seed, label, size).save(root / name / f"face {number}.jpg", quality=88)
    return root
