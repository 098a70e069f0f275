"""Several runs on the same images as one page: who is better, by how much, and at what cost."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing

from facecover.dataset.manifest import Manifest
from facecover.errors import DatasetError
from facecover.evaluation.comparison import Comparison, Contender, Pair, seed_sentences
from facecover.evaluation.formatting import (
    cautions,
    flattery,
    interval,
    joined,
    kind_of,
    number,
    p_value,
    points,
    signed_points,
)
from facecover.evaluation.metrics import METRICS, MetricKind
from facecover.evaluation.slices import Slice, Slices
from facecover.report.blocks import (
    Block,
    Bullets,
    Card,
    Cards,
    Cell,
    Details,
    Figure,
    Figures,
    Notice,
    Paragraph,
    Section,
    Table,
    in_terminal,
    on_page,
    table,
)
from facecover.report.html import write_page
from facecover.report.metric_figures import metric_cell, ranking_figures, reliability_figure
from facecover.report.plotting import (
    colour,
    draw,
    legend_above,
    model_colour,
    percent_axes,
    rows_of,
)
from facecover.report.run_figures import RunReport, curve_figures
from facecover.report.run_page import data_sections, flat_settings
from facecover.report.slices_section import reasons
from facecover.text import duration, large, percent, shape

_SHARES = tuple(kind for kind in METRICS if kind.higher_is_better)


def intervals_figure(comparison: Comparison) -> Figure:
    """Each model's value and interval for the metrics where more is better."""
    evaluations = comparison.evaluations
    kinds = [
        kind
        for kind in _SHARES
        if all(one.metrics.values[kind.key] is not None for one in evaluations)
    ]

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        for position, one in enumerate(evaluations):
            offset = 0.22 * (position - (len(evaluations) - 1) / 2)
            values = [one.metrics.values[kind.key] or 0.0 for kind in kinds]
            bounds = [one.metrics.ci95[kind.key] for kind in kinds]
            rows = np.arange(len(kinds)) + offset
            tone = colour(model_colour(position))
            axes.plot(values, rows, "o", color=tone, label=one.name)
            for row, ends in zip(rows, bounds, strict=True):
                if ends:
                    axes.plot(ends, (row, row), color=tone, linewidth=2)
        rows_of(axes, [kind.title for kind in kinds])
        percent_axes(axes, x=(min(axes.get_xlim()[0], 0.99), 1.0))
        legend_above(figure)

    accuracy = kind_of("accuracy")
    words = "; ".join(
        f"{one.name}: {number(accuracy, one.metrics.values['accuracy'])} "
        f"({interval(accuracy, one.metrics.ci95['accuracy'])})"
        for one in evaluations
    )
    return Figure(
        draw(plot, f"Metrics of each model with 95% intervals. Accuracy: {words}."),
        "Metrics with their 95% intervals",
        "Further right is better. Intervals of two models may overlap although the models "
        "differ: both saw the same images, which the difference below takes into account.",
    )


def differences_figure(pair: Pair) -> Figure:
    """How much more the second model of a pair has, by metric, with paired intervals."""
    kinds = [kind for kind in _SHARES if kind.key in pair.differences]

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        axes.axvline(0, color=colour("muted"), linewidth=1)
        for row, kind in enumerate(kinds):
            difference = pair.differences[kind.key]
            bounds = difference.ci95
            shows = bounds is not None and (bounds[0] > 0 or bounds[1] < 0)
            tone = colour("accent" if shows else "muted")
            if bounds:
                axes.plot([100 * end for end in bounds], (row, row), color=tone, linewidth=2)
            axes.plot(100 * difference.value, row, "o", color=tone)
        rows_of(axes, [kind.title for kind in kinds])
        axes.set(xlabel=f"Points more for {pair.second}")

    return Figure(
        draw(plot, f"Differences by metric. {pair.sentence}"),
        f"{pair.second} against {pair.first}",
        f"{_leaning(pair, kinds)} Coloured intervals do not touch zero. A point is one percentage "
        "point, or 0.01 of an area.",
    )


def _leaning(pair: Pair, kinds: list[MetricKind]) -> str:
    shown = [
        kind.title
        for kind in kinds
        for bounds in [pair.differences[kind.key].ci95]
        if bounds is not None and (bounds[0] > 0 or bounds[1] < 0)
    ]
    accuracy = pair.differences["accuracy"].value
    more = "more" if accuracy >= 0 else "less"
    lead = f"{pair.second} has {points(accuracy)} {more} accuracy than {pair.first}."
    if not shown:
        return f"{lead} No metric differs beyond chance."
    return f"{lead} {len(shown)} of {len(kinds)} metrics differ beyond chance."


def comparison_summary(comparison: Comparison, runs: Sequence[RunReport], anchor: str) -> Section:
    """Who is better, by how much, and at what cost."""
    sentences = [*comparison.sentences, *seed_sentences(comparison)]
    colours = {run.name: run.colour for run in runs}
    cards = [
        _card(one, comparison.evaluations[0].metrics.n, colours.get(one.members[0], ""))
        for one in comparison.contenders
    ]
    blocks: tuple[Block, ...] = (
        Paragraph(sentences[0], is_lead=True),
        on_page(Cards(tuple(cards))),
        Bullets((*sentences[1:], *_cost_sentences(comparison, runs))),
        *(Notice(limit, is_warning=True) for limit in _limits(comparison)),
    )
    return Section("Summary", anchor, blocks)


def _limits(comparison: Comparison) -> list[str]:
    """What a reader must know of the figures; of which model, where not of all."""
    names: dict[str, list[str]] = {}
    for one in comparison.evaluations:
        for sentence in cautions(one.metrics):
            names.setdefault(sentence, []).append(one.name)
    every = len(comparison.evaluations)
    limits = [
        sentence if len(of) == every else f"{joined(of)}: {sentence}"
        for sentence, of in names.items()
    ]
    flattered = (said for one in comparison.evaluations for said in flattery(one, named=True))
    return list(dict.fromkeys((*limits, *flattered)))


def _card(one: Contender, n: int, colour: str) -> Card:
    kind = METRICS[0]
    detail = f"95% interval {interval(kind, one.ci95[kind.key])}, n = {n:,}"
    mean = ""
    if one.seeds:
        mean = "mean "
        detail += f", standard deviation over seeds {points(one.spread[kind.key])}"
    title = f"{one.name}: {mean}{kind.title.lower()}"
    return Card(title, number(kind, one.values[kind.key]), detail, colour)


def seeds_section(comparison: Comparison, anchor: str) -> Section | None:
    """Mean and spread of each metric where there are several seeds; None where there are none."""
    groups = [one for one in comparison.contenders if one.seeds]
    if not groups:
        return None
    blocks = tuple(_seeds_table(one) for one in groups)
    return Section("Seeds", anchor, blocks, is_page_only=True)


def _seeds_table(one: Contender) -> Table:
    rows: list[tuple[Cell | None, ...]] = []
    for kind in METRICS:
        value = one.values[kind.key]
        if value is None:
            rows.append((Cell(kind.title), Cell(number(kind, None), sort=-1.0), None, None))
            continue
        spread = one.spread[kind.key]
        low, high = one.ranges[kind.key]
        rows.append(
            (
                Cell(kind.title),
                Cell(number(kind, value), interval(kind, one.ci95[kind.key]), value),
                Cell(number(kind, spread), sort=spread),
                Cell(interval(kind, (low, high)), sort=low),
            )
        )
    caption = (
        f"{one.name}: {'; '.join(one.members)}. Below the mean its 95% interval, with images and "
        "seeds resampled."
    )
    return table(("Metric", "Mean", "Standard deviation", "Single seeds"), rows, caption)


def metrics_side_by_side(comparison: Comparison, runs: Sequence[RunReport], anchor: str) -> Section:
    """Every metric of every model, and the curves over all thresholds."""
    evaluations = comparison.evaluations
    colours = [run.colour for run in runs]
    rows = [[metric_cell(one.metrics, kind.key) for one in evaluations] for kind in METRICS]
    columns = ("Metric", *(evaluation.name for evaluation in evaluations))

    def metrics(titles: Sequence[Cell]) -> Table:
        filled = [(title, *row) for title, row in zip(titles, rows, strict=True)]
        numeric = (False, *(True for _ in evaluations))
        return table(columns, filled, _same_images(comparison), numeric=numeric)

    tables = (
        on_page(metrics([Cell(kind.title, kind.meaning) for kind in METRICS])),
        in_terminal(metrics([Cell(kind.title) for kind in METRICS])),
    )
    figures = (
        intervals_figure(comparison),
        *ranking_figures(evaluations, colours),
        reliability_figure(evaluations, colours),
    )
    return Section("Metrics", anchor, (*tables, Figures(figures)))


def differences_section(comparison: Comparison, anchor: str) -> Section | None:
    """Every two contenders: the paired difference and its test; None where there is one alone."""
    if not comparison.pairs:
        return None
    several = len(comparison.pairs) > 1
    columns = ["Pair", "Difference of accuracy", "Both right", "Only first", "Only second"]
    columns += ["Both wrong", "p", *(["p after Holm"] if several else [])]
    rows = [_pair_row(pair) for pair in comparison.pairs]
    figures = Figures(tuple(differences_figure(pair) for pair in comparison.pairs))
    numeric = (False, *(True for _ in columns[1:]))
    pairs = table(columns, rows, _tests_in_words(comparison), numeric=numeric)
    return Section("Differences", anchor, (pairs, figures), is_page_only=True)


def _tests_in_words(comparison: Comparison) -> str:
    tests = {pair.test for pair in comparison.pairs}
    parts = ["The difference is the second minus the first, below it its 95% interval."]
    if "McNemar" in tests:
        parts.append(
            "Then: on how many images each of the two was right. McNemar's exact test asks "
            "whether the disagreements could be a fair coin's."
        )
    if "sign flips" in tests:
        parts.append(
            "Where a side has several seeds, the test flips the signs of the paired differences "
            "of images, or of groups of them."
        )
    if len(comparison.pairs) > 1:
        parts.append(f"Holm's correction is for {len(comparison.pairs)} pairs.")
    return " ".join(parts)


def architecture_section(runs: Sequence[RunReport], anchor: str) -> Section:
    """Size, arithmetic, speed and training of the networks."""
    rows = [
        ("Input (pixels)", *(shape((run.info.input_size_px,) * 2) for run in runs)),
        ("Layers with parameters", *(str(_learning_layers(run)) for run in runs)),
        ("Parameters", *(f"{run.info.network.parameters:,}" for run in runs)),
        ("Share of the budget", *(percent(run.info.network.share_of_budget) for run in runs)),
        ("Multiply-accumulates", *(large(run.info.network.macs) for run in runs)),
        (
            "Receptive field (pixels)",
            *(str(run.info.network.receptive_field_px) for run in runs),
        ),
        ("Images a second when measured", *(_speed(run) for run in runs)),
        ("Epochs", *("" if run.curves is None else str(len(run.curves)) for run in runs)),
        ("Weights kept", *(run.info.chosen_in_words for run in runs)),
        ("Training time", *(_time(run) for run in runs)),
    ]
    shown = [row for row in rows if any(row[1:])]
    facts = table(("", *(run.name for run in runs)), shown, is_sortable=False)
    return Section("Architecture and cost", anchor, (facts,), is_page_only=True)


def hyperparameters_section(runs: Sequence[RunReport], anchor: str) -> Section:
    """The settings that differ, and below them those that do not."""
    settings = [flat_settings(run.info.config) for run in runs]
    keys = list(dict.fromkeys(key for one in settings for key in one))
    rows = [(key, *(one.get(key) for one in settings)) for key in keys]
    differing = [row for row in rows if len(set(row[1:])) > 1]
    alike = [(row[0], row[1]) for row in rows if len(set(row[1:])) == 1]
    names = ("Setting", *(run.name for run in runs))
    blocks = (
        table(names, differing, "Settings that differ.")
        if differing
        else Paragraph("No setting differs."),
        Details(f"Settings that are alike ({len(alike)})", (table(("Setting", "Value"), alike),)),
    )
    return Section("Hyperparameters", anchor, blocks if alike else blocks[:1], is_page_only=True)


def curves_side_by_side(runs: Sequence[RunReport], anchor: str) -> Section | None:
    """The training curves of all runs in common drawings; None without any."""
    known = [run for run in runs if run.curves is not None]
    curves = {run.name: run.curves for run in known if run.curves is not None}
    if not curves:
        return None
    best = {run.name: run.info.kept_epoch for run in known if run.info.kept_epoch is not None}
    # With more runs the training curves would bury the validation curves.
    splits = ("train", "val") if len(known) == 2 else ("val",)
    figures = curve_figures(curves, [run.colour for run in known], best_epochs=best, splits=splits)
    words = "Dashed lines are the epochs whose weights were kept."
    return Section("Training", anchor, (Paragraph(words), Figures(figures)), is_page_only=True)


def _pair_row(pair: Pair) -> tuple[Cell | int | None, ...]:
    test, difference = pair.mcnemar, pair.differences["accuracy"]
    kind = METRICS[0]
    counts = (None,) * 4 if test is None else (test.n11, test.n10, test.n01, test.n00)
    return (
        Cell(f"{pair.first} and {pair.second}"),
        Cell(
            signed_points(difference.value),
            interval(kind, difference.ci95).replace("-", "\N{MINUS SIGN}"),
            difference.value,
        ),
        *counts,
        _p_cell(pair.p_value),
        *(() if pair.p_holm is None else (_p_cell(pair.p_holm),)),
    )


def _p_cell(value: float) -> Cell:
    return Cell(p_value(value).removeprefix("p = ").removeprefix("p "), sort=value)


def _same_images(comparison: Comparison) -> str:
    first = comparison.evaluations[0]
    return (
        f"The same {first.metrics.n:,} {first.images_in_words} for all; below each value its 95% "
        "interval."
    )


def _cost_sentences(comparison: Comparison, runs: Sequence[RunReport]) -> list[str]:
    """What each contender costs; seeds of one experiment cost the same."""
    networks = {run.name: run.info.network for run in runs}
    return [
        f"{one.name}: {large(network.parameters)} parameters, "
        f"{large(network.macs)} multiply-accumulates for one image."
        for one in comparison.contenders
        for network in [networks[one.members[0]]]
    ]


def _learning_layers(run: RunReport) -> int:
    return sum(layer.parameters > 0 for layer in run.info.network.layers)


def _speed(run: RunReport) -> str:
    return f"{run.evaluations[0].images_per_second:,.0f}" if run.evaluations else ""


def _time(run: RunReport) -> str:
    return "" if run.training_seconds is None else duration(run.training_seconds)


_ACCURACY = METRICS[0]


def slices_side_by_side(names: Sequence[str], slices: Sequence[Slices], anchor: str) -> Section:
    """Each model's accuracy on every slice of the same images.

    Args:
        names: of the models.
        slices: of each of them, in the same order, from the same images and `min_n`.
        anchor: of the section.
    """
    # Slices of the same images are cut alike, whatever the model.
    rows = list(zip(*(one.slices for one in slices), strict=True))
    rows.sort(key=lambda row: (bool(row[0].too_few), _lowest(row)))
    judged = [row for row in rows if not row[0].too_few]
    blocks: list[Block] = []
    if judged:
        blocks.append(Paragraph(_in_words(names, judged), is_lead=True))
    caption = (
        f"The slice with the lowest accuracy of any model first, and last those of fewer than "
        f"{slices[0].min_n} images, which are too few to judge. Below each accuracy its 95% "
        "interval; slices overlap, and intervals are not corrected for their number."
    )
    columns = ("Slice", "Images", *names)
    numeric = (False, *(True for _ in columns[1:]))
    blocks.append(Table(columns, tuple(map(_row, rows)), numeric, caption))
    return Section("Slices", anchor, tuple(blocks))


def _row(row: Sequence[Slice]) -> tuple[Cell, ...]:
    first = row[0]
    name = Cell(first.label, reasons(first), colour="muted" if first.too_few else "")
    n = Cell(f"{first.metrics.n:,}", sort=float(first.metrics.n))
    return (name, n, *(metric_cell(one.metrics, _ACCURACY.key) for one in row))


def _accuracies(row: Sequence[Slice]) -> list[float]:
    return [one.metrics.values[_ACCURACY.key] or 0.0 for one in row]


def _lowest(row: Sequence[Slice]) -> float:
    return min(_accuracies(row))


def _spread(row: Sequence[Slice]) -> float:
    return max(_accuracies(row)) - _lowest(row)


def _in_words(names: Sequence[str], judged: Sequence[Sequence[Slice]]) -> str:
    worst, apart = judged[0], max(judged, key=_spread)
    said = f"Weakest on {worst[0].label} ({_each(names, worst)})"
    if _spread(apart) == 0:
        return f"{said}; the models have the same accuracy on every slice."
    return (
        f"{said}; furthest apart, by {points(_spread(apart))}, on {apart[0].label} "
        f"({_each(names, apart)})."
    )


def _each(names: Sequence[str], row: Sequence[Slice]) -> str:
    return joined(
        f"{name} {percent(value)}" for name, value in zip(names, _accuracies(row), strict=True)
    )


def compare_sections(
    comparison: Comparison,
    runs: Sequence[RunReport],
    prefix: str = "",
    *,
    slices: Sequence[Slices] = (),
) -> tuple[Section, ...]:
    """All that there is to show of a comparison, the summary first.

    Args:
        comparison: the models on the same images.
        runs: the run of each of them, in the same order.
        prefix: stands before each anchor.
        slices: of each model, in the same order; none leave them out.

    Raises:
        DatasetError: if there is not one run for each model.
    """
    if len(runs) != len(comparison.evaluations):
        raise DatasetError(
            f"expected a run for each of {len(comparison.evaluations)} models, found {len(runs)}"
        )
    sections = (
        comparison_summary(comparison, runs, f"{prefix}summary"),
        seeds_section(comparison, f"{prefix}seeds"),
        metrics_side_by_side(comparison, runs, f"{prefix}metrics"),
        differences_section(comparison, f"{prefix}differences"),
        slices_side_by_side([run.name for run in runs], slices, f"{prefix}slices")
        if slices
        else None,
        architecture_section(runs, f"{prefix}architecture"),
        hyperparameters_section(runs, f"{prefix}hyperparameters"),
        curves_side_by_side(runs, f"{prefix}training"),
    )
    return tuple(section for section in sections if section is not None)


def write_compare_report(
    path: Path,
    comparison: Comparison,
    runs: Sequence[RunReport],
    manifest: Manifest | None = None,
    drops: pd.DataFrame | None = None,
    *,
    slices: Sequence[Slices] = (),
    more: Sequence[Section] = (),
) -> None:
    """Write the report of a comparison.

    Args:
        path: of the HTML file.
        comparison: the models on the same images.
        runs: the run of each of them, in the same order.
        manifest: of the dataset, for the part about the data.
        drops: what was left out of it, see `data_section`.
        slices: of each model, in the same order; none leave them out.
        more: further sections for the end, such as `run_chapter` of each run.

    Raises:
        DatasetError: if there is not one run for each model.
        OutputError: if the place cannot be written.
        ValueError: if two sections have one anchor.
    """
    data = data_sections(manifest, drops)
    sections = (*compare_sections(comparison, runs, slices=slices), *data, *more)
    title = f"{joined(run.name for run in runs)} compared"
    write_page(path, title, sections, subtitle="Is this face covered? Models side by side.")
