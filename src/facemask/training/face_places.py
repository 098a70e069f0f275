"""Between an image and the faces whose places in it are known, in PyTorch's sampling grids.

A place is that of `loader.Batch`: x0, y0, x1, y1 in shares of the image's side.
"""

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample


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
