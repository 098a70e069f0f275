"""Light: a soft field over the whole picture that gives the head its roundness."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from facemask.data.drawn.chance import between, happens
from facemask.data.drawn.sketch import Pose
from facemask.images import Pixels

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


def draw_light(rng: np.random.Generator) -> Light:
    """A light, hard from one side in one picture of five."""
    is_hard = happens(rng, 0.2)
    contrast = between(rng, 0.55, 0.9) if is_hard else between(rng, 0.1, 0.5)
    return Light(between(rng, -1.0, 1.0), between(rng, -0.2, 0.9), contrast)


@lru_cache(maxsize=1)
def _cell_centres() -> tuple[Field, Field]:
    centres = (np.arange(_CELLS) + 0.5) / _CELLS
    return centres[None, :], centres[:, None]


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
    """The picture under a light.

    Args:
        pixels: flat colours, ``uint8 (H, W, 3)``, RGB.
        pose: the head in it, in pixels of the canvas.
        light: the light.
        canvas: width and height of the canvas that the pose refers to.

    Returns:
        ``uint8 (H, W, 3)``, RGB.
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
    across, down = _cell_centres()
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
