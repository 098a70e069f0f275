"""How a network learns where faces are: from the boxes that its training data bring.

A box comes with a wide cut, which shows its face among what is around it. Windows of wide cuts,
from the face alone to the whole cut, are what is learned from. Labels play no part.

Steps, sizes and shares were chosen by eye on faces found in photos of other sources, not tuned.
"""

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, smooth_l1_loss
from torch.optim.lr_scheduler import OneCycleLR

from facecover.training.data_loader import Places
from facecover.training.residual_blocks import SIDE_PX, FaceLocator


def fills_image(places: Tensor) -> Tensor:
    """Which images are the face itself and nothing around it: ``bool (N,)``."""
    whole = torch.tensor([0.0, 0.0, 1.0, 1.0], device=places.device)
    return (places == whole).all(dim=1)


def cut_out(images: Tensor, places: Tensor, side_px: int | None = None) -> Tensor:
    """The faces: ``float32 (n, 3, s, s)`` of ``float32 (n, 3, S, S)``, s being S if none is given.

    A place that reaches over the edge of its image goes on there with the colours of the edge.
    """
    middle, half = _middle_and_half(places)
    side_px = side_px or images.shape[-1]
    size = [*images.shape[:2], side_px, side_px]
    grid = affine_grid(_maps(half, middle), size, align_corners=False)
    return grid_sample(images, grid, padding_mode="border", align_corners=False)


def grid_on_faces(images: Tensor, places: Tensor, *, larger: float = 1.0) -> Tensor:
    """Where each pixel of the images lies on their faces: ``float32 (n, S, S, 2)``.

    Args:
        images: ``(n, 3, S, S)``.
        places: of their faces.
        larger: by how much a face is stretched beyond its place, on both axes.

    Returns:
        Across and down, from -1 to 1 inside the face; a grid for `grid_sample`.
    """
    middle, half = _middle_and_half(places)
    half = half * larger
    return affine_grid(_maps(1 / half, -middle / half), list(images.shape), align_corners=False)


def _middle_and_half(places: Tensor) -> tuple[Tensor, Tensor]:
    """The middle of each face and half its sides, where an image reaches from -1 to 1."""
    return places[:, :2] + places[:, 2:] - 1, places[:, 2:] - places[:, :2]


def _maps(scale: Tensor, offset: Tensor) -> Tensor:
    """Affine maps that scale and move: ``(n, 2, 3)``."""
    return torch.cat([torch.diag_embed(scale), offset.unsqueeze(2)], dim=2)


LEAST_CUTS = 300
"""Fewer wide cuts than this teach too little."""

STEPS = 4000
_BATCH = 64

LARGER_ON_GPU = 4
"""There batches are so many times larger and steps so many times fewer: a GPU waits for steps to be
started, not for their arithmetic. The overlap (``benchmarks/locating.py``) is 0.71 either way."""

_LEARNING_RATE, _WEIGHT_DECAY, _WARM_UP = 3e-3, 0.05, 0.15

_STRETCH = 0.45
"""The logarithm of a window's width over its height, at most: photos of all shapes are squares."""

_BEYOND = 0.1
"""How far a window may reach over the edge of its cut."""

_LARGEST = 1.15
"""The longer side of the largest window, in sides of the cut."""

_LIGHT, _CAST, _CONTRAST, _GREY = 0.15, 0.05, 0.3, 0.2


def learn_locator(
    locator: FaceLocator,
    cuts: npt.NDArray[np.uint8],
    places: Places,
    steps: int,
    *,
    larger: int = 1,
    bfloat16: bool = False,
) -> None:
    """Teach a locator; it is left as it is where there are fewer than `LEAST_CUTS` wide cuts.

    Args:
        locator: on the device to learn on; it is left in evaluation, without gradients.
        cuts: ``uint8 (M, S, S, 3)``, RGB.
        places: of their faces, see `Batch`, ``float32 (M, 4)``.
        steps: of 64 windows each, drawn from PyTorch's global random state.
        larger: how many steps are made one, of as many windows.
        bfloat16: whether it multiplies in bfloat16 meanwhile.
    """
    locator.eval()
    if len(cuts) < LEAST_CUTS:
        return
    device = next(locator.parameters()).device
    optimizer = torch.optim.AdamW(
        locator.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY
    )
    steps = math.ceil(steps / larger)
    schedule = OneCycleLR(optimizer, _LEARNING_RATE, steps, pct_start=_WARM_UP)
    where = torch.from_numpy(places)
    locator.train().requires_grad_(True)
    for _ in range(steps):
        chosen = torch.randint(len(cuts), (_BATCH * larger,))
        pixels = torch.from_numpy(cuts[chosen.numpy()]).to(device)
        images = pixels.permute(0, 3, 1, 2).to(torch.float32) / 255
        windows, faces = windows_around(images, where[chosen].to(device))
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            answers = locator(_relit(windows))
        loss = _unlikelihood(answers.to(torch.float32), faces)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    locator.eval().requires_grad_(False)


def windows_around(images: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """A window of each image that shows its face, from the face alone to the whole image.

    Args:
        images: ``float32 (n, 3, S, S)``, RGB, 0..1.
        places: of their faces, see `Batch`.

    Returns:
        The windows, ``float32 (n, 3, 48, 48)``, half of them mirrored; and the middle, width and
        height of the face in each, in its sides, ``float32 (n, 4)``.
    """
    n, device = len(images), images.device
    middle, size = (places[:, :2] + places[:, 2:]) / 2, places[:, 2:] - places[:, :2]
    longer = size.amax(dim=1, keepdim=True)
    factor = (_LARGEST / longer) ** torch.rand(n, 1, device=device)
    stretch = torch.exp(_within((n, 1), _STRETCH / 2, device))
    side = longer * factor * torch.cat([stretch, 1 / stretch], dim=1)
    # Somewhat above the middle, as in portraits; a window of the face alone cuts some of it off.
    room = ((1 - size / side) / 2).clamp(min=0.08) * 0.8
    at = torch.tensor([0.5, 0.45], device=device) + _within((n, 2), 1, device) * room
    low = torch.minimum(middle - at * side, 1 + _BEYOND - side).clamp(min=-_BEYOND)
    windows = cut_out(images, torch.cat([low, low + side], dim=1), SIDE_PX)
    faces = torch.cat([(middle - low) / side, size / side], dim=1)
    is_mirrored = torch.rand(n, device=device) < 0.5
    windows = torch.where(is_mirrored.reshape(-1, 1, 1, 1), windows.flip(3), windows)
    faces[:, 0] = torch.where(is_mirrored, 1 - faces[:, 0], faces[:, 0])
    return windows, faces


def overlap(faces: Tensor, others: Tensor) -> Tensor:
    """Intersection over union, ``(n,)``, of boxes by middle, width and height, ``(n, 4)``."""
    shared = torch.minimum(_high(faces), _high(others)) - torch.maximum(_low(faces), _low(others))
    both = shared.clamp(min=0).prod(dim=1)
    areas = faces[:, 2:].clamp(min=0).prod(dim=1) + others[:, 2:].clamp(min=0).prod(dim=1)
    return both / (areas - both).clamp(min=1e-9)


def _low(faces: Tensor) -> Tensor:
    return faces[:, :2] - faces[:, 2:] / 2


def _high(faces: Tensor) -> Tensor:
    return faces[:, :2] + faces[:, 2:] / 2


def _relit(images: Tensor) -> Tensor:
    """Other contrast, light and colour, some in grey."""
    n, device = len(images), images.device
    grey = images.mean(dim=1, keepdim=True).expand_as(images)
    images = torch.where(torch.rand(n, 1, 1, 1, device=device) < _GREY, grey, images)
    contrast = torch.exp(_within((n, 1, 1, 1), _CONTRAST, device))
    light = _within((n, 1, 1, 1), _LIGHT, device) + _within((n, 3, 1, 1), _CAST, device)
    return ((images - 0.5) * contrast + 0.5 + light).clamp(0, 1)


def _unlikelihood(answers: Tensor, faces: Tensor) -> Tensor:
    """Errors in sides of the face, each weighed by the one expected (Kendall and Gal 2017)."""
    expected = answers[:, 4:].clamp(-5, 2)
    side = faces[:, 2:].prod(dim=1, keepdim=True).sqrt()
    error = smooth_l1_loss(answers[:, :4] / side, faces / side, reduction="none", beta=0.02)
    return (error * torch.exp(-expected) + expected).mean()


def _within(shape: tuple[int, ...], limit: float, device: torch.device) -> Tensor:
    """Evenly from minus to plus the limit."""
    return (torch.rand(shape, device=device) * 2 - 1) * limit
