"""A run as a report shows it: its curves, its layers, and its surest mistakes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator, PercentFormatter

from facecover.evaluation.performance import Evaluation, most_confident_mistakes
from facecover.inference.model_info import LayerFacts, ModelInfo, NetworkFacts
from facecover.report.blocks import Figure
from facecover.report.plotting import DASHED, FIGURE_SIZE, colour, draw, legend_above, model_colour
from facecover.text import percent

MISTAKES_SHOWN = 24
"""Photos of mistakes in a report: two dozen are looked at, and stay far under a megabyte."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A photo that was answered wrong.

    Attributes:
        pixels: ``uint8 (H, W, 3)``, RGB.
        confidence: the probability of the answer, 0..1.
    """

    pixels: npt.NDArray[np.uint8]
    label: str
    answer: str
    confidence: float
    name: str


@dataclass(frozen=True, slots=True)
class RunReport:
    """A trained model with what was measured of it.

    Attributes:
        info: what its model file knows.
        evaluations: what it was measured on; the first one is the one that counts.
        curves: its `metrics.csv`, one row an epoch; None where there is none.
        mistakes: photos it answered wrong, the most confident first.
        position: its place among the runs of a page, which decides its colour.
    """

    name: str
    info: ModelInfo
    evaluations: tuple[Evaluation, ...] = ()
    curves: pd.DataFrame | None = None
    mistakes: tuple[Mistake, ...] = ()
    training_seconds: float | None = None
    device: str = ""
    position: int = 0

    @property
    def colour(self) -> str:
        """The name of its colour in `style.COLOURS`."""
        return model_colour(self.position)


def mistakes_of(
    evaluation: Evaluation,
    images: npt.NDArray[np.uint8],
    names: Sequence[str],
    count: int = MISTAKES_SHOWN,
) -> tuple[Mistake, ...]:
    """The photos that a model was most sure of and wrong about.

    Args:
        evaluation: what it answered.
        images: ``uint8 (M, S, S, 3)``, RGB, the dataset's images at any size.
        names: the file name of each of them.
        count: how many to take at most.
    """
    answers = evaluation.answers
    return tuple(
        Mistake(
            pixels=np.asarray(images[evaluation.rows[i]]),
            label=answers.class_names[answers.labels[i]],
            answer=answers.class_names[answers.predicted[i]],
            confidence=float(answers.confidence[i]),
            name=str(names[int(evaluation.rows[i])]),
        )
        for i in most_confident_mistakes(answers, count)
    )


def layers_with_cost(network: NetworkFacts) -> list[LayerFacts]:
    """The layers that learn or calculate something, in order."""
    return [layer for layer in network.layers if layer.parameters or layer.macs]


def layer_figure(network: NetworkFacts) -> Figure:
    """Each layer's share of the parameters and of the multiply-accumulates."""
    layers = layers_with_cost(network)
    parameters = np.array([layer.parameters for layer in layers]) / max(network.parameters, 1)
    macs = np.array([layer.macs for layer in layers]) / max(network.macs, 1)

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        rows = np.arange(len(layers))
        axes.barh(rows - 0.19, parameters, 0.36, color=colour("accent"), label="parameters")
        axes.barh(rows + 0.19, macs, 0.36, color=colour("model_4"), label="multiply-accumulates")
        axes.set_yticks(rows, [layer.name for layer in layers])
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        legend_above(figure)

    largest = layers[int(parameters.argmax())]
    busiest = layers[int(macs.argmax())]
    words = (
        f"{largest.name} holds {percent(parameters.max(), 0)} of the parameters, {busiest.name} "
        f"takes {percent(macs.max(), 0)} of the arithmetic."
    )
    size = (FIGURE_SIZE[0], max(FIGURE_SIZE[1], 0.8 + 0.33 * len(layers)))
    return Figure(
        draw(plot, f"Bars of each layer's share of parameters and arithmetic. {words}", size),
        "Cost by layer",
        words,
    )


TITLES = {
    "loss": "Loss",
    "accuracy": "Accuracy",
    "f1": "F1",
    "roc_auc": "ROC-AUC",
    "box_loss": "Loss of the boxes",
}
"""The metrics drawn, with their names for people."""

_SPLITS = {"train": "training", "val": "validation", "test": "test"}
_LINES = {"train": (0, (1, 1.2)), "val": "-", "test": (0, (6, 2, 1, 2))}


def curve_columns(curves: pd.DataFrame) -> dict[tuple[str, str], str]:
    """The columns of a run's `metrics.csv` by split and metric.

    A column is named by both, such as ``val_loss`` or ``val/loss``.
    """
    found = {}
    for column in curves.columns:
        match = re.fullmatch(r"(train|val|test)[_/](\w+)", str(column))
        if match and match[2] in TITLES and curves[column].notna().any():
            found[match[1], match[2]] = str(column)
    return found


def curve_figures(
    runs: Mapping[str, pd.DataFrame],
    colours: Sequence[str],
    *,
    best_epochs: Mapping[str, int] | None = None,
    splits: Sequence[str] = ("train", "val", "test"),
) -> tuple[Figure, ...]:
    """A figure for each metric that the runs have, all runs in it.

    Args:
        runs: by name, one row an epoch, see `curve_columns`; an ``epoch`` column if there is one.
        colours: for each run a name of `style.COLOURS`.
        best_epochs: for each run the epoch whose weights were kept; marked with a dot.
        splits: which splits to draw.
    """
    return tuple(
        _curve_figure(runs, colours, metric, best_epochs or {}, splits)
        for metric in TITLES
        if any((split, metric) in curve_columns(run) for run in runs.values() for split in splits)
    )


def epochs_of(curves: pd.DataFrame) -> pd.Series:
    """The number of each epoch, as the run counts them, or from 1 on."""
    if "epoch" in curves:
        return curves["epoch"]
    return pd.Series(range(1, len(curves) + 1), index=curves.index)


def _curve_figure(
    runs: Mapping[str, pd.DataFrame],
    colours: Sequence[str],
    metric: str,
    best_epochs: Mapping[str, int],
    splits: Sequence[str],
) -> Figure:
    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        for (run, curves), name in zip(runs.items(), colours, strict=True):
            columns = curve_columns(curves)
            for split in splits:
                if (split, metric) not in columns:
                    continue
                values = curves[columns[split, metric]]
                label = _SPLITS[split] if len(runs) == 1 else f"{run}, {_SPLITS[split]}"
                axes.plot(
                    epochs_of(curves), values, color=colour(name), linestyle=_LINES[split],
                    linewidth=2 if split == "val" else 1.4, label=label,
                )  # fmt: skip
            if run in best_epochs:
                best = best_epochs[run]
                axes.axvline(best, color=colour(name), linewidth=0.9, linestyle=DASHED)
        axes.set(xlabel="Epoch", ylabel=TITLES[metric])
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        legend_above(figure, 3 if len(runs) == 1 else 2)

    lasts = {run: _last_values(curves, metric, splits) for run, curves in runs.items()}
    ends = "; ".join(
        ("" if len(runs) == 1 else f"{run} ") + ", ".join(values)
        for run, values in lasts.items()
        if values
    )
    title = TITLES[metric]
    return Figure(
        draw(plot, f"{title} by epoch. At the end: {ends}."),
        f"{title} by epoch",
        f"At the last epoch: {ends}.",
    )


def _last_values(curves: pd.DataFrame, metric: str, splits: Sequence[str]) -> list[str]:
    columns = curve_columns(curves)
    return [
        f"{_SPLITS[split]} {curves[columns[split, metric]].dropna().iloc[-1]:.4f}"
        for split in splits
        if (split, metric) in columns
    ]
