"""Small drawings and photos for pages."""

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure as Drawing

from facecover.report.plotting import colour


def diagonal(figure: Drawing) -> None:
    """A line and a label, in two colours of the page."""
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=colour("mask"))
    axes.set(xlabel="across <&> $x$", ylabel="up")


def noise(size_px: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """A picture of noise: ``uint8 (size_px, size_px, 3)``, RGB."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (size_px, size_px, 3), dtype=np.uint8)
