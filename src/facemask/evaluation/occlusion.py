"""Why a model answered: what happens to its answer when a part of the photo is covered.

Occlusion sensitivity (Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks",
ECCV 2014, section 4.2): a patch of the image's mean colour slides over the image, and what the
model then answers is compared with its answer on the whole. It needs nothing of a model but its
answers, so it works on every model file.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from facemask.errors import ConfigError, ImageError
from facemask.evaluation.answers import Labels, Probabilities
from facemask.evaluation.evaluate import ImageClassifier, Images

PATCH_SHARE = 0.25
"""The patch's side as a share of the image's: about a mouth's width on a face that fills it."""

_SMALLEST = 1e-300
"""Stands for a probability of 0 in a logarithm."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the patch is put.

    It reaches beyond the borders, cut off there, so that each pixel is covered equally often.

    Attributes:
        side_px: the image's side.
        patch_px: the patch's side.
        starts_px: its first row, or column, at each place; under 0 beyond the border.
    """

    side_px: int
    patch_px: int
    starts_px: tuple[int, ...]

    def span(self, place: int) -> slice:
        """The rows, or columns, that the patch covers at a place."""
        start = self.starts_px[place]
        return slice(max(start, 0), min(start + self.patch_px, self.side_px))

    def in_half(self, *, lower: bool) -> npt.NDArray[np.bool_]:
        """The places where the patch lies in one half of the image altogether: ``bool (G,)``."""
        middle = self.side_px / 2
        starts = np.array(self.starts_px)
        return starts >= middle if lower else starts + self.patch_px <= middle


def patch_grid(side_px: int, steps: int = 2) -> Grid:
    """Places for a patch of `PATCH_SHARE` of the side, `steps` of them to its length.

    Raises:
        ConfigError: if there are no steps, or the image is too small for them.
    """
    if not 1 <= steps <= side_px // 2:
        raise ConfigError(
            f"steps {steps}: expected 1 to {side_px // 2} for images of {side_px} pixels a side"
        )
    stride = max(1, round(PATCH_SHARE * side_px / steps))
    patch = stride * steps
    return Grid(side_px, patch, tuple(range(stride - patch, side_px, stride)))


def evidence_grids(
    classifier: ImageClassifier, images: Images, predicted: Labels, grid: Grid
) -> npt.NDArray[np.float64]:
    """How far the answer's log-odds fall under the patch: ``float64 (N, G, G)``.

    What is above 0 spoke for the answer, what is under 0 against it.

    Args:
        classifier: the model.
        images: ``uint8 (N, S, S, 3)``, RGB, at the model's input size.
        predicted: ``int64 (N,)``, the class answered on each.
        grid: where the patch is put; G places along a side.

    Raises:
        ImageError: if the images do not fit the grid, or there is not an answer for each.
    """
    if images.shape[1:] != (grid.side_px, grid.side_px, 3) or len(images) != len(predicted):
        raise ImageError(
            f"expected images of uint8 (N, {grid.side_px}, {grid.side_px}, 3) with an answer for "
            f"each, found shape {images.shape} with {len(predicted)} answers"
        )
    places = len(grid.starts_px)
    falls = np.zeros((len(images), places, places))
    for index, (image, answer) in enumerate(zip(images, predicted, strict=True)):
        probabilities = classifier.classify_images(_with_patches(image, grid))
        odds = log_odds(probabilities, np.full(len(probabilities), answer))
        falls[index] = (odds[0] - odds[1:]).reshape(places, places)
    return falls


def log_odds(probabilities: Probabilities, labels: Labels) -> npt.NDArray[np.float64]:
    """The logarithm of a class's probability over that of all others: ``float64 (N,)``.

    Args:
        probabilities: ``float64 (N, C)``, rows sum to 1.
        labels: ``int64 (N,)``, which class.
    """
    chosen = np.zeros(probabilities.shape, dtype=bool)
    chosen[np.arange(len(labels)), labels] = True
    own = probabilities[chosen]
    # Added up, because 1 - own is 0 long before the others are.
    others = np.where(chosen, 0, probabilities).sum(axis=1)
    odds: npt.NDArray[np.float64] = np.log(np.maximum(own, _SMALLEST)) - np.log(
        np.maximum(others, _SMALLEST)
    )
    return odds


def pixel_map(falls: npt.NDArray[np.float64], grid: Grid) -> npt.NDArray[np.float64]:
    """The mean fall of all patches over each pixel: ``float64 (S, S)``.

    Args:
        falls: ``float64 (G, G)``, of one image.
        grid: where the patch was put.
    """
    total = np.zeros((grid.side_px, grid.side_px))
    times = np.zeros_like(total)
    for row, column in np.ndindex(falls.shape):
        total[grid.span(row), grid.span(column)] += falls[row, column]
        times[grid.span(row), grid.span(column)] += 1
    mean: npt.NDArray[np.float64] = total / times
    return mean


def lower_half_shares(falls: npt.NDArray[np.float64], grid: Grid) -> npt.NDArray[np.float64]:
    """The share of the evidence in the lower half of each image: ``float64 (N,)``, 0..1.

    Evidence is a fall above 0. Patches that lie across the middle belong to neither half and do
    not count. An image without any evidence has no share: NaN.

    Args:
        falls: ``float64 (N, G, G)``, from `evidence_grids`.
        grid: where the patch was put.
    """
    evidence = np.maximum(falls, 0)
    lower = evidence[:, grid.in_half(lower=True)].sum(axis=(1, 2))
    upper = evidence[:, grid.in_half(lower=False)].sum(axis=(1, 2))
    both = lower + upper
    shares: npt.NDArray[np.float64] = np.divide(
        lower, both, out=np.full_like(both, np.nan), where=both > 0
    )
    return shares


def _with_patches(image: Images, grid: Grid) -> Images:
    """An image, then with the patch at each place: ``uint8 (1 + G * G, S, S, 3)``."""
    places = len(grid.starts_px)
    covered = np.repeat(image[None], 1 + places * places, axis=0)
    colour = np.rint(image.mean(axis=(0, 1))).astype(np.uint8)
    for number, (row, column) in enumerate(np.ndindex(places, places), 1):
        covered[number, grid.span(row), grid.span(column)] = colour
    return covered
