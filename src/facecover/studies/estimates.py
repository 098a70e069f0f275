"""Means over seeds, with intervals over seeds and groups of images."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from facecover.errors import DatasetError
from facecover.evaluation.intervals import (
    Interval,
    percentile_interval,
    proportion_interval,
    resample_weights,
    units_of,
)
from facecover.studies.results import StudyComparison
from facecover.studies.runs import RunAnswers

RESAMPLES = 1000

_NO_WIDTH = 1e-12
"""Intervals narrower than this are rounding."""


@dataclass(frozen=True)
class SeedMean:
    """A mean over seeds.

    Attributes:
        ci95: its 95% interval; None where every resample gives the same value.
        n: images.
        n_units: groups of images that were drawn.
        by_seed: the value of each seed.
    """

    value: float
    ci95: Interval | None
    n: int
    n_units: int
    by_seed: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One variant on one part of a division, over its seeds.

    Attributes:
        source: the source it is about, or ``all``.
        accuracy: 0..1.
        n_train: training images, the mean over the seeds.
        balanced: the mean balanced accuracy; None where one class is missing.
        to_baseline: compared with the baseline; None for the baseline itself.
    """

    division: str
    source: str
    variant: str
    accuracy: SeedMean
    n_train: int
    epochs: int
    parameters: int
    balanced: float | None = None
    to_baseline: StudyComparison | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Division and source."""
        return self.division, self.source


def mean_accuracy(answers: Mapping[int, RunAnswers]) -> SeedMean:
    """The accuracy of a variant over its seeds, whose answers are on the same images.

    Raises:
        DatasetError: if the images differ.
    """
    groups = _same_images(list(answers.values()))
    right = np.stack([one.is_right for one in answers.values()]).astype(np.float64)
    mean = _seed_mean(right, groups, list(answers))
    if mean.ci95 is not None:
        return mean
    exact = proportion_interval(mean.value, mean.n_units)
    return SeedMean(mean.value, exact, mean.n, mean.n_units, mean.by_seed)


def mean_difference(
    variant: Mapping[int, RunAnswers], baseline: Mapping[int, RunAnswers]
) -> SeedMean | None:
    """How much more accuracy a variant has, over the seeds that both have; None without one.

    Raises:
        DatasetError: if the images differ.
    """
    seeds = [seed for seed in variant if seed in baseline]
    if not seeds:
        return None
    groups = _same_images([one[seed] for seed in seeds for one in (variant, baseline)])
    more = np.stack(
        [
            variant[seed].is_right.astype(np.float64) - baseline[seed].is_right.astype(np.float64)
            for seed in seeds
        ]
    )
    return _seed_mean(more, groups, seeds)


def _seed_mean(
    values: npt.NDArray[np.float64], groups: npt.NDArray[np.int64], seeds: list[int]
) -> SeedMean:
    """The mean of ``float64 (S, n)`` over seeds and images."""
    n = values.shape[1]
    units = units_of(n, groups)
    low, high = percentile_interval(_resampled(values, units))
    return SeedMean(
        value=float(values.mean()),
        ci95=(low, high) if high - low > _NO_WIDTH else None,
        n=n,
        n_units=int(units.max()) + 1,
        by_seed=dict(zip(seeds, map(float, values.mean(axis=1)), strict=True)),
    )


def _resampled(
    values: npt.NDArray[np.float64], units: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """The mean on each resample of seeds and units: ``float64 (R,)``."""
    chunks = [
        (weights @ values.T) / weights.sum(axis=1, keepdims=True)
        for weights in resample_weights(units, resamples=RESAMPLES, seed=0)
    ]
    by_seed = np.concatenate(chunks)  # (R, S)
    count = by_seed.shape[1]
    drawn = np.random.default_rng(1).integers(count, size=by_seed.shape)
    means: npt.NDArray[np.float64] = np.take_along_axis(by_seed, drawn, axis=1).mean(axis=1)
    return means


def _same_images(answers: list[RunAnswers]) -> npt.NDArray[np.int64]:
    """The groups of the images, which all answers share."""
    first = answers[0]
    for other in answers[1:]:
        if not np.array_equal(first.rows, other.rows):
            raise DatasetError(
                f"expected answers on the same images, found {len(first.rows):,} and "
                f"{len(other.rows):,} others; remove the study's runs folder and run it again"
            )
        if not np.array_equal(first.labels, other.labels):
            raise DatasetError(
                "expected answers on the same images, found the same row numbers with other "
                "labels: they are answers on other photos"
            )
    return first.groups
