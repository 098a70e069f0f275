"""One run as one page: what was measured, its mistakes, training, network and settings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pandas as pd

from facecover.dataset.manifest import Manifest
from facecover.evaluation.formatting import (
    cautions,
    drawn_units,
    flattery,
    interval,
    joined,
    kind_of,
    number,
)
from facecover.evaluation.intervals import Metrics
from facecover.evaluation.metrics import METRICS
from facecover.evaluation.performance import Evaluation
from facecover.inference.model_info import NetworkFacts
from facecover.labels import MASK, NO_MASK
from facecover.report.blocks import (
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
    in_terminal,
    on_page,
    table,
)
from facecover.report.data_sections import data_section, left_out_section
from facecover.report.html import write_page
from facecover.report.metric_figures import (
    confusion_figure,
    ranking_figures,
    reliability_figure,
    score_figure,
)
from facecover.report.plotting import class_colour, photo
from facecover.report.run_figures import (
    RunReport,
    curve_columns,
    curve_figures,
    layer_figure,
    layers_with_cost,
)
from facecover.text import counted, duration, large, percent, shape

LATE_SHARE = 0.9
"""A best epoch in the last tenth of the training says that it may not have been at its end."""

GAP_POINTS = 0.02
"""A training accuracy this far over the validation accuracy is worth a sentence."""


def headline(evaluation: Evaluation) -> str:
    """How many images were answered right, and how sure that is."""
    metrics = evaluation.metrics
    kind, bounds = kind_of("accuracy"), metrics.ci95["accuracy"]
    between = f" (95% interval {interval(kind, bounds)})" if bounds else ""
    return (
        f"{evaluation.name} answers {number(kind, metrics.values['accuracy'])} of "
        f"{evaluation.counted_images} right{between}."
    )


def run_sentences(run: RunReport) -> tuple[str, ...]:
    """What else there is to say of a run: its errors, its confidence, what chose its weights."""
    sentences: list[str] = []
    if run.evaluations:
        sentences += flattery(run.evaluations[0])
        sentences += [*_error_sentences(run.evaluations[0]), *_calibration(run.evaluations[0])]
    if run.info.chosen_by:
        sentences.append(_choice(run))
    return tuple(sentences)


def _error_sentences(evaluation: Evaluation) -> list[str]:
    metrics = evaluation.metrics
    most = max(metrics.n_by_class) / metrics.n
    known = metrics.class_names[metrics.n_by_class.index(max(metrics.n_by_class))]
    base = f"Always answering {known} would be right for {percent(most)} of these images."
    if len(metrics.class_names) > 2 or 0 in metrics.n_by_class:
        return [base]
    (_, alarms), (missed, _) = metrics.confusion
    return [
        f"It missed {counted(missed, 'mask')} of {metrics.n_by_class[MASK]:,} and raised "
        f"{counted(alarms, 'false alarm')} on {counted(metrics.n_by_class[NO_MASK], 'bare face')}. "
        f"{base}",
    ]


def _calibration(evaluation: Evaluation) -> list[str]:
    metrics = evaluation.metrics
    error = metrics.values["ece"]
    if error is None:
        return []
    stated = percent(float(evaluation.answers.confidence.mean()))
    right = percent(float(evaluation.answers.is_right.mean()))
    sentence = f"On average it states {stated} confidence and is right for {right}"
    if error <= metrics.chance_ece:
        return [f"{sentence}; its calibration error of {percent(error)} may be chance."]
    return [f"{sentence}; its calibration error of {percent(error)} is more than chance gives."]


def _choice(run: RunReport) -> str:
    if run.info.keeps_last_epoch:
        return f"Its weights are those of {run.info.chosen_in_words}; no measure chose them."
    split = next((name for name in ("train", "val", "test") if name in run.info.chosen_by), "")
    if split == "val":
        note = "; the test images took no part in the choice"
    elif split == "test":
        note = "; the test images chose them, so the test figures are too good"
    else:
        note = ""
    return f"Its weights were chosen by {run.info.chosen_in_words}{note}."


def training_sentences(run: RunReport, curves: pd.DataFrame) -> tuple[str, ...]:
    """What its curves say of a run: whether it was at its end, and whether it learned by heart."""
    sentences = []
    epochs, best = len(curves), run.info.kept_epoch
    is_late = best is not None and epochs >= 5 and best >= LATE_SHARE * epochs
    if is_late and not run.info.keeps_last_epoch:
        sentences.append(
            f"The best epoch, {best} of {epochs}, is among the last: more epochs may still gain."
        )
    columns = curve_columns(curves)
    pair = [columns.get((split, "accuracy")) for split in ("train", "val")]
    if pair[0] and pair[1]:
        train, val = (float(curves[column].dropna().iloc[-1]) for column in pair)
        if train - val >= GAP_POINTS:
            sentences.append(
                f"At the end it was right for {percent(train)} of the training images and "
                f"{percent(val)} of the validation images: it has learned some by heart."
            )
    return tuple(sentences)


def undefined_sentence(evaluation: Evaluation) -> str:
    """Why there are no ranking figures; empty where there are."""
    reasons = evaluation.metrics.undefined
    if "roc_auc" not in reasons:
        return ""
    titles = [kind_of(key).title for key in ("roc_auc", "average_precision") if key in reasons]
    return f"There are no curves for {joined(titles)}: {reasons['roc_auc']}."


def summary_section(
    run: RunReport, anchor: str = "summary", *, findings: Sequence[str] = ()
) -> Section:
    """The run in a few numbers and sentences, further findings last."""
    blocks: list[Block] = []
    if run.evaluations:
        blocks.append(Paragraph(headline(run.evaluations[0]), is_lead=True))
    sentences = run_sentences(run)
    blocks += [
        on_page(Cards(_cards(run)), Bullets((*sentences, *findings))),
        # In a terminal the sections that found something stand below at once.
        in_terminal(Bullets(sentences)),
    ]
    if run.evaluations:
        blocks += [Notice(text, True) for text in cautions(run.evaluations[0].metrics)]
    return Section("Summary", anchor, tuple(blocks))


def evaluation_section(
    evaluation: Evaluation, colour: str, anchor: str, *, with_reliability: bool = True
) -> Section:
    """Every metric with its interval, and the figures of what was answered.

    Args:
        evaluation: what was measured.
        colour: a name of `plotting.COLOURS`.
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
    blocks = (
        metrics_table(evaluation),
        *notices,
        in_terminal(_confusion_table(evaluation.metrics)),
        Figures(figures),
    )
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
    drawn = drawn_units(metrics.n, metrics.n_units)
    threshold = "" if metrics.threshold is None else f"; mask from {metrics.threshold:g} on"
    caption = (
        f"{metrics.n:,} images ({_by_class(metrics.class_names, metrics.n_by_class)}){threshold}. "
        f"Intervals: {metrics.resamples:,} bootstrap resamples of {drawn}, seed {metrics.seed}."
    )
    return table(("Metric", "Value", "95% interval"), rows, caption, numeric=(False, True, True))


def _confusion_table(metrics: Metrics) -> Table:
    columns = ("True class", *(f"answered {name}" for name in metrics.class_names))
    return table(
        columns,
        [
            (name, *counts)
            for name, counts in zip(metrics.class_names, metrics.confusion, strict=True)
        ],
    )


def mistakes_section(run: RunReport, anchor: str = "mistakes") -> Section | None:
    """The photos that the model was most sure of and wrong about; None where none are at hand."""
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
    if not tiles and not run.evaluations[0].answers.is_right.all():
        return None
    if not tiles:
        return Section("Mistakes", anchor, (Paragraph("It made none on these images."),))
    caption = (
        f"The {len(tiles)} mistakes that it was most sure of: below each photo the wrong answer "
        "with its probability, and the file. Some may be labels that are wrong."
    )
    return Section("Most confident mistakes", anchor, (Gallery(tiles, caption),))


def curves_section(run: RunReport, anchor: str = "training") -> Section | None:
    """Loss, accuracy, F1 and ROC-AUC by epoch; None without curves."""
    if run.curves is None:
        return None
    best = {run.name: run.info.kept_epoch} if run.info.kept_epoch is not None else {}
    figures = curve_figures({run.name: run.curves}, [run.colour], best_epochs=best)
    words = f"The dashed line is the epoch whose weights were kept: {run.info.chosen_in_words}."
    note = "Test curves, where there are any, are for looking: they chose nothing."
    sentences = training_sentences(run, run.curves)
    bullets = (Bullets(sentences),) if sentences else ()
    blocks = (Paragraph(f"{words} {note}"), *bullets, Figures(figures))
    return Section("Training", anchor, blocks, is_page_only=True)


def network_section(network: NetworkFacts, anchor: str = "network") -> Section:
    """The layers, what each costs, and how much of the budget they take."""
    facts = Facts(
        (
            ("Name", network.name),
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


def settings_section(run: RunReport, anchor: str = "settings") -> Section:
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
    blocks = (known, table(("Setting", "Value"), rows))
    return Section("Settings", anchor, blocks, is_page_only=True)


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


def _cards(run: RunReport) -> tuple[Card, ...]:
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


def run_sections(
    run: RunReport,
    prefix: str = "",
    trust: Sequence[Section] | None = None,
    more: Sequence[Section] = (),
) -> tuple[Section, ...]:
    """All that there is to show of one run, the summary first.

    Args:
        run: the run.
        prefix: stands before each anchor, so that several runs fit on one page.
        trust: slices, and confidence, which holds the reliability diagram then; None where they
            were not measured.
        more: what else was measured; stands before the training and the network.
    """
    measured = [
        evaluation_section(
            evaluation,
            run.colour,
            f"{prefix}measured-{evaluation.split}",
            with_reliability=trust is None,
        )
        for evaluation in run.evaluations
    ]
    examined = trust or ()
    found = [finding for section in (*examined, *more) for finding in section.findings]
    sections = (
        summary_section(run, f"{prefix}summary", findings=found),
        *measured,
        *examined,
        mistakes_section(run, f"{prefix}mistakes") if run.evaluations else None,
        *more,
        curves_section(run, f"{prefix}training"),
        replace(network_section(run.info.network, f"{prefix}network"), is_page_only=True),
        settings_section(run, f"{prefix}settings"),
    )
    return tuple(section for section in sections if section is not None)


def run_chapter(run: RunReport, anchor: str) -> Section:
    """One run as a part of a larger page."""
    return Section(run.name, anchor, children=run_sections(run, f"{anchor}-"))


def data_sections(manifest: Manifest | None, drops: pd.DataFrame | None) -> tuple[Section, ...]:
    """What there is to say of the data that a model was measured on."""
    if manifest is not None:
        return (data_section(manifest, drops),)
    return () if drops is None else left_out_section(drops)


def write_run_report(
    path: Path,
    run: RunReport,
    manifest: Manifest | None = None,
    drops: pd.DataFrame | None = None,
    *,
    trust: Sequence[Section] | None = None,
    more: Sequence[Section] = (),
) -> None:
    """Write the report of one run.

    Args:
        path: of the HTML file.
        run: the run.
        manifest: of the dataset, for the part about the data.
        drops: what was left out of it, see `data_section`.
        trust: slices and confidence; None where they were not measured.
        more: sections about what else was measured.

    Raises:
        OutputError: if the place cannot be written.
        ValueError: if two sections have one anchor.
    """
    data = data_sections(manifest, drops)
    subtitle = f"Is this face covered? Report of the experiment {run.info.name}."
    write_page(
        path, run.name, (*run_sections(run, trust=trust, more=more), *data), subtitle=subtitle
    )
