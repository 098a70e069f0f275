"""Figures of robustness: accuracy and changed answers by kind and severity."""

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle

from facemask.evaluation.robustness_facts import Robustness, Severity
from facemask.evaluation.wording import percent
from facemask.report.blocks import Figure
from facemask.report.picture import draw
from facemask.report.style import FIGURE_SIZE, colour

_ROW_INCHES = 0.27
_LEAST_SPAN = 0.2
"""The strongest colour stands for the largest loss of the figure, and for no less than this."""

_STRONGEST = 0.6
"""The strongest cell is this opaque: its number stays readable on it, in light and in dark."""


def accuracy_map(robustness: Robustness) -> Figure:
    """Accuracy by kind and severity, the darker the more was lost."""
    clean = robustness.clean.accuracy
    return _map(
        robustness,
        lambda one: one.accuracy,
        lambda one: clean - one.accuracy,
        "Accuracy by corruption and severity",
        f"Percent answered right, the worst kind first; {percent(clean)} of the images as they "
        "are. The stronger the colour, the more was lost.",
    )


def flip_map(robustness: Robustness) -> Figure:
    """The share of changed answers by kind and severity."""
    return _map(
        robustness,
        lambda one: one.flip_rate,
        lambda one: one.flip_rate,
        "Answers changed by corruption and severity",
        "Percent of the images answered otherwise than as they are, rightly or not; the kinds in "
        "the same order.",
    )


def _map(
    robustness: Robustness,
    value: Callable[[Severity], float],
    loss: Callable[[Severity], float],
    title: str,
    caption: str,
) -> Figure:
    kinds = robustness.kinds
    columns = max(len(kind.severities) for kind in kinds)
    most = max(_LEAST_SPAN, *(loss(one) for kind in kinds for one in kind.severities))

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        for row, kind in enumerate(kinds):
            for column, one in enumerate(kind.severities):
                _cell(axes, column, row, value(one), loss(one) / most)
        axes.set(xlim=(-0.5, columns - 0.5), ylim=(len(kinds) - 0.5, -0.5), xlabel="Severity")
        axes.set_xticks(range(columns), [str(severity) for severity in range(1, columns + 1)])
        axes.set_yticks(range(len(kinds)), [kind.kind.title for kind in kinds])
        axes.tick_params(axis="both", length=0)
        axes.tick_params(axis="y", labelcolor=colour("ink"))
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)

    height = 0.7 + _ROW_INCHES * len(kinds)
    worst = "; ".join(
        f"{kind.kind.title}: " + ", ".join(percent(value(one)) for one in kind.severities)
        for kind in kinds
    )
    drawn = draw(plot, f"{title}. By severity from 1 on, {worst}.", (FIGURE_SIZE[0], height))
    return Figure(drawn, title, caption)


def _cell(axes: Axes, column: int, row: int, value: float, strength: float) -> None:
    depth = _STRONGEST * min(max(strength, 0.0), 1.0)
    corner, tone = (column - 0.47, row - 0.44), colour("warning")
    axes.add_patch(Rectangle(corner, 0.94, 0.88, facecolor=tone, alpha=depth, linewidth=0))
    text = percent(value, unit=False) if value < 1 else "100"
    axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour("ink"))
