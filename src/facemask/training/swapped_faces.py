"""Faces put onto other people, so that body, background and framing say nothing of the class.

In public photos bare faces stand before other grounds than covered ones, in other clothes and at
other distances, and a network learns that as well. A wide cut says where its face is, so another
face, bare or covered, can take its place. Rims of the old face, and neighbours, may still show.

The measures were chosen by eye on the images that come out, not tuned.
"""

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from facemask.labels import NO_MASK
from facemask.training.face_places import fills_image, grid_on_faces

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
        places: of the faces, see `loader.Batch`. A wide cut is an image whose face has a place and
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
