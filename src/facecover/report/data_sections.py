"""What a dataset holds: its images by class, split and source, and what was left out."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter

from facecover.dataset.collect import drops_table
from facecover.dataset.manifest import Manifest
from facecover.errors import shown
from facecover.labels import class_name
from facecover.look.class_balance import Counts
from facecover.look.exploration import Exploration
from facecover.report.blocks import (
    Block,
    Card,
    Cards,
    Cell,
    Details,
    Facts,
    Figure,
    Figures,
    Paragraph,
    Section,
    Table,
    table,
)
from facecover.report.plotting import FIGURE_SIZE, WIDE_SIZE, class_colour, colour, draw
from facecover.sources.rows import SPLITS, Drop
from facecover.text import counted, percent, shape

LISTED = 50
"""Files that were left out are listed up to here; the whole list lies beside the dataset."""


def data_section(
    manifest: Manifest, drops: pd.DataFrame | None = None, anchor: str = "data"
) -> Section:
    """Sources, splits by class, and what was left out, as `drops_table` has it."""
    info = manifest.info
    facts = Facts(
        (
            ("Images", f"{len(manifest):,}"),
            ("Split", f"{info.split_by}, seed {info.seed}"),
            ("Kept at", ", ".join(shape((size, size)) for size in info.sizes_px)),
            ("Data (SHA-256)", info.digest),
        )
    )
    blocks: list[Block] = [facts, _split_table(manifest), _source_table(manifest)]
    if drops is None or drops.empty:
        blocks.append(Paragraph("Nothing was left out."))
    else:
        blocks += [_reason_table(drops), _listing(drops)]
    return Section("Data", anchor, tuple(blocks))


def left_out_section(drops: pd.DataFrame, anchor: str = "data") -> tuple[Section, ...]:
    """What was left out of photos that were read for the moment; nothing where nothing was."""
    if drops.empty:
        return ()
    return (Section("Data", anchor, (_reason_table(drops), _listing(drops))),)


def _split_table(manifest: Manifest) -> Table:
    labels = range(len(manifest.info.class_names))
    splits, table_labels = manifest.table["split"].tolist(), manifest.table["label"].tolist()
    counts = Counter(zip(splits, table_labels, strict=True))
    rows: list[tuple[str | int, ...]] = [
        (split, *(counts[split, label] for label in labels), splits.count(split))
        for split in SPLITS
    ]
    columns = ("Split", *(class_name(label) for label in labels), "All")
    return table(columns, rows, "Images by split and class.")


def _source_table(manifest: Manifest) -> Table:
    counts = manifest.table["source"].value_counts()
    rows = [
        (
            Cell(source.name, source.layout),
            Cell(", ".join(f"{theirs} = {class_name(ours)}" for theirs, ours in names)),
            int(counts.get(source.name, 0)),
        )
        for source in manifest.info.sources
        for names in [sorted(source.class_labels.items(), key=lambda item: item[1])]
    ]
    return table(("Source", "Class names as found", "Images"), rows, "Where the images are from.")


def _reason_table(drops: pd.DataFrame) -> Table:
    pairs = zip(drops["source"].astype(str), drops["reason"].astype(str), strict=True)
    rows = [(source, reason, count) for (source, reason), count in Counter(pairs).most_common()]
    return table(("Source", "Reason", "Left out"), rows, "What was left out, and why.")


def _listing(drops: pd.DataFrame) -> Details:
    listed = drops[["path", "source", "reason", "detail"]].head(LISTED).astype(str)
    rows = [
        (Cell(shown(path), shown(source)), reason, shown(detail))
        for path, source, reason, detail in listed.itertuples(index=False)
    ]
    first = "" if len(drops) <= LISTED else f"the first {LISTED} of "
    title = f"Files left out: {first}{counted(len(drops), 'sample')}"
    return Details(title, (table(("File", "Reason", "Why"), rows),), is_printed=False)


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
    """Photos by class, split and source, and what was left out; the first `LISTED` by name."""
    counts = exploration.counts
    blocks: list[Block] = [_figures(counts), _count_table(exploration)]
    if counts.left_out:
        rows = sorted(counts.left_out.items(), key=lambda item: -item[1])
        blocks.append(table(("Reason", "Samples"), rows, "What was left out, and why."))
    if drops:
        blocks.append(_listing(drops_table(drops)))
    return Section("Counts", anchor, tuple(blocks))


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
        name: [counts.n_of(**{group: one, "class_name": name}) for one in names]
        for name in counts.by_class
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


def _count_table(exploration: Exploration) -> Table:
    counts = exploration.counts
    classes = tuple(counts.by_class)
    info = {source.name: source for source in exploration.sources}
    rows: list[tuple[Cell | str | int, ...]] = []
    for source in counts.by_source:
        layout = info[source].layout if source in info else ""
        for split in counts.by_split:
            numbers = [counts.n_of(source=source, split=split, class_name=name) for name in classes]
            if any(numbers):
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
