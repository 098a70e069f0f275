"""The parts of a report that are about one run; each can stand on any page."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.metric_kinds import METRICS
from facemask.evaluation.wording import cautions, interval, number, percent
from facemask.report.blocks import (
    Block,
    Bullets,
    Card,
    Cards,
    Cell,
    Facts,
    Figures,
    Gallery,
    Notice,
    Paragraph,
    Section,
    Table,
    Tile,
    table,
)
from facemask.report.curves import curve_figures
from facemask.report.evaluation_figures import confusion_figure, reliability_figure, score_figure
from facemask.report.network_figures import layer_figure, layers_with_cost
from facemask.report.picture import photo
from facemask.report.ranking_figures import ranking_figures
from facemask.report.run import Run
from facemask.report.run_sentences import (
    headline,
    run_sentences,
    training_sentences,
    undefined_sentence,
)
from facemask.report.style import class_colour
from facemask.report.words import duration, large, shape


def summary_section(run: Run, anchor: str = "summary", *, findings: Sequence[str] = ()) -> Section:
    """The run in a few numbers and sentences, further findings last."""
    blocks: list[Block] = []
    if run.evaluations:
        blocks.append(Paragraph(headline(run.evaluations[0]), is_lead=True))
    blocks += [Cards(_cards(run)), Bullets((*run_sentences(run), *findings))]
    if run.evaluations:
        blocks += [Notice(text, True) for text in cautions(run.evaluations[0].metrics)]
    return Section("Summary", anchor, tuple(blocks))


def evaluation_section(
    evaluation: Evaluation, colour: str, anchor: str, *, with_reliability: bool = True
) -> Section:
    """Every metric with its interval, and the figures of what was answered.

    Args:
        evaluation: what was measured.
        colour: a name of `style.COLOURS`.
        anchor: the section's.
        with_reliability: False where another section of the page shows it.
    """
    reliability = (reliability_figure([evaluation], [colour]),) if with_reliability else ()
    figures = (
        confusion_figure(evaluation),
        *ranking_figures([evaluation], [colour]),
        *reliability,
        score_figure(evaluation),
    )
    missing = undefined_sentence(evaluation)
    notices = (Notice(missing),) if missing else ()
    blocks = (metrics_table(evaluation), *notices, Figures(figures))
    return Section(f"Measured on the {evaluation.images_in_words}", anchor, blocks)


def metrics_table(evaluation: Evaluation) -> Table:
    """Each metric, its interval, and what it means or why it is undefined."""
    metrics = evaluation.metrics
    rows = []
    for kind in METRICS:
        value = metrics.values[kind.key]
        bounds, note = metrics.ci95[kind.key], metrics.interval_notes.get(kind.key, "")
        rows.append(
            (
                Cell(kind.title, metrics.undefined.get(kind.key, kind.meaning)),
                Cell(number(kind, value), sort=-1.0 if value is None else value),
                Cell(
                    interval(kind, bounds),
                    note.partition(":")[0],
                    sort=-1.0 if bounds is None else bounds[0],
                ),
            )
        )
    drawn = "images" if metrics.n_units == metrics.n else f"{metrics.n_units:,} groups of images"
    threshold = "" if metrics.threshold is None else f"; mask from {metrics.threshold:g} on"
    caption = (
        f"{metrics.n:,} images ({_by_class(metrics.class_names, metrics.n_by_class)}){threshold}. "
        f"Intervals: {metrics.resamples:,} bootstrap resamples of {drawn}, seed {metrics.seed}."
    )
    filled = table(("Metric", "Value", "95% interval"), rows, caption)
    return Table(filled.columns, filled.rows, (False, True, True), filled.caption)


def mistakes_section(run: Run, anchor: str = "mistakes") -> Section:
    """The photos that the model was most sure of and wrong about."""
    tiles = tuple(
        Tile(
            photo(mistake.pixels, f"Photo of class {mistake.label}, answered {mistake.answer}"),
            f"{mistake.answer} {int(100 * mistake.confidence)}%",
            PurePosixPath(mistake.name).name,
            hint=f"{mistake.name}: is {mistake.label}",
            colour=class_colour(mistake.answer),
        )
        for mistake in run.mistakes
    )
    if not tiles:
        return Section("Mistakes", anchor, (Paragraph("It made none on these images."),))
    caption = (
        f"The {len(tiles)} mistakes that it was most sure of: below each photo the wrong answer "
        "with its probability, and the file. Some may be labels that are wrong."
    )
    return Section("Most confident mistakes", anchor, (Gallery(tiles, caption),))


def curves_section(run: Run, anchor: str = "training") -> Section | None:
    """Loss, accuracy, F1 and ROC-AUC by epoch; None without curves."""
    if run.curves is None:
        return None
    best = {run.name: run.info.kept_epoch} if run.info.kept_epoch is not None else {}
    figures = curve_figures({run.name: run.curves}, [run.colour], best_epochs=best)
    words = f"The dashed line is the epoch whose weights were kept: {run.info.chosen_in_words}."
    note = "Test curves, where there are any, are for looking: they chose nothing."
    sentences = training_sentences(run, run.curves)
    bullets = (Bullets(sentences),) if sentences else ()
    return Section("Training", anchor, (Paragraph(f"{words} {note}"), *bullets, Figures(figures)))


def network_section(run: Run, anchor: str = "network") -> Section:
    """The layers, what each costs, and how much of the budget they take."""
    network = run.info.network
    facts = Facts(
        (
            ("Input", f"{shape((network.input_size_px, network.input_size_px))} pixels, RGB"),
            ("Parameters", f"{network.parameters:,}"),
            ("Share of the budget", f"{percent(network.share_of_budget)} of {network.budget:,}"),
            ("Multiply-accumulates for one image", f"{network.macs:,}"),
            ("Receptive field", f"{network.receptive_field_px} pixels"),
        )
    )
    rows = [
        (
            Cell(layer.name, layer.kind),
            Cell(shape(layer.output_shape)),
            layer.parameters,
            layer.macs,
            layer.receptive_field_px,
        )
        for layer in network.layers
    ]
    columns = ("Layer", "Output", "Parameters", "Multiply-accumulates", "Sees (pixels)")
    blocks: list[Block] = [facts, table(columns, rows, "Layers from the input to the answer.")]
    if layers_with_cost(network):
        blocks.append(Figures((layer_figure(network),)))
    return Section("Network", anchor, tuple(blocks))


def settings_section(run: Run, anchor: str = "settings") -> Section:
    """Every hyperparameter, and the hashes that tell the run from all others."""
    info = run.info
    rows = [(Cell(key), Cell(value)) for key, value in flat_settings(info.config).items()]
    facts = [
        ("Experiment", info.name),
        ("Weights kept", run.info.chosen_in_words),
        ("Trained on", run.device),
        ("Training time", "" if run.training_seconds is None else duration(run.training_seconds)),
        ("Package version", info.version),
        ("Data (SHA-256)", info.data.digest),
        ("Weights (SHA-256)", info.weights_sha256),
        (
            "PyTorch against ONNX Runtime",
            f"largest difference of a probability {info.parity.largest_difference:.1e}, labels "
            f"agree on {percent(info.parity.label_agreement)} of {info.parity.images:,} images",
        ),
    ]
    known = Facts(tuple((label, value) for label, value in facts if value))
    return Section("Settings", anchor, (known, table(("Setting", "Value"), rows)))


def flat_settings(config: Mapping[str, object]) -> dict[str, str]:
    """Nested settings by their dotted names: ``{"training.epochs": "20"}``."""
    return dict(_flat(config, ""))


def _flat(config: Mapping[str, object], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            yield f"{prefix}{key}", ", ".join(map(str, value)) or "none"
        else:
            yield f"{prefix}{key}", "none" if value is None else str(value)


def _cards(run: Run) -> tuple[Card, ...]:
    cards = []
    if run.evaluations:
        evaluation = run.evaluations[0]
        for kind in METRICS:
            if kind.key in ("accuracy", "roc_auc", "recall", "precision"):
                bounds = interval(kind, evaluation.metrics.ci95[kind.key])
                detail = f"95% interval {bounds}, n = {evaluation.metrics.n:,}"
                value = number(kind, evaluation.metrics.values[kind.key])
                cards.append(Card(kind.title, value, detail, run.colour))
    network = run.info.network
    cards.append(
        Card(
            "Parameters",
            large(network.parameters),
            f"{percent(network.share_of_budget)} of the budget of {large(network.budget)}",
        )
    )
    if run.training_seconds is not None:
        epochs = "" if run.curves is None else f"{len(run.curves)} epochs"
        on = f"{epochs}{' on ' if epochs and run.device else ''}{run.device}"
        cards.append(Card("Training", duration(run.training_seconds), on))
    return tuple(cards)


def _by_class(names: tuple[str, ...], counts: tuple[int, ...]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in zip(names, counts, strict=True))
