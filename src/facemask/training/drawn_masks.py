"""Masks of any colour and pattern, drawn onto training images of faces that came as boxes.

Public photos show mostly white, blue and black masks, and a network that learns from them misses
pink, yellow and patterned ones. A box says where its face is, so where nose and chin are is known
well enough to draw a mask there. As many hats of the same cloth go over foreheads, half as often,
so that cloth alone does not tell the class.

The measures are shares of the box: chosen by eye on drawn examples, not tuned.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate

from facemask.labels import MASK
from facemask.training.face_places import cut_out, grid_on_faces

_GRIDS_PX = (16, 24, 32, 48, 96)
"""Cloth is drawn this coarse, one size a batch: a sharp mask on a blurred face would be a sign."""

_HAT_ENDS = 0.32
"""How far down a hat reaches."""

_SIMPLE, _VARIED = (0.45, 0.60, 0.85, 0.85), (0.40, 0.52, 0.68, 0.88)
"""The shares of cloth that is plain, also striped, spotted, and printed; the rest is of many
colours."""

_SCARVES, _LIKE_SKIN = 0.12, 0.25
"""Of varied cloth: the share of masks that reach over cheeks and neck, and of skin's colours."""


def draw_masks(
    images: Tensor, labels: Tensor, places: Tensor, share: float, *, varied: bool = False
) -> tuple[Tensor, Tensor]:
    """Some of the faces with a mask, some others with a hat.

    Args:
        images: ``float32 (N, 3, S, S)``, RGB, 0..1.
        labels: ``int64 (N,)``.
        places: of the faces, see `loader.Batch`; images without one stay as they are.
        share: of those that get a mask, 0..1; half as many of the rest get a hat.
        varied: cloth with prints and in the colours of skin, too, and masks as large as scarves.

    Returns:
        New images, and new labels: a face with a drawn mask is a covered one. Both are drawn from
        PyTorch's global random state.
    """
    drawn = torch.rand(len(images), device=images.device)
    is_known = places[:, 0].isfinite()
    is_masked = is_known & (drawn < share)
    is_hatted = is_known & (drawn >= share) & (drawn < share + (1 - share) * share / 2)
    chosen = (is_masked | is_hatted).nonzero().squeeze(1)
    if len(chosen) == 0:
        return images, labels
    faces = cut_out(images[chosen], places[chosen])
    cover, cloth = _drawn(len(chosen), images.shape[-1], images.device, varied=varied)
    cover = torch.where(is_hatted[chosen].reshape(-1, 1, 1, 1), _as_hat(cover), cover)
    change = cover * (_in_light_of(faces, cloth) - faces)
    # The change alone goes back: a face that was cut out and put back whole would be blurred.
    grid = grid_on_faces(images[chosen], places[chosen])
    put_back = grid_sample(change, grid, align_corners=False)
    labels = torch.where(is_masked, torch.full_like(labels, MASK), labels)
    return images.index_add(0, chosen, put_back).clamp(0, 1), labels


def _drawn(n: int, side_px: int, device: torch.device, *, varied: bool) -> tuple[Tensor, Tensor]:
    """Where each mask covers its face, ``(n, 1, S, S)``, 0..1, and its cloth, ``(n, 3, S, S)``."""
    grids = [grid for grid in _GRIDS_PX if grid <= side_px] or [side_px]
    grid = grids[int(torch.randint(len(grids), (1,)).item())]
    at = (torch.arange(grid, device=device) + 0.5) / grid
    across, down = at.reshape(1, 1, 1, -1) * 2 - 1, at.reshape(1, 1, -1, 1) * 2 - 1
    angle = torch.randn(n, 1, 1, 1, device=device) * math.radians(7)
    cos, sin = angle.cos(), angle.sin()
    u = across * cos - down * sin - _uniform(n, -0.18, 0.18, device)
    v = (across * sin + down * cos + 1) / 2
    size = (side_px, side_px)
    return (
        interpolate(_outline(u, v, grid, varied=varied), size, mode="bilinear"),
        interpolate(_cloth(u, v, varied=varied), size, mode="bilinear"),
    )


def _outline(u: Tensor, v: Tensor, grid: int, *, varied: bool) -> Tensor:
    """From the nose, lower at the cheeks, to the chin; u is -1..1 across, v 0..1 down the face."""
    n, device = len(u), u.device
    top, bottom = _uniform(n, 0.40, 0.60, device), _uniform(n, 0.93, 1.12, device)
    half_width = _uniform(n, 0.68, 1.0, device)
    if varied:
        is_scarf = torch.rand(n, 1, 1, 1, device=device) < _SCARVES
        bottom = torch.where(is_scarf, bottom + _uniform(n, 0.1, 0.6, device), bottom)
        half_width = torch.where(is_scarf, half_width + _uniform(n, 0.1, 0.5, device), half_width)
    edge = top + _uniform(n, -0.02, 0.12, device) * (u / half_width).abs() ** 1.5
    lower = ((v - top) / (bottom - top)).clamp(0, 1)
    # An exponent of 2 makes it an ellipse, a larger one squarer.
    half = half_width * (1 - lower ** _uniform(n, 1.6, 4, device)).clamp(min=0).sqrt()
    sharpness = min(grid, 40) * 0.6
    inside = ((v - edge) * 2 * sharpness).sigmoid() * ((bottom - v) * 2 * sharpness).sigmoid()
    return inside * ((half - u.abs()) * sharpness).sigmoid()


def _as_hat(cover: Tensor) -> Tensor:
    """The outline upside down, and of that what lies over the forehead."""
    down = torch.linspace(0, 1, cover.shape[2], device=cover.device).reshape(1, 1, -1, 1)
    return cover.flip(2) * ((_HAT_ENDS - down) * 20).sigmoid()


def _cloth(u: Tensor, v: Tensor, *, varied: bool) -> Tensor:
    """Plain, striped, spotted, printed or of many colours, with folds."""
    n, side, device = len(u), u.shape[-1], u.device
    plain, striped, spotted, printed = _VARIED if varied else _SIMPLE
    first, second = (_colours(n, device, varied=varied) for _ in range(2))
    kind = torch.rand(n, 1, 1, 1, device=device)
    stripes = _stripes(u, v)
    cells = int(torch.randint(4, 14, (1,)).item())
    second_share = torch.where(kind < striped, stripes, _spots(n, cells, side, device))
    cloth = first + (second - first) * second_share.masked_fill(kind < plain, 0)
    if varied:
        is_printed = (kind > spotted) & (kind < printed)
        cloth = torch.where(is_printed, _printed(first, cells, side), cloth)
    cloth = torch.where(kind > printed, _smooth_noise(n, 3, cells, side, device), cloth)
    return cloth * _folds(v)


def _stripes(u: Tensor, v: Tensor) -> Tensor:
    angle = _uniform(len(u), 0, math.pi, u.device)
    waves = (u * angle.cos() + 2 * v * angle.sin()) * _uniform(len(u), 6, 30, u.device)
    return (waves.sin() > 0).to(torch.float32)


def _spots(n: int, cells: int, side: int, device: torch.device) -> Tensor:
    height = _smooth_noise(n, 1, cells, side, device) - _uniform(n, 0.3, 0.7, device)
    return (height * 20).sigmoid()


def _printed(ground: Tensor, cells: int, side: int) -> Tensor:
    """Patches of three further colours on a ground, as flowers and leaves are."""
    n, device = len(ground), ground.device
    cloth = ground.expand(n, 3, side, side)
    for _ in range(3):
        height = _smooth_noise(n, 1, cells, side, device) - _uniform(n, 0.5, 0.8, device)
        colour = _colours(n, device, varied=True)
        cloth = cloth + (colour - cloth) * (height * 25).sigmoid()
    return cloth


def _folds(v: Tensor) -> Tensor:
    n, device = len(v), v.device
    return 1 + (v * _uniform(n, 30, 60, device)).sin() * _uniform(n, -0.12, 0.12, device)


def _colours(n: int, device: torch.device, *, varied: bool) -> Tensor:
    """Colours of any hue, ``(n, 3, 1, 1)``, more of them pale and bright than not.

    Of varied ones a share are those that skin has, too: pink, peach, sand and brown.
    """
    hue = torch.rand(n, 1, device=device) * 6
    saturation = torch.rand(n, 1, device=device) ** (0.8 + 1.5 * torch.rand(n, 1, device=device))
    value_exponent = torch.full((n, 1), 0.6, device=device)
    if varied:
        is_like_skin = torch.rand(n, 1, device=device) < _LIKE_SKIN
        hue = torch.where(is_like_skin, 5.8 + 1.2 * torch.rand(n, 1, device=device), hue)
        pale = 0.15 + 0.55 * torch.rand(n, 1, device=device)
        saturation = torch.where(is_like_skin, pale, saturation)
        value_exponent = value_exponent.masked_fill(is_like_skin, 0.35)
    value = torch.rand(n, 1, device=device) ** value_exponent
    # HSV to RGB without cases (Smith 1978, in the form f(n) = V - V S max(0, min(k, 4 - k, 1))).
    k = (torch.tensor([[5.0, 3.0, 1.0]], device=device) + hue) % 6
    colour = value - value * saturation * torch.minimum(k, 4 - k).clamp(0, 1)
    return colour.reshape(n, 3, 1, 1)


def _smooth_noise(n: int, channels: int, cells: int, side: int, device: torch.device) -> Tensor:
    coarse = torch.rand(n, channels, cells, cells, device=device)
    return interpolate(coarse, (side, side), mode="bicubic").clamp(0, 1)


def _in_light_of(faces: Tensor, cloth: Tensor) -> Tensor:
    """Cloth as bright as its face, and shaded as it is from side to side."""
    grey = faces.mean(dim=1, keepdim=True)
    broad = interpolate(grey, (12, 12), mode="bilinear", antialias=True)
    broad = interpolate(broad, faces.shape[-2:], mode="bilinear")
    level = broad.mean(dim=(2, 3), keepdim=True).clamp(min=0.05)
    depth = _uniform(len(faces), 0.2, 0.9, faces.device)
    shade = 1 - depth + depth * broad / level
    return (cloth * shade * (0.35 + 1.3 * level).clamp(max=1.13)).clamp(0, 1)


def _uniform(n: int, low: float, high: float, device: torch.device) -> Tensor:
    return torch.rand(n, 1, 1, 1, device=device) * (high - low) + low
