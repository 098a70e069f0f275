"""What is compared: a model, or several seeds of one experiment as one distribution.

Runs whose experiments differ in nothing but the seed, and that learned from the same data, stand
for what the experiment gives: their mean is compared, with the spread over seeds, and never the
best of them.
"""

import json
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facemask.evaluation.bootstrap import percentile_interval
from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.exact import Interval
from facemask.evaluation.intervals import UNDEFINED_SHARE
from facemask.evaluation.metric_kinds import METRIC_KEYS
from facemask.evaluation.plain import Json, plain_json
from facemask.evaluation.weighted import Floats

Draws = dict[str, Floats]
"""Each metric on each resample: ``float64 (R,)``, NaN where undefined."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A model, or several seeds of one experiment.

    Attributes:
        name: of the model, or such as ``net1 (3 seeds)``.
        members: the models' names.
        seeds: of the members; empty for a single model.
        values: the mean of each metric over the members; None where one has none.
        spread: its standard deviation over the members; empty for a single model.
        ranges: the least and the greatest value of a member; likewise.
        ci95: the 95% interval of the mean: the model's own, or with images and seeds resampled.
    """

    name: str
    members: tuple[str, ...]
    seeds: tuple[int, ...]
    values: dict[str, float | None]
    spread: dict[str, float]
    ranges: dict[str, Interval]
    ci95: dict[str, Interval | None]

    def to_json(self) -> dict[str, Json]:
        """Every field by its name."""
        return {
            "name": self.name,
            "members": plain_json(self.members),
            "seeds": plain_json(self.seeds),
            "values": plain_json(self.values),
            "spread": plain_json(self.spread),
            "ranges": plain_json(self.ranges),
            "ci95": plain_json(self.ci95),
        }


def seed_groups(evaluations: Sequence[Evaluation]) -> list[list[int]]:
    """The places of evaluations that differ in the seed alone, in the order of the first of each.

    Within a group they stand by seed.

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


def contender(
    group: Sequence[int], evaluations: Sequence[Evaluation], draws: Sequence[Draws]
) -> tuple[Contender, Draws]:
    """The models at some places as one, and its metrics on each resample.

    Args:
        group: the places.
        evaluations: of every model.
        draws: of every model, on the same resamples.
    """
    members = [evaluations[place] for place in group]
    if len(members) == 1:
        (one,) = members
        single = Contender(one.name, (one.name,), (), one.metrics.values, {}, {}, one.metrics.ci95)
        return single, draws[group[0]]
    seeds = tuple(one.model.config["seed"] for one in members)
    drawn = _drawn_members([draws[place] for place in group], members[0].metrics.seed, seeds)
    known = {key: _known(members, key) for key in METRIC_KEYS}
    filled = {key: values for key, values in known.items() if values}
    together = Contender(
        name=f"{members[0].model.name} ({len(members)} seeds)",
        members=tuple(one.name for one in members),
        seeds=seeds,
        values={key: statistics.fmean(known[key]) if known[key] else None for key in METRIC_KEYS},
        spread={key: statistics.stdev(values) for key, values in filled.items()},
        ranges={key: (min(values), max(values)) for key, values in filled.items()},
        ci95={key: draws_interval(drawn[key]) if known[key] else None for key in METRIC_KEYS},
    )
    return together, drawn


def draws_interval(draws: Floats) -> Interval | None:
    """The middle of the resamples; None without any spread, or where too many are undefined."""
    if np.isnan(draws).mean() > UNDEFINED_SHARE:
        return None
    low, high = percentile_interval(draws)
    # Without any spread the resamples say nothing of how far chance reaches.
    return (low, high) if high > low else None


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

    Args:
        draws: of each member.
        seed: of the bootstrap.
        members: their seeds: contenders with the same ones are drawn alike, so that what a seed
            does to both falls out of their difference; others independently.
    """
    resamples, count = len(draws[0][METRIC_KEYS[0]]), len(draws)
    drawn = np.random.default_rng([seed, *members]).integers(count, size=(resamples, count))
    means: Draws = {}
    for key in METRIC_KEYS:
        by_member = np.stack([one[key] for one in draws], axis=1)
        means[key] = np.take_along_axis(by_member, drawn, axis=1).mean(axis=1)
    return means
