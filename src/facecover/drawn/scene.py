"""Background, light, framing, and what cameras do: blur, exposure, colour casts and noise.

Pixels are worked on as 16-bit integers, where 128 or 256 stands for 1: that is several times as
fast as floating point, and as a table of 256 levels.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from facecover.drawn.clothes import fabric_colour
from facecover.drawn.sketch import (
    Colour,
    Pose,
    Random,
    Weighted,
    any_colour,
    circle_points,
    make_pose,
    mix,
    shaded,
)
from facecover.images import Pixels

Painter = Callable[[ImageDraw.ImageDraw, int, int, Colour, Random], None]


_SOFT_PX = (8, 12, 20, 32)
"""Detail of backgrounds out of focus: pixels along the longer side."""

_SMOOTH_PX = 40
"""They are first enlarged smoothly to this: bilinear enlargement alone would show a grid."""


def draw_background(size: tuple[int, int], skin: Colour, rng: Random) -> Image.Image:
    """A background, sharp or out of focus, RGB; some share the colour of the skin before them."""
    if rng.happens(0.35):
        return _painted((size[0] // 2, size[1] // 2), skin, rng).resize(size, _UNSMOOTHED)
    shrink = rng.one_of(_SOFT_PX) / max(size)
    # Painted twice as large and halved, so that edges are smooth.
    width, height = 2 * max(2, round(size[0] * shrink)), 2 * max(2, round(size[1] * shrink))
    small = _painted((width, height), skin, rng).reduce(2)
    share = _SMOOTH_PX / max(size)
    smooth_size = max(1, round(size[0] * share)), max(1, round(size[1] * share))
    smooth = small.resize(smooth_size, Image.Resampling.BICUBIC)
    soft = smooth.resize((size[0] // 4, size[1] // 4), Image.Resampling.BILINEAR)
    return soft.resize(size, _UNSMOOTHED)


_UNSMOOTHED = Image.Resampling.NEAREST


def _painted(size: tuple[int, int], skin: Colour, rng: Random) -> Image.Image:
    image = Image.new("RGB", size, scene_colour(rng, skin))
    draw = ImageDraw.Draw(image)
    for _ in range(2 if rng.happens(0.25) else 1):
        rng.pick(_PAINTERS)(draw, *size, skin, rng)
    return image


def scene_colour(rng: Random, skin: Colour) -> Colour:
    """A colour for what stands behind: walls, wood, cloth, and now and then that of the skin."""
    kind = rng.one_of(("any", "fabric", "grey", "grey", "skin"))
    if kind == "any":
        return any_colour(rng)
    if kind == "fabric":
        return fabric_colour(rng)
    if kind == "skin":
        return shaded(skin, rng.between(0.6, 1.15))
    level = int(rng.between(30, 245))
    return level, level - 4, level - 10


def _wall(draw: ImageDraw.ImageDraw, w: int, h: int, skin: Colour, rng: Random) -> None:
    if rng.happens(0.5):
        edge = int(rng.between(0.2, 0.9) * h)
        draw.rectangle((0, edge, w, h), fill=scene_colour(rng, skin))


def _blobs(draw: ImageDraw.ImageDraw, w: int, h: int, skin: Colour, rng: Random) -> None:
    for _ in range(14):
        x, y, r = rng.random() * w, rng.random() * h, rng.between(0.04, 0.3) * w
        draw.ellipse((x - r, y - r, x + r, y + r), fill=scene_colour(rng, skin))


def _room(draw: ImageDraw.ImageDraw, w: int, h: int, skin: Colour, rng: Random) -> None:
    for _ in range(7):
        x, y = rng.random() * w, rng.random() * h
        box = (x, y, x + rng.between(0.05, 0.6) * w, y + rng.between(0.05, 0.7) * h)
        draw.rectangle(box, fill=scene_colour(rng, skin))


def _shelves(draw: ImageDraw.ImageDraw, w: int, h: int, skin: Colour, rng: Random) -> None:
    count = rng.one_of((5, 8, 12))
    is_upright = rng.happens(0.6)
    extent = w if is_upright else h
    first, second = scene_colour(rng, skin), scene_colour(rng, skin)
    is_striped = rng.happens(0.4)
    for index in range(count):
        start, end = extent * index / count, extent * (index + rng.between(0.4, 1.0)) / count
        stripe = first if index % 2 else second
        colour = stripe if is_striped else scene_colour(rng, skin)
        draw.rectangle((start, 0, end, h) if is_upright else (0, start, w, end), fill=colour)


_LEAF = circle_points(5)


def _leaves(draw: ImageDraw.ImageDraw, w: int, h: int, skin: Colour, rng: Random) -> None:
    base = rng.one_of(((52, 92, 40), (104, 130, 60), (150, 110, 50), (40, 66, 56)))
    places = rng.random((26, 3))
    sizes = (0.5 + places[:, 2:]) * (w * 0.09, h * 0.07)
    leaves = _LEAF * sizes[:, None] + (places[:, :2] * (w, h))[:, None]
    for corners, tone in zip(leaves.reshape(26, -1).tolist(), places[:, 2].tolist(), strict=True):
        draw.polygon(corners, fill=shaded(base, 0.4 + 1.2 * tone))


def _crowd(draw: ImageDraw.ImageDraw, w: int, h: int, skin: Colour, rng: Random) -> None:
    for _ in range(4):
        x, y, r = rng.random() * w, rng.between(0.1, 0.6) * h, rng.between(0.06, 0.16) * w
        tone = shaded(skin, rng.between(0.4, 1.2))
        body = (x - 2.2 * r, y + 1.3 * r, x + 2.2 * r, h + r)
        draw.rectangle(body, fill=scene_colour(rng, skin))
        draw.ellipse((x - r, y - 1.5 * r, x + r, y + 1.4 * r), fill=tone)
        draw.pieslice((x - r, y - 1.5 * r, x + r, y + 1.4 * r), 180, 360, fill=shaded(tone, 0.3))
        if rng.happens(0.4):
            draw.rectangle((x - r, y + 0.2 * r, x + r, y + r), fill=scene_colour(rng, skin))


def _window(draw: ImageDraw.ImageDraw, w: int, h: int, skin: Colour, rng: Random) -> None:
    x, y = rng.random() * w * 0.7, rng.random() * h * 0.5
    right, bottom = x + rng.between(0.3, 0.7) * w, y + rng.between(0.3, 0.7) * h
    draw.rectangle((x, y, right, bottom), fill=mix((250, 250, 245), scene_colour(rng, skin), 0.2))
    draw.line(((x + right) / 2, y, (x + right) / 2, bottom), fill=scene_colour(rng, skin))


_PAINTERS = Weighted[Painter](
    (_wall, 22), (_blobs, 16), (_room, 18), (_shelves, 14), (_leaves, 12), (_crowd, 12),
    (_window, 8),
)  # fmt: skip


Field = npt.NDArray[np.float64]
"""``float64 (cells, cells)``."""

_CELLS = 20
"""The field is worked out on this many cells a side and enlarged: light changes slowly."""

_FINE = 48
"""Cells a side after the first, smooth enlargement."""

_FULL = 235.0
"""Brightness 1 as a level; what is above stays for surfaces that face the light."""


@dataclass(frozen=True, slots=True)
class Light:
    """Where the light comes from.

    Attributes:
        side: -1 for the left to 1 for the right.
        height: -1 for below to 1 for above.
        contrast: 0 for an overcast sky to 1 for one lamp in a dark room.
    """

    side: float
    height: float
    contrast: float


def draw_light(rng: Random) -> Light:
    """A light, hard from one side in one picture of five."""
    is_hard = rng.happens(0.2)
    contrast = rng.between(0.55, 0.9) if is_hard else rng.between(0.1, 0.5)
    return Light(rng.between(-1.0, 1.0), rng.between(-0.2, 0.9), contrast)


_CENTRES = (np.arange(_CELLS) + 0.5) / _CELLS

# Soft shadows that every face has: x, y, reach and depth of each, in head units. Sockets,
# cheeks, the side of the nose, and under the lower lip; they show faintly through cloth too.
_HOLLOWS = np.array(
    [
        [-0.42, -0.12, 0.24, 0.16], [0.42, -0.12, 0.24, 0.16], [0.0, 0.86, 0.16, 0.12],
        [0.0, 1.26, 0.18, 0.1], [-0.72, 0.75, 0.3, 0.12], [0.72, 0.75, 0.3, 0.12],
        [0.0, 1.75, 0.5, 0.3],
    ]
)  # fmt: skip


def lit(pixels: Pixels, pose: Pose, light: Light, canvas: tuple[int, int]) -> Pixels:
    """The picture under a light: ``uint8 (H, W, 3)``, RGB.

    Args:
        pixels: flat colours, ``uint8 (H, W, 3)``, RGB.
        pose: the head in it, in pixels of the canvas.
        light: the light.
        canvas: width and height of the canvas that the pose refers to.
    """
    field = _head_field(pose, light, canvas)
    np.clip(field * _FULL, 0.0, 255.0, out=field)
    height, width, _ = pixels.shape
    # Smooth enlargement first, the cheap one for the rest.
    cells = Image.fromarray(field.astype(np.uint8)).resize((_FINE, _FINE), Image.Resampling.BICUBIC)
    grey = np.asarray(cells.resize((width, height), Image.Resampling.BILINEAR))
    # 16-bit integers, 256 for 1: several times as fast as floating point.
    levels = pixels.reshape(height, width * 3) * np.repeat(grey, 3, axis=1).astype(np.uint16)
    levels >>= 8
    return levels.astype(np.uint8).reshape(pixels.shape)


def _head_field(pose: Pose, light: Light, canvas: tuple[int, int]) -> Field:
    """Brightness on the cells, about 1 where nothing shades: ``float64 (cells, cells)``."""
    across, down = _CENTRES[None, :], _CENTRES[:, None]
    centre_x, centre_y = pose.place(0.0, 0.1, 0.2)
    cos, sin = math.cos(pose.roll) / pose.scale_px, math.sin(pose.roll) / pose.scale_px
    to_x, to_y = across * canvas[0] - centre_x, down * canvas[1] - centre_y
    u, v = to_x * cos + to_y * sin, to_y * cos - to_x * sin + 0.1
    normal_x, normal_y = u / 1.04, (v - 0.1) / 1.6
    front = 1.0 - normal_x**2 - normal_y**2
    facing = np.sqrt(np.maximum(front, 0.0))
    towards = normal_x * light.side - normal_y * light.height + facing * 0.75
    towards /= math.sqrt(light.side**2 + light.height**2 + 0.75**2)
    room = 1.0 + 0.25 * light.contrast * light.side * (across - 0.5) * 2.0
    on_head = 1.0 - light.contrast * (1.0 - np.maximum(towards, 0.0))
    on_head *= 1.0 - _hollows(u - math.sin(pose.yaw) * 0.55, v)
    share = np.clip(front * 5.0, 0.0, 1.0)
    field: Field = share * on_head + (1.0 - share) * room * (1.0 - 0.3 * light.contrast)
    return field


def _hollows(u: Field, v: Field) -> Field:
    x, y, reach, depth = (_HOLLOWS[:, i, None, None] for i in range(4))
    spots = depth * np.exp(-((u - x) ** 2 + (v - y) ** 2) / reach**2)
    total: Field = spots.sum(axis=0)
    return total


_MEDIAN_SIDE_PX = 127.0
"""Median of the longer side: half of the photos are smaller than 128 x 128."""

_SIDE_SPREAD = 0.44
"""Standard deviation of the logarithm of the longer side."""

_SIDE_LIMITS_PX = (30, 400)

_MOUTH_Y = 0.85
"""Between nose and mouth: what the label asks about."""

# The least and the greatest height of the picture, in head units (a face is 3 high).
_FRAMINGS = Weighted[tuple[float, float]](
    ((2.4, 2.8), 28), ((2.7, 3.2), 54), ((3.2, 4.0), 13), ((4.0, 5.4), 5),
)  # fmt: skip


def draw_size(rng: Random) -> tuple[int, int]:
    """Width and height in pixels."""
    side = _MEDIAN_SIDE_PX * math.exp(_SIDE_SPREAD * rng.standard_normal())
    long_px = int(min(max(side, _SIDE_LIMITS_PX[0]), _SIDE_LIMITS_PX[1]))
    # Face boxes are as high as wide, or higher; whole photos come in any shape.
    log_aspect = rng.bell(0.13, 0.4) - 0.1
    short_px = max(24, int(long_px * math.exp(-abs(log_aspect))))
    return (short_px, long_px) if log_aspect < 0 else (long_px, short_px)


def draw_pose(size: tuple[int, int], rng: Random) -> Pose:
    """A head in a canvas of this size, from a box that cuts chin or crown to head and shoulders.

    Wherever the head goes, the place that decides the label stays in the picture.
    """
    width, height = size
    low, high = rng.pick(_FRAMINGS)
    # A narrow picture still shows most of the face's width.
    scale_px = min(height / rng.between(low, high), width / rng.between(1.75, 2.05))
    # A tilt is mostly small, now and then anything up to 40 degrees.
    is_tilted = rng.happens(0.08)
    roll = (
        math.radians(rng.between(-40.0, 40.0))
        if is_tilted
        else rng.bell(math.radians(6), math.radians(40))
    )
    yaw = rng.bell(math.radians(15), math.radians(42))
    pitch = rng.bell(math.radians(7), math.radians(18))
    pose = make_pose(yaw, pitch, roll, scale_px, (0.0, 0.0))
    x, y = pose.place(0.0, rng.between(0.15, 0.5), 0.5)
    reach = 0.18 if rng.happens(0.06) else 0.03
    target_x = width * (0.5 + rng.bell(reach, 0.4))
    target_y = height * (0.5 + rng.bell(reach, 0.4))
    return _kept_in(make_pose(yaw, pitch, roll, scale_px, (target_x - x, target_y - y)), size)


def _kept_in(pose: Pose, size: tuple[int, int]) -> Pose:
    """The pose, moved so that nose and mouth lie inside the picture with a margin."""
    x, y = pose.place(0.0, _MOUTH_Y, 0.8)
    margin = 0.7 * pose.scale_px
    to_x = min(max(x, min(margin, size[0] / 2)), max(size[0] - margin, size[0] / 2))
    to_y = min(max(y, min(margin, size[1] / 2)), max(size[1] - margin, size[1] / 2))
    origin = (pose.origin[0] + to_x - x, pose.origin[1] + to_y - y)
    return Pose(pose.matrix, origin, pose.yaw, pose.roll, pose.scale_px)


_LARGEST_TAKEN_PX = 168
"""Larger photos are enlarged from this size: they are a little soft, and quick to draw."""

_BRIGHTEST = 255

# Dark, usual, bright; 255 * 2 * 128 just fits into 16 bits.
_GAINS = Weighted[tuple[float, float]](((0.3, 0.6), 7), ((0.85, 1.2), 75), ((1.2, 1.6), 18))

_EVEN_BYTE_SPREAD = 73.9
"""Standard deviation of bytes from -128 to 127, all equally likely."""


def taken_size(final: tuple[int, int], rng: Random) -> tuple[int, int]:
    """The size at which a photo was taken before it was enlarged; mostly that of the photo."""
    share = rng.between(0.35, 0.9) if rng.happens(0.18) else 1.0
    share = min(share, _LARGEST_TAKEN_PX / max(final))
    return max(16, round(final[0] * share)), max(16, round(final[1] * share))


def photographed(pixels: Pixels, size: tuple[int, int], rng: Random) -> Image.Image:
    """The picture as a camera gives it, with an exposure, a focus and a noise of its own.

    Args:
        pixels: ``uint8 (H, W, 3)``, RGB.
        size: width and height of the photo.
        rng: draws them.
    """
    image = _blurred(Image.fromarray(_exposed(pixels, rng)), rng)
    if rng.happens(0.04):  # a camera that sees no colours
        image = image.convert("L").convert("RGB")
    if image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    return _noisy(image, rng)


def _exposed(pixels: Pixels, rng: Random) -> Pixels:
    """The picture with an exposure, a contrast and a colour of light of its own."""
    lift = int(rng.between(0.0, 64.0))
    haze = rng.between(0.0, 0.25) if rng.happens(0.15) else 0.0
    warmth, green = rng.bell(0.085, 0.22), rng.bell(0.025, 0.07)
    gain = rng.between(*rng.pick(_GAINS)) * (1.0 - haze)
    casts = np.array([1.0 + warmth, 1.0 + green, 1.0 - warmth]) * gain * 128.0
    height, width, _ = pixels.shape
    levels = pixels.reshape(height, width * 3).astype(np.uint16)
    # Middle tones are lifted by up to a half, black and white stay where they are.
    levels *= (128 + lift) - (levels * np.uint16(lift) >> 8)
    levels >>= 7
    levels *= np.tile(np.minimum(casts, 256.0).astype(np.uint16), width)
    levels >>= 7
    levels += np.uint16(haze * 0.8 * _BRIGHTEST)
    np.minimum(levels, _BRIGHTEST, out=levels)
    return levels.astype(np.uint8).reshape(pixels.shape)


def _blurred(image: Image.Image, rng: Random) -> Image.Image:
    """The picture, out of focus or shaken in some cases; blur grows with the picture."""
    chance = rng.random()
    scale = max(image.size) / 100.0
    if chance < 0.1:
        return image.filter(ImageFilter.BoxBlur(rng.between(0.4, 1.8) * scale))
    if chance < 0.16:
        reach_px = rng.between(0.5, 2.5) * scale
        is_sideways = rng.happens(0.6)
        radii = (reach_px, 0.0) if is_sideways else (0.0, reach_px)
        return image.filter(ImageFilter.BoxBlur(radii))
    return image


def _noisy(image: Image.Image, rng: Random) -> Image.Image:
    """The picture with the grain of a sensor in about half of the cases."""
    if rng.happens(0.45):
        return image
    spread = 2.0 + 13.0 * rng.random() ** 3
    width, height = image.size
    grain = np.frombuffer(rng.bytes(width * height * 3), dtype=np.int8)
    levels = grain.reshape(height, width, 3).astype(np.int16)
    levels *= np.int16(spread * 256.0 / _EVEN_BYTE_SPREAD)
    levels >>= 8
    levels += np.asarray(image)
    np.clip(levels, 0, _BRIGHTEST, out=levels)
    pixels: npt.NDArray[np.uint8] = levels.astype(np.uint8)
    return Image.fromarray(pixels)


def draw_jpeg_quality(rng: Random) -> int:
    """A JPEG quality: mostly good, now and then one with artefacts."""
    return int(rng.between(12, 50) if rng.happens(0.22) else rng.between(60, 96))
