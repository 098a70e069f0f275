"""The mean face of each class, and where they differ."""

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from facemask.data.explore import Exploration
from facemask.data.exploring.faces import MeanImage
from facemask.data.insights.insight import percent, photos
from facemask.labels import CLASS_NAMES, MASK, NO_MASK
from facemask.report.blocks import Figure, Figures, Section
from facemask.report.picture import photo
from facemask.report.words import TIMES

_ENLARGED = 4
"""Each pixel is shown as a square of this side, so that the browser does not blur it."""


def faces_section(exploration: Exploration, anchor: str) -> Section:
    """The mean faces side by side, and the difference of mask and no_mask."""
    return Section("Mean faces", anchor, (Figures((mean_faces(exploration),)),))


def mean_faces(exploration: Exploration) -> Figure:
    """The mean face of each class, and the difference of mask and no_mask if there are both."""
    side = next(iter(exploration.mean_faces.values())).shape[0]
    pictures = [
        _picture(mean, name, photos(exploration.counts.by_class[name]))
        for name, mean in exploration.mean_faces.items()
    ]
    caption = f"The mean of each class at {side} {TIMES} {side} pixels."
    pair = CLASS_NAMES[NO_MASK], CLASS_NAMES[MASK]
    if all(name in exploration.mean_faces for name in pair):
        bare, masked = (exploration.mean_faces[name] for name in pair)
        reach = float(np.abs(masked - bare).max())
        image = 128 + (masked - bare) * (127 / reach if reach else 1)
        pictures.append(_picture(image, "mask less no_mask", f"up to {reach:.0f} of 255 levels"))
        caption += (
            " In the difference grey is none; a bright or coloured place is brighter, in that "
            f"colour, with a mask.{_told(exploration)}"
        )
    frame = Markup('<div style="display:flex;flex-wrap:wrap;gap:16px">{}</div>')
    return Figure(frame.format(Markup("").join(pictures)), "Mean faces", caption, is_wide=True)


def _picture(image: MeanImage, title: str, note: str) -> Markup:
    """One picture with its title below: the figures' own captions stand under them all."""
    markup = photo(_enlarged(image), f"Mean face: {title}", max_px=len(image) * _ENLARGED)
    template = Markup(
        '<div style="flex:0 1 auto;min-width:0">{}{}<span class="cell-note">{}</span></div>'
    )
    return template.format(markup, title, note)


def _told(exploration: Exploration) -> str:
    test = exploration.mean_face_test
    if test is None:
        return ""
    return (
        f" Answering the class of the nearer mean is right on {percent(test.balanced_accuracy)} "
        f"of photos that did not make it (AUC {test.auc:.2f}), where chance is 50%."
    )


def _enlarged(image: MeanImage) -> npt.NDArray[np.uint8]:
    """An image ``float64 (S, S, 3)`` in 0..255 with each pixel as a square, ``uint8``."""
    levels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return levels.repeat(_ENLARGED, axis=0).repeat(_ENLARGED, axis=1)
