"""Histograms of a measure by class, and the cloud of widths and heights."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator, PercentFormatter

from facemask.data.exploring.columns import classes_of
from facemask.data.exploring.spread import spread_of
from facemask.data.insights.insight import listed
from facemask.report.blocks import Figure
from facemask.report.drawing import DASHED
from facemask.report.picture import draw
from facemask.report.style import class_colour, colour

_BINS = 36

CLOUD_POINTS = 700
"""Points drawn for each class: more cover one another, and make the page large."""

_TICKS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)


def histogram(
    table: pd.DataFrame,
    column: str,
    title: str,
    label: str,
    caption: str,
    *,
    is_log: bool = False,
    marks: Sequence[float] = (),
) -> Figure:
    """How a measure spreads over the photos of each class.

    Args:
        table: from `exploring.columns.described`.
        column: the measure's column.
        title: of the figure.
        label: of the axis.
        caption: how to read it.
        is_log: whether the axis doubles at each tick; the values are over 0 then.
        marks: values to mark with a dashed line.
    """
    edges = _edges(table[column], is_log=is_log, marks=marks)

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        if is_log:
            axes.set_xscale("log", base=2)
        for name in classes_of(table):
            values = table.loc[table["class"] == name, column].dropna().to_numpy(dtype=np.float64)
            if values.size:
                shares = np.histogram(values, edges)[0] / values.size
                tone = colour(class_colour(name))
                axes.stairs(shares, edges, fill=True, color=tone, alpha=0.22)
                axes.stairs(shares, edges, color=tone, linewidth=1.6, label=name)
        _mark(axes, marks)
        axes.set(xlabel=label, ylabel="Share of the class", xlim=(edges[0], edges[-1]))
        axes.set_ylim(0, None)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
        axes.grid(visible=False, axis="x")
        if is_log:
            _double(axes, "x")
        axes.legend(loc="best")

    return Figure(draw(plot, f"{title}: {_medians(table, column)}."), title, caption)


def cloud(table: pd.DataFrame, marks: Sequence[float], seed: int = 0) -> Figure:
    """Widths against heights, a point a photo, by class.

    Args:
        table: from `exploring.columns.described`.
        marks: sides of input squares to mark with dashed lines.
        seed: of the choice of photos where there are more than `CLOUD_POINTS` of a class.
    """
    rng = np.random.default_rng(seed)
    # Classes drawn one over the other would hide the first.
    chosen = [_some(table[table["class"] == name], rng) for name in classes_of(table)]
    points = pd.concat(chosen).sample(frac=1, random_state=seed)
    tones = [colour(class_colour(str(name))) for name in points["class"]]

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        axes.scatter(points["width"], points["height"], s=7, c=tones, alpha=0.55, linewidths=0)
        for name in classes_of(table):
            axes.scatter([], [], s=22, color=colour(class_colour(name)), label=name)
        for mark in marks:
            for line in (axes.axvline, axes.axhline):
                line(mark, color=colour("muted"), linewidth=0.8, linestyle=DASHED)
        axes.set(xlabel="Width in pixels", ylabel="Height in pixels")
        _double(axes, "x")
        _double(axes, "y")
        figure.legend(loc="outside upper right", ncols=len(chosen))

    drawn = (
        f"{len(points):,} of {len(table):,} photos, picked at random, at most {CLOUD_POINTS:,} a "
        "class. "
        if len(points) < len(table)
        else ""
    )
    sides = listed([f"{mark:g}" for mark in marks])
    caption = (
        f"{drawn}Dashed: {sides} pixels. Rows, columns and diagonals of one colour are sizes that "
        "one class was cut to."
    )
    alt = f"Width: {_medians(table, 'width')}. Height: {_medians(table, 'height')}."
    return Figure(draw(plot, alt), "Width and height", caption)


def _some(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    order = rng.permutation(len(rows))[:CLOUD_POINTS]
    return rows.iloc[np.sort(order)]


def _edges(
    values: "pd.Series[float]", *, is_log: bool, marks: Sequence[float]
) -> npt.NDArray[np.float64]:
    """Edges of bins from the smallest to the largest value, or a bit around if they are one."""
    found = values.dropna().to_numpy(dtype=np.float64)
    low, high = (float(found.min()), float(found.max())) if found.size else (1.0, 2.0)
    low, high = min((low, *marks)), max((high, *marks))
    if is_log:
        return np.geomspace(low / 1.05, high * 1.05, _BINS + 1)
    room = max((high - low) / _BINS, 1e-3)
    return np.linspace(low - room / 2, high + room / 2, _BINS + 1)


def _mark(axes: Axes, marks: Sequence[float]) -> None:
    for mark in marks:
        axes.axvline(mark, color=colour("muted"), linewidth=1, linestyle=DASHED)


def _double(axes: Axes, side: str) -> None:
    """Ticks at powers of two, written as plain numbers."""
    axis, (low, high) = (
        (axes.xaxis, axes.get_xlim()) if side == "x" else (axes.yaxis, axes.get_ylim())
    )
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axis.set_ticks(ticks if len(ticks) > 1 else np.linspace(low, high, 4).round().tolist())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def _medians(table: pd.DataFrame, column: str) -> str:
    """The median of each class, for those who do not see the drawing."""
    texts = []
    for name in classes_of(table):
        spread = spread_of(table.loc[table["class"] == name, column])
        texts.append(
            f"{name} has none" if spread is None else f"median {spread.median:.3g} for {name}"
        )
    return ", ".join(texts)
