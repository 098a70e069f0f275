"""Figures of what a model answered: reliability, probabilities by class, confusion."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from facemask.evaluation.calibration import BINS, reliability
from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.exact import proportion_interval
from facemask.evaluation.wording import percent
from facemask.labels import MASK
from facemask.report.blocks import Figure
from facemask.report.drawing import DASHED, count_axis, each_value, legend_above
from facemask.report.picture import draw
from facemask.report.style import class_colour, colour


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
