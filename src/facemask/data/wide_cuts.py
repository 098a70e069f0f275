"""A face that came as a box, cut once more with what is around it in its picture.

A network that learns from tight boxes alone takes neck, shoulders and background for a sign of
the class that its whole photos happen to have. One wider cut of each box as a further training
image took a residual network from 93.4 to 95.8% on photos of a source that it had never seen
(`docs/model-development.md`).
"""

from collections.abc import Sequence

import numpy as np

from facemask.data.rows import Row
from facemask.images import Box

SMALLEST, LARGEST = 1.5, 3.2
"""The side of a cut, from and to, in longer sides of its box; drawn evenly in the logarithm."""

_ABOVE_MIDDLE = 0.35
"""How far above the middle of a cut the face stands, as a share of its room: as in portraits."""

_SPREAD = 0.3
"""How far it stands from there at the most, as a share of its room."""

_LEAST_GAIN = 1.25
"""A picture that leaves less than this, in longer sides of the box, is not worth a cut."""

_RIVAL_SHARE, _RIVAL_SIDE = 0.3, 0.5
"""A face of another class spoils a cut with more than this share of it inside, if its longer side
is more than this share of the box's."""

_TRIES = 6


def wide_cut(
    row: Row, others: Sequence[Row], picture_size: tuple[int, int], sha256: str
) -> Box | None:
    """A square cut around a box, at random but the same for the same file and box.

    Args:
        row: a face with a box that lies inside its picture.
        others: the other faces of the picture.
        picture_size: the picture's width and height in pixels.
        sha256: of the picture's file, in hexadecimal.

    Returns:
        A box that holds the row's, inside the picture; or None where the picture leaves no room,
        or every cut that was tried has a face of another class in it.
    """
    if row.box is None:
        return None
    rng = np.random.default_rng([int(sha256[:16], 16), *row.box])
    rivals = [other for other in others if other.label != row.label]
    for _ in range(_TRIES):
        cut = _drawn(row.box, picture_size, rng)
        if cut is not None and not any(_spoils(rival, cut, row.box) for rival in rivals):
            return cut
    return None


def _drawn(box: Box, picture_size: tuple[int, int], rng: np.random.Generator) -> Box | None:
    longer = _longer(box)
    factor = float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
    across, down = rng.uniform(-_SPREAD, _SPREAD, 2)
    side = min(round(longer * factor), *picture_size)
    if side < _LEAST_GAIN * longer:
        return None
    x0 = _start(box.x0, box.x1, side, picture_size[0], across)
    y0 = _start(box.y0, box.y1, side, picture_size[1], down + _ABOVE_MIDDLE)
    return Box(x0, y0, x0 + side, y0 + side)


def _start(low: int, high: int, side: int, limit: int, off: float) -> int:
    """Where a cut begins along one axis; the box is inside it, and it inside the picture."""
    wanted = round((low + high - side) / 2 + off * (side - (high - low)) / 2)
    return min(max(wanted, 0), limit - side)


def _spoils(rival: Row, cut: Box, box: Box) -> bool:
    if rival.box is None or _longer(rival.box) <= _RIVAL_SIDE * _longer(box):
        return False
    seen = _overlap(cut.x0, cut.x1, rival.box.x0, rival.box.x1) * _overlap(
        cut.y0, cut.y1, rival.box.y0, rival.box.y1
    )
    area = (rival.box.x1 - rival.box.x0) * (rival.box.y1 - rival.box.y0)
    return seen > _RIVAL_SHARE * area


def _longer(box: Box) -> int:
    return max(box.x1 - box.x0, box.y1 - box.y0)


def _overlap(a0: int, a1: int, b0: int, b1: int) -> int:
    return max(0, min(a1, b1) - max(a0, b0))
