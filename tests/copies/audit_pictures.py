"""Pictures that no camera took, each unlike the others, for tests of duplicates."""

from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from facecover.dataset.arrays import Images
from facecover.images import resized


def picture(seed: int, size: tuple[int, int] = (160, 200)) -> Image.Image:
    """Coloured shapes on a coloured ground, a little blurred; a seed is a picture."""
    rng = np.random.default_rng(seed)
    width, height = size
    photo = Image.new("RGB", size, tuple(rng.integers(40, 200, 3).tolist()))
    draw = ImageDraw.Draw(photo)
    for largest in (0.9, 0.8, 0.7, 0.6, 0.5, *(0.2,) * 8):
        w, h = rng.uniform(largest / 2, largest, 2) * size
        x, y = rng.uniform(-0.2, 0.9, 2) * size
        colour = tuple(rng.integers(10, 240, 3).tolist())
        draw.ellipse((x, y, x + w, y + h), fill=colour)
    noise = rng.integers(0, 20, (height, width, 3), dtype=np.uint8)
    photo = Image.fromarray(np.asarray(photo) + noise)
    return photo.filter(ImageFilter.GaussianBlur(1.5))


def images_of(photos: Iterable[Image.Image]) -> Images:
    """Photos as the arrays keep them: ``uint8 (N, 64, 64, 3)``."""
    return np.stack([resized(photo, 64) for photo in photos])
