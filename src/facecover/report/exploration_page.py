"""An exploration as one page: key insights first, then the figures that they stand on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import PercentFormatter

from facecover.errors import shown
from facecover.look.class_differences import (
    MEASURE_WORDS,
    MEASURES,
    STRONG_AUC,
    ClassDifference,
)
from facecover.look.exploration import Exploration
from facecover.look.finding import Finding
from facecover.look.image_sizes import INPUT_SIZES_PX, SizeGuess
from facecover.look.samples import Samples
from facecover.look.statistics import Spread
from facecover.report.audit_page import audit_section
from facecover.report.blocks import (
    Block,
    Bullets,
    Cell,
    Details,
    Figure,
    Figures,
    Notice,
    Section,
    Table,
    table,
)
from facecover.report.data_sections import count_cards, counts_section, short_name
from facecover.report.exploration_figures import (
    cloud,
    faces_section,
    histogram,
    mean_faces,
    pixels_section,
    samples_section,
)
from facecover.report.html import write_page
from facecover.report.plotting import (
    DASHED,
    colour,
    draw,
    model_colour,
)
from facecover.sources.rows import Drop
from facecover.text import TIMES, percent

_SCOPES = 6
"""Rows of points drawn for each measure; the table has them all."""

_DIFFERENCE_BARS = 8
"""Bars drawn; the table has them all."""

_SIZE = (4.5, 4.6)
"""Inches of the figures, high enough for a row for each measure."""

Differences = dict[tuple[str, str | None], ClassDifference]
"""By measure and source; the source None stands for all together."""


def differences_section(exploration: Exploration, anchor: str) -> Section | None:
    """How far each single measure, and the size, tell the classes apart; None if too few photos."""
    differences = exploration.measures.class_differences
    if not differences:
        return None
    figures: list[Figure] = []
    tables: list[Details] = []
    for first, second in dict.fromkeys((one.first, one.second) for one in differences):
        found = {
            (one.measure, one.source): one
            for one in differences
            if (one.first, one.second) == (first, second)
        }
        figures.append(_auc_figure(found, first, second))
        tables.append(Details(f"{second} against {first} in numbers", (_auc_table(found),)))
    if exploration.size_guesses:
        figures.append(_guess_figure(exploration.size_guesses))
        tables.append(Details("Width and height in numbers", (_guess_table(exploration),)))
    return Section("What tells the classes apart", anchor, (Figures(tuple(figures)), *tables))


def _scopes(found: Differences) -> tuple[str | None, ...]:
    return tuple(dict.fromkeys(source for _, source in found))


def _auc_figure(found: Differences, first: str, second: str) -> Figure:
    scopes = _scopes(found)[:_SCOPES]
    measures = [one for one in MEASURES if any((one, scope) in found for scope in scopes)]

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        axes.axvline(0.5, color=colour("muted"), linewidth=1)
        for edge in (1 - STRONG_AUC, STRONG_AUC):
            axes.axvline(edge, color=colour("warning"), linewidth=1, linestyle=DASHED)
        offsets = np.linspace(-0.26, 0.26, len(scopes)) if len(scopes) > 1 else np.zeros(1)
        for position, scope in enumerate(scopes):
            chosen = [(row, found.get((one, scope))) for row, one in enumerate(measures)]
            points = [(row, one) for row, one in chosen if one is not None]
            places = [row + offsets[position] for row, _ in points]
            tone = colour("ink" if scope is None else model_colour(position - 1))
            bounds = [(one.low, one.high) for _, one in points]
            axes.hlines(places, *zip(*bounds, strict=True), color=tone, linewidth=1.4)
            axes.plot(
                [one.auc for _, one in points],
                places,
                "o",
                markersize=3.4,
                color=tone,
                label=_name(scope),
            )
        axes.set_yticks(range(len(measures)), [_capital(MEASURE_WORDS[one]) for one in measures])
        axes.tick_params(axis="y", length=0)
        axes.set(xlim=(0, 1), ylim=(len(measures) - 0.5, -0.5), xlabel="AUC")
        axes.grid(visible=False, axis="y")
        figure.legend(loc="outside upper right", ncols=2)

    strongest = max(found.values(), key=lambda one: one.strength)
    alt = (
        f"AUC of each measure, {second} against {first}; the farthest from 0.5 is "
        f"{MEASURE_WORDS[strongest.measure]} with {strongest.auc:.2f}."
    )
    caption = (
        f"Of a {first} and a {second} photo picked at random, how often {second} has the larger "
        "value, with its 95% interval. At 0.5 the measure tells nothing; beyond a dashed line it "
        f"tells the class more than {STRONG_AUC:.0%} of the time, and a network can learn it in "
        "place of the mask."
    )
    title = f"{second} against {first}, by one measure alone"
    return Figure(draw(plot, alt, _SIZE), title, caption)


def _auc_table(found: Differences) -> Table:
    scopes = _scopes(found)
    rows = [
        (_capital(MEASURE_WORDS[one]), *(_auc(found.get((one, scope))) for scope in scopes))
        for one in MEASURES
        if any((one, scope) in found for scope in scopes)
    ]
    columns = ("Measure", *("All" if one is None else shown(one) for one in scopes))
    return table(columns, rows)


def _auc(difference: ClassDifference | None) -> Cell | None:
    if difference is None:
        return None
    interval = f"{difference.low:.2f} to {difference.high:.2f}"
    return Cell(f"{difference.auc:.2f}", interval, sort=difference.auc)


def _guess_figure(guesses: Sequence[SizeGuess]) -> Figure:
    drawn = guesses[:_DIFFERENCE_BARS]

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        places = np.arange(len(drawn))
        values = np.array([guess.accuracy for guess in drawn])
        majority = [guess.majority_share for guess in drawn]
        reach = np.array(
            [(guess.accuracy - guess.low, guess.high - guess.accuracy) for guess in drawn]
        )
        axes.barh(places, values, 0.5, color=colour("accent"), alpha=0.75, label="from the size")
        axes.errorbar(values, places, xerr=reach.T, fmt="none", ecolor=colour("ink"), capsize=3)
        axes.vlines(
            majority, places - 0.36, places + 0.36, color=colour("warning"), linewidth=2.4,
            label="majority class",
        )  # fmt: skip
        axes.set_yticks(places, [_name(guess.source) for guess in drawn])
        axes.tick_params(axis="y", length=0)
        axes.set(xlim=(0, 1), ylim=(max(len(drawn), 3) - 0.4, -0.6), xlabel="Accuracy")
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid(visible=False, axis="y")
        figure.legend(loc="outside upper right", ncols=2)

    said = [
        f"{shown(guess.source or 'all')}: {percent(guess.accuracy)}, majority class "
        f"{percent(guess.majority_share)}"
        for guess in drawn
    ]
    caption = (
        "A decision tree that sees width and height alone, taught on one half of the photos and "
        "tested on the other; exact copies stay in one half. Bars past the mark: the size gives "
        "the label away."
    )
    alt = f"Accuracy from width and height alone. {'; '.join(said)}."
    return Figure(draw(plot, alt, _SIZE), "The class from width and height alone", caption)


def _name(scope: str | None) -> str:
    return "all" if scope is None else short_name(scope)


def _guess_table(exploration: Exploration) -> Table:
    rows = [
        (
            "All" if guess.source is None else shown(guess.source),
            Cell(
                percent(guess.accuracy),
                f"{percent(guess.low)} to {percent(guess.high)}",
                sort=guess.accuracy,
            ),
            Cell(percent(guess.majority_share), sort=guess.majority_share),
            guess.n,
        )
        for guess in exploration.size_guesses
    ]
    return table(("Photos", "Accuracy", "Majority class", "Tested"), rows)


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


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


def explore_sections(
    exploration: Exploration,
    samples: Samples | None = None,
    drops: Sequence[Drop] = (),
    findings: Sequence[Finding] = (),
    *,
    prefix: str = "explore-",
) -> tuple[Section, ...]:
    """All that there is to show of an exploration, the key insights first.

    Args:
        exploration: what was found.
        samples: photos to show, from `samples.read_samples`.
        drops: what was left out on the way, to be listed.
        findings: of an audit of the same photos, if there was one.
        prefix: stands before each anchor, so that the sections fit on a page with others.
    """
    sections = (
        insights_section(exploration, f"{prefix}insights"),
        audit_section(findings, f"{prefix}audit") if findings else None,
        counts_section(exploration, f"{prefix}counts", drops),
        sizes_section(exploration, f"{prefix}sizes"),
        files_section(exploration, f"{prefix}files"),
        pixels_section(exploration, f"{prefix}pixels"),
        differences_section(exploration, f"{prefix}differences"),
        faces_section(exploration, f"{prefix}faces"),
        samples_section(samples, exploration.class_names, f"{prefix}samples") if samples else None,
    )
    return tuple(section for section in sections if section is not None)


def insights_section(exploration: Exploration, anchor: str) -> Section:
    """Key numbers and key insights."""
    blocks = (count_cards(exploration), *_insight_blocks(exploration.findings))
    return Section("Key insights", anchor, blocks)


def explore_highlights(exploration: Exploration, anchor: str = "explore") -> Section:
    """What a report about models tells of its data: insights, sizes and mean faces, in one part."""
    figures = (cloud(exploration.table, INPUT_SIZES_PX), mean_faces(exploration))
    blocks: tuple[Block, ...] = (
        count_cards(exploration),
        *_insight_blocks(exploration.findings),
        Figures(figures),
    )
    return Section("The data", anchor, blocks)


def write_explore_page(
    path: Path,
    exploration: Exploration,
    samples: Samples | None = None,
    drops: Sequence[Drop] = (),
    findings: Sequence[Finding] = (),
) -> None:
    """Write an exploration as one HTML file; see `explore_sections`.

    Raises:
        OutputError: if the place cannot be written.
    """
    names = ", ".join(shown(source.name) for source in exploration.sources)
    subtitle = f"A look into {exploration.counts.n:,} labelled face photos: {names}."
    sections = explore_sections(exploration, samples, drops, findings)
    write_page(path, "The photos", sections, subtitle=subtitle)


def _insight_blocks(found: Sequence[Finding]) -> tuple[Block, ...]:
    """Each warning as a notice of its own, the notes as one list."""
    warnings = [Notice(_said(one), is_warning=True) for one in found if one.is_warning]
    notes = tuple(_said(one) for one in found if not one.is_warning)
    return (*warnings, Bullets(notes)) if notes else tuple(warnings)


def _said(insight: Finding) -> Markup:
    template = Markup('<strong>{}.</strong> {} <span class="cell-note">{}</span>')
    return template.format(insight.title, insight.sentence, insight.reason)
