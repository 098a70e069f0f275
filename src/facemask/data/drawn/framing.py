"""How large a picture is, and where and how the head stands in it: chosen without the label."""

import math

import numpy as np

from facemask.data.drawn.chance import Weighted, bell, between, happens, pick
from facemask.data.drawn.sketch import Pose, make_pose

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


def draw_size(rng: np.random.Generator) -> tuple[int, int]:
    """Width and height in pixels."""
    side = _MEDIAN_SIDE_PX * math.exp(_SIDE_SPREAD * rng.standard_normal())
    long_px = int(min(max(side, _SIDE_LIMITS_PX[0]), _SIDE_LIMITS_PX[1]))
    # Face boxes are as high as wide, or higher; whole photos come in any shape.
    log_aspect = bell(rng, 0.13, 0.4) - 0.1
    short_px = max(24, int(long_px * math.exp(-abs(log_aspect))))
    return (short_px, long_px) if log_aspect < 0 else (long_px, short_px)


def draw_pose(size: tuple[int, int], rng: np.random.Generator) -> Pose:
    """A head in a canvas of this size, from a box that cuts chin or crown to head and shoulders.

    Wherever the head goes, the place that decides the label stays in the picture.
    """
    width, height = size
    low, high = pick(rng, _FRAMINGS)
    # A narrow picture still shows most of the face's width.
    scale_px = min(height / between(rng, low, high), width / between(rng, 1.75, 2.05))
    roll = _draw_roll(rng)
    yaw = bell(rng, math.radians(15), math.radians(42))
    pitch = bell(rng, math.radians(7), math.radians(18))
    pose = make_pose(yaw, pitch, roll, scale_px, (0.0, 0.0))
    x, y = pose.place(0.0, _draw_aim(rng), 0.5)
    reach = 0.18 if happens(rng, 0.06) else 0.03
    target_x = width * (0.5 + bell(rng, reach, 0.4))
    target_y = height * (0.5 + bell(rng, reach, 0.4))
    return _kept_in(make_pose(yaw, pitch, roll, scale_px, (target_x - x, target_y - y)), size)


def _draw_roll(rng: np.random.Generator) -> float:
    """A tilt in radians: mostly small, now and then anything up to 40 degrees."""
    if happens(rng, 0.08):
        return math.radians(between(rng, -40.0, 40.0))
    return bell(rng, math.radians(6), math.radians(40))


def _draw_aim(rng: np.random.Generator) -> float:
    """The height of the face that the picture is centred on, in head units."""
    return between(rng, 0.15, 0.5)


def _kept_in(pose: Pose, size: tuple[int, int]) -> Pose:
    """The pose, moved so that nose and mouth lie inside the picture with a margin."""
    x, y = pose.place(0.0, _MOUTH_Y, 0.8)
    margin = 0.7 * pose.scale_px
    to_x = min(max(x, min(margin, size[0] / 2)), max(size[0] - margin, size[0] / 2))
    to_y = min(max(y, min(margin, size[1] / 2)), max(size[1] - margin, size[1] / 2))
    origin = (pose.origin[0] + to_x - x, pose.origin[1] + to_y - y)
    return Pose(pose.matrix, origin, pose.yaw, pose.roll, pose.scale_px)
