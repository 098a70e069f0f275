"""Random choices in one line each; all of them draw from the generator that is passed in."""

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from typing import Generic, TypeVar

import numpy as np

Choice = TypeVar("Choice")


class Weighted(Generic[Choice]):
    """Options, each with its weight; the weights need not add up to one.

    Args:
        pairs: each option with its weight.
    """

    def __init__(self, *pairs: tuple[Choice, float]) -> None:
        self.options = [option for option, _ in pairs]
        self.cumulative = list(accumulate(weight for _, weight in pairs))


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """A number drawn evenly from `low` to `high`."""
    return low + (high - low) * rng.random()


def bell(rng: np.random.Generator, spread: float, limit: float) -> float:
    """A number around 0 with this standard deviation, cut at ``-limit`` and ``limit``."""
    return max(-limit, min(limit, spread * rng.standard_normal()))


def happens(rng: np.random.Generator, probability: float) -> bool:
    """Whether an event of this probability takes place."""
    return rng.random() < probability


def one_of(rng: np.random.Generator, options: Sequence[Choice]) -> Choice:
    """One of the options, all equally likely."""
    return options[int(rng.random() * len(options))]


def pick(rng: np.random.Generator, table: Weighted[Choice]) -> Choice:
    """One of the options, each as likely as its weight says."""
    place = bisect(table.cumulative, rng.random() * table.cumulative[-1])
    return table.options[min(place, len(table.options) - 1)]
