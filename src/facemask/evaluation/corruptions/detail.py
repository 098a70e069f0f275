"""Detail that is lost: to a JPEG file, and to too few pixels."""

import io

import numpy as np
from PIL import Image

from facemask.evaluation.corruptions.kind import BASE_PX, Chances, Images


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
