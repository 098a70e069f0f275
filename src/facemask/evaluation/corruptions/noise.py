"""Noise of the sensor: in any light, and in too little of it."""

import numpy as np
import numpy.typing as npt

from facemask.evaluation.corruptions.kind import Chances, Images, as_pixels
from facemask.evaluation.corruptions.srgb import LINEAR, encoded

PHOTONS_AT_WHITE = 500
"""Photons that a white pixel collects in full light: a small sensor at high sensitivity."""


def add_gaussian_noise(images: Images, sigma: float, chances: Chances) -> Images:
    """Independent Gaussian noise of this standard deviation (of a range of 0..1)."""
    noise = np.stack([rng.standard_normal(images.shape[1:], np.float32) for rng in chances])
    return as_pixels(images + np.float32(255 * sigma) * noise)


def darken(images: Images, stops: float, chances: Chances) -> Images:
    """A photo taken with `stops` stops less light: darker, and with the shot noise of few photons.

    In linear light x a pixel collects Poisson(m x) photons, m = `PHOTONS_AT_WHITE` / 2^stops, and
    is shown as photons / `PHOTONS_AT_WHITE` (Foi et al., "Practical Poissonian-Gaussian noise
    modeling and fitting for single-image raw-data", IEEE TIP 17, 2008, without its Gaussian part).
    """
    expected = LINEAR[images] * (PHOTONS_AT_WHITE / 2**stops)
    photons: list[npt.NDArray[np.int64]] = [
        rng.poisson(one) for rng, one in zip(chances, expected, strict=True)
    ]
    return as_pixels(255 * encoded(np.stack(photons) / PHOTONS_AT_WHITE))
