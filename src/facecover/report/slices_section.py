"""Where a model is weak: the part of a page about slices of the images."""

from collections.abc import Sequence
from itertools import groupby

from matplotlib.figure import Figure as Drawing

from facecover.evaluation.formatting import interval, joined, kind_of, number
from facecover.evaluation.metrics import METRICS, MetricKind
from facecover.evaluation.slices import Slice, Slices
from facecover.report.blocks import (
    Block,
    Cell,
    Details,
    Facts,
    Figure,
    Figures,
    Paragraph,
    Section,
    Table,
    in_terminal,
    on_page,
    table,
)
from facecover.report.metric_figures import metric_cell
from facecover.report.plotting import DASHED, FIGURE_SIZE, colour, draw, percent_axes, rows_of
from facecover.text import percent

WORST = 10
"""Slices in the figure of the worst."""
_LONGEST = 34
"""Characters of a slice's name beside the drawing; the table has the whole name."""
_ROW_INCHES = 0.27
_LEAST_ROWS = 5
_ACCURACY = kind_of("accuracy")
_SHORT = (_ACCURACY, kind_of("balanced_accuracy"))
SHOWN = 8
"""Slices in the terminal; the rest is in the JSON and the report."""
RANKING = (
    "Ordered by accuracy. Of many slices some look worse than they are by chance: about one "
    "interval in twenty misses the true value."
)


def slice_sentences(slices: Slices) -> tuple[str, ...]:
    """The worst slice against all images, what is not shown, and what the order means."""
    sentences = [worst_sentence(slices)]
    more = len(slices.judged) - SHOWN
    if more > 0:
        sentences.append(f"{more} more slices are in the report (-o) and in --json.")
    if slices.too_few:
        names = joined(f"{one.label} ({one.metrics.n:,})" for one in slices.too_few)
        sentences.append(f"Too few images to judge, under {slices.min_n}: {names}.")
    if slices.judged:
        sentences.append(RANKING)
    return tuple(sentences)


def worst_sentence(slices: Slices) -> str:
    """The worst slice, in numbers."""
    if not slices.judged:
        return f"No slice has the {slices.min_n} images that it takes to judge one."
    worst, whole = slices.judged[0], slices.whole.values["accuracy"] or 0.0
    if (worst.metrics.values["accuracy"] or 0.0) >= whole:
        return "No slice that can be judged is worse than all images together."
    bounds = worst.metrics.ci95["accuracy"]
    apart = bounds is not None and bounds[1] < whole
    verdict = "" if apart else "; that may be chance"
    return (
        f"Worst slice: {worst.label}: {number(_ACCURACY, worst.metrics.values['accuracy'])} of "
        f"{worst.metrics.n:,} images answered right (95% interval {interval(_ACCURACY, bounds)}), "
        f"against {percent(whole)} of all {slices.whole.n:,}{verdict}."
    )


def reasons(one: Slice) -> str:
    """Why a slice cannot be judged, or some of its metrics have no value; may be empty."""
    found = [f"too few to judge: {one.too_few}"] if one.too_few else []
    found += dict.fromkeys(one.metrics.undefined.values())
    return "; ".join(found)


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
        rows_of(axes, [_short(label) for label in labels])
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
    sentence, *further = slice_sentences(slices)
    blocks: list[Block] = [
        Paragraph(sentence, is_lead=True),
        on_page(Paragraph(RANKING)),
        in_terminal(_worst_table(slices), *map(Paragraph, further)),
    ]
    if slices.slices:
        first = [kind for kind in METRICS if kind.key in _FIRST]
        others = [kind for kind in METRICS if kind.key not in _FIRST]
        blocks += [
            Figures(slice_figures(slices)),
            on_page(_table(slices, first)),
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


def _worst_table(slices: Slices) -> Table:
    rows = []
    for one in slices.judged[:SHOWN]:
        cells = [number(kind, one.metrics.values[kind.key]) for kind in _SHORT]
        note = one.metrics.undefined.get("balanced_accuracy", "")
        bounds = interval(_ACCURACY, one.metrics.ci95["accuracy"])
        rows.append((Cell(one.label, note), one.metrics.n, cells[0], bounds, cells[1]))
    columns = ("Slice", "n", "Accuracy", "95% interval", "Balanced accuracy")
    return table(columns, rows, numeric=(False, True, True, True, True))


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
    return (name, n, *(metric_cell(one.metrics, kind.key) for kind in kinds))
