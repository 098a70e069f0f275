"""The part of a report about slices of the images."""

from collections.abc import Sequence

from facemask.evaluation.metric_kinds import METRICS, MetricKind
from facemask.evaluation.metrics import Metrics
from facemask.evaluation.slices import Slice, Slices
from facemask.evaluation.slices_text import RANKING, reasons, worst_sentence
from facemask.evaluation.wording import interval, kind_of, number
from facemask.report.blocks import (
    Block,
    Cell,
    Details,
    Facts,
    Figures,
    Paragraph,
    Section,
    Table,
)
from facemask.report.slices_figures import slice_figures

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
