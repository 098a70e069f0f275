"""What a face detector is to learn from each cell, and how wrong it is.

Cells are given to faces by how well they do already (task-aligned assignment, Feng et al. 2021):
a cell's score to a power times its overlap to another. Scores learn the overlap (varifocal loss,
Zhang et al. 2021), boxes the complete IoU (Zheng et al. 2020).
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from facecover.training.detector_network import Cells

CELLS_A_FACE = 10
"""At most so many cells learn the same face."""

_SCORE_POWER, _OVERLAP_POWER = 0.5, 6.0
"""Of the alignment; chosen on validation photos of YOLO's kind (Feng et al. 2021 have 1 and 6)."""

_LEAST_HALF_PX = 6.0
"""A face smaller than that owns the cells around it all the same: those of stride 8 are too few."""

_NO_FACE_WEIGHT = 0.75
"""Of cells without a face, times their score squared (Zhang et al. 2021)."""

_BOX_WEIGHT = 2.0


class Targets(NamedTuple):
    """What stands in a batch of crops, filled up with boxes of no size.

    Attributes:
        faces: x0, y0, x1, y1 in pixels, ``float32 (B, F, 4)``.
        ignored: places where nobody knows, likewise, ``float32 (B, I, 4)``.
    """

    faces: Tensor
    ignored: Tensor


class Losses(NamedTuple):
    """Of a batch, each a mean over what its faces weigh.

    Attributes:
        total: what is learned from.
        score: of the scores.
        box: of the boxes, 1 less the complete IoU.
    """

    total: Tensor
    score: Tensor
    box: Tensor


def detection_loss(found: Cells, targets: Targets) -> Losses:
    """How wrong the cells of a batch are."""
    aligned, faces = _assigned(found, targets.faces)
    has_face = aligned > 0
    ignored = _inside(found.centres, targets.ignored, 0.0).any(dim=1) & ~has_face
    probability = found.logits.detach().sigmoid()
    weight = torch.where(has_face, aligned, _NO_FACE_WEIGHT * probability.square())
    weight = weight.masked_fill(ignored, 0.0)
    total = aligned.sum().clamp(min=1.0)
    by_cell = binary_cross_entropy_with_logits(found.logits, aligned, weight, reduction="sum")
    overlap = complete_iou(found.boxes[has_face], faces[has_face])
    score, box = by_cell / total, ((1 - overlap) * aligned[has_face]).sum() / total
    return Losses(score + _BOX_WEIGHT * box, score, box)


@torch.no_grad()
def _assigned(found: Cells, faces: Tensor) -> tuple[Tensor, Tensor]:
    """For each cell the score that it should have, 0 without a face, and its face's box."""
    inside = _inside(found.centres, faces, _LEAST_HALF_PX)  # (B, F, M), as all of these
    overlap = iou(faces[:, :, None], found.boxes[:, None])
    score = found.logits.sigmoid()[:, None]
    alignment = score**_SCORE_POWER * overlap**_OVERLAP_POWER * inside
    best = alignment.topk(min(CELLS_A_FACE, alignment.shape[2]), dim=2).indices
    chosen = torch.zeros_like(alignment).scatter_(2, best, 1.0) * (alignment > 0)
    # A cell that several faces want goes to the one that it fits best.
    nearest = overlap.masked_fill(~inside, -1.0).argmax(dim=1, keepdim=True)
    single = torch.zeros_like(chosen).scatter_(1, nearest, 1.0) * chosen.amax(1, keepdim=True)
    chosen = torch.where(chosen.sum(dim=1, keepdim=True) > 1, single * inside, chosen)
    alignment = alignment * chosen
    highest = (overlap * chosen).amax(dim=2, keepdim=True)
    target = alignment / alignment.amax(dim=2, keepdim=True).clamp(min=1e-12) * highest
    owner = chosen.argmax(dim=1)
    return target.amax(dim=1), faces.gather(1, owner[..., None].expand(-1, -1, 4))


def _inside(centres: Tensor, boxes: Tensor, least_half_px: float) -> Tensor:
    """Which cells have their middle in which boxes: ``bool (B, F, M)``; of no size own none."""
    half = (boxes[..., 2:] - boxes[..., :2]) / 2
    middle = boxes[..., :2] + half
    away = (centres - middle[:, :, None]).abs()
    reach = half.clamp(min=least_half_px)[:, :, None]
    return (away < reach).all(dim=3) & (half > 0).all(dim=2)[..., None]


def iou(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over union of boxes, ``float32 (..., 4)``, of shapes that go together."""
    least = torch.maximum(boxes[..., :2], others[..., :2])
    most = torch.minimum(boxes[..., 2:], others[..., 2:])
    shared = (most - least).clamp(min=0).prod(dim=-1)
    return shared / (_area(boxes) + _area(others) - shared).clamp(min=1e-7)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(dim=-1)


def complete_iou(boxes: Tensor, targets: Tensor) -> Tensor:
    """IoU less what middles and shapes differ by (Zheng et al. 2020), ``float32 (n,)``, to 1."""
    overlap = iou(boxes, targets)
    around = torch.maximum(boxes[:, 2:], targets[:, 2:]) - torch.minimum(
        boxes[:, :2], targets[:, :2]
    )
    apart = (boxes[:, :2] + boxes[:, 2:] - targets[:, :2] - targets[:, 2:]) / 2
    distance = apart.square().sum(dim=1) / around.square().sum(dim=1).clamp(min=1e-7)
    angle = _angle(targets) - _angle(boxes)
    shape = 4 / math.pi**2 * angle.square()
    share = (shape / (1 - overlap + shape).clamp(min=1e-7)).detach()
    return overlap - distance - share * shape


def _angle(boxes: Tensor) -> Tensor:
    width, height = (boxes[:, 2:] - boxes[:, :2]).unbind(dim=1)
    return torch.atan(width / height.clamp(min=1e-7))
