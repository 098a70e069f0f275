"""The part of a comparison about slices: where which model is weak."""

from collections.abc import Sequence

from facemask.evaluation.metric_kinds import METRICS
from facemask.evaluation.slices import Slice, Slices
from facemask.evaluation.slices_text import reasons
from facemask.evaluation.wording import interval, joined, number, percent, points
from facemask.report.blocks import Block, Cell, Paragraph, Section, Table

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
    return (name, n, *map(_cell, row))


def _cell(one: Slice) -> Cell:
    value = one.metrics.values[_ACCURACY.key]
    bounds = one.metrics.ci95[_ACCURACY.key]
    note = interval(_ACCURACY, bounds) if bounds else ""
    return Cell(number(_ACCURACY, value), note, -1.0 if value is None else value)


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
