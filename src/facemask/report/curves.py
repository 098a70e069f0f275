"""Training curves: each metric by epoch and split."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator

from facemask.report.blocks import Figure
from facemask.report.drawing import DASHED, legend_above
from facemask.report.picture import draw
from facemask.report.style import colour

TITLES = {"loss": "Loss", "accuracy": "Accuracy", "f1": "F1", "roc_auc": "ROC-AUC"}
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
