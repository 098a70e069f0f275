"""The built-in data: faces drawn by the program, seeded, with nothing to download."""

from facecover.drawn.drawn_dataset import MARKER_NAME, draw_dataset, draw_face

__all__ = ["MARKER_NAME", "draw_dataset", "draw_face"]
