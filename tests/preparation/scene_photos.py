"""Drawn photos with several faces, and their boxes in a table."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from facecover.drawn.drawn_dataset import draw_face

BOXES = ((20, 30, 80, 110), (130, 20, 180, 90))
"""Of the two faces in each photo: the first bare, the second with a mask."""


def draw_photo(number: int) -> Image.Image:
    """A photo of 240 x 160 pixels with a bare face and a covered one, before a patterned wall."""
    rng = np.random.default_rng(number)
    wall = rng.integers(0, 255, (4, 6, 3), dtype=np.uint8)
    photo = Image.fromarray(wall).resize((240, 160), Image.Resampling.NEAREST)
    for label, (x0, y0, x1, y1) in enumerate(BOXES):
        face = draw_face(np.random.default_rng([number, label]), label, (x1 - x0, y1 - y0))
        photo.paste(face, (x0, y0))
    return photo


def write_scenes(folder: Path, numbers: Iterable[int] = range(12)) -> Path:
    """A folder with ``labels.csv`` and photos of two faces each."""
    (folder / "images").mkdir(parents=True)
    lines = ["path,label,x0,y0,x1,y1"]
    for number in numbers:
        draw_photo(number).save(folder / f"images/{number}.png")
        for name, box in zip(("without_mask", "with_mask"), BOXES, strict=True):
            lines.append(f"images/{number}.png,{name},{','.join(map(str, box))}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder
