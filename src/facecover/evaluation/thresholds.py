"""The threshold that costs least, where a missed mask and a false alarm have stated costs."""

import dataclasses
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np

from facecover.documents import Json, to_document
from facecover.errors import ConfigError
from facecover.evaluation.answers import Answers
from facecover.evaluation.intervals import Interval, proportion_interval, resample_weights
from facecover.evaluation.metrics import Floats
from facecover.evaluation.performance import Estimate, Evaluation, mean
from facecover.labels import MASK, NO_MASK

HALF = 0.5
"""The threshold that takes the likelier class, to compare with."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What mistakes cost, in any unit.

    Attributes:
        miss: a mask answered no mask.
        alarm: a bare face answered mask.

    Raises:
        ConfigError: if one is not a positive, finite number.
    """

    miss: float
    alarm: float

    def __post_init__(self) -> None:
        for option, cost in (("--cost-miss", self.miss), ("--cost-alarm", self.alarm)):
            if not (math.isfinite(cost) and cost > 0):
                raise ConfigError(f"{option} {cost:g}: expected a number greater than 0")

    @property
    def break_even(self) -> float:
        """The probability of a mask at which both answers cost the same on average.

        At p, answering no mask costs p times a miss and answering mask 1 - p times an alarm; they
        are equal at alarm / (alarm + miss). It is the best threshold where probabilities are
        right (Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001, section 1).
        """
        return self.alarm / (self.alarm + self.miss)


@dataclass(frozen=True, slots=True)
class CostAt:
    """What a threshold costs on some images.

    Attributes:
        cost: of an image, on average.
    """

    threshold: float
    misses: int
    alarms: int
    n: int
    cost: float
    ci95: Interval | None

    def to_json(self) -> dict[str, Json]:
        """Every field but the threshold."""
        fields = to_document(self)
        return {key: value for key, value in fields.items() if key != "threshold"}


@dataclass(frozen=True, slots=True)
class ThresholdChoice:
    """A threshold that was chosen, and what it costs elsewhere.

    Attributes:
        chosen_on: the evaluation that chose it; None if a formula did.
        gain: what it saves of an image's cost at 0.5, see `out_of_bag`; None if a formula chose.
        same_images: whether images that it is measured on chose it too.
        measured: what it costs on the evaluated images.
        at_half: what a threshold of 0.5 costs there.
        difference: the first minus the second, paired; no interval where both answer alike.
    """

    costs: Costs
    chosen_on: Evaluation | None
    gain: Estimate | None
    same_images: bool
    measured: CostAt
    at_half: CostAt
    difference: float
    difference_ci95: Interval | None

    @property
    def threshold(self) -> float:
        """The one that was chosen."""
        return self.measured.threshold

    @property
    def may_be_chance(self) -> bool:
        """Whether what it saves may be chance."""
        return may_be_chance(self.gain)

    @property
    def method(self) -> str:
        """How it was chosen, in words."""
        if self.chosen_on is None:
            return (
                "the formula alarm / (alarm + miss), which is right if the model's probabilities "
                "are: no other split was at hand to choose on"
            )
        return f"the least cost on {self.chosen_on.counted_images}"

    def to_json(self) -> dict[str, Json]:
        """``chosen_on`` is a split, with ``chosen_n`` images; both null if a formula chose."""
        chosen = self.chosen_on
        return {
            "threshold": self.threshold,
            "cost_miss": self.costs.miss,
            "cost_alarm": self.costs.alarm,
            "chosen_on": None if chosen is None else chosen.split,
            "chosen_n": None if chosen is None else len(chosen.answers),
            "method": self.method,
            "gain": gain_to_json(self.gain),
            "same_images": self.same_images,
            "measured": {**self.measured.to_json(), "at_half": self.at_half.to_json()},
            "difference": self.difference,
            "difference_ci95": to_document(self.difference_ci95),
        }


def choose_threshold(
    evaluation: Evaluation, costs: Costs, chosen_on: Evaluation | None
) -> ThresholdChoice:
    """The cheapest threshold of some images, measured on others.

    Args:
        evaluation: of the images to measure on.
        costs: of a miss and an alarm.
        chosen_on: the same model on the images that choose; None takes `Costs.break_even`.

    Raises:
        ConfigError: if the model has more than two classes.
    """
    check_two_classes(evaluation.answers, "--cost-miss")
    same = chosen_on is not None and bool(np.isin(chosen_on.rows, evaluation.rows).any())
    threshold = (
        costs.break_even if chosen_on is None else cheapest_threshold(chosen_on.answers, costs)
    )
    own = _costs(evaluation.answers, threshold, costs)
    half = _costs(evaluation.answers, HALF, costs)
    difference = mean(evaluation, own - half)
    return ThresholdChoice(
        costs=costs,
        chosen_on=chosen_on,
        gain=None if chosen_on is None else _saved(chosen_on, costs),
        same_images=same,
        measured=cost_at(evaluation, threshold, costs),
        at_half=cost_at(evaluation, HALF, costs),
        difference=difference.value or 0.0,
        difference_ci95=difference.ci95,
    )


_CHOICES = 100
"""Resamples that choose anew; each image is outside of about 37 of them."""


def out_of_bag(chosen_on: Evaluation, effect: Callable[[Answers], Floats]) -> Floats:
    """What a choice does to each image where others made it: ``float64 (N, K)``.

    The leave-one-out bootstrap (Efron and Tibshirani, "Improvements on Cross-Validation: The .632+
    Bootstrap Method", Journal of the American Statistical Association 92, 1997): it is made anew on
    resamples, and an image's figures are the means over those that it is not in. What a choice
    seems to gain on the very images that made it, few mistakes decide.

    Args:
        chosen_on: the images that choose.
        effect: makes the choice on some answers, and gives what it does to every image.
    """
    answers, units = chosen_on.answers, chosen_on.bootstrap.units
    draws = resample_weights(units, resamples=_CHOICES, seed=chosen_on.metrics.seed)
    sums, times = np.zeros((len(answers), 1)), np.zeros((len(answers), 1))
    for weights in itertools.chain.from_iterable(draws):
        drawn = answers.of(np.repeat(np.arange(len(answers)), weights.astype(np.int64)))
        outside = (weights == 0)[:, None]
        sums = sums + outside * effect(drawn)
        times += outside
    # One that is in every resample, as with a single group, tells nothing.
    return np.divide(sums, times, out=np.zeros_like(sums), where=times > 0)


def _saved(chosen_on: Evaluation, costs: Costs) -> Estimate:
    """What a threshold saves on images that did not choose it."""
    answers = chosen_on.answers
    at_half = _costs(answers, HALF, costs)

    def effect(drawn: Answers) -> Floats:
        return (at_half - _costs(answers, cheapest_threshold(drawn, costs), costs))[:, None]

    return mean(chosen_on, out_of_bag(chosen_on, effect)[:, 0])


def may_be_chance(gain: Estimate | None) -> bool:
    """Whether a gain's interval reaches down to none: there it is wider than the gain."""
    if gain is None or not gain.value:
        return False
    return gain.ci95 is None or gain.ci95[0] <= 0


def gain_to_json(gain: Estimate | None) -> Json:
    """``value``, ``ci95`` and ``may_be_chance``; null where there is none."""
    if gain is None:
        return None
    facts = {"value": gain.value, "ci95": gain.ci95, "may_be_chance": may_be_chance(gain)}
    return cast(Json, to_document(facts))


def cheapest_threshold(answers: Answers, costs: Costs) -> float:
    """The threshold whose mistakes on these images cost least, 0 < t < 1.

    Every place between two different probabilities is tried. Where several cost the same, the
    one that is nearest to the formula's (`Costs.break_even`) is taken; few mistakes decide, and
    the formula keeps chance from moving the threshold far.
    """
    scores, is_mask = answers.probabilities[:, MASK], answers.labels == MASK
    values = np.unique(np.r_[0.0, scores, 1.0])
    lows, highs = values[:-1], values[1:]
    # A threshold in (low, high] answers mask for every score from high on.
    masks, bare = np.sort(scores[is_mask]), np.sort(scores[~is_mask])
    misses = np.searchsorted(masks, highs, side="left")
    alarms = len(bare) - np.searchsorted(bare, highs, side="left")
    spent = costs.miss * misses + costs.alarm * alarms
    cheapest = np.flatnonzero(spent <= spent.min() * (1 + 1e-12))
    nearest = [_nearest(costs.break_even, lows[i], highs[i]) for i in cheapest]
    return float(min(nearest, key=lambda value: abs(value - costs.break_even)))


def _nearest(wanted: float, low: float, high: float) -> float:
    """The wanted threshold where it lies between two scores, else the middle between them."""
    return wanted if low < wanted <= high else (low + high) / 2


def cost_at(evaluation: Evaluation, threshold: float, costs: Costs) -> CostAt:
    """What a threshold costs on the images of an evaluation."""
    answers = evaluation.answers
    found = mean(evaluation, _costs(answers, threshold, costs))
    bounds = found.ci95
    if found.value == 0:
        # Without a mistake every resample is free; the exact bound of the share that is wrong.
        share = proportion_interval(0.0, evaluation.metrics.n_units)[1]
        bounds = (0.0, share * max(costs.miss, costs.alarm))
    answered_mask = answers.probabilities[:, MASK] >= threshold
    return CostAt(
        threshold=threshold,
        misses=int(np.sum(~answered_mask & (answers.labels == MASK))),
        alarms=int(np.sum(answered_mask & (answers.labels == NO_MASK))),
        n=len(answers),
        cost=found.value or 0.0,
        ci95=bounds,
    )


def at_threshold(evaluation: Evaluation, threshold: float) -> Evaluation:
    """The same images answered at another threshold; the metrics stay those of its own."""
    answers = evaluation.answers
    predicted = (answers.probabilities[:, MASK] >= threshold).astype(np.int64)
    moved = dataclasses.replace(answers, predicted=predicted, threshold=threshold)
    return dataclasses.replace(evaluation, answers=moved)


def check_two_classes(answers: Answers, option: str) -> None:
    """Refuse a model whose answer is not decided by one threshold.

    Raises:
        ConfigError: if it has more than two classes.
    """
    if answers.threshold is None:
        raise ConfigError(
            f"{option}: expected a model of two classes, found {', '.join(answers.class_names)}; "
            "with three the likeliest class is the answer, and no threshold decides"
        )


def _costs(answers: Answers, threshold: float, costs: Costs) -> Floats:
    """What each image costs: ``float64 (N,)``."""
    answered_mask, is_mask = answers.probabilities[:, MASK] >= threshold, answers.labels == MASK
    return np.asarray(
        costs.miss * (is_mask & ~answered_mask) + costs.alarm * (~is_mask & answered_mask),
        dtype=np.float64,
    )
