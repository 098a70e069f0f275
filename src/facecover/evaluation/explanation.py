"""Where the evidence for a model's answers lies: how far they fall when a patch covers a place."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from facecover.documents import Json, to_document
from facecover.errors import ConfigError, ImageError
from facecover.evaluation.answers import Labels, Probabilities
from facecover.evaluation.intervals import Bootstrap, Interval, interval_of, units_of
from facecover.evaluation.metrics import Floats
from facecover.evaluation.performance import (
    Evaluation,
    ImageClassifier,
    Images,
    most_confident_mistakes,
)

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
) -> Floats:
    """How far the answer's log-odds fall under the patch: ``float64 (N, G, G)``.

    What is above 0 spoke for the answer, what is under 0 against it.

    Args:
        classifier: answers.
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


def log_odds(probabilities: Probabilities, labels: Labels) -> Floats:
    """The logarithm of a class's probability over that of all others: ``float64 (N,)``."""
    chosen = np.zeros(probabilities.shape, dtype=bool)
    chosen[np.arange(len(labels)), labels] = True
    own = probabilities[chosen]
    # Added up, because 1 - own is 0 long before the others are.
    others = np.where(chosen, 0, probabilities).sum(axis=1)
    odds: Floats = np.log(np.maximum(own, _SMALLEST)) - np.log(np.maximum(others, _SMALLEST))
    return odds


def pixel_map(falls: Floats, grid: Grid) -> Floats:
    """The mean of all patches' falls, ``float64 (G, G)``, over each pixel: ``float64 (S, S)``."""
    total = np.zeros((grid.side_px, grid.side_px))
    times = np.zeros_like(total)
    for row, column in np.ndindex(falls.shape):
        total[grid.span(row), grid.span(column)] += falls[row, column]
        times[grid.span(row), grid.span(column)] += 1
    mean: Floats = total / times
    return mean


def lower_half_shares(falls: Floats, grid: Grid) -> Floats:
    """The share of the evidence in the lower half of each image: ``float64 (N,)``, 0..1.

    Evidence is a fall above 0. Patches that lie across the middle belong to neither half and do
    not count. An image without any evidence has no share: NaN.
    """
    evidence = np.maximum(falls, 0)
    lower = evidence[:, grid.in_half(lower=True)].sum(axis=(1, 2))
    upper = evidence[:, grid.in_half(lower=False)].sum(axis=(1, 2))
    both = lower + upper
    shares: Floats = np.divide(lower, both, out=np.full_like(both, np.nan), where=both > 0)
    return shares


def _with_patches(image: Images, grid: Grid) -> Images:
    """An image, then with the patch at each place: ``uint8 (1 + G * G, S, S, 3)``."""
    places = len(grid.starts_px)
    covered = np.repeat(image[None], 1 + places * places, axis=0)
    colour = np.rint(image.mean(axis=(0, 1))).astype(np.uint8)
    for number, (row, column) in enumerate(np.ndindex(places, places), 1):
        covered[number, grid.span(row), grid.span(column)] = colour
    return covered


FORMAT_VERSION = 1

PER_GROUP = 200
"""Images of each class whose evidence is located: the share is then known to a few points."""

SHOWN = 12
"""Mistakes shown, and images of the random sample."""

_FINE_STEPS = 4
"""Steps of the patch to its length for pictures; their number is squared."""

_FEWEST = 5
"""Units under which a bootstrap interval would say nothing."""


@dataclass(frozen=True, slots=True)
class Explained:
    """An image, and where the evidence for its answer lies.

    Attributes:
        row: its number among the evaluation's images.
        evidence: ``float64 (S, S)``, the fall of the answer's log-odds when the place is covered.
        lower_half_share: of the evidence, 0..1; None without any evidence.
    """

    row: int
    evidence: Floats
    lower_half_share: float | None


@dataclass(frozen=True, slots=True)
class LowerHalf:
    """The share of the evidence that lies in the lower half of some images.

    Attributes:
        answers: which images: ``mask answered right``, ``answered wrong``.
        n: images with any evidence.
        share: the mean over them, 0..1; None without images, and no interval with too few.
        without_evidence: images that no patch made less sure.
    """

    answers: str
    n: int
    share: float | None
    ci95: Interval | None
    without_evidence: int

    @property
    def undefined(self) -> str:
        """Why there is no share, or no interval; empty where there are both."""
        if self.share is None:
            return "no image with evidence"
        if self.ci95:
            return ""
        return f"no interval: fewer than {_FEWEST} independent images, or all of one share"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a model answered as it did, on some of an evaluation's images.

    Attributes:
        grid: where the patch was put for the shares.
        lower_half: of the right answers by class, then of the wrong answers.
        mistakes: the surest of them.
        sample: images at random, in the order of the dataset.
        seed: of the samples and of the bootstrap.
    """

    grid: Grid
    lower_half: tuple[LowerHalf, ...]
    mistakes: tuple[Explained, ...]
    sample: tuple[Explained, ...]
    seed: int
    resamples: int
    seconds: float

    def to_json(self) -> dict[str, Json]:
        """The shares; pictures are for the report alone."""
        return {
            "format_version": FORMAT_VERSION,
            "patch_px": self.grid.patch_px,
            "input_size_px": self.grid.side_px,
            "lower_half": [
                {**to_document(one), "undefined": one.undefined or None} for one in self.lower_half
            ],
            "seed": self.seed,
            "resamples": self.resamples,
            "seconds": self.seconds,
        }


def explained_images(evaluation: Evaluation, seed: int = 0) -> dict[str, npt.NDArray[np.int64]]:
    """The images that `explain` takes: ``int64``, numbers of the evaluation's images.

    Those of ``mistakes`` and ``sample`` are shown; those of every other name are the right
    answers of a class, or all wrong answers, `PER_GROUP` at most, drawn at random.
    """
    answers, rng = evaluation.answers, np.random.default_rng(seed)
    chosen = {
        f"{name} answered right": np.flatnonzero(answers.is_right & (answers.labels == label))
        for label, name in enumerate(answers.class_names)
    }
    chosen["answered wrong"] = np.flatnonzero(~answers.is_right)
    drawn = {name: _drawn(rng, found, PER_GROUP) for name, found in chosen.items()}
    drawn["mistakes"] = most_confident_mistakes(answers, SHOWN)
    drawn["sample"] = _drawn(rng, np.arange(len(answers)), SHOWN)
    return drawn


def explain(
    classifier: ImageClassifier,
    images: Images,
    evaluation: Evaluation,
    *,
    seed: int = 0,
    resamples: int = 1000,
    on_images: Callable[[int], None] | None = None,
) -> Explanation:
    """Where the evidence lies for a model's surest mistakes, for a sample, and by class.

    Args:
        classifier: answers.
        images: ``uint8 (M, S, S, 3)``, RGB, the dataset's images at the model's input size.
        evaluation: what the model answered on them.
        seed: of the samples and of the bootstrap.
        resamples: of the bootstrap.
        on_images: called with 1 after each image.

    Raises:
        ConfigError: if the seed or the number of resamples is out of range, or the model's input
            is too small.
        ImageError: if the images are not of the model's input size.
    """
    start = time.perf_counter()
    model = _Covered(classifier, images, evaluation, on_images)
    drawn = explained_images(evaluation, seed)
    shown = {name: drawn.pop(name) for name in ("mistakes", "sample")}
    coarse = patch_grid(classifier.info.input_size_px)
    fine = patch_grid(classifier.info.input_size_px, _FINE_STEPS)
    lower_half = tuple(
        _lower_half(name, chosen, model, coarse, seed=seed, resamples=resamples)
        for name, chosen in drawn.items()
    )
    mistakes, sample = (
        tuple(model.explained(row, fine) for row in rows) for rows in shown.values()
    )
    seconds = time.perf_counter() - start
    return Explanation(coarse, lower_half, mistakes, sample, seed, resamples, seconds)


@dataclass(frozen=True)
class _Covered:
    """A model, and the images that it answered on and answers again with a patch on them."""

    classifier: ImageClassifier
    images: Images
    evaluation: Evaluation
    on_images: Callable[[int], None] | None

    def falls(self, row: int, grid: Grid) -> Floats:
        """See `evidence_grids`: ``float64 (1, G, G)`` for one of the evaluation's images."""
        image = np.asarray(self.images[self.evaluation.rows[row]])
        predicted = self.evaluation.answers.predicted[row : row + 1]
        falls = evidence_grids(self.classifier, image[None], predicted, grid)
        if self.on_images:
            self.on_images(1)
        return falls

    def explained(self, row: int, grid: Grid) -> Explained:
        """Where the evidence of one image lies."""
        falls = self.falls(row, grid)
        share = float(lower_half_shares(falls, grid)[0])
        return Explained(int(row), pixel_map(falls[0], grid), None if np.isnan(share) else share)


def _drawn(
    rng: np.random.Generator, found: npt.NDArray[np.int64], count: int
) -> npt.NDArray[np.int64]:
    """At most `count` of them, at random, in order."""
    drawn: npt.NDArray[np.int64] = np.sort(rng.permutation(found)[:count])
    return drawn


def _lower_half(
    name: str,
    chosen: npt.NDArray[np.int64],
    model: _Covered,
    grid: Grid,
    *,
    seed: int,
    resamples: int,
) -> LowerHalf:
    shares = np.array([lower_half_shares(model.falls(row, grid), grid)[0] for row in chosen])
    known = ~np.isnan(shares)
    n, without = int(known.sum()), int((~known).sum())
    if not n:
        return LowerHalf(name, 0, None, None, without)
    groups = model.evaluation.groups
    units = units_of(n, None if groups is None else groups[chosen][known])
    bootstrap, ci95 = Bootstrap(units, resamples, seed), None
    if bootstrap.n_units >= _FEWEST:
        ci95 = interval_of(bootstrap.draws(lambda w: w @ shares[known] / w.sum(axis=1)))
    return LowerHalf(name, n, float(shares[known].mean()), ci95, without)
