"""What cameras and cables do: blur, low resolution, wrong exposure, colour casts and noise.

Pixels are worked on as 16-bit integers, where 128 or 256 stands for 1: that is several times as
fast as floating point, and as a table of 256 levels.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from facemask.data.drawn.chance import Weighted, bell, between, happens, pick
from facemask.images import Pixels

_LARGEST_TAKEN_PX = 168
"""Larger photos are enlarged from this size: they are a little soft, and quick to draw."""

_BRIGHTEST = 255

# Dark, usual, bright; 255 * 2 * 128 just fits into 16 bits.
_GAINS = Weighted[tuple[float, float]](((0.3, 0.6), 7), ((0.85, 1.2), 75), ((1.2, 1.6), 18))

_EVEN_BYTE_SPREAD = 73.9
"""Standard deviation of bytes from -128 to 127, all equally likely."""


def taken_size(final: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
    """The size at which a photo was taken before it was enlarged; mostly that of the photo."""
    share = between(rng, 0.35, 0.9) if happens(rng, 0.18) else 1.0
    share = min(share, _LARGEST_TAKEN_PX / max(final))
    return max(16, round(final[0] * share)), max(16, round(final[1] * share))


def exposed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """The picture with an exposure, a contrast and a colour of light of its own.

    Args:
        pixels: ``uint8 (H, W, 3)``, RGB.
        rng: where the chance comes from.

    Returns:
        ``uint8 (H, W, 3)``, RGB.
    """
    lift = int(between(rng, 0.0, 64.0))
    haze = between(rng, 0.0, 0.25) if happens(rng, 0.15) else 0.0
    warmth, green = bell(rng, 0.085, 0.22), bell(rng, 0.025, 0.07)
    gain = between(rng, *pick(rng, _GAINS)) * (1.0 - haze)
    casts = np.array([1.0 + warmth, 1.0 + green, 1.0 - warmth]) * gain * 128.0
    height, width, _ = pixels.shape
    levels = pixels.reshape(height, width * 3).astype(np.uint16)
    # Middle tones are lifted by up to a half, black and white stay where they are.
    levels *= (128 + lift) - (levels * np.uint16(lift) >> 8)
    levels >>= 7
    levels *= np.tile(np.minimum(casts, 256.0).astype(np.uint16), width)
    levels >>= 7
    levels += np.uint16(haze * 0.8 * _BRIGHTEST)
    np.minimum(levels, _BRIGHTEST, out=levels)
    return levels.astype(np.uint8).reshape(pixels.shape)


def blurred(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The picture, out of focus or shaken in some cases; blur grows with the picture."""
    chance = rng.random()
    scale = max(image.size) / 100.0
    if chance < 0.1:
        return image.filter(ImageFilter.BoxBlur(between(rng, 0.4, 1.8) * scale))
    if chance < 0.16:
        reach_px = between(rng, 0.5, 2.5) * scale
        is_sideways = happens(rng, 0.6)
        radii = (reach_px, 0.0) if is_sideways else (0.0, reach_px)
        return image.filter(ImageFilter.BoxBlur(radii))
    return image


def colourless(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The picture, now and then from a camera that sees no colours."""
    return image.convert("L").convert("RGB") if happens(rng, 0.04) else image


def noisy(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The picture with the grain of a sensor in about half of the cases."""
    if happens(rng, 0.45):
        return image
    spread = 2.0 + 13.0 * rng.random() ** 3
    width, height = image.size
    grain = np.frombuffer(rng.bytes(width * height * 3), dtype=np.int8)
    levels = grain.reshape(height, width, 3).astype(np.int16)
    levels *= np.int16(spread * 256.0 / _EVEN_BYTE_SPREAD)
    levels >>= 8
    levels += np.asarray(image)
    np.clip(levels, 0, _BRIGHTEST, out=levels)
    pixels: npt.NDArray[np.uint8] = levels.astype(np.uint8)
    return Image.fromarray(pixels)


def draw_jpeg_quality(rng: np.random.Generator) -> int:
    """A JPEG quality: mostly good, now and then one with artefacts."""
    return int(between(rng, 12, 50) if happens(rng, 0.22) else between(rng, 60, 96))
