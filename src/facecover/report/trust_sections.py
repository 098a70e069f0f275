"""The part of a report about slices of the images."""

import dataclasses
from collections.abc import Sequence
from itertools import groupby

from matplotlib.figure import Figure as Drawing

from facecover.evaluation.formatting import interval, kind_of, number
from facecover.evaluation.intervals import Metrics
from facecover.evaluation.metrics import METRICS, MetricKind
from facecover.evaluation.performance import MEASURES, Calibration
from facecover.evaluation.slices import Slice, Slices
from facecover.evaluation.thresholds import ThresholdChoice
from facecover.evaluation.uncertain_band import COVERAGES, BandChoice, RiskCoverage
from facecover.report.blocks import (
    Block,
    Bullets,
    Cell,
    Details,
    Facts,
    Figure,
    Figures,
    Notice,
    Paragraph,
    Section,
    Table,
    table,
)
from facecover.report.metric_figures import reliability_figure
from facecover.report.old_terminal import (
    RANKING,
    SAME_IMAGES,
    band_sentences,
    calibration_sentence,
    reasons,
    risk_sentence,
    threshold_sentences,
    worst_sentence,
)
from facecover.report.plotting import DASHED, FIGURE_SIZE, colour, draw, percent_axes
from facecover.text import percent


def reliability_before_and_after(calibration: Calibration, tone: str) -> Figure:
    """The reliability diagram without the temperature and with it; one line where it is 1."""
    if calibration.temperature == 1:
        return reliability_figure([calibration.after], [tone])
    before = dataclasses.replace(calibration.before, name="without temperature")
    after = dataclasses.replace(
        calibration.after, name=f"temperature {calibration.temperature:.3g}"
    )
    figure = reliability_figure([before, after], ["muted", tone])
    return dataclasses.replace(figure, title="Reliability before and after the temperature")


def risk_coverage_figure(risk: RiskCoverage, tone: str, band: BandChoice | None = None) -> Figure:
    """The share of wrong answers against the share of images that are answered."""
    point = _point(band)

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        axes.plot(risk.coverage, risk.risk, color=colour(tone))
        if point is not None:
            axes.plot(*point, "o", color=colour(tone))
        highest = max(float(risk.risk[len(risk.risk) // 20 :].max()), 0.01)
        axes.set(xlabel="Images answered, the surest first", ylabel="Wrong among them")
        percent_axes(axes, x=(0, 1), y=(0, highest))

    dot = ""
    if point is not None:
        dot = (
            f" The dot is the uncertain band: {percent(point[0])} answered, {percent(point[1])} of "
            "them wrong."
        )
    words = risk_sentence(risk)
    return Figure(
        draw(plot, f"Risk-coverage curve: wrong answers by the share answered. {words}{dot}"),
        "Risk and coverage",
        f"{words} The lower, the better the model knows which of its answers to doubt.{dot}",
    )


def _point(band: BandChoice | None) -> tuple[float, float] | None:
    """Coverage and risk with a band; None where nothing is answered."""
    if band is None or band.accuracy.value is None or band.unanswered.value is None:
        return None
    return 1 - band.unanswered.value, 1 - band.accuracy.value


def calibration_section(
    calibration: Calibration,
    risk: RiskCoverage,
    tone: str,
    *,
    threshold: ThresholdChoice | None = None,
    band: BandChoice | None = None,
    anchor: str = "confidence",
) -> Section:
    """Reliability before and after, the risk-coverage curve, and what was chosen.

    Args:
        calibration: before and after the temperature.
        risk: of the same answers.
        tone: a name of `style.COLOURS`.
        threshold: chosen by costs; None where none were stated.
        band: chosen by a target; None where none was stated.
        anchor: the section's.
    """
    images = calibration.after.images_in_words
    sentences = [
        *(threshold_sentences(threshold, images) if threshold else ()),
        *(band_sentences(band, images) if band else ()),
    ]
    chosen = [choice for choice in (threshold, band) if choice]
    # Said once, below all that was chosen.
    same = any(choice.same_images for choice in chosen)
    sentences = [sentence for sentence in sentences if sentence != SAME_IMAGES]
    figures = Figures(
        (reliability_before_and_after(calibration, tone), risk_coverage_figure(risk, tone, band))
    )
    blocks: list[Block] = [Paragraph(calibration_sentence(calibration))]
    blocks += [Bullets(tuple(sentences))] if sentences else []
    blocks += [Notice(SAME_IMAGES, True)] if same else []
    blocks += [figures]
    blocks += [] if calibration.temperature == 1 else [_errors(calibration)]
    blocks += [_risks(risk)]
    findings = (
        *((_threshold_finding(threshold),) if threshold else ()),
        *((_band_finding(band),) if band else ()),
    )
    return Section("Confidence", anchor, tuple(blocks), findings=findings)


def _threshold_finding(choice: ThresholdChoice) -> str:
    low, high = choice.difference_ci95 or (0.0, 0.0)
    chance = "; the difference may be chance" if low <= 0 <= high else ""
    return (
        f"At the threshold {choice.threshold:.4g} an image costs {choice.measured.cost:.4g}, at "
        f"0.5 {choice.at_half.cost:.4g}{chance}{_flattered(same_images=choice.same_images)}."
    )


def _band_finding(choice: BandChoice) -> str:
    if choice.accuracy.value is None:
        return "Outside the uncertain band no image is left."
    if choice.band is None:
        verdict = "is needed" if choice.is_reached else "helps"
        return f"No uncertain band {verdict}: {percent(choice.accuracy.value)} of all are right."
    return (
        f"Outside the uncertain band {percent(choice.accuracy.value)} of the answers are right; "
        f"{percent(choice.unanswered.value or 0.0)} of the images stay unanswered"
        f"{_flattered(same_images=choice.same_images)}."
    )


def _flattered(*, same_images: bool) -> str:
    return " (chosen on these images, too)" if same_images else ""


def _errors(calibration: Calibration) -> Table:
    rows = []
    for key in MEASURES:
        kind, cells = kind_of(key), []
        for one in (calibration.before, calibration.after):
            value, bounds = one.metrics.values[key], one.metrics.ci95[key]
            cells.append(Cell(number(kind, value), interval(kind, bounds), value))
        rows.append((Cell(kind.title, kind.meaning), *cells))
    caption = (
        f"Before and after the temperature of {calibration.temperature:.4g}. Less is better; below "
        "each value its 95% interval. No answer changes."
    )
    return table(("Metric", "Before", "After"), rows, caption)


def _risks(risk: RiskCoverage) -> Table:
    rows = [
        (
            Cell(percent(coverage), sort=coverage),
            Cell(percent(risk.risk_at(coverage)), sort=risk.risk_at(coverage)),
        )
        for coverage in COVERAGES
    ]
    return table(("Answered", "Wrong"), rows, "The surest images are answered first.")


WORST = 10
"""Slices in the figure of the worst."""

_LONGEST = 34
"""Characters of a slice's name beside the drawing; the table has the whole name."""

_ROW_INCHES = 0.27
_LEAST_ROWS = 5
_ACCURACY = kind_of("accuracy")


def slice_figures(slices: Slices) -> tuple[Figure, ...]:
    """The worst slices of all, and then the slices of each cut in their own order."""
    found = []
    if slices.judged:
        worst = slices.judged[:WORST]
        caption = (
            "Dots are accuracies, lines their 95% intervals; dashed: all images together. A line "
            "that reaches the dashed one may be chance."
        )
        labels = [one.label for one in worst]
        found.append(_figure(slices, worst, labels, "The worst slices", caption))
    for title, part in groupby(slices.slices, key=lambda one: one.title):
        own = list(part)
        labels = [f"{one.name} ({one.metrics.n:,})" for one in own]
        found.append(_figure(slices, own, labels, title, _few(own)))
    return tuple(found)


def _few(own: Sequence[Slice]) -> str:
    few = any(one.too_few for one in own)
    meaning = f"{own[0].meaning[0].upper()}{own[0].meaning[1:]}. " if own[0].meaning else ""
    hollow = " Hollow and grey: too few images to judge." if few else ""
    return f"{meaning}Accuracy; in brackets the number of images.{hollow}"


def _figure(
    slices: Slices, own: Sequence[Slice], labels: Sequence[str], title: str, caption: str
) -> Figure:
    whole = slices.whole.values["accuracy"] or 0.0

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        axes.axvline(whole, color=colour("muted"), linewidth=1, linestyle=DASHED)
        for row, one in enumerate(own):
            tone = colour("muted" if one.too_few else "accent")
            bounds = one.metrics.ci95["accuracy"]
            if bounds:
                axes.plot(bounds, (row, row), color=tone, linewidth=1.2 if one.too_few else 2)
            face = "none" if one.too_few else tone
            value = one.metrics.values["accuracy"] or 0.0
            axes.plot(value, row, "o", color=tone, markerfacecolor=face)
        axes.set_yticks(range(len(own)), [_short(label) for label in labels])
        axes.set_ylim(len(own) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0, labelcolor=colour("ink"))
        percent_axes(axes, x=(min(axes.get_xlim()[0], 0.95), 1.0))

    height = 0.55 + _ROW_INCHES * max(len(own), _LEAST_ROWS)
    size = (FIGURE_SIZE[0], height)
    return Figure(draw(plot, f"{title}: accuracy. {_in_words(own, whole)}", size), title, caption)


def _in_words(own: Sequence[Slice], whole: float) -> str:
    parts = [
        f"{one.name} {number(_ACCURACY, one.metrics.values['accuracy'])} "
        f"({interval(_ACCURACY, one.metrics.ci95['accuracy'])}, n = {one.metrics.n:,})"
        for one in own
    ]
    return f"{'; '.join(parts)}. All images: {percent(whole)}."


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


_FIRST = ("accuracy", "balanced_accuracy", "precision", "recall", "roc_auc")
"""The metrics of the first table; the others are folded away below it."""


def slices_section(slices: Slices, anchor: str = "slices") -> Section:
    """Where the model is weak: by source, size, light, and the data's own columns."""
    blocks: list[Block] = [Paragraph(worst_sentence(slices), is_lead=True), Paragraph(RANKING)]
    if slices.slices:
        first = [kind for kind in METRICS if kind.key in _FIRST]
        others = [kind for kind in METRICS if kind.key not in _FIRST]
        blocks += [
            Figures(slice_figures(slices)),
            _table(slices, first),
            Details("The other metrics by slice", (_table(slices, others),)),
        ]
    if slices.not_sliced:
        facts = Facts(tuple(slices.not_sliced.items()))
        blocks.append(Details("What cuts nothing", (facts,)))
    return Section("Slices", anchor, tuple(blocks), findings=_findings(slices))


def _findings(slices: Slices) -> tuple[str, ...]:
    if not slices.judged:
        return ()
    worst, accuracy = slices.judged[0], kind_of("accuracy")
    value, whole = (one.values["accuracy"] for one in (worst.metrics, slices.whole))
    bounds = worst.metrics.ci95["accuracy"]
    apart = bounds is not None and bounds[1] < (whole or 0.0)
    return (
        f"Weakest slice of {len(slices.judged)}: {worst.label}, {number(accuracy, value)} of "
        f"{worst.metrics.n:,} images right, against {number(accuracy, whole)} of all"
        f"{'' if apart else '; that may be chance'}.",
    )


def _table(slices: Slices, kinds: Sequence[MetricKind]) -> Table:
    rows = tuple(_row(one, kinds) for one in (*slices.judged, *slices.too_few))
    columns = ("Slice", "Images", *(kind.title for kind in kinds))
    caption = (
        f"The worst first, and last those of fewer than {slices.min_n} images, which are too few "
        "to judge. Below each value its 95% interval."
    )
    return Table(columns, rows, (False, *(True for _ in columns[1:])), caption)


def _row(one: Slice, kinds: Sequence[MetricKind]) -> tuple[Cell, ...]:
    n = Cell(f"{one.metrics.n:,}", sort=float(one.metrics.n))
    name = Cell(one.label, reasons(one), colour="muted" if one.too_few else "")
    return (name, n, *(_cell(one.metrics, kind) for kind in kinds))


def _cell(metrics: Metrics, kind: MetricKind) -> Cell:
    value, bounds = metrics.values[kind.key], metrics.ci95[kind.key]
    note = interval(kind, bounds) if bounds else ""
    return Cell(number(kind, value), note, -1.0 if value is None else value)
