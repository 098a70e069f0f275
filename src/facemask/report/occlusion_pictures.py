"""Where the evidence lies, laid over the photo."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor

FOR, AGAINST = "#e69f00", "#0072b2"
"""Okabe and Ito's orange and blue ("Color Universal Design", 2008): any colour vision sees them."""

_SIDE_PX = 128
_STRONGEST = 0.85
"""How opaque the strongest evidence is: the face below it is still to be seen."""


def evidence_overlay(
    pixels: npt.NDArray[np.uint8], evidence: npt.NDArray[np.float64]
) -> Image.Image:
    """The photo, and below it the photo in grey under its evidence.

    Orange spoke for the answer, blue against it; the strongest of both in this photo is the most
    opaque.

    Args:
        pixels: ``uint8 (H, H, 3)``, RGB.
        evidence: ``float64 (S, S)``, see `occlusion.pixel_map`; any size.
    """
    size = (_SIDE_PX, _SIDE_PX)
    image = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)
    spread = Image.fromarray(evidence.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    strength = np.asarray(spread, dtype=np.float64)
    strongest = np.abs(strength).max()
    share = (_STRONGEST / strongest * strength if strongest else 0 * strength)[..., None]
    grey = np.asarray(image.convert("L").convert("RGB"), dtype=np.float64)
    tone = np.where(share > 0, ImageColor.getrgb(FOR), ImageColor.getrgb(AGAINST))
    mixed = grey + np.abs(share) * (tone - grey)
    both = Image.new("RGB", (_SIDE_PX, 2 * _SIDE_PX))
    both.paste(image, (0, 0))
    both.paste(Image.fromarray(np.rint(mixed).astype(np.uint8)), (0, _SIDE_PX))
    return both
