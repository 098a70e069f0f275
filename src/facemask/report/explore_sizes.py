"""The part of an exploration's page about sizes: widths, heights, input sizes, formats."""

from facemask.data.explore import Exploration
from facemask.data.exploring.sizes import INPUT_SIZES_PX
from facemask.data.exploring.spread import Spread
from facemask.data.insights.insight import percent
from facemask.errors import shown
from facemask.report.blocks import Block, Cell, Details, Figures, Section, Table, table
from facemask.report.explore_histograms import cloud, histogram
from facemask.report.words import TIMES

_KIB = 1024

_SIZE_WORDS = {
    "width": "Width",
    "height": "Height",
    "short_side": "Shorter side",
    "long_side": "Longer side",
    "aspect_ratio": "Width by height",
}


def sizes_section(exploration: Exploration, anchor: str) -> Section:
    """How large the photos are, and what an input of 32, 64 or 128 pixels does to them."""
    samples = exploration.table.assign(file_kib=exploration.table["file_bytes"] / _KIB)
    figures = Figures(
        (
            cloud(samples, INPUT_SIZES_PX),
            histogram(
                samples, "short_side", "Shorter side", "Shorter side in pixels",
                "Left of a dashed line (32, 64, 128 pixels) an input of that size enlarges the "
                "photo.",
                is_log=True, marks=INPUT_SIZES_PX,
            ),
            histogram(
                samples, "aspect_ratio", "Shape", "Width / height",
                "Away from the dashed line at 1 a square input stretches the face.",
                marks=(1,),
            ),
            histogram(
                samples, "file_kib", "File size", "KiB",
                "Different file sizes for the classes hint at different cameras or compression.",
                is_log=True,
            ),
        )
    )  # fmt: skip
    spreads = Details("Every size, by class", (_spreads(exploration),))
    blocks: tuple[Block, ...] = (figures, _inputs(exploration), spreads)
    return Section("Sizes", anchor, blocks)


def files_section(exploration: Exploration, anchor: str) -> Section:
    """What the files are: formats, names that promise another one, JPEG quality, copies."""
    return Section("Files", anchor, (_formats(exploration), _file_table(exploration)))


def _inputs(exploration: Exploration) -> Table:
    rows = [
        (
            Cell(f"{fit.size_px} {TIMES} {fit.size_px}", sort=float(fit.size_px)),
            *(_share(fit.under_by_split[split]) for split in exploration.counts.by_split),
            _share(fit.under_both),
            _share(fit.over),
            _share(fit.lossless),
            _share(fit.median_pixels_kept),
        )
        for fit in exploration.sizes.inputs
    ]
    splits = [
        "A side under it" if split == "not split" else f"A side under it ({split})"
        for split in exploration.counts.by_split
    ]
    columns = (
        "Input", *splits, "Both under it", "Both over it", "Nothing lost", "Pixels kept (median)",
    )  # fmt: skip
    return table(columns, rows, "The share of photos that an input size enlarges or shrinks.")


def _spreads(exploration: Exploration) -> Table:
    rows = []
    for column, word in _SIZE_WORDS.items():
        rows.append(_spread_row(word, "all", exploration.sizes.spreads[column]))
        for name, spread in exploration.sizes.by_class[column].items():
            rows.append(_spread_row(word, name, spread))
    columns = ("Size", "Class", "Smallest", "5%", "25%", "Median", "75%", "95%", "Largest")
    return table(columns, rows, "Sizes in pixels, and width by height.")


def _spread_row(
    word: str, class_name: str, spread: Spread | None
) -> tuple[Cell | float | None, ...]:
    if spread is None:
        return (Cell(word), Cell(class_name), *(None,) * 7)
    values = (spread.min, spread.p5, spread.p25, spread.median, spread.p75, spread.p95, spread.max)
    return (Cell(word), Cell(class_name), *(_number(value) for value in values))


def _formats(exploration: Exploration) -> Table:
    files, counts = exploration.files, exploration.counts
    rows: list[tuple[Cell | str | int, ...]] = [
        (
            name,
            n,
            _share(n / counts.n),
            *(files.formats_by_class[one].get(name, 0) for one in counts.by_class),
        )
        for name, n in files.formats.items()
    ]
    columns = ("Format by content", "Photos", "Share", *counts.by_class)
    return table(columns, rows, "File formats.")


def _file_table(exploration: Exploration) -> Table:
    files, copies = exploration.files, exploration.copies
    example = files.wrong_suffix_examples[0] if files.wrong_suffix_examples else None
    such = f"such as {shown(example.path)}, which is {example.format}" if example else ""
    quality, size = files.jpeg_quality, files.file_bytes
    modes = ", ".join(f"{mode} {n:,}" for mode, n in files.modes.items())
    rows: list[tuple[Cell, Cell | int | None]] = [
        (Cell("File size, median (5% to 95%)"), Cell(_kib(size))),
        (Cell("JPEG quality, median (5% to 95%)"), Cell(_quality(quality))),
        (Cell("Pixel modes"), Cell(modes)),
        (Cell("Names that promise another format", such), files.wrong_suffixes),
        (Cell("Exact copies of another photo"), copies.extra),
        (Cell("Photos that stand in several sources"), copies.across_sources),
        (Cell("Files that stand in several splits"), copies.across_splits),
        (Cell("Copies under more than one label"), copies.with_several_labels),
    ]
    shown_rows = [(name, Cell(f"{n:,}") if isinstance(n, int) else n) for name, n in rows]
    return table(("Files", ""), shown_rows)


def _kib(spread: Spread | None) -> str:
    if spread is None:
        return "–"  # noqa: RUF001
    low, median, high = (value / _KIB for value in (spread.p5, spread.median, spread.p95))
    return f"{median:.1f} KiB ({low:.1f} to {high:.1f})"


def _quality(spread: Spread | None) -> str:
    if spread is None:
        return "no JPEG"
    return f"{spread.median:.0f} ({spread.p5:.0f} to {spread.p95:.0f}), {spread.n:,} photos"


def _share(share: float) -> Cell:
    return Cell(percent(share), sort=share)


def _number(value: float) -> Cell:
    text = f"{value:,.0f}" if value >= 10 else f"{value:.2f}"
    return Cell(text, sort=value)
