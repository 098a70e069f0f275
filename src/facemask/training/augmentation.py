"""Other photos of the same faces: framing, light, colour, sharpness and hands, batch by batch.

Everything is computed on the device that the images are on, and drawn from PyTorch's global random
state there, so that a seed gives the same images.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from facemask.training.config import AugmentationConfig
from facemask.training.drawn_masks import draw_masks
from facemask.training.loader import Batch
from facemask.training.swapped_faces import swap_faces

_LUMA = (0.299, 0.587, 0.114)
"""Of R, G and B: ITU-R BT.601, as Pillow has it."""

_LITTLE_LIGHT = (0.2, 0.8)
"""Of an image's values: about 5 to 0.7 stops less light, in sRGB. Chosen, not tuned."""


def augment(batch: Batch, size_px: int, config: AugmentationConfig) -> Batch:
    """Changed images, and their labels, which change with a face that is swapped or gets a mask.

    Args:
        batch: of images ``uint8 (N, 3, R, R)``, R at least the network's input size, so that a
            closer framing stays sharp.
        size_px: S, the network's input size.
        config: how much of what.

    Returns:
        A batch of images ``float32 (N, 3, S, S)``, RGB, 0..255.
    """
    images, labels, places = batch.images.to(torch.float32) / 255, batch.labels, batch.places
    if config.swapped_faces:
        images, labels, places = swap_faces(images, labels, places, config.swapped_faces)
    if config.drawn_masks:
        images, labels = draw_masks(
            images, labels, places, config.drawn_masks, varied=config.varied_cloth
        )
    changed = _framed(images, size_px, config, labels)
    changed = _coarsened(changed, config)
    changed = _lit(_tinted(changed, config), config)
    changed = _erased(_noisy(changed, config), config)
    changed = changed.clamp(0, 1).mul(255)
    return Batch(changed.contiguous(memory_format=torch.channels_last), labels, places)


def _framed(images: Tensor, size_px: int, config: AugmentationConfig, labels: Tensor) -> Tensor:
    """A window of each image: moved, zoomed, turned, stretched, mirrored; edges are reflected."""
    n = len(images)
    low, high = config.scale
    side = _uniform(images, n, low, high)
    away = _happens(images, n, config.away)
    side = torch.where(away, _uniform(images, n, 1, config.away_scale), side)
    stretch = torch.exp(_uniform(images, n, -config.aspect, config.aspect) / 2)
    wide, tall = side * stretch, side / stretch
    angle = torch.randn(n, device=images.device) * math.radians(config.rotation_degrees)
    mirror = 1 - 2 * _happens(images, n, config.flip).to(torch.float32)
    # A closer window may move as far as it stays inside, and `shift` more.
    # One that is wider than the image may move while it holds the image nearly whole.
    across = _uniform(images, n, -1, 1) * (_room(wide, config) + config.shift)
    down = _uniform(images, n, -1, 1) * (_room(tall, config) + config.shift)
    cos, sin = angle.cos(), angle.sin()
    rows = torch.stack(
        [
            torch.stack([wide * cos * mirror, -tall * sin, across], dim=1),
            torch.stack([wide * sin * mirror, tall * cos, down], dim=1),
        ],
        dim=1,
    )
    grid = affine_grid(rows, [n, 3, size_px, size_px], align_corners=False)
    windows = grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    if config.away == 0:
        return windows
    inside = (grid.abs().amax(dim=3) <= 1).unsqueeze(1) | ~_each(away)
    return torch.where(inside, windows, _backgrounds(images, windows, labels, away))


def _room(side: Tensor, config: AugmentationConfig) -> Tensor:
    """How far a window's middle may move, in half sides of the image."""
    within, beyond = (1 - side).clamp(min=0), (side - 1).clamp(min=0)
    return within * config.roam + beyond * (0.9 if config.away else 0.0)


def _backgrounds(images: Tensor, windows: Tensor, labels: Tensor, away: Tensor) -> Tensor:
    """What lies around an image that is set farther away, in the size of its window.

    A studio's white and one colour stand for 45%, another image for 30%, mirrored edges for the
    rest; the shares are a choice, not tuned.
    """
    n, size = len(images), (windows.shape[2], windows.shape[3])
    white = _each(_happens(images, n, 0.4))
    colour = torch.rand(n, 3, 1, 1, device=images.device).masked_fill(white, 1)
    kind = torch.rand(n, device=images.device)
    around = torch.where(_each(kind) < 0.45, colour, windows)
    # Making images smaller is the dearest step of all: only those that are seen.
    seen = (away & (kind >= 0.45) & (kind < 0.75)).nonzero().squeeze(1)
    others = images[_partners(labels)[seen]]
    around[seen] = interpolate(others, size, mode="bilinear", antialias=True)
    return around


def _partners(labels: Tensor) -> Tensor:
    """For each image the position of one with the same label, each of them once."""
    order = torch.arange(len(labels), device=labels.device)
    shuffled = torch.randperm(len(labels), device=labels.device)
    by_label = torch.argsort(labels, stable=True)
    # Both hold the labels in the same order, one of them shuffled within each.
    order[by_label] = shuffled[torch.argsort(labels[shuffled], stable=True)]
    return order


def _coarsened(images: Tensor, config: AugmentationConfig) -> Tensor:
    """Some images made as small as a far face is, and enlarged again."""
    size_px = images.shape[-1]
    chosen = _happens(images, len(images), config.coarse)
    if config.coarse == 0 or config.coarse_min_px >= size_px:
        return images
    # One size a batch: a resize of its own for each image costs more than the rest together.
    side_px = int(torch.randint(config.coarse_min_px, size_px, (1,)).item())
    places = chosen.nonzero().squeeze(1)
    small = interpolate(images[places], (side_px, side_px), mode="bilinear", antialias=True)
    again = interpolate(small, (size_px, size_px), mode="bilinear")
    return images.index_copy(0, places, again)


def _tinted(images: Tensor, config: AugmentationConfig) -> Tensor:
    """Saturation, a colour cast, and some images in grey."""
    n = len(images)
    luma = torch.tensor(_LUMA, device=images.device).reshape(1, 3, 1, 1)
    grey = (images * luma).sum(dim=1, keepdim=True)
    saturation = _uniform(images, n, 1 - config.saturation, 1 + config.saturation)
    coloured = grey + (images - grey) * _each(saturation)
    cast = torch.randn(n, 3, 1, 1, device=images.device) * config.cast
    coloured = coloured * torch.exp(cast)
    return torch.where(_each(_happens(images, n, config.grey)), grey, coloured)


def _lit(images: Tensor, config: AugmentationConfig) -> Tensor:
    """Exposure, contrast, little light for some, and gamma."""
    n = len(images)
    contrast = _each(_uniform(images, n, 1 - config.contrast, 1 + config.contrast))
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    exposure = _each(torch.exp(_uniform(images, n, -config.exposure, config.exposure)))
    lit = (mean + (images - mean) * contrast) * exposure
    if config.dim:
        dimmed = lit * _each(_uniform(images, n, *_LITTLE_LIGHT))
        lit = torch.where(_each(_happens(images, n, config.dim)), dimmed, lit)
    gamma = _each(torch.exp(_uniform(images, n, -config.gamma, config.gamma)))
    # Zero has no finite gradient under a power; nothing is learned through here, but NaN spreads.
    return lit.clamp(1e-4, 1) ** gamma


def _noisy(images: Tensor, config: AugmentationConfig) -> Tensor:
    """Gaussian noise of a random strength."""
    strength = _each(_uniform(images, len(images), 0, config.noise))
    return images + torch.randn_like(images) * strength


def _erased(images: Tensor, config: AugmentationConfig) -> Tensor:
    """A rectangle of one random colour over some images (Zhong et al. 2017, Random Erasing)."""
    n, size_px = len(images), images.shape[-1]
    chosen = _happens(images, n, config.erase)
    tall, wide = (_each(_uniform(images, n, 0.1, config.erase_side)) for _ in range(2))
    top, left = (_each(_uniform(images, n, 0, 1)) for _ in range(2))
    places = (torch.arange(size_px, device=images.device) + 0.5) / size_px
    inside = ((places.reshape(1, 1, -1, 1) - top).abs() < tall / 2) & (
        (places.reshape(1, 1, 1, -1) - left).abs() < wide / 2
    )
    colour = torch.rand(n, 3, 1, 1, device=images.device)
    return torch.where(inside & _each(chosen), colour, images)


def _uniform(images: Tensor, n: int, low: float, high: float) -> Tensor:
    return torch.rand(n, device=images.device) * (high - low) + low


def _happens(images: Tensor, n: int, share: float) -> Tensor:
    return torch.rand(n, device=images.device) < share


def _each(values: Tensor) -> Tensor:
    """A value an image, ``(N,)``, so that it meets ``(N, 3, S, S)``."""
    return values.reshape(-1, 1, 1, 1)
