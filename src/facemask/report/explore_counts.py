"""The part of an exploration's page that counts: classes, splits, sources, what was left out."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter

from facemask.data.explore import Exploration
from facemask.data.exploring.counts import Counts
from facemask.data.insights.insight import percent
from facemask.data.rows import Drop
from facemask.errors import shown
from facemask.report.blocks import (
    Block,
    Card,
    Cards,
    Cell,
    Details,
    Figure,
    Figures,
    Section,
    Table,
    table,
)
from facemask.report.data_section import LISTED
from facemask.report.picture import draw
from facemask.report.style import FIGURE_SIZE, WIDE_SIZE, class_colour, colour
from facemask.report.words import counted

_BARS = 12
"""Sources drawn as bars; the table has them all."""

_FRAME_INCHES, _BAR_INCHES = 0.9, 0.4
"""The height of a figure of bars alone on its row: axis and legend, and each bar."""

_NAME = 24
"""Letters of a source's name beside its bar."""


def count_cards(exploration: Exploration) -> Cards:
    """How many photos there are, of each class and of how many sources, and how large."""
    counts, sizes = exploration.counts, exploration.sizes
    classes = [
        Card(name, f"{n:,}", f"{percent(n / counts.n)} of the photos", class_colour(name))
        for name, n in counts.by_class.items()
    ]
    sources = len(counts.by_source)
    width, height = sizes.spreads["width"], sizes.spreads["height"]
    median = f"{width.median:.0f} × {height.median:.0f}" if width and height else "–"  # noqa: RUF001
    return Cards(
        (
            Card("Photos", f"{counts.n:,}", f"from {sources} source{'s' if sources > 1 else ''}"),
            *classes,
            Card("Median size", median, "pixels wide and high"),
        )
    )


def counts_section(exploration: Exploration, anchor: str, drops: Sequence[Drop] = ()) -> Section:
    """Photos by class, split and source, and what was left out.

    Args:
        exploration: what was found.
        anchor: of the section.
        drops: what was left out; the first `LISTED` are listed.
    """
    counts = exploration.counts
    blocks: list[Block] = [_figures(counts), _count_table(exploration)]
    if counts.left_out:
        rows = sorted(counts.left_out.items(), key=lambda item: -item[1])
        blocks.append(table(("Reason", "Samples"), rows, "What was left out, and why."))
    if drops:
        blocks.append(_listing(drops))
    return Section("Counts", anchor, tuple(blocks))


def _listing(drops: Sequence[Drop]) -> Details:
    rows = [
        (Cell(shown(drop.path), shown(drop.source)), drop.reason, shown(drop.detail))
        for drop in drops[:LISTED]
    ]
    first = "" if len(drops) <= LISTED else f"the first {LISTED} of "
    title = f"Files left out: {first}{counted(len(drops), 'sample')}"
    return Details(title, (table(("File", "Reason", "Why"), rows),), is_printed=False)


def _figures(counts: Counts) -> Figures:
    """Bars by split and by source, each where there is more than one."""
    groups = {"split": counts.by_split, "source": counts.by_source}
    chosen = [group for group, sizes in groups.items() if len(sizes) > 1] or ["split"]
    if len(chosen) == 2:
        return Figures(tuple(_bars(counts, group, FIGURE_SIZE) for group in chosen))
    height = _FRAME_INCHES + _BAR_INCHES * min(len(groups[chosen[0]]), _BARS)
    return Figures((_bars(counts, chosen[0], (WIDE_SIZE[0], height), is_wide=True),))


def _bars(
    counts: Counts, group: str, size_inches: tuple[float, float], *, is_wide: bool = False
) -> Figure:
    sizes = counts.by_split if group == "split" else counts.by_source
    names = list(sizes)[:_BARS]
    numbers = {
        name: [_count(counts, group, one, name) for one in names] for name in counts.by_class
    }

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        places = np.arange(len(names))
        left = np.zeros(len(names))
        for name, values in numbers.items():
            axes.barh(places, values, 0.6, left, color=colour(class_colour(name)), label=name)
            left = left + values
        axes.set_yticks(places, [short_name(name) for name in names])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlabel("Photos")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.grid(visible=False, axis="y")
        figure.legend(loc="outside upper right", ncols=len(numbers))

    alt = "; ".join(f"{shown(name)}: {sizes[name]:,}" for name in names)
    more = f" The first {_BARS} of {len(sizes)}." if len(sizes) > _BARS else ""
    caption = f"Photos in each {group}, by class.{more}"
    markup = draw(plot, f"Photos by {group}: {alt}.", size_inches)
    return Figure(markup, f"By {group}", caption, is_wide)


def _count(counts: Counts, group: str, wanted: str, class_name: str) -> int:
    return sum(
        cell.n
        for cell in counts.cells
        if cell.class_name == class_name and (cell.split, cell.source)[group == "source"] == wanted
    )


def _count_table(exploration: Exploration) -> Table:
    counts = exploration.counts
    classes = tuple(counts.by_class)
    info = {source.name: source for source in exploration.sources}
    rows: list[tuple[Cell | str | int, ...]] = []
    for source in counts.by_source:
        layout = info[source].layout if source in info else ""
        for split in counts.by_split:
            found = {
                cell.class_name: cell.n
                for cell in counts.cells
                if (cell.source, cell.split) == (source, split)
            }
            if found:
                numbers = [found.get(name, 0) for name in classes]
                rows.append((Cell(shown(source), layout), split, *numbers, sum(numbers)))
                layout = ""  # said once
    totals = (*counts.by_class.values(), counts.n)
    rows.append((Cell("All"), "", *totals))
    columns = ("Source", "Split", *classes, "All")
    return table(columns, rows, "Photos by source, split and class.")


def short_name(name: str) -> str:
    """A source's name for a drawing: printable, and cut off where it is long."""
    printable = shown(name)
    return printable if len(printable) <= _NAME else f"{printable[: _NAME - 1]}…"
