"""Which images are explained, and what share of the evidence lies where, by class.

As JSON it has these keys, which stay:

| key | value |
| --- | --- |
| ``format_version`` | of this layout; 1 |
| ``patch_px``, ``input_size_px`` | the side of the patch, and of the image |
| ``lower_half`` | for the right answers of each class, then for the wrong answers: ``answers``, \
``n``, ``share`` (of the evidence that lies in the lower half of the image), ``ci95``, \
``without_evidence`` (images that no patch made less sure), ``undefined`` (why there is no share) |
| ``seed``, ``resamples``, ``seconds`` | of the samples and the bootstrap; the time it took |
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from facemask.evaluation.bootstrap import percentile_interval, resample_weights, units_of
from facemask.evaluation.evaluate import ImageClassifier, Images
from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.exact import Interval
from facemask.evaluation.mistakes import most_confident_mistakes
from facemask.evaluation.occlusion import (
    Grid,
    evidence_grids,
    lower_half_shares,
    patch_grid,
    pixel_map,
)
from facemask.evaluation.plain import Json, plain_json

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
    evidence: npt.NDArray[np.float64]
    lower_half_share: float | None


@dataclass(frozen=True, slots=True)
class LowerHalf:
    """The share of the evidence that lies in the lower half of some images.

    Attributes:
        answers: which images: ``mask answered right``, ``answered wrong``.
        n: images with any evidence.
        share: the mean over them, 0..1; None without images.
        ci95: its 95% interval; None where there are too few.
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
        return "" if self.ci95 else f"no interval: fewer than {_FEWEST} independent images"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a model answered as it did, on some of an evaluation's images.

    Attributes:
        grid: where the patch was put for the shares.
        lower_half: of the right answers by class, then of the wrong answers.
        mistakes: the surest of them.
        sample: images at random, in the order of the dataset.
        seed: of the samples and of the bootstrap.
        resamples: of the bootstrap.
        seconds: that it took.
    """

    grid: Grid
    lower_half: tuple[LowerHalf, ...]
    mistakes: tuple[Explained, ...]
    sample: tuple[Explained, ...]
    seed: int
    resamples: int
    seconds: float

    def to_json(self) -> dict[str, Json]:
        """The figures with the keys of this module's table, ready for `json.dumps`."""
        return {
            "format_version": FORMAT_VERSION,
            "patch_px": self.grid.patch_px,
            "input_size_px": self.grid.side_px,
            "lower_half": [
                {
                    "answers": one.answers,
                    "n": one.n,
                    "share": one.share,
                    "ci95": plain_json(one.ci95),
                    "without_evidence": one.without_evidence,
                    "undefined": one.undefined or None,
                }
                for one in self.lower_half
            ],
            "seed": self.seed,
            "resamples": self.resamples,
            "seconds": self.seconds,
        }


def explained_images(evaluation: Evaluation, seed: int = 0) -> dict[str, npt.NDArray[np.int64]]:
    """The images that `explain` looks at: ``int64``, numbers of the evaluation's images.

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
        classifier: the model.
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
    look = _Look(classifier, images, evaluation, on_images)
    drawn = explained_images(evaluation, seed)
    shown = {name: drawn.pop(name) for name in ("mistakes", "sample")}
    coarse = patch_grid(classifier.info.input_size_px)
    fine = patch_grid(classifier.info.input_size_px, _FINE_STEPS)
    lower_half = tuple(
        _lower_half(name, chosen, look, coarse, seed=seed, resamples=resamples)
        for name, chosen in drawn.items()
    )
    mistakes, sample = (tuple(look.explained(row, fine) for row in rows) for rows in shown.values())
    seconds = time.perf_counter() - start
    return Explanation(coarse, lower_half, mistakes, sample, seed, resamples, seconds)


@dataclass(frozen=True)
class _Look:
    """A model and the images that it answered on."""

    classifier: ImageClassifier
    images: Images
    evaluation: Evaluation
    on_images: Callable[[int], None] | None

    def falls(self, row: int, grid: Grid) -> npt.NDArray[np.float64]:
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
    look: _Look,
    grid: Grid,
    *,
    seed: int,
    resamples: int,
) -> LowerHalf:
    shares = np.array([lower_half_shares(look.falls(row, grid), grid)[0] for row in chosen])
    known = ~np.isnan(shares)
    n, without = int(known.sum()), int((~known).sum())
    if not n:
        return LowerHalf(name, 0, None, None, without)
    groups = look.evaluation.groups
    units = units_of(n, None if groups is None else groups[chosen][known])
    ci95 = None
    if units.max() + 1 >= _FEWEST:
        weights = np.concatenate(list(resample_weights(units, resamples=resamples, seed=seed)))
        ci95 = percentile_interval(weights @ shares[known] / weights.sum(axis=1))
    return LowerHalf(name, n, float(shares[known].mean()), ci95, without)
