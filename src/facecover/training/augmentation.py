"""Other photos of the same faces: framing, light, colour, sharpness and hands, batch by batch.

Everything is computed on the device that the images are on, and drawn from PyTorch's global random
state there, so that a seed gives the same images.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from facecover.labels import MASK, NO_MASK
from facecover.training.config import AugmentationConfig
from facecover.training.data_loader import Batch
from facecover.training.locator_training import cut_out, fills_image, grid_on_faces

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
        places: of the faces, see `Batch`; images without one stay as they are.
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
    u = across * cos - down * sin - _uniform_between(n, -0.18, 0.18, device)
    v = (across * sin + down * cos + 1) / 2
    size = (side_px, side_px)
    return (
        interpolate(_outline(u, v, grid, varied=varied), size, mode="bilinear"),
        interpolate(_cloth(u, v, varied=varied), size, mode="bilinear"),
    )


def _outline(u: Tensor, v: Tensor, grid: int, *, varied: bool) -> Tensor:
    """From the nose, lower at the cheeks, to the chin; u is -1..1 across, v 0..1 down the face."""
    n, device = len(u), u.device
    top, bottom = _uniform_between(n, 0.40, 0.60, device), _uniform_between(n, 0.93, 1.12, device)
    half_width = _uniform_between(n, 0.68, 1.0, device)
    if varied:
        is_scarf = torch.rand(n, 1, 1, 1, device=device) < _SCARVES
        bottom = torch.where(is_scarf, bottom + _uniform_between(n, 0.1, 0.6, device), bottom)
        half_width = torch.where(
            is_scarf, half_width + _uniform_between(n, 0.1, 0.5, device), half_width
        )
    edge = top + _uniform_between(n, -0.02, 0.12, device) * (u / half_width).abs() ** 1.5
    lower = ((v - top) / (bottom - top)).clamp(0, 1)
    # An exponent of 2 makes it an ellipse, a larger one squarer.
    half = half_width * (1 - lower ** _uniform_between(n, 1.6, 4, device)).clamp(min=0).sqrt()
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
    angle = _uniform_between(len(u), 0, math.pi, u.device)
    waves = (u * angle.cos() + 2 * v * angle.sin()) * _uniform_between(len(u), 6, 30, u.device)
    return (waves.sin() > 0).to(torch.float32)


def _spots(n: int, cells: int, side: int, device: torch.device) -> Tensor:
    height = _smooth_noise(n, 1, cells, side, device) - _uniform_between(n, 0.3, 0.7, device)
    return (height * 20).sigmoid()


def _printed(ground: Tensor, cells: int, side: int) -> Tensor:
    """Patches of three further colours on a ground, as flowers and leaves are."""
    n, device = len(ground), ground.device
    cloth = ground.expand(n, 3, side, side)
    for _ in range(3):
        height = _smooth_noise(n, 1, cells, side, device) - _uniform_between(n, 0.5, 0.8, device)
        colour = _colours(n, device, varied=True)
        cloth = cloth + (colour - cloth) * (height * 25).sigmoid()
    return cloth


def _folds(v: Tensor) -> Tensor:
    n, device = len(v), v.device
    return 1 + (v * _uniform_between(n, 30, 60, device)).sin() * _uniform_between(
        n, -0.12, 0.12, device
    )


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
    depth = _uniform_between(len(faces), 0.2, 0.9, faces.device)
    shade = 1 - depth + depth * broad / level
    return (cloth * shade * (0.35 + 1.3 * level).clamp(max=1.13)).clamp(0, 1)


def _uniform_between(n: int, low: float, high: float, device: torch.device) -> Tensor:
    return torch.rand(n, 1, 1, 1, device=device) * (high - low) + low


_LARGER = 1.08
"""By how much a face is stretched, so that it covers the one whose place it takes."""

_HALF_WIDTH, _HALF_HEIGHT = 0.92, 1.0
"""Of the ellipse that is put on, in halves of the stretched face."""

_EDGE = 9.0
"""How sharp the edge of that ellipse is; a tenth of a face or so is mixed."""

_GAIN = (0.6, 1.6)
"""How far the brightness of a face follows that of its new place."""


def swap_faces(
    images: Tensor, labels: Tensor, places: Tensor, share: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Some of the wide cuts with another face of the batch, which brings its label.

    The faces are those that fill their image, and whole photos of bare faces: there are few bare
    boxes, many public photos of bare faces are as tight, and a bare face that is farther away is
    still bare. Every class comes equally often.

    Args:
        images: ``float32 (N, 3, S, S)``, RGB, 0..1.
        labels: ``int64 (N,)``.
        places: of the faces, see `Batch`. A wide cut is an image whose face has a place and
            does not fill it.
        share: of the wide cuts that get another face, 0..1.

    Returns:
        New images and labels, drawn from PyTorch's global random state; and new places, since
        nobody knows where in a whole photo its face is.
    """
    is_known, fills = places[:, 0].isfinite(), fills_image(places)
    drawn = torch.rand(len(images), device=images.device) < share
    chosen = (is_known & ~fills & drawn).nonzero().squeeze(1)
    donors = (fills | (~is_known & (labels == NO_MASK))).nonzero().squeeze(1)
    if len(chosen) == 0 or len(donors) == 0:
        return images, labels, places
    givers = _drawn_by_class(donors, labels, len(chosen))
    swapped = _put_on(images[chosen], images[givers], places[chosen])
    where = places[chosen].where(fills[givers].unsqueeze(1), torch.nan)
    return (
        images.index_copy(0, chosen, swapped),
        labels.index_copy(0, chosen, labels[givers]),
        places.index_copy(0, chosen, where),
    )


def _drawn_by_class(donors: Tensor, labels: Tensor, n: int) -> Tensor:
    of_class = labels[donors]
    rarity = 1 / of_class.bincount().to(torch.float32)[of_class]
    return donors[torch.multinomial(rarity, n, replacement=True)]


def _put_on(bodies: Tensor, faces: Tensor, places: Tensor) -> Tensor:
    """The faces, some mirrored, at those places and nearer to the light there."""
    grid = grid_on_faces(bodies, places, larger=_LARGER)
    mirror = torch.where(torch.rand(len(bodies), 1, 1, device=bodies.device) < 0.5, -1.0, 1.0)
    mirrored = torch.stack([grid[..., 0] * mirror, grid[..., 1]], dim=3)
    placed = grid_sample(faces, mirrored, padding_mode="border", align_corners=False)
    across, down = grid[..., 0] / _HALF_WIDTH, grid[..., 1] / _HALF_HEIGHT
    cover = ((1 - torch.hypot(across, down)) * _EDGE).sigmoid().unsqueeze(1)
    gain = (_light(bodies, cover) / _light(placed, cover).clamp(min=0.02)).clamp(*_GAIN)
    followed = torch.rand(len(bodies), 1, 1, 1, device=bodies.device)
    return bodies + cover * ((placed * gain**followed).clamp(0, 1) - bodies)


def _light(images: Tensor, cover: Tensor) -> Tensor:
    """The mean brightness under the cover, ``(n, 1, 1, 1)``."""
    total = cover.sum(dim=(2, 3), keepdim=True).clamp(min=1e-3)
    return ((images * cover).sum(dim=(2, 3), keepdim=True) / total).mean(dim=1, keepdim=True)


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
