"""Models side by side: metrics with intervals, and their differences."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from facemask.evaluation.compare import Comparison, Pair
from facemask.evaluation.metric_kinds import METRICS, MetricKind
from facemask.evaluation.wording import interval, kind_of, number, points
from facemask.report.blocks import Figure
from facemask.report.drawing import legend_above, percent_axes
from facemask.report.picture import draw
from facemask.report.style import colour, model_colour

_SHARES = tuple(kind for kind in METRICS if kind.higher_is_better)


def intervals_figure(comparison: Comparison) -> Figure:
    """Each model's value and interval for the metrics where more is better."""
    evaluations = comparison.evaluations
    kinds = [
        kind
        for kind in _SHARES
        if all(one.metrics.values[kind.key] is not None for one in evaluations)
    ]

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        for position, one in enumerate(evaluations):
            offset = 0.22 * (position - (len(evaluations) - 1) / 2)
            values = [one.metrics.values[kind.key] or 0.0 for kind in kinds]
            bounds = [one.metrics.ci95[kind.key] for kind in kinds]
            rows = np.arange(len(kinds)) + offset
            tone = colour(model_colour(position))
            axes.plot(values, rows, "o", color=tone, label=one.name)
            for row, ends in zip(rows, bounds, strict=True):
                if ends:
                    axes.plot(ends, (row, row), color=tone, linewidth=2)
        _rows(axes, [kind.title for kind in kinds])
        percent_axes(axes, x=(min(axes.get_xlim()[0], 0.99), 1.0))
        legend_above(figure)

    accuracy = kind_of("accuracy")
    words = "; ".join(
        f"{one.name}: {number(accuracy, one.metrics.values['accuracy'])} "
        f"({interval(accuracy, one.metrics.ci95['accuracy'])})"
        for one in evaluations
    )
    return Figure(
        draw(plot, f"Metrics of each model with 95% intervals. Accuracy: {words}."),
        "Metrics with their 95% intervals",
        "Further right is better. Intervals of two models may overlap although the models "
        "differ: both saw the same images, which the difference below takes into account.",
    )


def differences_figure(pair: Pair) -> Figure:
    """How much more the second model of a pair has, by metric, with paired intervals."""
    kinds = [kind for kind in _SHARES if kind.key in pair.differences]

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        axes.axvline(0, color=colour("muted"), linewidth=1)
        for row, kind in enumerate(kinds):
            difference = pair.differences[kind.key]
            bounds = difference.ci95
            shows = bounds is not None and (bounds[0] > 0 or bounds[1] < 0)
            tone = colour("accent" if shows else "muted")
            if bounds:
                axes.plot([100 * end for end in bounds], (row, row), color=tone, linewidth=2)
            axes.plot(100 * difference.value, row, "o", color=tone)
        _rows(axes, [kind.title for kind in kinds])
        axes.set(xlabel=f"Points more for {pair.second}")

    return Figure(
        draw(plot, f"Differences by metric. {pair.sentence}"),
        f"{pair.second} against {pair.first}",
        f"{_leaning(pair, kinds)} Coloured intervals do not touch zero. A point is one percentage "
        "point, or 0.01 of an area.",
    )


def _leaning(pair: Pair, kinds: list[MetricKind]) -> str:
    shown = [
        kind.title
        for kind in kinds
        for bounds in [pair.differences[kind.key].ci95]
        if bounds is not None and (bounds[0] > 0 or bounds[1] < 0)
    ]
    accuracy = pair.differences["accuracy"].value
    more = "more" if accuracy >= 0 else "less"
    lead = f"{pair.second} has {points(accuracy)} {more} accuracy than {pair.first}."
    if not shown:
        return f"{lead} No metric differs beyond chance."
    return f"{lead} {len(shown)} of {len(kinds)} metrics differ beyond chance."


def _rows(axes: Axes, titles: list[str]) -> None:
    """A row for each title, the first one on top."""
    axes.set_yticks(range(len(titles)), titles)
    axes.set_ylim(len(titles) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0, labelcolor=colour("ink"))
