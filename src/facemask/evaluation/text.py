"""Evaluations as tables in a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from facemask.evaluation.compare import Comparison
from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.metric_kinds import METRICS
from facemask.evaluation.metrics import Metrics
from facemask.evaluation.seeds_text import seed_sentences
from facemask.evaluation.wording import cautions, flattery, interval, number


def evaluation_text(evaluation: Evaluation) -> RenderableType:
    """Every metric with its interval, the confusion matrix, and what limits them."""
    metrics = evaluation.metrics
    return Group(
        _metrics_table(evaluation), Text(), _confusion_table(metrics), *_footnotes(evaluation)
    )


def comparison_text(comparison: Comparison) -> RenderableType:
    """A column for each model, and a sentence for every two contenders."""
    table = Table(title=comparison.evaluations[0].counted_images, title_justify="left")
    table.add_column("Metric")
    for evaluation in comparison.evaluations:
        table.add_column(Text(evaluation.name), justify="right")
    for kind in METRICS:
        cells = [
            f"{number(kind, one.metrics.values[kind.key])}\n"
            f"{interval(kind, one.metrics.ci95[kind.key])}"
            for one in comparison.evaluations
        ]
        table.add_row(kind.title, *cells)
    sentences = (*seed_sentences(comparison), *comparison.sentences)
    limits = dict.fromkeys(
        sentence
        for one in comparison.evaluations
        for sentence in (*cautions(one.metrics), *flattery(one, named=True))
    )
    return Group(
        table,
        *(Text(sentence) for sentence in sentences),
        *(Text(limit, style="dim") for limit in limits),
    )


def _metrics_table(evaluation: Evaluation) -> Table:
    metrics = evaluation.metrics
    # Names come from files, and rich would read [brackets] in them as markup.
    title = Text(f"{evaluation.name} on {evaluation.counted_images}")
    table = Table(title=title, title_justify="left")
    table.add_column("Metric")
    table.add_column("Value", justify="right")
    table.add_column("95% interval", justify="right")
    table.add_column("What it says", style="dim")
    for kind in METRICS:
        note = metrics.undefined.get(kind.key, kind.meaning)
        bounds = interval(kind, metrics.ci95[kind.key])
        table.add_row(kind.title, number(kind, metrics.values[kind.key]), bounds, note)
    return table


def _confusion_table(metrics: Metrics) -> Table:
    table = Table(title="Confusion (rows: true class)", title_justify="left")
    table.add_column("")
    for name in metrics.class_names:
        table.add_column(f"answered {name}", justify="right")
    for name, counts in zip(metrics.class_names, metrics.confusion, strict=True):
        table.add_row(name, *(f"{count:,}" for count in counts))
    return table


def _footnotes(evaluation: Evaluation) -> list[Text]:
    metrics = evaluation.metrics
    drawn = "images" if metrics.n_units == metrics.n else f"{metrics.n_units:,} groups of images"
    lines = [
        f"Intervals: {metrics.resamples:,} bootstrap resamples of {drawn}, seed {metrics.seed}.",
        *cautions(metrics),
        *flattery(evaluation),
    ]
    return [Text(line, style="dim") for line in lines]
