"""A list of shapes on a head that is turned and tilted, drawn in one go.

Shapes are noted in head units (see `shapes`) on the curved front of the head, or at a stated
depth. All of them are projected with one matrix product: numpy's fixed cost a call would
otherwise be most of the time that an image takes.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import ImageDraw

from facemask.data.drawn.colours import Colour
from facemask.data.drawn.shapes import Points

_FRONT = 0.85
"""How far the face stands out before the plane of the ears, in head units."""

_THINNEST_PX = 0.3
"""Lines that would be thinner on the canvas are left out."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How a head stands in the picture.

    Attributes:
        matrix: ``float64 (3, 2)``; x, y and depth in head units to pixels of the canvas.
        origin: where the point behind the eyes on the head's axis lies, in pixels.
        yaw: turn to the side in radians; positive looks to the right of the picture.
        roll: tilt in radians; positive is clockwise.
        scale_px: pixels of one head unit.
    """

    matrix: npt.NDArray[np.float64]
    origin: tuple[float, float]
    yaw: float
    roll: float
    scale_px: float

    def place(self, x: float, y: float, depth: float) -> tuple[float, float]:
        """Where a point of the head lies on the canvas, in pixels."""
        (xx, xy), (yx, yy), (zx, zy) = self.matrix.tolist()
        return (
            x * xx + y * yx + depth * zx + self.origin[0],
            x * xy + y * yy + depth * zy + self.origin[1],
        )


def make_pose(
    yaw: float, pitch: float, roll: float, scale_px: float, origin: tuple[float, float]
) -> Pose:
    """A head turned to the side by `yaw`, nodding by `pitch` and tilted by `roll` (radians)."""
    cos_yaw, sin_yaw, sin_pitch = math.cos(yaw), math.sin(yaw), math.sin(pitch)
    cos, sin = math.cos(roll) * scale_px, math.sin(roll) * scale_px
    matrix = np.array([
        [cos_yaw * cos, cos_yaw * sin],
        [-sin, cos],
        [sin_yaw * cos - sin_pitch * sin, sin_yaw * sin + sin_pitch * cos],
    ])  # fmt: skip
    return Pose(matrix, origin, yaw, roll, scale_px)


def surface_depth(xy: Points) -> npt.NDArray[np.float64]:
    """How far the head's front stands out at each point: ``float64 (n,)``, in head units."""
    inside = 1.0 - xy[:, 0] ** 2 - ((xy[:, 1] - 0.15) / 1.9) ** 2
    return _FRONT * np.sqrt(np.maximum(inside, 0.0))


class Sketch:
    """Shapes in head units, in the order in which they are laid over one another.

    Args:
        pose: how the head they belong to stands in the picture.
    """

    def __init__(self, pose: Pose) -> None:
        self.pose = pose
        self._points: list[Points] = []
        self._rises: list[float] = []
        self._is_on_head: list[bool] = []
        self._own_depths: list[tuple[int, npt.NDArray[np.float64]]] = []
        self._marks: list[tuple[Colour, int]] = []

    def fill(
        self,
        outline: Points,
        colour: Colour,
        *,
        lift: float = 0.0,
        depth: float | npt.NDArray[np.float64] | None = None,
    ) -> None:
        """Note a filled outline.

        Args:
            outline: ``float64 (n, 2)``, head units.
            colour: its colour.
            lift: how far it stands out before the head's surface.
            depth: its depth behind (negative) or before the ears, instead of on the surface;
                a number, or one for each point.
        """
        self._note(outline, (colour, 0), lift, depth)

    def line(
        self,
        course: Points,
        colour: Colour,
        width: float,
        *,
        lift: float = 0.0,
        depth: float | npt.NDArray[np.float64] | None = None,
    ) -> None:
        """Note a line of this width in head units; see `fill`."""
        width_px = width * self.pose.scale_px
        if width_px >= _THINNEST_PX:
            self._note(course, (colour, max(1, round(width_px))), lift, depth)

    def _note(
        self,
        outline: Points,
        mark: tuple[Colour, int],
        lift: float,
        depth: float | npt.NDArray[np.float64] | None,
    ) -> None:
        if isinstance(depth, np.ndarray):
            self._own_depths.append((len(self._points), depth))
            depth = 0.0
        self._points.append(outline)
        self._is_on_head.append(depth is None)
        self._rises.append(lift if depth is None else depth)
        self._marks.append(mark)

    def draw_on(self, draw: ImageDraw.ImageDraw) -> None:
        """Draw every shape noted so far."""
        if not self._points:
            return
        counts = [len(outline) for outline in self._points]
        flat = self._project(counts).ravel().tolist()
        start = 0
        for count, (colour, width_px) in zip(counts, self._marks, strict=True):
            end = start + 2 * count
            if width_px:
                draw.line(flat[start:end], colour, width_px)
            else:
                draw.polygon(flat[start:end], colour)
            start = end

    def _project(self, counts: list[int]) -> npt.NDArray[np.float64]:
        xy = np.concatenate(self._points)
        depths = np.repeat(self._rises, counts)
        depths += surface_depth(xy) * np.repeat(self._is_on_head, counts)
        for index, own in self._own_depths:
            start = sum(counts[:index])
            depths[start : start + len(own)] = own
        flat = xy @ self.pose.matrix[:2]
        flat += depths[:, None] * self.pose.matrix[2]
        flat += self.pose.origin
        return flat
