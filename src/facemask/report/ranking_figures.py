"""ROC and precision-recall curves, one model or several in one drawing."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure as Drawing
from sklearn import metrics as sk

from facemask.evaluation.answers import Probabilities
from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.wording import percent
from facemask.labels import MASK
from facemask.report.blocks import Figure
from facemask.report.drawing import DASHED, each_value, legend_above, percent_axes
from facemask.report.picture import draw
from facemask.report.style import colour

CLOSE_UP_FROM = 0.97
"""From this area on only the corner that the curve runs through is drawn."""


def ranking_figures(
    evaluations: Sequence[Evaluation], colours: Sequence[str]
) -> tuple[Figure, ...]:
    """The ROC and the precision-recall curves; none where a class is missing.

    Args:
        evaluations: the models, in one drawing.
        colours: for each a name of `style.COLOURS`.
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
