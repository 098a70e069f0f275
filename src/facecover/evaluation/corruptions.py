"""What people's photos suffer from: kinds of corruption, each at rising severities."""

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

Chances = Sequence[np.random.Generator]
"""A generator for each image, from which all chance of its corruption comes."""

Spoil = Callable[[Images, float, Chances], Images]
"""Images spoilt by an amount; neither the images nor the caller's random state is changed."""

BASE_PX = 64
"""Lengths among the amounts are for images of this side, and grow with larger ones."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of corruption.

    Attributes:
        key: its name in JSON; a part of the seed, so that new kinds leave the others as they are.
        title: its name for people.
        amounts: how much at each severity, from 1 on; lengths are for `BASE_PX`.
        unit: what the amounts are.
        source: where the formula and the amounts come from.
        spoil: applies an amount.
    """

    key: str
    title: str
    amounts: tuple[float, ...]
    unit: str
    source: str
    spoil: Spoil


def as_pixels(values: npt.NDArray[np.floating]) -> Images:
    """Values of 0..255 as uint8, rounded, and cut off at both ends."""
    pixels: Images = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return pixels


_VALUES = np.arange(256) / 255

LINEAR: npt.NDArray[np.float64] = np.where(
    _VALUES <= 0.04045, _VALUES / 12.92, ((_VALUES + 0.055) / 1.055) ** 2.4
)
"""The light, 0..1, that each pixel value of 0..255 stands for: ``float64 (256,)``."""


def encoded(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The pixel values, 0..1, of amounts of light; more than white stays white."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


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


_COLOURS = (0, 128)
"""Black, and middle grey."""

_LONGEST = 2
"""Sides of a rectangle are at most as 1 to 2, as far as the area allows."""


def cover_anywhere(images: Images, percent: float, chances: Chances) -> Images:
    """A rectangle over this percentage of the picture, at a random place.

    Random erasing (Zhong et al., "Random Erasing Data Augmentation", AAAI 2020) with a fixed area.
    """
    return _covered(images, percent, chances, images.shape[1])


def cover_above(images: Images, percent: float, chances: Chances) -> Images:
    """The same inside the upper half, which says nothing of a mask; at most 50 percent."""
    return _covered(images, percent, chances, images.shape[1] // 2)


def _covered(images: Images, percent: float, chances: Chances, height: int) -> Images:
    covered, side = images.copy(), images.shape[1]
    area = round(percent * side * side / 100)
    for one, rng in zip(covered, chances, strict=True):
        least = max(math.ceil(area / height), math.isqrt(area // _LONGEST))
        most = min(side, max(least, math.isqrt(area * _LONGEST)))
        width = int(rng.integers(least, most, endpoint=True))
        tall = min(height, max(1, round(area / width)))
        left = int(rng.integers(side - width, endpoint=True))
        top = int(rng.integers(height - tall, endpoint=True))
        one[top : top + tall, left : left + width] = _COLOURS[rng.integers(len(_COLOURS))]
    return covered


def compress(images: Images, quality: float, chances: Chances) -> Images:
    """What is left after a JPEG file of this quality; the bytes depend on the libjpeg at hand."""
    return np.stack([_through_jpeg(one, round(quality)) for one in images])


def pixelate(images: Images, share: float, chances: Chances) -> Images:
    """Shrunk to this share of the side at `BASE_PX` and enlarged again, both with a box filter."""
    side = images.shape[1]
    small = max(1, int(share * min(side, BASE_PX)))  # cut off, as its authors do
    box = Image.Resampling.BOX
    shrunk = [Image.fromarray(one).resize((small, small), box) for one in images]
    return np.stack([np.asarray(one.resize((side, side), box)) for one in shrunk])


def _through_jpeg(pixels: Images, quality: int) -> Images:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    with Image.open(stream, formats=("JPEG",)) as image:
        return np.asarray(image)


_BILINEAR = Image.Resampling.BILINEAR

_DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
"""Rows and columns of the eight directions in which a picture is moved."""


def turn(images: Images, degrees: float, chances: Chances) -> Images:
    """Turned about the centre, to the left or to the right by chance."""
    side = images.shape[1]
    room = math.ceil(side * (math.sqrt(2) - 1) / 2) + 1
    wide = _with_edge(images, room)
    signs = [1 if rng.integers(2) else -1 for rng in chances]
    turned = [
        Image.fromarray(one).rotate(sign * degrees, _BILINEAR)
        for one, sign in zip(wide, signs, strict=True)
    ]
    inside = slice(room, room + side)
    return np.stack([np.asarray(one)[inside, inside] for one in turned])


def move(images: Images, percent: float, chances: Chances) -> Images:
    """Moved by this percentage of the side, in one of eight directions by chance."""
    side = images.shape[1]
    by = (side * round(percent) + 50) // 100
    wide = _with_edge(images, by)
    starts = [_DIRECTIONS[rng.integers(len(_DIRECTIONS))] for rng in chances]
    return np.stack(
        [
            one[by * (1 + row) : by * (1 + row) + side, by * (1 + col) : by * (1 + col) + side]
            for one, (row, col) in zip(wide, starts, strict=True)
        ]
    )


def loosen(images: Images, factor: float, chances: Chances) -> Images:
    """A crop whose side is `factor` times as long: the face is smaller by that factor."""
    side = images.shape[1]
    small = max(1, round(side / factor))
    before = (side - small) // 2
    edges = (before, side - small - before)
    shrunk = [Image.fromarray(one).resize((small, small), _BILINEAR) for one in images]
    return np.pad(
        np.stack([np.asarray(one) for one in shrunk]), ((0, 0), edges, edges, (0, 0)), "edge"
    )


def tighten(images: Images, share: float, chances: Chances) -> Images:
    """The middle of the picture, this share of the side long, at the full size."""
    side = images.shape[1]
    edge = (1 - share) / 2 * side
    box = (edge, edge, side - edge, side - edge)
    return np.stack(
        [np.asarray(Image.fromarray(one).resize((side, side), _BILINEAR, box)) for one in images]
    )


def mirror(images: Images, amount: float, chances: Chances) -> Images:
    """Left and right changed; there is only one amount of it."""
    return np.ascontiguousarray(images[:, :, ::-1])


def _with_edge(images: Images, room: int) -> Images:
    return np.pad(images, ((0, 0), (room, room), (room, room), (0, 0)), mode="edge")


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


_TINY = "Tiny ImageNet-C"
_OWN = "chosen here"

# The radii of discs that spread as far as Tiny ImageNet-C's kernels, which are too coarse to be
# scaled: the standard deviation along an axis is half the radius.
_RADII = (1.15, 1.26, 1.63, 2.55, 3.06)

KINDS: tuple[Kind, ...] = (
    Kind(
        "gaussian_noise", "Gaussian noise", (0.04, 0.08, 0.12, 0.15, 0.18),
        "standard deviation, of 0 to 1", _TINY, add_gaussian_noise,
    ),
    Kind(
        "low_light", "Low light", (1, 2, 3, 4, 5),
        "stops less light", "Poisson shot noise, Foi et al. 2008", darken,
    ),
    Kind("defocus_blur", "Defocus blur", _RADII, "radius in pixels of 64", _TINY, defocus),
    Kind(
        "motion_blur", "Motion blur", (1, 1.5, 2, 2.5, 3),
        "sigma in pixels of 64", _TINY, shake,
    ),
    Kind(
        "brightness", "Brightness", (0.1, 0.2, 0.3, 0.4, 0.5),
        "added to HSV's value, of 0 to 1", _TINY, brighten,
    ),
    Kind(
        "contrast", "Low contrast", (0.4, 0.3, 0.2, 0.1, 0.05),
        "share of the contrast left", _TINY, flatten,
    ),
    Kind("jpeg", "JPEG", (65, 58, 50, 40, 25), "libjpeg's quality", _TINY, compress),
    Kind(
        "pixelation", "Pixelation", (0.9, 0.8, 0.7, 0.6, 0.5),
        "share of 64 pixels left along a side", _TINY, pixelate,
    ),
    Kind("rotation", "Rotation", (9, 18, 27, 36, 45), "degrees", _OWN, turn),
    Kind("shift", "Shift", (5, 10, 15, 20, 25), "percent of the side", _OWN, move),
    Kind(
        "loose_crop", "Loose crop", (1.15, 1.3, 1.5, 1.75, 2),
        "times the crop's side", _OWN, loosen,
    ),
    Kind(
        "tight_crop", "Tight crop", (0.9, 0.8, 0.7, 0.6, 0.5),
        "share of the side left", _OWN, tighten,
    ),
    Kind("flip", "Mirrored", (1,), "the only one", _OWN, mirror),
    Kind(
        "occlusion", "Occlusion, anywhere", (5, 10, 20, 30, 40),
        "percent of the picture", "Random erasing, Zhong et al. 2020", cover_anywhere,
    ),
    Kind(
        "occlusion_above", "Occlusion, upper half", (5, 10, 20, 30, 40),
        "percent of the picture", "Random erasing, Zhong et al. 2020", cover_above,
    ),
    Kind(
        "greyscale", "Loss of colour", (20, 40, 60, 80, 100),
        "percent grey (ITU-R BT.601)", _OWN, fade,
    ),
    Kind(
        "colour_cast", "Colour cast", (0.2, 0.4, 0.6, 0.8, 1),
        "stops of linear light", "von Kries' diagonal model", tint,
    ),
)  # fmt: skip
"""All kinds; each has its amounts by severity."""


def kind_by_key(key: str) -> Kind:
    """The kind with this key.

    Raises:
        ConfigError: if there is none.
    """
    for kind in KINDS:
        if kind.key == key:
            return kind
    known = ", ".join(kind.key for kind in KINDS)
    raise ConfigError(f"corruption {key!r}: unknown; expected one of {known}")


def corrupted(
    images: Images, kind: Kind, severity: int, *, rows: npt.NDArray[np.int64], seed: int = 0
) -> Images:
    """The images, spoilt: ``uint8 (N, S, S, 3)``, RGB.

    Each image has a generator of its own from the seed, the kind and the image's number, so that
    it is spoilt alike whichever others stand beside it, and in the same direction at each
    severity.

    Args:
        images: ``uint8 (N, S, S, 3)``, RGB; stay as they are.
        kind: of `KINDS`.
        severity: from 1 to the number of the kind's amounts.
        rows: ``int64 (N,)``, each image's number in its dataset, 0 or greater.
        seed: 0 or greater.

    Raises:
        ConfigError: if there is no such severity, or the seed is negative.
        ImageError: if the array is of another dtype or shape, or has not a row for each image.
    """
    _check(images, kind, severity, rows, seed)
    if not len(images):
        return images.copy()
    code = zlib.crc32(kind.key.encode())
    chances = [
        np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, code, int(row)))))
        for row in rows
    ]
    return kind.spoil(images, kind.amounts[severity - 1], chances)


def _check(
    images: Images, kind: Kind, severity: int, rows: npt.NDArray[np.int64], seed: int
) -> None:
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
