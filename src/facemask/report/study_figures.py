"""The figures of a study: every variant with its interval, and what accuracy grows with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter, NullFormatter

from facemask.evaluation.wording import percent
from facemask.report.blocks import Figure
from facemask.report.drawing import legend_above, percent_axes
from facemask.report.picture import draw
from facemask.report.study_facts import StudyFacts, StudyRow, place_title
from facemask.report.study_text import share_interval
from facemask.report.style import FIGURE_SIZE, WIDE_SIZE, colour, model_colour
from facemask.report.words import large

_ROW_INCHES = 0.2
"""Height of one dot's row."""

_EDGES_INCHES = 1.0
"""Height of the axis and the legend."""

_FEWEST_STEPS = 3
"""So many sizes of a thing make a curve."""


def dots_figure(facts: StudyFacts) -> Figure:
    """A dot with its interval for every variant at every place."""
    many_places = len(facts.places) > 1
    titles = [place_title(*place) for place in facts.places] if many_places else facts.variants
    per_line = len(facts.variants) if many_places else 1

    def line_of(row: StudyRow) -> int:
        return facts.places.index(row.place) if many_places else facts.variants.index(row.variant)

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        for position, variant in enumerate(facts.variants):
            offset = 0.8 * ((position + 0.5) / per_line - 0.5) if many_places else 0.0
            tone = colour(model_colour(position))
            rows = [row for row in facts.rows if row.variant == variant]
            label = variant if many_places else None
            _dots(axes, rows, [line_of(row) + offset for row in rows], tone, label)
        axes.set_yticks(range(len(titles)), titles)
        axes.set_ylim(len(titles) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0, labelcolor=colour("ink"))
        axes.set(xlabel="Accuracy")
        lowest = min(_lowest(row) for row in facts.rows)
        percent_axes(axes, x=(lowest - 0.05 * (1 - lowest), 1.0))
        legend_above(figure)

    height = _EDGES_INCHES + _ROW_INCHES * max(len(titles) * (per_line + 1), 8)
    words = "; ".join(
        f"{place_title(*row.place)}, {row.variant} {percent(row.accuracy)} "
        f"({share_interval(row.ci95)})"
        for row in facts.rows
    )
    return Figure(
        draw(plot, f"Accuracy of each variant: {words}.", (WIDE_SIZE[0], height)),
        "Accuracy with 95% intervals",
        "Further right is better. A dot is the mean over the seeds, small ticks are the single "
        "seeds; the line is the 95% interval.",
        is_wide=True,
    )


def _dots(
    axes: Axes, rows: Sequence[StudyRow], heights: Sequence[float], tone: str, label: str | None
) -> None:
    for row, height in zip(rows, heights, strict=True):
        if row.ci95:
            axes.plot(row.ci95, (height, height), color=tone, linewidth=2)
        if len(row.by_seed) > 1:
            axes.plot(row.by_seed, [height] * len(row.by_seed), "|", color=tone, markersize=8)
    axes.plot([row.accuracy for row in rows], heights, "o", color=tone, label=label)


def _lowest(row: StudyRow) -> float:
    return min(row.accuracy, *(row.ci95 or ()), *row.by_seed)


@dataclass(frozen=True, slots=True)
class _Size:
    """Something that variants may have more or less of."""

    title: str
    of: Callable[[StudyRow], int]


_SIZES = (
    _Size("Training images", lambda row: row.n_train),
    _Size("Parameters", lambda row: row.parameters),
    _Size("Epochs", lambda row: row.epochs),
)


def growth_figures(facts: StudyFacts) -> tuple[Figure, ...]:
    """Accuracy against whatever the variants differ in: data, parameters or epochs."""
    sizes = [
        size
        for size in _SIZES
        if all(
            len({size.of(row) for row in facts.rows if row.place == place}) >= _FEWEST_STEPS
            for place in facts.places
        )
    ]
    return tuple(_growth_figure(facts, size) for size in sizes)


def _growth_figure(facts: StudyFacts, size: _Size) -> Figure:
    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        for position, place in enumerate(facts.places):
            rows = sorted((row for row in facts.rows if row.place == place), key=size.of)
            tone = colour(model_colour(position))
            values = [size.of(row) for row in rows]
            axes.plot(values, [row.accuracy for row in rows], "o-", color=tone,
                      label=place_title(*place))  # fmt: skip
            for value, row in zip(values, rows, strict=True):
                if row.ci95:
                    axes.plot((value, value), row.ci95, color=tone, linewidth=1)
        axes.set_xscale("log")
        axes.set(xlabel=size.title, ylabel="Accuracy")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: large(round(value))))
        axes.xaxis.set_minor_formatter(NullFormatter())
        lowest = min(_lowest(row) for row in facts.rows)
        percent_axes(axes, y=(lowest - 0.05 * (1 - lowest), 1.0))
        legend_above(figure, columns=2)

    words = "; ".join(f"{size.of(row):,}: {percent(row.accuracy)}" for row in facts.rows)
    return Figure(
        draw(plot, f"Accuracy by {size.title.lower()}. {words}.", FIGURE_SIZE),
        f"Accuracy by {size.title.lower()}",
        "On a logarithmic scale; upright lines are 95% intervals.",
    )
