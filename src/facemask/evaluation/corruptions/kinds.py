"""Every kind of corruption, in the order of the reports.

The amounts of ImageNet-C's kinds are those that its authors chose for 64 px images, Tiny
ImageNet-C (Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations", ICLR 2019, arXiv:1903.12261, and the program
``make_tinyimagenet_c.py`` published with it); lengths grow with the image.
"""

from facemask.evaluation.corruptions.blur import defocus, shake
from facemask.evaluation.corruptions.cover import cover_above, cover_anywhere
from facemask.evaluation.corruptions.detail import compress, pixelate
from facemask.evaluation.corruptions.framing import loosen, mirror, move, tighten, turn
from facemask.evaluation.corruptions.kind import Kind
from facemask.evaluation.corruptions.light import brighten, fade, flatten, tint
from facemask.evaluation.corruptions.noise import add_gaussian_noise, darken

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
