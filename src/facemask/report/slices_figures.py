"""Figures of slices: a dot for the accuracy and a line for its interval."""

from collections.abc import Sequence
from itertools import groupby

from matplotlib.figure import Figure as Drawing

from facemask.evaluation.slices import Slice, Slices
from facemask.evaluation.wording import interval, kind_of, number, percent
from facemask.report.blocks import Figure
from facemask.report.drawing import DASHED, percent_axes
from facemask.report.picture import draw
from facemask.report.style import FIGURE_SIZE, colour

WORST = 10
"""Slices in the figure of the worst."""

_LONGEST = 34
"""Characters of a slice's name beside the drawing; the table has the whole name."""

_ROW_INCHES = 0.27
_LEAST_ROWS = 5
_ACCURACY = kind_of("accuracy")


def slice_figures(slices: Slices) -> tuple[Figure, ...]:
    """The worst slices of all, and then the slices of each cut in their own order."""
    found = []
    if slices.judged:
        worst = slices.judged[:WORST]
        caption = (
            "Dots are accuracies, lines their 95% intervals; dashed: all images together. A line "
            "that reaches the dashed one may be chance."
        )
        labels = [one.label for one in worst]
        found.append(_figure(slices, worst, labels, "The worst slices", caption))
    for title, part in groupby(slices.slices, key=lambda one: one.title):
        own = list(part)
        labels = [f"{one.name} ({one.metrics.n:,})" for one in own]
        found.append(_figure(slices, own, labels, title, _few(own)))
    return tuple(found)


def _few(own: Sequence[Slice]) -> str:
    few = any(one.too_few for one in own)
    meaning = f"{own[0].meaning[0].upper()}{own[0].meaning[1:]}. " if own[0].meaning else ""
    hollow = " Hollow and grey: too few images to judge." if few else ""
    return f"{meaning}Accuracy; in brackets the number of images.{hollow}"


def _figure(
    slices: Slices, own: Sequence[Slice], labels: Sequence[str], title: str, caption: str
) -> Figure:
    whole = slices.whole.values["accuracy"] or 0.0

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        axes.axvline(whole, color=colour("muted"), linewidth=1, linestyle=DASHED)
        for row, one in enumerate(own):
            tone = colour("muted" if one.too_few else "accent")
            bounds = one.metrics.ci95["accuracy"]
            if bounds:
                axes.plot(bounds, (row, row), color=tone, linewidth=1.2 if one.too_few else 2)
            face = "none" if one.too_few else tone
            value = one.metrics.values["accuracy"] or 0.0
            axes.plot(value, row, "o", color=tone, markerfacecolor=face)
        axes.set_yticks(range(len(own)), [_short(label) for label in labels])
        axes.set_ylim(len(own) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0, labelcolor=colour("ink"))
        percent_axes(axes, x=(min(axes.get_xlim()[0], 0.95), 1.0))

    height = 0.55 + _ROW_INCHES * max(len(own), _LEAST_ROWS)
    size = (FIGURE_SIZE[0], height)
    return Figure(draw(plot, f"{title}: accuracy. {_in_words(own, whole)}", size), title, caption)


def _in_words(own: Sequence[Slice], whole: float) -> str:
    parts = [
        f"{one.name} {number(_ACCURACY, one.metrics.values['accuracy'])} "
        f"({interval(_ACCURACY, one.metrics.ci95['accuracy'])}, n = {one.metrics.n:,})"
        for one in own
    ]
    return f"{'; '.join(parts)}. All images: {percent(whole)}."


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
