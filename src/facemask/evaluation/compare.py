"""Models side by side on the same images, and whether they differ."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from facemask.errors import DatasetError
from facemask.evaluation.bootstrap import percentile_interval, resampled_values, units_of
from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.exact import Interval
from facemask.evaluation.intervals import UNDEFINED_SHARE
from facemask.evaluation.mcnemar import McNemar, mcnemar
from facemask.evaluation.metric_kinds import METRIC_KEYS
from facemask.evaluation.plain import plain_json
from facemask.evaluation.weighted import Floats
from facemask.evaluation.wording import p_value, points

SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more the second model has of a metric: its value and its 95% interval.

    Attributes:
        value: second minus first.
        ci95: from a paired bootstrap; None where every resample gives the same difference, or
            too many resamples leave the metric undefined.
    """

    value: float
    ci95: Interval | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two models on the same images.

    Attributes:
        first: the first model's name.
        second: the second's.
        n: images.
        differences: for each metric that both have, second minus first.
        mcnemar: the test of the difference in accuracy.
        sentence: the result in plain words.
    """

    first: str
    second: str
    n: int
    differences: dict[str, Difference]
    mcnemar: McNemar
    sentence: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several models on the same images, and every two of them against each other.

    Attributes:
        evaluations: two or more, in the order given.
        pairs: every two, in that order.
    """

    evaluations: tuple[Evaluation, ...]
    pairs: tuple[Pair, ...]

    def to_json(self) -> dict[str, Any]:
        """For programs: ``evaluations`` (see `evaluation`) and ``pairs`` with `Pair`'s fields."""
        return {
            "evaluations": [evaluation.to_json() for evaluation in self.evaluations],
            "pairs": [plain_json(dataclasses.asdict(pair)) for pair in self.pairs],
        }


def compare(evaluations: Sequence[Evaluation]) -> Comparison:
    """Every two models against each other, on the same images.

    Raises:
        DatasetError: if there are fewer than two, two have one name, or they were not measured
            on the same images in the same order.
        ConfigError: if an evaluation's bootstrap cannot be drawn again.
    """
    if len(evaluations) < 2:
        raise DatasetError(f"expected two models or more to compare, found {len(evaluations)}")
    names = [evaluation.name for evaluation in evaluations]
    if len(set(names)) < len(names):
        raise DatasetError(f"expected a name of its own for each model, found {', '.join(names)}")
    for other in evaluations[1:]:
        _check_same_images(evaluations[0], other)
    draws = [_draws(evaluation, evaluations[0]) for evaluation in evaluations]
    pairs = [
        _pair(evaluations[i], evaluations[j], draws[i], draws[j])
        for i, j in combinations(range(len(evaluations)), 2)
    ]
    return Comparison(tuple(evaluations), tuple(pairs))


def _check_same_images(first: Evaluation, second: Evaluation) -> None:
    where = f"{first.name} and {second.name}: expected the same images"
    if first.data_digest != second.data_digest:
        raise DatasetError(
            f"{where}, found data {first.data_digest[:12] or 'unknown'} and "
            f"{second.data_digest[:12] or 'unknown'}; evaluate both on one dataset"
        )
    same_rows = np.array_equal(first.rows, second.rows)
    if first.split != second.split or not same_rows:
        raise DatasetError(
            f"{where}, found {len(first.rows):,} of {first.split} and {len(second.rows):,} of "
            f"{second.split}; evaluate both on one split"
        )
    if not np.array_equal(first.answers.labels, second.answers.labels):
        raise DatasetError(f"{where}, found other labels; evaluate both on one dataset")


def _draws(evaluation: Evaluation, first: Evaluation) -> dict[str, Floats]:
    """An evaluation's metrics on the resamples of the first one: the same for every model."""
    units = units_of(len(first.answers), first.groups)
    metrics = first.metrics
    return resampled_values(
        evaluation.answers, units, resamples=metrics.resamples, seed=metrics.seed
    )


def _pair(
    first: Evaluation, second: Evaluation, draws_a: dict[str, Floats], draws_b: dict[str, Floats]
) -> Pair:
    differences = {}
    for key in METRIC_KEYS:
        value_a, value_b = first.metrics.values[key], second.metrics.values[key]
        if value_a is not None and value_b is not None:
            bounds = _difference_interval(draws_b[key] - draws_a[key])
            differences[key] = Difference(value_b - value_a, bounds)
    test = mcnemar(first.answers.is_right, second.answers.is_right)
    n = len(first.answers)
    sentence = _sentence(first.name, second.name, n, differences["accuracy"], test)
    return Pair(first.name, second.name, n, differences, test, sentence)


def _difference_interval(draws: Floats) -> Interval | None:
    if np.isnan(draws).mean() > UNDEFINED_SHARE:
        return None
    low, high = percentile_interval(draws)
    # Without any spread the resamples say nothing of how far chance reaches.
    return (low, high) if high > low else None


def _sentence(first: str, second: str, n: int, difference: Difference, test: McNemar) -> str:
    """The result in plain words; the better model stands first."""
    on_these = f"on these {n:,} images"
    if not test.n10 and not test.n01:
        return f"No difference shown: {first} and {second} make the same mistakes {on_these}."
    better, worse = (second, first) if difference.value >= 0 else (first, second)
    evidence = f"McNemar {p_value(test.p_value)}"
    low = 0.0
    if difference.ci95:
        low, high = difference.ci95 if difference.value >= 0 else _negated(difference.ci95)
        evidence = f"95% interval {_signed(low)} to {_signed(high)}, paired bootstrap; {evidence}"
    is_shown = test.p_value < SIGNIFICANCE and (low > 0 or difference.ci95 is None)
    if is_shown:
        size = points(difference.value)
        return f"{better} is better than {worse} by {size} of accuracy ({evidence}) {on_these}."
    if not difference.value:
        return f"No difference shown: {better} and {worse} score the same ({evidence}) {on_these}."
    return (
        f"No difference shown: {better} has {points(difference.value)} more accuracy than "
        f"{worse}, which may be chance ({evidence}) {on_these}."
    )


def _negated(bounds: Interval) -> Interval:
    return -bounds[1], -bounds[0]


def _signed(share: float) -> str:
    """Percentage points with a true minus sign; no sign at zero."""
    text = f"{100 * share:.1f}"
    return "0.0" if text == "-0.0" else text.replace("-", "\N{MINUS SIGN}")
