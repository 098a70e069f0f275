"""An exploration as tables and sentences in a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from facemask.data.explore import Exploration
from facemask.data.insights import insights
from facemask.data.insights.insight import percent
from facemask.errors import shown


def explore_text(exploration: Exploration) -> RenderableType:
    """Counts by source and split, sizes, and the key insights."""
    return Group(_counts(exploration), Text(), _sizes(exploration), Text(), _insights(exploration))


def _counts(exploration: Exploration) -> Table:
    counts = exploration.counts
    table = Table(title=f"{counts.n:,} photos", title_justify="left", show_footer=True)
    table.add_column("Source", footer="All")
    table.add_column("Split")
    for name, n in counts.by_class.items():
        table.add_column(name, justify="right", footer=f"{n:,}")
    table.add_column("All", justify="right", footer=f"{counts.n:,}")
    for source in counts.by_source:
        for split in counts.by_split:
            numbers = [
                sum(
                    cell.n
                    for cell in counts.cells
                    if (cell.source, cell.split, cell.class_name) == (source, split, name)
                )
                for name in counts.by_class
            ]
            if any(numbers):
                cells = (f"{number:,}" for number in (*numbers, sum(numbers)))
                # Names come from files, and rich would read [brackets] in them as markup.
                table.add_row(Text(shown(source)), split, *cells)
    return table


def _sizes(exploration: Exploration) -> Table:
    sizes = exploration.sizes
    table = Table(title="Input sizes", title_justify="left")
    table.add_column("Input")
    for name in ("A side under it", "Both over it", "Pixels kept (median)"):
        table.add_column(name, justify="right")
    for fit in sizes.inputs:
        shares = (fit.under, fit.over, fit.median_pixels_kept)
        table.add_row(f"{fit.size_px} x {fit.size_px}", *(percent(share) for share in shares))
    return table


def _insights(exploration: Exploration) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    for insight in insights(exploration):
        mark = Text("!", style="yellow") if insight.is_warning else Text("-")
        grid.add_row(mark, Text.assemble((insight.title, "bold"), ". ", insight.text))
        grid.add_row("", Text(insight.reason, style="dim"))
    return Group(Text("Key insights", style="italic"), grid)
