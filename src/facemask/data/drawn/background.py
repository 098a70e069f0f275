"""What stands behind: walls, rooms, leaves, lights and other people, in or out of focus."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from facemask.data.drawn.chance import Weighted, between, happens, one_of, pick
from facemask.data.drawn.colours import Colour, mix, scene_colour, shaded
from facemask.data.drawn.shapes import circle_points

Painter = Callable[[ImageDraw.ImageDraw, int, int, Colour, np.random.Generator], None]


_SOFT_PX = (8, 12, 20, 32)
"""Detail of backgrounds out of focus: pixels along the longer side."""

_SMOOTH_PX = 40
"""They are first enlarged smoothly to this: bilinear enlargement alone would show a grid."""


def draw_background(size: tuple[int, int], skin: Colour, rng: np.random.Generator) -> Image.Image:
    """A background, sharp or out of focus, RGB.

    Args:
        size: width and height in pixels; both even.
        skin: the colour of the skin before it, which some backgrounds share.
        rng: where the chance comes from.
    """
    if happens(rng, 0.35):
        return _painted((size[0] // 2, size[1] // 2), skin, rng).resize(size, _UNSMOOTHED)
    shrink = one_of(rng, _SOFT_PX) / max(size)
    # Painted twice as large and halved, so that edges are smooth.
    width, height = 2 * max(2, round(size[0] * shrink)), 2 * max(2, round(size[1] * shrink))
    small = _painted((width, height), skin, rng).reduce(2)
    smooth = small.resize(_shrunk(size, _SMOOTH_PX), Image.Resampling.BICUBIC)
    soft = smooth.resize((size[0] // 4, size[1] // 4), Image.Resampling.BILINEAR)
    return soft.resize(size, _UNSMOOTHED)


_UNSMOOTHED = Image.Resampling.NEAREST


def _shrunk(size: tuple[int, int], longest_px: int) -> tuple[int, int]:
    share = longest_px / max(size)
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def _painted(size: tuple[int, int], skin: Colour, rng: np.random.Generator) -> Image.Image:
    image = Image.new("RGB", size, scene_colour(rng, skin))
    draw = ImageDraw.Draw(image)
    for _ in range(2 if happens(rng, 0.25) else 1):
        pick(rng, _PAINTERS)(draw, *size, skin, rng)
    return image


def _wall(
    draw: ImageDraw.ImageDraw, w: int, h: int, skin: Colour, rng: np.random.Generator
) -> None:
    if happens(rng, 0.5):
        edge = int(between(rng, 0.2, 0.9) * h)
        draw.rectangle((0, edge, w, h), fill=scene_colour(rng, skin))


def _blobs(
    draw: ImageDraw.ImageDraw, w: int, h: int, skin: Colour, rng: np.random.Generator
) -> None:
    for _ in range(14):
        x, y, r = rng.random() * w, rng.random() * h, between(rng, 0.04, 0.3) * w
        draw.ellipse((x - r, y - r, x + r, y + r), fill=scene_colour(rng, skin))


def _room(
    draw: ImageDraw.ImageDraw, w: int, h: int, skin: Colour, rng: np.random.Generator
) -> None:
    for _ in range(7):
        x, y = rng.random() * w, rng.random() * h
        box = (x, y, x + between(rng, 0.05, 0.6) * w, y + between(rng, 0.05, 0.7) * h)
        draw.rectangle(box, fill=scene_colour(rng, skin))


def _shelves(
    draw: ImageDraw.ImageDraw, w: int, h: int, skin: Colour, rng: np.random.Generator
) -> None:
    count = one_of(rng, (5, 8, 12))
    is_upright = happens(rng, 0.6)
    extent = w if is_upright else h
    first, second = scene_colour(rng, skin), scene_colour(rng, skin)
    is_striped = happens(rng, 0.4)
    for index in range(count):
        start, end = extent * index / count, extent * (index + between(rng, 0.4, 1.0)) / count
        stripe = first if index % 2 else second
        colour = stripe if is_striped else scene_colour(rng, skin)
        draw.rectangle((start, 0, end, h) if is_upright else (0, start, w, end), fill=colour)


_LEAF = circle_points(5)


def _leaves(
    draw: ImageDraw.ImageDraw, w: int, h: int, skin: Colour, rng: np.random.Generator
) -> None:
    base = one_of(rng, ((52, 92, 40), (104, 130, 60), (150, 110, 50), (40, 66, 56)))
    places = rng.random((26, 3))
    sizes = (0.5 + places[:, 2:]) * (w * 0.09, h * 0.07)
    leaves = _LEAF * sizes[:, None] + (places[:, :2] * (w, h))[:, None]
    for corners, tone in zip(leaves.reshape(26, -1).tolist(), places[:, 2].tolist(), strict=True):
        draw.polygon(corners, fill=shaded(base, 0.4 + 1.2 * tone))


def _crowd(
    draw: ImageDraw.ImageDraw, w: int, h: int, skin: Colour, rng: np.random.Generator
) -> None:
    for _ in range(4):
        x, y, r = rng.random() * w, between(rng, 0.1, 0.6) * h, between(rng, 0.06, 0.16) * w
        tone = shaded(skin, between(rng, 0.4, 1.2))
        body = (x - 2.2 * r, y + 1.3 * r, x + 2.2 * r, h + r)
        draw.rectangle(body, fill=scene_colour(rng, skin))
        draw.ellipse((x - r, y - 1.5 * r, x + r, y + 1.4 * r), fill=tone)
        draw.pieslice((x - r, y - 1.5 * r, x + r, y + 1.4 * r), 180, 360, fill=shaded(tone, 0.3))
        if happens(rng, 0.4):
            draw.rectangle((x - r, y + 0.2 * r, x + r, y + r), fill=scene_colour(rng, skin))


def _window(
    draw: ImageDraw.ImageDraw, w: int, h: int, skin: Colour, rng: np.random.Generator
) -> None:
    x, y = rng.random() * w * 0.7, rng.random() * h * 0.5
    right, bottom = x + between(rng, 0.3, 0.7) * w, y + between(rng, 0.3, 0.7) * h
    draw.rectangle((x, y, right, bottom), fill=mix((250, 250, 245), scene_colour(rng, skin), 0.2))
    draw.line(((x + right) / 2, y, (x + right) / 2, bottom), fill=scene_colour(rng, skin))


_PAINTERS = Weighted[Painter](
    (_wall, 22), (_blobs, 16), (_room, 18), (_shelves, 14), (_leaves, 12), (_crowd, 12),
    (_window, 8),
)  # fmt: skip
