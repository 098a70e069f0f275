"""Photos with the faces marked: a coloured frame each, its answer where there is room, a legend."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from facecover.inference.outputs import colour_of
from facecover.inference.prediction import Prediction

_SMALLEST_PICTURE_PX = 640
"""A smaller picture is enlarged to this, so that there is room for words."""

_SMALLEST_TEXT_PX = 13

_PAPER, _INK = "#ffffff", "#222222"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Rectangle = tuple[float, float, float, float]


def annotated(
    image: Image.Image, boxes: npt.NDArray[np.float32], predictions: Sequence[Prediction]
) -> Image.Image:
    """A copy of a picture with its faces framed, and a legend below it.

    Colours are those that the colour-blind tell apart, with a white edge that shows on any
    ground; an uncertain answer has a question mark. Small pictures are enlarged.

    Args:
        image: RGB.
        boxes: ``float32 (N, 4)``, x0, y0, x1, y1 in its pixels.
        predictions: the answers, N of them.
    """
    factor = max(1, -(-_SMALLEST_PICTURE_PX // max(image.size)))
    picture = image.resize([side * factor for side in image.size], Image.Resampling.BICUBIC)
    longest = max(picture.size)
    text_px = max(_SMALLEST_TEXT_PX, round(longest / 60))
    font = ImageFont.load_default(size=text_px)
    brush = ImageDraw.Draw(picture)
    largest_first = np.argsort(-np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), kind="stable")
    faces = [(boxes[i] * np.float32(factor), predictions[i]) for i in largest_first.tolist()]
    for box, given in faces:
        _frame(brush, box, colour_of(given), longest)
    taken: list[Rectangle] = []
    for box, given in faces:
        _tag(brush, box, given, font, taken, picture.size)
    return _with_legend(picture, predictions, font)


def _frame(
    brush: ImageDraw.ImageDraw, box: npt.NDArray[np.float32], colour: str, longest: int
) -> None:
    x0, y0, x1, y1 = (round(edge) for edge in box.tolist())
    width = min(max(2, round(longest / 300)), max(1, min(x1 - x0, y1 - y0) // 8))
    brush.rectangle((x0 - width, y0 - width, x1 + width, y1 + width), None, _PAPER, width + 1)
    brush.rectangle((x0, y0, x1, y1), None, colour, width)


def _tag(
    brush: ImageDraw.ImageDraw,
    box: npt.NDArray[np.float32],
    given: Prediction,
    font: Font,
    taken: list[Rectangle],
    size: tuple[int, int],
) -> None:
    """The answer above its face, or below it; left out where it would hide another's."""
    mark = "?" if given.is_uncertain else ""
    text = f"{given.label}{mark} {given.in_percent}".rstrip()
    _, _, wide, high = brush.textbbox((3, 2), text, font)
    wide, high = wide + 3, high + 3
    x0, y0, x1, y1 = box.tolist()
    left = min(max(0.0, (x0 + x1 - wide) / 2), size[0] - wide)
    for top in (y0 - high - 2, y1 + 2):
        place = left, top, left + wide, top + high
        if 0 <= top <= size[1] - high and not any(_overlap(place, other) for other in taken):
            brush.rectangle(place, colour_of(given))
            brush.text((left + 3, top + 2), text, _PAPER, font)
            taken.append(place)
            return


def _overlap(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _with_legend(
    picture: Image.Image, predictions: Sequence[Prediction], font: Font
) -> Image.Image:
    """The picture over a line that says which colour means what, and how many faces have it."""
    colours = {_meaning(given): colour_of(given) for given in predictions}
    counts = Counter(map(_meaning, predictions))
    entries = [(f"{name} {counts[name]:,}", colours[name]) for name in sorted(counts)]
    probe = ImageDraw.Draw(picture)
    high = round(probe.textbbox((0, 0), "Ag", font)[3])
    line = high + 6
    legend = Image.new("RGB", (picture.width, line), _PAPER)
    brush = ImageDraw.Draw(legend)
    x = 4.0
    for text, colour in entries or [("no face", _PAPER)]:
        brush.rectangle((x, 4, x + high - 2, high + 2), colour)
        brush.text((x + high + 3, 3), text, _INK, font)
        x += high + 3 + brush.textlength(text, font) + high
    whole = Image.new("RGB", (picture.width, picture.height + line), _PAPER)
    whole.paste(picture, (0, 0))
    whole.paste(legend, (0, picture.height))
    return whole


def _meaning(given: Prediction) -> str:
    return "uncertain" if given.is_uncertain else given.label
