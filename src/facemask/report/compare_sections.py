"""The parts of a report that put runs side by side; each can stand on any page."""

from collections.abc import Sequence

from facemask.evaluation.compare import Comparison, Pair
from facemask.evaluation.contenders import Contender
from facemask.evaluation.metric_kinds import METRICS
from facemask.evaluation.seeds_text import seed_sentences
from facemask.evaluation.wording import (
    interval,
    number,
    p_value,
    percent,
    points,
    signed_points,
)
from facemask.report.blocks import (
    Bullets,
    Card,
    Cards,
    Cell,
    Details,
    Figures,
    Paragraph,
    Section,
    Table,
    table,
)
from facemask.report.comparison_figures import differences_figure, intervals_figure
from facemask.report.curves import curve_figures
from facemask.report.evaluation_figures import reliability_figure
from facemask.report.ranking_figures import ranking_figures
from facemask.report.run import Run
from facemask.report.run_sections import flat_settings
from facemask.report.words import duration, large, shape


def comparison_summary(comparison: Comparison, runs: Sequence[Run], anchor: str) -> Section:
    """Who is better, by how much, and at what cost."""
    sentences = [*comparison.sentences, *seed_sentences(comparison)]
    colours = {run.name: run.colour for run in runs}
    cards = [
        _card(one, comparison.evaluations[0].metrics.n, colours.get(one.members[0], ""))
        for one in comparison.contenders
    ]
    blocks = (
        Paragraph(sentences[0], is_lead=True),
        Cards(tuple(cards)),
        Bullets((*sentences[1:], *_cost_sentences(comparison, runs))),
    )
    return Section("Summary", anchor, blocks)


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
    return Section("Seeds", anchor, tuple(_seeds_table(one) for one in groups))


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


def metrics_side_by_side(comparison: Comparison, runs: Sequence[Run], anchor: str) -> Section:
    """Every metric of every model, and the curves over all thresholds."""
    evaluations = comparison.evaluations
    colours = [run.colour for run in runs]
    rows = [
        (
            Cell(kind.title, kind.meaning),
            *(
                Cell(number(kind, value), interval(kind, one.metrics.ci95[kind.key]), value)
                for one in evaluations
                for value in [one.metrics.values[kind.key]]
            ),
        )
        for kind in METRICS
    ]
    names = tuple(evaluation.name for evaluation in evaluations)
    filled = table(("Metric", *names), rows, _same_images(comparison))
    aligned = (False, *(True for _ in names))
    metrics = Table(filled.columns, filled.rows, aligned, filled.caption)
    figures = (
        intervals_figure(comparison),
        *ranking_figures(evaluations, colours),
        reliability_figure(evaluations, colours),
    )
    return Section("Metrics", anchor, (metrics, Figures(figures)))


def differences_section(comparison: Comparison, anchor: str) -> Section | None:
    """Every two contenders: the paired difference and its test; None where there is one alone."""
    if not comparison.pairs:
        return None
    several = len(comparison.pairs) > 1
    columns = ["Pair", "Difference of accuracy", "Both right", "Only first", "Only second"]
    columns += ["Both wrong", "p", *(["p after Holm"] if several else [])]
    rows = [_pair_row(pair) for pair in comparison.pairs]
    figures = Figures(tuple(differences_figure(pair) for pair in comparison.pairs))
    filled = table(columns, rows, _tests_in_words(comparison))
    aligned = (False, *(True for _ in columns[1:]))
    return Section(
        "Differences",
        anchor,
        (Table(filled.columns, filled.rows, aligned, filled.caption), figures),
    )


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


def architecture_section(runs: Sequence[Run], anchor: str) -> Section:
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
    return Section("Architecture and cost", anchor, (facts,))


def hyperparameters_section(runs: Sequence[Run], anchor: str) -> Section:
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
    return Section("Hyperparameters", anchor, blocks if alike else blocks[:1])


def curves_side_by_side(runs: Sequence[Run], anchor: str) -> Section | None:
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
    return Section("Training", anchor, (Paragraph(words), Figures(figures)))


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


def _cost_sentences(comparison: Comparison, runs: Sequence[Run]) -> list[str]:
    """What each contender costs; seeds of one experiment cost the same."""
    networks = {run.name: run.info.network for run in runs}
    return [
        f"{one.name}: {large(network.parameters)} parameters, "
        f"{large(network.macs)} multiply-accumulates for one image."
        for one in comparison.contenders
        for network in [networks[one.members[0]]]
    ]


def _learning_layers(run: Run) -> int:
    return sum(layer.parameters > 0 for layer in run.info.network.layers)


def _speed(run: Run) -> str:
    return f"{run.evaluations[0].images_per_second:,.0f}" if run.evaluations else ""


def _time(run: Run) -> str:
    return "" if run.training_seconds is None else duration(run.training_seconds)
