"""What people's photos suffer from: corruptions, each at rising severities.

Each is one function, with what is said of it in the line above; `KINDS` has them all.
"""

import io
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.signal import fftconvolve

from facecover.errors import ConfigError, ImageError

Images = npt.NDArray[np.uint8]
"""``uint8 (N, S, S, 3)``, RGB."""

Generators = Sequence[np.random.Generator]
"""One for each image, from which everything random in its corruption comes."""

Corrupt = Callable[[Images, float, Generators], Images]
"""Images corrupted by an amount; the images given stay as they are."""

BASE_PX = 64
"""Lengths among the amounts are for images of this side, and grow with larger ones."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of corruption.

    Attributes:
        key: its name in JSON; a part of the seed, so that new kinds leave the others as they are.
        amounts: how much at each severity, from 1 on; lengths are for `BASE_PX`.
        source: where the formula and the amounts come from.
    """

    key: str
    title: str
    amounts: tuple[float, ...]
    unit: str
    source: str
    corrupt: Corrupt


_TINY = "Tiny ImageNet-C"
_OWN = "chosen here"
_ERASING = "Random erasing, Zhong et al. 2020"

_kinds: list[Kind] = []


def _kind(
    key: str, title: str, amounts: tuple[float, ...], unit: str, source: str = _OWN
) -> Callable[[Corrupt], Corrupt]:
    """Add the function below to `KINDS`."""

    def add(corrupt: Corrupt) -> Corrupt:
        _kinds.append(Kind(key, title, amounts, unit, source, corrupt))
        return corrupt

    return add


def _pixels(values: npt.NDArray[np.floating]) -> Images:
    """Values of 0..255 rounded, and cut off at both ends."""
    pixels: Images = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return pixels


def _each(images: Images, change: Callable[[Image.Image], Image.Image]) -> Images:
    return np.stack([np.asarray(change(Image.fromarray(one))) for one in images])


# sRGB (IEC 61966-2-1): the light, 0..1, that each pixel value stands for, and the way back.
_VALUES = np.arange(256) / 255
_LIGHT: npt.NDArray[np.float64] = np.where(
    _VALUES <= 0.04045, _VALUES / 12.92, ((_VALUES + 0.055) / 1.055) ** 2.4
)


def _from_light(light: npt.NDArray[np.float64]) -> Images:
    light = np.clip(light, 0, 1)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return _pixels(255 * encoded)


@_kind("gaussian_noise", "Gaussian noise", (0.04, 0.08, 0.12, 0.15, 0.18),
       "standard deviation, of 0 to 1", _TINY)  # fmt: skip
def gaussian_noise(images: Images, sigma: float, generators: Generators) -> Images:
    """Independent Gaussian noise of this standard deviation (of a range of 0..1)."""
    noise = np.stack([rng.standard_normal(images.shape[1:], np.float32) for rng in generators])
    return _pixels(images + np.float32(255 * sigma) * noise)


PHOTONS_AT_WHITE = 500
"""In full light: a small sensor at high sensitivity."""


@_kind("low_light", "Low light", (1, 2, 3, 4, 5), "stops less light",
       "Poisson shot noise, Foi et al. 2008")  # fmt: skip
def low_light(images: Images, stops: float, generators: Generators) -> Images:
    """A photo taken with `stops` stops less light: darker, and with the shot noise of few photons.

    In linear light x a pixel collects Poisson(m x) photons, m = `PHOTONS_AT_WHITE` / 2^stops, and
    is shown as photons / `PHOTONS_AT_WHITE` (Foi et al., "Practical Poissonian-Gaussian noise
    modeling and fitting for single-image raw-data", IEEE TIP 17, 2008, without its Gaussian part).
    """
    expected = _LIGHT[images] * (PHOTONS_AT_WHITE / 2**stops)
    photons: list[npt.NDArray[np.int64]] = [
        rng.poisson(one) for rng, one in zip(generators, expected, strict=True)
    ]
    return _from_light(np.stack(photons) / PHOTONS_AT_WHITE)


# The radii of discs that spread as far as Tiny ImageNet-C's kernels, which are too coarse to be
# scaled: the standard deviation along an axis is half the radius.
@_kind("defocus_blur", "Defocus blur", (1.15, 1.26, 1.63, 2.55, 3.06),
       "radius in pixels of 64", _TINY)  # fmt: skip
def defocus_blur(images: Images, radius: float, generators: Generators) -> Images:
    """The mean over a disc, as a lens that is out of focus gives it."""
    return _filtered(images, _disc(radius * images.shape[1] / BASE_PX)[None])


@_kind("motion_blur", "Motion blur", (1, 1.5, 2, 2.5, 3), "sigma in pixels of 64", _TINY)
def motion_blur(images: Images, sigma: float, generators: Generators) -> Images:
    """A trail to one side whose weights fall off as half a Gaussian.

    ImageMagick's motion blur, which ImageNet-C uses, with its angle drawn from -45 to 45 degrees.
    """
    sigma = sigma * images.shape[1] / BASE_PX
    angles = [math.radians(rng.uniform(-45, 45)) for rng in generators]
    return _filtered(images, np.stack([_trail(sigma, angle) for angle in angles]))


def _filtered(images: Images, kernels: npt.NDArray[np.float32]) -> Images:
    """Each image convolved with its kernel, or all with the only one; borders are mirrored."""
    half = kernels.shape[1] // 2
    edges = ((0, 0), (half, half), (half, half), (0, 0))
    padded = np.pad(images, edges, mode="reflect").astype(np.float32)
    return _pixels(fftconvolve(padded, kernels[..., None], mode="valid", axes=(1, 2)))


_FINE = 16
"""A disc's share of a pixel is counted on this many by this many points."""


def _disc(radius: float) -> npt.NDArray[np.float32]:
    """The share of each pixel that a disc covers: ``float32 (K, K)``, K odd, sum 1."""
    side = 2 * math.ceil(radius - 0.5) + 1
    points = (np.arange(side * _FINE) + 0.5) / _FINE - side / 2
    inside = points[:, None] ** 2 + points**2 <= radius**2
    share = inside.reshape(side, _FINE, side, _FINE).mean(axis=(1, 3))
    disc: npt.NDArray[np.float32] = (share / share.sum()).astype(np.float32)
    return disc


_REACH = 3.0
"""Standard deviations after which the trail of a movement is cut off."""


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


@_kind("brightness", "Brightness", (0.1, 0.2, 0.3, 0.4, 0.5),
       "added to HSV's value, of 0 to 1", _TINY)  # fmt: skip
def brightness(images: Images, amount: float, generators: Generators) -> Images:
    """HSV's value raised by an amount of 0..1, hue and saturation kept."""
    value = images.max(axis=3, keepdims=True).astype(np.float32)
    raised = np.minimum(value + np.float32(255 * amount), 255)
    # Hue and saturation are ratios of the channels; black has none and becomes grey.
    return _pixels(np.where(value > 0, images * (raised / np.maximum(value, 1)), raised))


@_kind("contrast", "Low contrast", (0.4, 0.3, 0.2, 0.1, 0.05), "share of the contrast left", _TINY)
def low_contrast(images: Images, share: float, generators: Generators) -> Images:
    """Each channel drawn towards its mean over the image."""
    means = images.mean(axis=(1, 2), keepdims=True, dtype=np.float64)
    return _pixels(means + share * (images - means))


@_kind("jpeg", "JPEG", (65, 58, 50, 40, 25), "libjpeg's quality", _TINY)
def jpeg(images: Images, quality: float, generators: Generators) -> Images:
    """What is left after a JPEG file of this quality; the bytes depend on the libjpeg at hand."""

    def through_file(image: Image.Image) -> Image.Image:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=round(quality))
        return Image.open(stream, formats=("JPEG",))

    return _each(images, through_file)


@_kind("pixelation", "Pixelation", (0.9, 0.8, 0.7, 0.6, 0.5),
       "share of 64 pixels left along a side", _TINY)  # fmt: skip
def pixelation(images: Images, share: float, generators: Generators) -> Images:
    """Shrunk to this share of the side at `BASE_PX` and enlarged again, both with a box filter."""
    side, box = images.shape[1], Image.Resampling.BOX
    small = max(1, int(share * min(side, BASE_PX)))  # cut off, as its authors do
    return _each(images, lambda one: one.resize((small, small), box).resize((side, side), box))


_BILINEAR = Image.Resampling.BILINEAR


@_kind("rotation", "Rotation", (9, 18, 27, 36, 45), "degrees")
def rotation(images: Images, degrees: float, generators: Generators) -> Images:
    """Turned about the centre, to the left or to the right at random."""
    side = images.shape[1]
    room = math.ceil(side * (math.sqrt(2) - 1) / 2) + 1
    angles = iter([degrees if rng.integers(2) else -degrees for rng in generators])
    turned = _each(_with_edge(images, room), lambda one: one.rotate(next(angles), _BILINEAR))
    return turned[:, room : room + side, room : room + side].copy()


_DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
"""Rows and columns of the eight directions in which a picture is moved."""


@_kind("shift", "Shift", (5, 10, 15, 20, 25), "percent of the side")
def shift(images: Images, percent: float, generators: Generators) -> Images:
    """Moved by this percentage of the side, in one of eight directions at random."""
    side = images.shape[1]
    by = (side * round(percent) + 50) // 100
    moved = []
    for one, rng in zip(_with_edge(images, by), generators, strict=True):
        row, column = _DIRECTIONS[rng.integers(len(_DIRECTIONS))]
        top, left = by * (1 + row), by * (1 + column)
        moved.append(one[top : top + side, left : left + side])
    return np.stack(moved)


def _with_edge(images: Images, room: int) -> Images:
    return np.pad(images, ((0, 0), (room, room), (room, room), (0, 0)), mode="edge")


@_kind("loose_crop", "Loose crop", (1.15, 1.3, 1.5, 1.75, 2), "times the crop's side")
def loose_crop(images: Images, factor: float, generators: Generators) -> Images:
    """A crop whose side is `factor` times as long: the face is smaller by that factor."""
    side = images.shape[1]
    small = max(1, round(side / factor))
    before = (side - small) // 2
    edges = (before, side - small - before)
    shrunk = _each(images, lambda one: one.resize((small, small), _BILINEAR))
    return np.pad(shrunk, ((0, 0), edges, edges, (0, 0)), "edge")


@_kind("tight_crop", "Tight crop", (0.9, 0.8, 0.7, 0.6, 0.5), "share of the side left")
def tight_crop(images: Images, share: float, generators: Generators) -> Images:
    """The middle of the picture, this share of the side long, at the full size."""
    side = images.shape[1]
    edge = (1 - share) / 2 * side
    box = (edge, edge, side - edge, side - edge)
    return _each(images, lambda one: one.resize((side, side), _BILINEAR, box))


@_kind("flip", "Mirrored", (1,), "the only one")
def flip(images: Images, amount: float, generators: Generators) -> Images:
    """Left and right changed; there is only one amount of it."""
    return np.ascontiguousarray(images[:, :, ::-1])


@_kind("occlusion", "Occlusion, anywhere", (5, 10, 20, 30, 40), "percent of the picture", _ERASING)
def occlusion(images: Images, percent: float, generators: Generators) -> Images:
    """A rectangle over this percentage of the picture, at a random place.

    Random erasing (Zhong et al., "Random Erasing Data Augmentation", AAAI 2020) with a fixed area.
    """
    return _covered(images, percent, generators, images.shape[1])


@_kind("occlusion_above", "Occlusion, upper half", (5, 10, 20, 30, 40),
       "percent of the picture", _ERASING)  # fmt: skip
def occlusion_above(images: Images, percent: float, generators: Generators) -> Images:
    """The same inside the upper half, which says nothing of a mask; at most 50 percent."""
    return _covered(images, percent, generators, images.shape[1] // 2)


_COVER_COLOURS = (0, 128)
"""Black, and middle grey."""

_LONGEST = 2
"""Sides of a rectangle are at most as 1 to 2, as far as the area allows."""


def _covered(images: Images, percent: float, generators: Generators, height: int) -> Images:
    covered, side = images.copy(), images.shape[1]
    area = round(percent * side * side / 100)
    least = max(math.ceil(area / height), math.isqrt(area // _LONGEST))
    most = min(side, max(least, math.isqrt(area * _LONGEST)))
    for one, rng in zip(covered, generators, strict=True):
        width = int(rng.integers(least, most, endpoint=True))
        tall = min(height, max(1, round(area / width)))
        left = int(rng.integers(side - width, endpoint=True))
        top = int(rng.integers(height - tall, endpoint=True))
        colour = _COVER_COLOURS[rng.integers(len(_COVER_COLOURS))]
        one[top : top + tall, left : left + width] = colour
    return covered


@_kind("greyscale", "Loss of colour", (20, 40, 60, 80, 100), "percent grey (ITU-R BT.601)")
def greyscale(images: Images, percent: float, generators: Generators) -> Images:
    """Mixed with its own grey version, luma of ITU-R BT.601, by this percentage; whole numbers."""
    red, green, blue = (images[..., c].astype(np.int32) for c in range(3))
    grey = ((299 * red + 587 * green + 114 * blue + 500) // 1000)[..., None]
    part = round(percent)
    mixed = (part * grey + (100 - part) * images.astype(np.int32) + 50) // 100
    return mixed.astype(np.uint8)


@_kind("colour_cast", "Colour cast", (0.2, 0.4, 0.6, 0.8, 1), "stops of linear light",
       "von Kries' diagonal model")  # fmt: skip
def colour_cast(images: Images, stops: float, generators: Generators) -> Images:
    """Light of another colour: each channel of linear light scaled (von Kries' diagonal model).

    Red, green and blue change by stops x cos(h), cos(h - 120) and cos(h - 240 degrees) stops, with
    the hue h drawn for each image; together the three keep their product.
    """
    hues = np.array([rng.uniform(0, 2 * np.pi) for rng in generators])
    angles = hues[:, None] - 2 * np.pi / 3 * np.arange(3)
    gains = 2 ** (stops * np.cos(angles))
    return _from_light(_LIGHT[images] * gains[:, None, None, :])


KINDS = tuple(_kinds)
"""All of the above, in their order."""


def corrupted(
    images: Images, kind: Kind, severity: int, *, rows: npt.NDArray[np.int64], seed: int = 0
) -> Images:
    """The images, corrupted: ``uint8 (N, S, S, 3)``, RGB.

    Each image's generator comes from the seed, the kind and the image's number: it is corrupted
    alike whichever others stand beside it, and in the same direction at each severity.

    Args:
        images: ``uint8 (N, S, S, 3)``, RGB; stay as they are.
        kind: of `KINDS`.
        severity: from 1 to the number of the kind's amounts.
        rows: ``int64 (N,)``, each image's number in its dataset.
        seed: 0 or greater.

    Raises:
        ConfigError: if there is no such severity, or the seed is negative.
        ImageError: if the array is of another dtype or shape, or has not a row for each image.
    """
    if not 1 <= severity <= len(kind.amounts):
        raise ConfigError(f"{kind.key}: severity {severity}: expected 1 to {len(kind.amounts)}")
    if seed < 0:
        raise ConfigError(f"seed {seed}: expected 0 or more")
    side = images.shape[1] if images.ndim == 4 else 0
    if images.dtype != np.uint8 or images.shape[1:] != (side, side, 3):
        raise ImageError(
            f"expected images of uint8 (N, S, S, 3), RGB, found {images.dtype} {images.shape}"
        )
    if rows.shape != images.shape[:1]:
        raise ImageError(f"expected a row for each of {len(images)} images, found {rows.shape}")
    if not len(images):
        return images.copy()
    code = zlib.crc32(kind.key.encode())
    generators = [
        np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, code, int(row)))))
        for row in rows
    ]
    return kind.corrupt(images, kind.amounts[severity - 1], generators)
