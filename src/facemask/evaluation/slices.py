"""A model on parts of the images: where it is weak.

As JSON it has these keys, which stay:

| key | value |
| --- | --- |
| ``min_n`` | slices of fewer images are too few to judge |
| ``ranked_by`` | how the slices are ordered, in words |
| ``slices`` | for each slice, the worst first and those that are too few last: ``by``, ``name``, \
``is_column``, ``n``, ``n_by_class``, ``units``, ``too_few`` (a reason, or null), every metric, \
``undefined``, ``ci95``, ``interval_notes``, ``confusion`` |
| ``not_sliced`` | for each column that cuts nothing, why |
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from facemask.errors import ConfigError, DatasetError
from facemask.evaluation.answers import Answers
from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.metrics import Metrics, measure_answers
from facemask.evaluation.plain import Json, plain_json
from facemask.evaluation.slice_cuts import Cut, cut_images

MIN_SLICE = 50
"""With fewer images the 95% interval of an accuracy near 90% is about 18 points wide or wider
(Wilson, n = 50); such a slice says little of the model."""

RANKED_BY = "accuracy, the lowest first"
"""Not the interval's upper end: by that, large slices that are hardly worse than all images stand
before small ones that are much worse."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A model on some of the images.

    Attributes:
        by: see `slice_cuts.Cut`.
        title: the same for people.
        meaning: what is measured; empty where the title says it.
        name: which part: ``under 32 px``, the name of a source, ``missing``.
        is_column: whether it was cut by a column of the data's own.
        metrics: every metric on them.
        too_few: why nothing can be said of it; empty where something can.
    """

    by: str
    title: str
    meaning: str
    name: str
    is_column: bool
    metrics: Metrics
    too_few: str

    @property
    def label(self) -> str:
        """For people: ``Face size: under 32 px``."""
        return f"{self.title}: {self.name}"

    def to_json(self) -> dict[str, Json]:
        """With the keys of this module's table."""
        metrics = self.metrics
        document = {
            "by": self.by,
            "name": self.name,
            "is_column": self.is_column,
            "n": metrics.n,
            "n_by_class": metrics.n_by_class,
            "units": metrics.n_units,
            "too_few": self.too_few or None,
            **metrics.values,
            "undefined": metrics.undefined,
            "ci95": metrics.ci95,
            "interval_notes": metrics.interval_notes,
            "confusion": metrics.confusion,
        }
        return {key: plain_json(value) for key, value in document.items()}


@dataclass(frozen=True, slots=True)
class Slices:
    """A model on every slice.

    Attributes:
        whole: on all of the images.
        min_n: slices of fewer images are too few to judge.
        slices: in the order of the cuts and their parts.
        not_sliced: for each column that cuts nothing, why.
    """

    whole: Metrics
    min_n: int
    slices: tuple[Slice, ...]
    not_sliced: dict[str, str]

    @property
    def judged(self) -> tuple[Slice, ...]:
        """Those of enough images, the worst first, see `RANKED_BY`."""
        return tuple(sorted((one for one in self.slices if not one.too_few), key=_badness))

    @property
    def too_few(self) -> tuple[Slice, ...]:
        """The others, in the order of the cuts."""
        return tuple(one for one in self.slices if one.too_few)

    def to_json(self) -> dict[str, Json]:
        """The slices with the keys of this module's table, ready for `json.dumps`."""
        return {
            "min_n": self.min_n,
            "ranked_by": RANKED_BY,
            "slices": [one.to_json() for one in (*self.judged, *self.too_few)],
            "not_sliced": plain_json(self.not_sliced),
        }


def measure_slices(
    evaluation: Evaluation,
    table: pd.DataFrame,
    *,
    min_n: int = MIN_SLICE,
    on_images: Callable[[int], None] | None = None,
) -> Slices:
    """Every metric on every slice of the images that were evaluated.

    Args:
        evaluation: of them.
        table: the manifest's; row i belongs to image i of the dataset's arrays.
        min_n: slices of fewer images are too few to judge.
        on_images: called after each slice with the number of images in it.

    Raises:
        ConfigError: if `min_n` is not positive.
        DatasetError: if the table has no row for an image.
    """
    if min_n < 1:
        raise ConfigError(f"--min-slice {min_n}: expected 1 or more")
    if evaluation.rows.max() >= len(table):
        raise DatasetError(
            f"expected a row for each image, found {len(table):,} rows and image "
            f"{evaluation.rows.max():,}"
        )
    cuts, not_sliced = cut_images(table.iloc[evaluation.rows])
    slices = []
    for cut in cuts:
        for code in np.unique(cut.codes):
            chosen = np.flatnonzero(cut.codes == code)
            slices.append(_slice(evaluation, cut, int(code), chosen, min_n))
            if on_images:
                on_images(len(chosen))
    return Slices(evaluation.metrics, min_n, tuple(slices), not_sliced)


def answers_of(answers: Answers, chosen: npt.NDArray[np.int64]) -> Answers:
    """Some of the answers: those at ``int64 (K,)``."""
    return dataclasses.replace(
        answers,
        labels=answers.labels[chosen],
        probabilities=answers.probabilities[chosen],
        predicted=answers.predicted[chosen],
    )


def _slice(
    evaluation: Evaluation, cut: Cut, code: int, chosen: npt.NDArray[np.int64], min_n: int
) -> Slice:
    known, groups = evaluation.metrics, evaluation.groups
    metrics = measure_answers(
        answers_of(evaluation.answers, chosen),
        seed=known.seed,
        resamples=known.resamples,
        groups=None if groups is None else groups[chosen],
    )
    few = ""
    if metrics.n < min_n:
        few = f"{metrics.n:,} images, fewer than {min_n}"
    elif metrics.ci95["accuracy"] is None:
        few = f"its {metrics.n:,} images are {metrics.n_units:,} group, which has no interval"
    return Slice(cut.by, cut.title, cut.meaning, cut.names[code], cut.is_column, metrics, few)


def _badness(one: Slice) -> tuple[float, float]:
    """Of equal accuracies the one with the lower upper end stands first."""
    interval, accuracy = one.metrics.ci95["accuracy"], one.metrics.values["accuracy"]
    return 1.0 if accuracy is None else accuracy, (interval or (0.0, 1.0))[1]
