"""Too bright, too flat, without colour, or in light of another colour."""

import numpy as np

from facemask.evaluation.corruptions.kind import Chances, Images, as_pixels
from facemask.evaluation.corruptions.srgb import LINEAR, encoded


def brighten(images: Images, amount: float, chances: Chances) -> Images:
    """HSV's value raised by an amount of 0..1, hue and saturation kept."""
    value = images.max(axis=3, keepdims=True).astype(np.float32)
    raised = np.minimum(value + np.float32(255 * amount), 255)
    # Hue and saturation are ratios of the channels; black has none and becomes grey.
    return as_pixels(np.where(value > 0, images * (raised / np.maximum(value, 1)), raised))


def flatten(images: Images, share: float, chances: Chances) -> Images:
    """Each channel drawn towards its mean over the image: this share of the contrast is left."""
    means = images.mean(axis=(1, 2), keepdims=True, dtype=np.float64)
    return as_pixels(means + share * (images - means))


def fade(images: Images, percent: float, chances: Chances) -> Images:
    """Mixed with its own grey version, luma of ITU-R BT.601, by this percentage; whole numbers."""
    red, green, blue = (images[..., c].astype(np.int32) for c in range(3))
    grey = ((299 * red + 587 * green + 114 * blue + 500) // 1000)[..., None]
    part = round(percent)
    mixed = (part * grey + (100 - part) * images.astype(np.int32) + 50) // 100
    return mixed.astype(np.uint8)


def tint(images: Images, stops: float, chances: Chances) -> Images:
    """Light of another colour: each channel of linear light scaled (von Kries' diagonal model).

    Red, green and blue change by stops x cos(h), cos(h - 120) and cos(h - 240 degrees) stops, with
    the hue h drawn for each image; together the three keep their product.
    """
    hues = np.array([rng.uniform(0, 2 * np.pi) for rng in chances])
    angles = hues[:, None] - 2 * np.pi / 3 * np.arange(3)
    gains = 2 ** (stops * np.cos(angles))
    return as_pixels(255 * encoded(LINEAR[images] * gains[:, None, None, :]))
