"""The parts of a report that put runs side by side; each can stand on any page."""

from collections.abc import Sequence

from facemask.evaluation.compare import Comparison, Pair
from facemask.evaluation.metric_kinds import METRICS
from facemask.evaluation.wording import interval, number, p_value, percent
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
    sentences = [pair.sentence for pair in comparison.pairs]
    cards = []
    for run, evaluation in zip(runs, comparison.evaluations, strict=True):
        kind, metrics = METRICS[0], evaluation.metrics
        detail = f"95% interval {interval(kind, metrics.ci95[kind.key])}, n = {metrics.n:,}"
        title = f"{evaluation.name}: {kind.title.lower()}"
        cards.append(Card(title, number(kind, metrics.values[kind.key]), detail, run.colour))
    blocks = (
        Paragraph(sentences[0], is_lead=True),
        Cards(tuple(cards)),
        Bullets((*sentences[1:], *_cost_sentences(runs))),
    )
    return Section("Summary", anchor, blocks)


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


def differences_section(comparison: Comparison, anchor: str) -> Section:
    """Every two models: the paired difference and McNemar's exact test."""
    rows = [_pair_row(pair) for pair in comparison.pairs]
    columns = ("Pair", "Both right", "Only first", "Only second", "Both wrong", "McNemar p")
    caption = (
        "On how many images each of the two was right. McNemar's exact test asks whether the "
        "disagreements could be a fair coin's."
    )
    figures = Figures(tuple(differences_figure(pair) for pair in comparison.pairs))
    return Section("Differences", anchor, (table(columns, rows, caption), figures))


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
        ("Weights chosen by", *(run.chosen_in_words for run in runs)),
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
    best = {run.name: run.best_epoch for run in known if run.best_epoch is not None}
    # With more runs the training curves would bury the validation curves.
    splits = ("train", "val") if len(known) == 2 else ("val",)
    figures = curve_figures(curves, [run.colour for run in known], best_epochs=best, splits=splits)
    words = "Dashed lines are the epochs whose weights were kept."
    return Section("Training", anchor, (Paragraph(words), Figures(figures)))


def _pair_row(pair: Pair) -> tuple[Cell | int, ...]:
    test = pair.mcnemar
    shown = Cell(p_value(test.p_value).removeprefix("p = ").removeprefix("p "), sort=test.p_value)
    return (
        Cell(f"{pair.first} and {pair.second}"), test.n11, test.n10, test.n01, test.n00, shown,
    )  # fmt: skip


def _same_images(comparison: Comparison) -> str:
    first = comparison.evaluations[0]
    return (
        f"The same {first.metrics.n:,} {first.images_in_words} for all; below each value its 95% "
        "interval."
    )


def _cost_sentences(runs: Sequence[Run]) -> list[str]:
    return [
        f"{run.name}: {large(run.info.network.parameters)} parameters, "
        f"{large(run.info.network.macs)} multiply-accumulates for one image."
        for run in runs
    ]


def _learning_layers(run: Run) -> int:
    return sum(layer.parameters > 0 for layer in run.info.network.layers)


def _speed(run: Run) -> str:
    return f"{run.evaluations[0].images_per_second:,.0f}" if run.evaluations else ""


def _time(run: Run) -> str:
    return "" if run.training_seconds is None else duration(run.training_seconds)
