"""Models side by side on the same images, and whether they differ.

Two models are compared with McNemar's exact test; with several seeds of an experiment on a side,
with a test that flips the signs of paired differences. With more than one pair the p-values are
corrected by Holm's method. Intervals come from a paired bootstrap, each for itself.
"""

import json
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from facecover.documents import to_document
from facecover.errors import DatasetError
from facecover.evaluation.formatting import interval, kind_of, p_value, points, signed_points
from facecover.evaluation.intervals import Interval, interval_of
from facecover.evaluation.metrics import METRIC_KEYS, Floats
from facecover.evaluation.performance import Evaluation
from facecover.evaluation.significance import McNemar, holm, mcnemar, sign_flip_p
from facecover.text import percent

Draws = dict[str, Floats]
"""Each metric on each resample: ``float64 (R,)``, NaN where undefined."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A model, or several seeds of one experiment.

    Attributes:
        name: of the model, or such as ``net1 (3 seeds)``.
        members: the models' names.
        seeds: of the members; empty for a single model, as are the next two.
        spread: of each metric, the standard deviation over the members.
        ranges: the least and the greatest value of a member.
        values: the mean of each metric over the members; None where one has none.
        ci95: the 95% interval of the mean: the model's own, or with images and seeds resampled.
    """

    name: str
    members: tuple[str, ...]
    seeds: tuple[int, ...]
    values: dict[str, float | None]
    spread: dict[str, float]
    ranges: dict[str, Interval]
    ci95: dict[str, Interval | None]


def seed_groups(evaluations: Sequence[Evaluation]) -> list[list[int]]:
    """The places of evaluations that differ in the seed alone, each group in order of the seeds.

    An experiment without a seed in its model file, or with one seed twice, stays apart.
    """
    keys = [_all_but_the_seed(one) for one in evaluations]
    seeds = [one.model.config.get("seed") for one in evaluations]
    twice = {key for (key, _), n in Counter(zip(keys, seeds, strict=True)).items() if n > 1}
    groups: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        alone = seeds[place] is None or key in twice
        groups.setdefault(f"{place} {key}" if alone else key, []).append(place)
    return [sorted(group, key=lambda place: seeds[place] or 0) for group in groups.values()]


def _all_but_the_seed(evaluation: Evaluation) -> str:
    model = evaluation.model
    config = {key: value for key, value in model.config.items() if key != "seed"}
    return json.dumps(
        [model.name, config, model.data.digest, model.precision], sort_keys=True, default=str
    )


def _known(members: Sequence[Evaluation], key: str) -> list[float]:
    """A metric of each member; nothing where one of them has none."""
    values = [one.metrics.values[key] for one in members]
    found = [value for value in values if value is not None]
    return found if len(found) == len(values) else []


def _drawn_members(draws: Sequence[Draws], seed: int, members: Sequence[int]) -> Draws:
    """The mean over members that are drawn anew for each resample of the images.

    Contenders with the same seeds are drawn alike, so that what a seed does to both falls out of
    their difference; others independently.
    """
    resamples, count = len(draws[0][METRIC_KEYS[0]]), len(draws)
    drawn = np.random.default_rng([seed, *members]).integers(count, size=(resamples, count))
    means: Draws = {}
    for key in METRIC_KEYS:
        by_member = np.stack([one[key] for one in draws], axis=1)
        means[key] = np.take_along_axis(by_member, drawn, axis=1).mean(axis=1)
    return means


SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more the second model has of a metric, with the interval of a paired bootstrap."""

    value: float
    ci95: Interval | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two contenders on the same images.

    Attributes:
        differences: for each metric that both have, second minus first.
        mcnemar: how their answers pair up; None where a side has several seeds.
        test: what the p-value is from: ``McNemar`` or ``sign flips``.
        p_value: of the difference in accuracy.
        p_holm: the same corrected for the number of pairs; None where there is one pair.
        sentence: the result in plain words.
    """

    first: str
    second: str
    n: int
    differences: dict[str, Difference]
    mcnemar: McNemar | None
    test: str
    p_value: float
    p_holm: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several models on the same images, and every two contenders against each other.

    Attributes:
        evaluations: two or more, in the order given.
        contenders: models, and seeds of one experiment taken together, in that order.
        pairs: every two contenders, in that order; none where all models are seeds of one.
    """

    evaluations: tuple[Evaluation, ...]
    contenders: tuple[Contender, ...]
    pairs: tuple[Pair, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The pairs' sentences, those of the most accurate contender first, best rival first."""
        rank = {
            one.name: position
            for position, one in enumerate(
                sorted(self.contenders, key=lambda one: -(one.values["accuracy"] or 0.0))
            )
        }
        pairs = sorted(self.pairs, key=lambda pair: sorted((rank[pair.first], rank[pair.second])))
        return tuple(pair.sentence for pair in pairs)

    def to_json(self) -> dict[str, Any]:
        """What each evaluation gives, and every field of contenders and pairs."""
        return {
            "evaluations": [evaluation.to_json() for evaluation in self.evaluations],
            "contenders": to_document(self.contenders),
            "pairs": to_document(self.pairs),
        }


def compare_evaluations(evaluations: Sequence[Evaluation]) -> Comparison:
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
    # On the resamples of the first one: the same for every model.
    bootstrap = evaluations[0].bootstrap
    draws = [bootstrap.metric_draws(evaluation.answers) for evaluation in evaluations]
    sides = [
        _side([evaluations[place] for place in group], [draws[place] for place in group])
        for group in seed_groups(evaluations)
    ]
    both = list(combinations(sides, 2))
    tests = [_mcnemar(*pair) for pair in both]
    p_values = [
        _sign_flip_p(*pair) if test is None else test.p_value
        for pair, test in zip(both, tests, strict=True)
    ]
    pairs = [
        _pair(*pair, test, p, p_holm if len(both) > 1 else None, len(both))
        for pair, test, p, p_holm in zip(both, tests, p_values, holm(p_values), strict=True)
    ]
    return Comparison(tuple(evaluations), tuple(side.contender for side in sides), tuple(pairs))


@dataclass(frozen=True, slots=True)
class _Side:
    """A contender with its models and its metrics on each resample."""

    contender: Contender
    members: tuple[Evaluation, ...]
    draws: Draws

    @property
    def share_right(self) -> Floats:
        """The share of the members that answered each image right: ``float64 (N,)``."""
        rights = np.stack([one.answers.is_right for one in self.members])
        shares: Floats = rights.mean(axis=0)
        return shares


def _side(members: Sequence[Evaluation], draws: Sequence[Draws]) -> _Side:
    """One model, or several seeds as one."""
    if len(members) == 1:
        one = members[0]
        alone = Contender(one.name, (one.name,), (), one.metrics.values, {}, {}, one.metrics.ci95)
        return _Side(alone, (one,), draws[0])
    seeds = tuple(one.model.config["seed"] for one in members)
    drawn = _drawn_members(draws, members[0].metrics.seed, seeds)
    known = {key: _known(members, key) for key in METRIC_KEYS}
    filled = {key: values for key, values in known.items() if values}
    together = Contender(
        name=f"{members[0].model.name} ({len(members)} seeds)",
        members=tuple(one.name for one in members),
        seeds=seeds,
        values={key: statistics.fmean(known[key]) if known[key] else None for key in METRIC_KEYS},
        spread={key: statistics.stdev(values) for key, values in filled.items()},
        ranges={key: (min(values), max(values)) for key, values in filled.items()},
        ci95={key: interval_of(drawn[key]) if known[key] else None for key in METRIC_KEYS},
    )
    return _Side(together, tuple(members), drawn)


def _mcnemar(first: _Side, second: _Side) -> McNemar | None:
    """The test of the difference in accuracy of two models; None where a side has several seeds."""
    if len(first.members) > 1 or len(second.members) > 1:
        return None
    return mcnemar(first.members[0].answers.is_right, second.members[0].answers.is_right)


def _sign_flip_p(first: _Side, second: _Side) -> float:
    drawn = first.members[0].bootstrap
    return sign_flip_p(second.share_right - first.share_right, drawn.units, seed=drawn.seed)


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


def _pair(
    first: _Side,
    second: _Side,
    test: McNemar | None,
    p_alone: float,
    p_holm: float | None,
    n_pairs: int,
) -> Pair:
    differences = {}
    for key in METRIC_KEYS:
        value_a, value_b = first.contender.values[key], second.contender.values[key]
        if value_a is not None and value_b is not None:
            bounds = interval_of(second.draws[key] - first.draws[key])
            differences[key] = Difference(value_b - value_a, bounds)
    names = first.contender.name, second.contender.name
    n = len(first.members[0].answers)
    alike = ""
    if np.array_equal(first.share_right, second.share_right):
        alike = "make no mistake" if first.share_right.min() == 1 else "make the same mistakes"
    p = p_alone if p_holm is None else p_holm
    after = "" if p_holm is None else f" after Holm's correction for {n_pairs} pairs"
    name = "McNemar" if test else "sign flips"
    evidence = f"{name} {p_value(p)}{after}"
    n_units = first.members[0].metrics.n_units
    if differences["accuracy"].ci95 is None and n_units < n:
        groups = f"{n_units:,} group{'s' * (n_units > 1)}"
        evidence = f"{groups} of images that belong together give no interval; {evidence}"
    # Images, or groups of them, that differ alike give no interval, and may be enough all the same.
    differs = _sign_flip_p(first, second) < SIGNIFICANCE
    sentence = _sentence(names, n, differences["accuracy"], p, evidence, alike, differs=differs)
    return Pair(*names, n, differences, test, name, p_alone, p_holm, sentence)


def _sentence(
    names: tuple[str, str],
    n: int,
    difference: Difference,
    p: float,
    evidence: str,
    alike: str,
    *,
    differs: bool,
) -> str:
    """The result in plain words; the better one stands first."""
    on_these = f"on these {n:,} images"
    if alike:
        return f"No difference shown: {names[0]} and {names[1]} {alike} {on_these}."
    better, worse = reversed(names) if difference.value >= 0 else names
    low = 0.0
    if difference.ci95:
        low, high = difference.ci95 if difference.value >= 0 else _negated(difference.ci95)
        bounds = f"{signed_points(low)} to {signed_points(high)}"
        evidence = f"95% interval {bounds}, paired bootstrap; {evidence}"
    is_shown = p < SIGNIFICANCE and (low > 0 if difference.ci95 else differs)
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


def seed_sentences(comparison: Comparison) -> tuple[str, ...]:
    """A sentence for each experiment that stands there with several seeds."""
    return tuple(_seeds_sentence(one) for one in comparison.contenders if one.seeds)


def _seeds_sentence(one: Contender) -> str:
    mean, bounds = one.values["accuracy"], one.ci95["accuracy"]
    if mean is None:
        return f"{one.name}: accuracy undefined."
    low, high = one.ranges["accuracy"]
    between = f"95% interval {interval(kind_of('accuracy'), bounds)}; " if bounds else ""
    return (
        f"{one.name}: {percent(mean)} mean accuracy ({between}single seeds {percent(low)} to "
        f"{percent(high)}, standard deviation {points(one.spread['accuracy'])})."
    )
