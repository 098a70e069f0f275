"""Confusion, scores and curves over all thresholds, one model or several in one drawing."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter
from sklearn import metrics as sk

from facecover.evaluation.answers import Probabilities
from facecover.evaluation.formatting import interval, kind_of, number
from facecover.evaluation.intervals import Metrics, proportion_interval
from facecover.evaluation.metrics import BINS, reliability
from facecover.evaluation.performance import Evaluation
from facecover.labels import MASK
from facecover.report.blocks import Cell, Figure
from facecover.report.plotting import (
    DASHED,
    class_colour,
    colour,
    count_axis,
    draw,
    each_value,
    legend_above,
    percent_axes,
)
from facecover.text import percent


def reliability_figure(evaluations: Sequence[Evaluation], colours: Sequence[str]) -> Figure:
    """The share that is right against the stated confidence, and how often each is stated."""

    def plot(figure: Drawing) -> None:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        above.plot([0, 1], [0, 1], color=colour("muted"), linewidth=1, linestyle=DASHED)
        for position, (evaluation, name) in enumerate(zip(evaluations, colours, strict=True)):
            _reliability_line(above, evaluation, name)
            counts = reliability(evaluation.answers).counts
            width = 1 / BINS / len(evaluations)
            left = np.arange(BINS) / BINS + position * width
            below.bar(left, counts, 0.92 * width, align="edge", color=colour(name))
        above.set(ylabel="Right", ylim=(0, 1.02))
        below.set(xlabel="Stated confidence", ylabel="Images")
        count_axis(below)
        low = 0.45 if len(evaluations[0].answers.class_names) == 2 else 0.3
        below.set_xlim(low, 1.005)
        for axis in (above.yaxis, below.xaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0))
        below.grid(visible=False, axis="x")
        legend_above(figure)

    errors = each_value(evaluations, "ece")
    chance = percent(evaluations[0].metrics.chance_ece)
    alone = len(evaluations) == 1
    explained = f"; confidences that are exactly right stay under {chance} here" if alone else ""
    return Figure(
        draw(plot, f"Reliability: share right against stated confidence. {errors}."),
        "Reliability",
        f"On the dashed line, of the answers given with 80% confidence 80% are right; below it "
        f"the model is too sure of itself. {errors}{explained}. Bars: 95% intervals; below: "
        "images in each bin.",
    )


def score_figure(evaluation: Evaluation) -> Figure:
    """How the probability of a mask spreads over the images of each class."""
    answers, threshold = evaluation.answers, evaluation.metrics.threshold
    edges = np.linspace(0, 1, 41)

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        for label, name in enumerate(answers.class_names):
            scores = answers.probabilities[answers.labels == label, MASK]
            tone = colour(class_colour(name))
            counts = np.histogram(scores, edges)[0]
            axes.stairs(counts, edges, fill=True, color=tone, alpha=0.35)
            axes.stairs(counts, edges, color=tone, linewidth=1.3, label=name)
        if threshold is not None:
            axes.axvline(threshold, color=colour("muted"), linewidth=1, linestyle=DASHED)
        axes.set(xlabel="Probability of a mask", ylabel="Images", xlim=(0, 1))
        count_axis(axes)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        legend_above(figure)

    sure = float(np.mean(answers.confidence >= 0.99))
    at = f" The dashed line is the threshold, {threshold:g}." if threshold is not None else ""
    return Figure(
        draw(plot, "Histogram of the probability of a mask, by true class, counts on a log scale."),
        "Probabilities by class",
        f"{percent(sure)} of the answers come with 99% confidence or more.{at} Counts are on a "
        "logarithmic scale, so that the few mistakes can be seen.",
    )


def confusion_figure(evaluation: Evaluation) -> Figure:
    """Images by true class and answer."""
    metrics = evaluation.metrics
    names, counts = metrics.class_names, np.array(metrics.confusion)
    of_class = counts.sum(axis=1)

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        for (row, column), count in np.ndenumerate(counts):
            n = int(of_class[row])
            share = int(count) / n if n else None
            tone = colour("mask" if row == column else "no_mask")
            box = (column - 0.48, row - 0.48)
            depth = 0.06 + 0.44 * (share or 0)
            axes.add_patch(Rectangle(box, 0.96, 0.96, facecolor=tone, alpha=depth, linewidth=0))
            part = "\N{EN DASH}" if share is None else f"{percent(share)} of {names[row]}"
            axes.text(column, row - 0.08, f"{count:,}", ha="center", va="center", fontsize=15)
            axes.text(column, row + 0.16, part, ha="center", va="center")
        last = len(names) - 0.5
        axes.set(xlim=(-0.5, last), ylim=(last, -0.5), xlabel="Answer", ylabel="True class")
        axes.set_xticks(range(len(names)), names)
        axes.set_yticks(range(len(names)), names, rotation=90, va="center")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)

    cells = [
        f"{counts[i, j]:,} of {counts[i].sum():,} {true} answered {answer}"
        for i, true in enumerate(names)
        for j, answer in enumerate(names)
    ]
    return Figure(
        draw(plot, f"Confusion matrix: {'; '.join(cells)}."),
        "Confusion matrix",
        "Each row is a true class, each column an answer; the shares are of the row.",
    )


def _reliability_line(axes: Axes, evaluation: Evaluation, name: str) -> None:
    bins = reliability(evaluation.answers)
    filled = bins.counts > 0
    counts = bins.counts[filled]
    shares = bins.right[filled] / counts
    bounds = [
        proportion_interval(float(share), int(count))
        for share, count in zip(shares, counts, strict=True)
    ]
    axes.errorbar(
        bins.confidence[filled], shares, yerr=np.abs(np.array(bounds).T - shares),
        color=colour(name), marker="o", elinewidth=1, linewidth=1.3, label=evaluation.name,
    )  # fmt: skip


def metric_cell(metrics: Metrics, key: str) -> Cell:
    """A metric's value with its interval below it; what is undefined sorts last."""
    kind, value, bounds = kind_of(key), metrics.values[key], metrics.ci95[key]
    note = interval(kind, bounds) if bounds else ""
    return Cell(number(kind, value), note, -1.0 if value is None else value)


CLOSE_UP_FROM = 0.97
"""From this area on only the corner that the curve runs through is drawn."""


def ranking_figures(
    evaluations: Sequence[Evaluation], colours: Sequence[str]
) -> tuple[Figure, ...]:
    """The ROC and the precision-recall curves; none where a class is missing.

    Args:
        evaluations: the models, in one drawing.
        colours: for each a name of `plotting.COLOURS`.
    """
    if any(evaluation.metrics.values["roc_auc"] is None for evaluation in evaluations):
        return ()
    return roc_figure(evaluations, colours), precision_recall_figure(evaluations, colours)


def roc_figure(evaluations: Sequence[Evaluation], colours: Sequence[str]) -> Figure:
    """Masks found against false alarms, over all thresholds."""
    close_up = _all_reach(evaluations, "roc_auc")

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=colour("muted"), linewidth=1, linestyle=DASHED)
        for evaluation, name in zip(evaluations, colours, strict=True):
            is_mask, scores = _scores(evaluation)
            alarms, found, _ = sk.roc_curve(is_mask, scores)
            axes.plot(alarms, found, color=colour(name), label=evaluation.name)
            axes.plot(*_operating_point(evaluation), color=colour(name), marker="o")
        axes.set(xlabel="False alarms", ylabel="Masks found")
        percent_axes(axes, x=(0, 0.2 if close_up else 1), y=(0.8 if close_up else 0, 1))
        legend_above(figure)

    areas = each_value(evaluations, "roc_auc")
    corner = " Only the upper left corner is drawn." if close_up else ""
    point = ""
    if len(evaluations) == 1:
        alarms, found = _operating_point(evaluations[0])
        point = f" The dot is the threshold in use: {percent(found)} of the masks found at "
        point += f"{percent(alarms)} false alarms."
    return Figure(
        draw(plot, f"ROC curve of masks found against false alarms. {areas}.{point}"),
        "ROC curve",
        f"{areas}.{point} The further the curve keeps to the upper left, the better.{corner}",
    )


def precision_recall_figure(evaluations: Sequence[Evaluation], colours: Sequence[str]) -> Figure:
    """Precision against recall, over all thresholds."""
    close_up = _all_reach(evaluations, "average_precision")
    share = float(np.mean(evaluations[0].answers.labels == MASK))

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        axes.axhline(share, color=colour("muted"), linewidth=1, linestyle=DASHED)
        for evaluation, name in zip(evaluations, colours, strict=True):
            precision, recall, _ = sk.precision_recall_curve(*_scores(evaluation))
            axes.plot(recall, precision, color=colour(name), label=evaluation.name)
        axes.set(xlabel="Recall: masks found", ylabel="Precision: answers that are right")
        percent_axes(axes, x=(0.5 if close_up else 0, 1), y=(0.8 if close_up else 0, 1))
        legend_above(figure)

    areas = each_value(evaluations, "average_precision")
    corner = " Only the upper right corner is drawn." if close_up else ""
    return Figure(
        draw(plot, f"Precision against recall over all thresholds. {areas}."),
        "Precision and recall",
        f"{areas}. A model that knows nothing keeps to {percent(share)}, the share of "
        f"masks.{corner}",
    )


def _scores(evaluation: Evaluation) -> tuple[npt.NDArray[np.bool_], Probabilities]:
    """Whether each image is a mask, and the probability that it is."""
    is_mask: npt.NDArray[np.bool_] = evaluation.answers.labels == MASK
    return is_mask, evaluation.answers.probabilities[:, MASK]


def _operating_point(evaluation: Evaluation) -> tuple[float, float]:
    """The shares of false alarms and of masks found at the threshold in use."""
    answers = evaluation.answers
    answered_mask, is_mask = answers.predicted == MASK, answers.labels == MASK
    return float(answered_mask[~is_mask].mean()), float(answered_mask[is_mask].mean())


def _all_reach(evaluations: Sequence[Evaluation], key: str) -> bool:
    values = [evaluation.metrics.values[key] or 0 for evaluation in evaluations]
    return min(values) >= CLOSE_UP_FROM
