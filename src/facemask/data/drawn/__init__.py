"""The built-in data: faces drawn by the program, seeded, with nothing to download."""

from facemask.data.drawn.dataset import MARKER_NAME, draw_dataset
from facemask.data.drawn.picture import draw_face

__all__ = ["MARKER_NAME", "draw_dataset", "draw_face"]
