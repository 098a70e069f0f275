"""What several drawings share: percent axes, legends, and a metric of each model in words."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    StrMethodFormatter,
)

from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.wording import in_sentence, interval, kind_of, number

DASHED = (0, (4, 3))
"""Matplotlib's line style of reference lines."""

_LEGEND_CHARACTERS = 32
"""Letters of all names in a row of a legend over a figure of `style.FIGURE_SIZE`."""


def count_axis(axes: Axes) -> None:
    """Show counts upwards on a logarithmic scale, in plain numbers; an empty place stays empty."""
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.7)
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def percent_axes(
    axes: Axes, x: tuple[float, float] | None = None, y: tuple[float, float] | None = None
) -> None:
    """Show axes of shares as percentages, over these ranges with a little room at the ends."""
    if x is not None:
        room = 0.02 * (x[1] - x[0])
        axes.set_xlim(x[0] - room, x[1] + room)
        _percent_axis(axes.xaxis)
    if y is not None:
        room = 0.02 * (y[1] - y[0])
        axes.set_ylim(y[0] - room, y[1] + room)
        _percent_axis(axes.yaxis)


def _percent_axis(axis: Axis) -> None:
    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g}%"))


def legend_above(figure: Drawing, columns: int = 4) -> None:
    """A legend over the drawing, where it covers nothing, if there is more than one line in it."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if len(labels) > 1:
        columns = max(1, min(columns, _LEGEND_CHARACTERS // max(map(len, labels))))
        figure.legend(handles, labels, loc="outside upper left", ncols=columns)


def each_value(evaluations: Sequence[Evaluation], key: str) -> str:
    """A metric of each model with its interval: ``Net #1: ROC-AUC 0.9911 (0.988 to 0.994)``."""
    kind = kind_of(key)
    texts = []
    for evaluation in evaluations:
        metrics = evaluation.metrics
        title = kind.title if len(evaluations) == 1 else in_sentence(kind)
        text = f"{title} {number(kind, metrics.values[key])}"
        if metrics.ci95[key]:
            text += f" (95% interval {interval(kind, metrics.ci95[key])})"
        texts.append(text if len(evaluations) == 1 else f"{evaluation.name}: {text}")
    return "; ".join(texts)
