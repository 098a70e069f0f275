"""The 95% interval of each metric, and what is to be said of it."""

from collections.abc import Mapping

import numpy as np

from facemask.evaluation.answers import Answers
from facemask.evaluation.bootstrap import Units, basic_interval, percentile_interval
from facemask.evaluation.exact import Interval, exact_interval, proportion_interval
from facemask.evaluation.metric_kinds import METRIC_KEYS
from facemask.evaluation.weighted import Floats

UNDEFINED_SHARE = 0.05
"""A metric that is undefined in more of the resamples than this gets no interval."""

_NO_WIDTH = 1e-12
"""Intervals narrower than this are rounding."""


def metric_intervals(
    answers: Answers,
    units: Units,
    values: Mapping[str, float | None],
    draws: Mapping[str, Floats],
    chance_ece: float,
) -> tuple[dict[str, Interval | None], dict[str, str]]:
    """The interval of each metric and, where it is not the bootstrap's percentiles, a note.

    Args:
        answers: what the model answered.
        units: what was resampled, see `bootstrap.units_of`.
        values: each metric on the images themselves, None where undefined.
        draws: each metric on each resample, see `bootstrap.resampled_values`.
        chance_ece: the calibration error that exactly right confidences stay under.
    """
    ci95: dict[str, Interval | None] = {}
    notes: dict[str, str] = {}
    for key in METRIC_KEYS:
        point = values[key]
        if point is None:
            ci95[key] = None
            continue
        ci95[key], note = _interval(key, point, draws[key], answers, units)
        if note:
            notes[key] = note
    interval, error = ci95["ece"], values["ece"]
    if interval is not None and error is not None and error <= chance_ece:
        # Exactly right confidences explain the error, so 0 is not ruled out.
        ci95["ece"] = (0.0, interval[1])
    return ci95, notes


def _interval(
    key: str, point: float, draws: Floats, answers: Answers, units: Units
) -> tuple[Interval | None, str]:
    """A metric's interval, and what is to be said of it."""
    low, high = percentile_interval(draws)
    if high - low <= _NO_WIDTH:
        exact = exact_interval(key, answers, units)
        if exact is None:
            return None, "no interval: every resample gives the same value"
        return exact, "Clopper-Pearson: every resample gives the same value"
    share = float(np.isnan(draws).mean())
    if share > UNDEFINED_SHARE:
        return None, f"no interval: undefined in {share:.0%} of the resamples, too few images"
    if key == "ece":
        return basic_interval(draws, point), "basic bootstrap: resampling pushes this error up"
    return (low, high), ""


def confusion_intervals(draws: Floats, units: Units) -> list[list[Interval]]:
    """The interval of each cell's count; an empty or full cell gets the exact one.

    Args:
        draws: ``float64 (R, C, C)``, the counts on each resample.
        units: what was resampled, see `bootstrap.units_of`.
    """
    n, n_units = len(units), int(units.max()) + 1
    # Groups differ in size, so a resample may hold more or fewer images than there are.
    shares = draws / draws.sum(axis=(1, 2), keepdims=True)

    def interval(share: Floats) -> Interval:
        low, high = percentile_interval(share)
        if high - low <= _NO_WIDTH:
            low, high = proportion_interval(low, n_units)
        return low * n, high * n

    n_classes = draws.shape[1]
    return [[interval(shares[:, i, j]) for j in range(n_classes)] for i in range(n_classes)]
