"""The part of an exploration's page about what tells the classes apart without a face."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import PercentFormatter

from facemask.data.explore import Exploration
from facemask.data.exploring.measures import MEASURES, ClassDifference
from facemask.data.exploring.size_guess import SizeGuess
from facemask.data.insights.insight import percent
from facemask.data.insights.shortcuts import MEASURE_WORDS, STRONG_AUC
from facemask.errors import shown
from facemask.report.blocks import Cell, Details, Figure, Figures, Section, Table, table
from facemask.report.drawing import DASHED
from facemask.report.explore_counts import short_name
from facemask.report.picture import draw
from facemask.report.style import colour, model_colour

_SCOPES = 6
"""Rows of points drawn for each measure; the table has them all."""

_BARS = 8
"""Bars drawn; the table has them all."""

_SIZE = (4.5, 4.6)
"""Inches of the figures, high enough for a row for each measure."""

Differences = dict[tuple[str, str | None], ClassDifference]
"""By measure and source; the source None stands for all together."""


def differences_section(exploration: Exploration, anchor: str) -> Section | None:
    """How far each single measure, and the size, tell the classes apart; None if too few photos."""
    differences = exploration.measures.class_differences
    if not differences:
        return None
    figures: list[Figure] = []
    tables: list[Details] = []
    for first, second in dict.fromkeys((one.first, one.second) for one in differences):
        found = {
            (one.measure, one.source): one
            for one in differences
            if (one.first, one.second) == (first, second)
        }
        figures.append(_auc_figure(found, first, second))
        tables.append(Details(f"{second} against {first} in numbers", (_auc_table(found),)))
    if exploration.size_guesses:
        figures.append(_guess_figure(exploration.size_guesses))
        tables.append(Details("Width and height in numbers", (_guess_table(exploration),)))
    return Section("What tells the classes apart", anchor, (Figures(tuple(figures)), *tables))


def _scopes(found: Differences) -> tuple[str | None, ...]:
    return tuple(dict.fromkeys(source for _, source in found))


def _auc_figure(found: Differences, first: str, second: str) -> Figure:
    scopes = _scopes(found)[:_SCOPES]
    measures = [one for one in MEASURES if any((one, scope) in found for scope in scopes)]

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        axes.axvline(0.5, color=colour("muted"), linewidth=1)
        for edge in (1 - STRONG_AUC, STRONG_AUC):
            axes.axvline(edge, color=colour("warning"), linewidth=1, linestyle=DASHED)
        offsets = np.linspace(-0.26, 0.26, len(scopes)) if len(scopes) > 1 else np.zeros(1)
        for position, scope in enumerate(scopes):
            chosen = [(row, found.get((one, scope))) for row, one in enumerate(measures)]
            points = [(row, one) for row, one in chosen if one is not None]
            places = [row + offsets[position] for row, _ in points]
            tone = colour("ink" if scope is None else model_colour(position - 1))
            bounds = [(one.low, one.high) for _, one in points]
            axes.hlines(places, *zip(*bounds, strict=True), color=tone, linewidth=1.4)
            axes.plot(
                [one.auc for _, one in points],
                places,
                "o",
                markersize=3.4,
                color=tone,
                label=_name(scope),
            )
        axes.set_yticks(range(len(measures)), [_capital(MEASURE_WORDS[one]) for one in measures])
        axes.tick_params(axis="y", length=0)
        axes.set(xlim=(0, 1), ylim=(len(measures) - 0.5, -0.5), xlabel="AUC")
        axes.grid(visible=False, axis="y")
        figure.legend(loc="outside upper right", ncols=2)

    strongest = max(found.values(), key=lambda one: one.strength)
    alt = (
        f"AUC of each measure, {second} against {first}; the farthest from 0.5 is "
        f"{MEASURE_WORDS[strongest.measure]} with {strongest.auc:.2f}."
    )
    caption = (
        f"Of a {first} and a {second} photo picked at random, how often {second} has the larger "
        "value, with its 95% interval. At 0.5 the measure tells nothing; beyond a dashed line it "
        f"tells the class more than {STRONG_AUC:.0%} of the time, and a network can learn it in "
        "place of the mask."
    )
    title = f"{second} against {first}, by one measure alone"
    return Figure(draw(plot, alt, _SIZE), title, caption)


def _auc_table(found: Differences) -> Table:
    scopes = _scopes(found)
    rows = [
        (_capital(MEASURE_WORDS[one]), *(_auc(found.get((one, scope))) for scope in scopes))
        for one in MEASURES
        if any((one, scope) in found for scope in scopes)
    ]
    columns = ("Measure", *("All" if one is None else shown(one) for one in scopes))
    return table(columns, rows)


def _auc(difference: ClassDifference | None) -> Cell | None:
    if difference is None:
        return None
    interval = f"{difference.low:.2f} to {difference.high:.2f}"
    return Cell(f"{difference.auc:.2f}", interval, sort=difference.auc)


def _guess_figure(guesses: Sequence[SizeGuess]) -> Figure:
    drawn = guesses[:_BARS]

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        places = np.arange(len(drawn))
        values = np.array([guess.accuracy for guess in drawn])
        majority = [guess.majority_share for guess in drawn]
        reach = np.array(
            [(guess.accuracy - guess.low, guess.high - guess.accuracy) for guess in drawn]
        )
        axes.barh(places, values, 0.5, color=colour("accent"), alpha=0.75, label="from the size")
        axes.errorbar(values, places, xerr=reach.T, fmt="none", ecolor=colour("ink"), capsize=3)
        axes.vlines(
            majority, places - 0.36, places + 0.36, color=colour("warning"), linewidth=2.4,
            label="majority class",
        )  # fmt: skip
        axes.set_yticks(places, [_name(guess.source) for guess in drawn])
        axes.tick_params(axis="y", length=0)
        axes.set(xlim=(0, 1), ylim=(max(len(drawn), 3) - 0.4, -0.6), xlabel="Accuracy")
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid(visible=False, axis="y")
        figure.legend(loc="outside upper right", ncols=2)

    said = [
        f"{shown(guess.source or 'all')}: {percent(guess.accuracy)}, majority class "
        f"{percent(guess.majority_share)}"
        for guess in drawn
    ]
    caption = (
        "A decision tree that sees width and height alone, taught on one half of the photos and "
        "tested on the other; exact copies stay in one half. Bars past the mark: the size gives "
        "the label away."
    )
    alt = f"Accuracy from width and height alone. {'; '.join(said)}."
    return Figure(draw(plot, alt, _SIZE), "The class from width and height alone", caption)


def _name(scope: str | None) -> str:
    return "all" if scope is None else short_name(scope)


def _guess_table(exploration: Exploration) -> Table:
    rows = [
        (
            "All" if guess.source is None else shown(guess.source),
            Cell(
                percent(guess.accuracy),
                f"{percent(guess.low)} to {percent(guess.high)}",
                sort=guess.accuracy,
            ),
            Cell(percent(guess.majority_share), sort=guess.majority_share),
            guess.n,
        )
        for guess in exploration.size_guesses
    ]
    return table(("Photos", "Accuracy", "Majority class", "Tested"), rows)


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
