"""From pixel values to amounts of light and back (sRGB, IEC 61966-2-1)."""

import numpy as np
import numpy.typing as npt

_VALUES = np.arange(256) / 255

LINEAR: npt.NDArray[np.float64] = np.where(
    _VALUES <= 0.04045, _VALUES / 12.92, ((_VALUES + 0.055) / 1.055) ** 2.4
)
"""The light, 0..1, that each pixel value of 0..255 stands for: ``float64 (256,)``."""


def encoded(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The pixel values, 0..1, of amounts of light; more than white stays white."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
