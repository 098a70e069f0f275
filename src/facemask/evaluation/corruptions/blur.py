"""Out of focus, and moved while the shutter was open."""

import math

import numpy as np
import numpy.typing as npt
from scipy.signal import fftconvolve

from facemask.evaluation.corruptions.kind import BASE_PX, Chances, Images, as_pixels

_FINE = 16
"""A disc's share of a pixel is counted on this many by this many points."""

_REACH = 3.0
"""Standard deviations after which the trail of a movement is cut off."""


def defocus(images: Images, radius: float, chances: Chances) -> Images:
    """The mean over a disc, as a lens that is out of focus gives it (radius at `BASE_PX`)."""
    kernel = _disc(radius * images.shape[1] / BASE_PX)
    return _filtered(images, kernel[None])


def shake(images: Images, sigma: float, chances: Chances) -> Images:
    """A trail to one side whose weights fall off as half a Gaussian (sigma at `BASE_PX`).

    ImageMagick's motion blur, which ImageNet-C uses, with its angle drawn from -45 to 45 degrees.
    """
    sigma = sigma * images.shape[1] / BASE_PX
    angles = [math.radians(rng.uniform(-45, 45)) for rng in chances]
    return _filtered(images, np.stack([_trail(sigma, angle) for angle in angles]))


def _disc(radius: float) -> npt.NDArray[np.float32]:
    """The share of each pixel that a disc covers: ``float32 (K, K)``, K odd, sum 1."""
    half = math.ceil(radius - 0.5)
    side = 2 * half + 1
    points = (np.arange(side * _FINE) + 0.5) / _FINE - side / 2
    inside = points[:, None] ** 2 + points**2 <= radius**2
    share = inside.reshape(side, _FINE, side, _FINE).mean(axis=(1, 3))
    disc: npt.NDArray[np.float32] = (share / share.sum()).astype(np.float32)
    return disc


def _trail(sigma: float, angle: float) -> npt.NDArray[np.float32]:
    """Half a Gaussian along a line from the centre: ``float32 (K, K)``, K odd, sum 1."""
    half = math.ceil(_REACH * sigma)
    distance = np.arange(0, _REACH * sigma, 0.25)
    weights = np.exp(-(distance**2) / (2 * sigma**2))
    kernel = np.zeros((2 * half + 2, 2 * half + 2))
    x, y = half + distance * math.cos(angle), half + distance * math.sin(angle)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for dx in (0, 1):
        for dy in (0, 1):
            # Each point is shared among the four pixels around it.
            part = np.abs(1 - dx - (x - left)) * np.abs(1 - dy - (y - top))
            np.add.at(kernel, (top + dy, left + dx), weights * part)
    kernel = kernel[:-1, :-1]
    trail: npt.NDArray[np.float32] = (kernel / kernel.sum()).astype(np.float32)
    return trail


def _filtered(images: Images, kernels: npt.NDArray[np.float32]) -> Images:
    """Each image convolved with its kernel, or all with the only one; borders are mirrored."""
    half = kernels.shape[1] // 2
    edges = ((0, 0), (half, half), (half, half), (0, 0))
    padded = np.pad(images, edges, mode="reflect").astype(np.float32)
    return as_pixels(fftconvolve(padded, kernels[..., None], mode="valid", axes=(1, 2)))
