"""What a page and a terminal show of a study."""

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter, NullFormatter

from facecover.evaluation.formatting import signed_points
from facecover.evaluation.intervals import Interval
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
    in_terminal,
    on_page,
    table,
)
from facecover.report.html import write_page
from facecover.report.plotting import (
    FIGURE_SIZE,
    WIDE_SIZE,
    colour,
    draw,
    legend_above,
    model_colour,
    percent_axes,
)
from facecover.studies.conclusion import StudyRow
from facecover.studies.definition import DIVISION_TITLES, place_title
from facecover.studies.divisions import ALL_SOURCES
from facecover.studies.engine import StudySummary
from facecover.text import counted, duration, large, percent

_DASH = "\N{EN DASH}"

_COLUMNS = {
    "Divided at random": ("each-random", "merged-random"),
    "Divided by group": ("each-group", "merged-group"),
    "Left out of training": ("left-out",),
}
"""The columns of the table that puts the naive beside the honest, with what stands in each."""


def write_study_report(path: Path, summary: StudySummary) -> None:
    """Write the report of a study.

    Raises:
        OutputError: if the place cannot be written.
    """
    study = summary.study
    write_page(path, study.name, study_sections(summary), subtitle=study.question)


def study_sections(summary: StudySummary) -> tuple[Section, ...]:
    """All that there is to show of a study, the answer first."""
    sections = (
        _answer(summary),
        _side_by_side(summary),
        _results(summary),
        _runs(summary),
        _method(summary),
    )
    return tuple(section for section in sections if section is not None)


def _answer(summary: StudySummary) -> Section:
    first, *others = summary.result.sentences or ("No run is finished.",)
    blocks: list[Block] = [Paragraph(first, is_lead=True)]
    if others:
        blocks.append(Bullets(tuple(others)))
    if summary.rows:
        blocks.append(Figures((_dots_figure(summary), *_growth_figures(summary))))
    blocks += [
        Notice(f"Not among the results: {place_title(one.division, one.source)}: {one.reason}.")
        for one in summary.result.skipped
    ]
    return Section("Summary", "summary", tuple(blocks))


def _side_by_side(summary: StudySummary) -> Section | None:
    """The naive and the honest score of each source and variant; None with one kind only."""
    columns = {
        title: divisions
        for title, divisions in _COLUMNS.items()
        if any(row.division in divisions for row in summary.rows)
    }
    if len(columns) < 2:
        return None
    sources = sorted(dict.fromkeys(row.source for row in summary.rows), key=ALL_SOURCES.__eq__)
    rows = [
        [
            source if source != ALL_SOURCES else "all together",
            Cell(variant, colour=model_colour(summary.variants.index(variant))),
            *(_score(summary, source, variant, divisions) for divisions in columns.values()),
        ]
        for source in sources
        for variant in summary.variants
    ]
    caption = (
        "Accuracy with its 95% interval and the number of images it was measured on. A random "
        "division has copies of training photos, and photos of the same persons, among its test "
        "photos; a division by group has none; on a source that was left out everything is new."
    )
    shown = table(("Source", "Variant", *columns), rows, caption)
    numeric = (False, False, *(True for _ in columns))
    filled = Table(shown.columns, shown.rows, numeric, caption)
    # In the terminal the answer has a sentence of it.
    return Section("The naive and the honest score", "honest", (filled,), is_page_only=True)


def _score(summary: StudySummary, source: str, variant: str, divisions: tuple[str, ...]) -> Cell:
    for row in summary.rows:
        if (row.source, row.variant) == (source, variant) and row.division in divisions:
            accuracy = row.accuracy
            note = f"{_interval(accuracy.ci95)}; n = {accuracy.n:,}"
            return Cell(percent(accuracy.value), note, accuracy.value)
    return Cell(_DASH)


def _results(summary: StudySummary) -> Section:
    rows = [row for place in summary.places for row in summary.rows if row.place == place]
    more_than = f"More than {summary.study.baseline}"
    columns = (
        "Photos", "Variant", "Accuracy", "Balanced", more_than, "Seeds from, to", "Images",
    )  # fmt: skip
    caption = (
        f"Means over the seeds on the {summary.study.judged_on_images}, with 95% intervals: "
        "accuracy, and balanced accuracy, in which each class counts the same. Differences are "
        "points of accuracy, paired on the same images and seeds."
    )
    short = (
        ("Photos", "Variant", "Accuracy", "95% interval", "Images", more_than),
        [_short_row(row) for row in rows],
    )
    return Section(
        "Results",
        "results",
        (
            on_page(table(columns, [_full_row(summary, row) for row in rows], caption)),
            in_terminal(table(*short)),
        ),
    )


def _full_row(summary: StudySummary, row: StudyRow) -> tuple[str | Cell, ...]:
    tone = model_colour(summary.variants.index(row.variant))
    balanced = Cell(_DASH, "one class only")
    if row.balanced is not None:
        balanced = Cell(percent(row.balanced), sort=row.balanced)
    accuracy = row.accuracy
    return (
        place_title(*row.place),
        Cell(row.variant, f"{large(row.parameters)} parameters", colour=tone),
        Cell(percent(accuracy.value), _interval(accuracy.ci95), accuracy.value),
        balanced,
        _difference(row),
        _range(row),
        Cell(f"{accuracy.n:,}", f"trained on {row.n_train:,}", accuracy.n),
    )


def _short_row(row: StudyRow) -> tuple[str | int | Cell, ...]:
    accuracy, gap = row.accuracy, _difference(row)
    return (
        place_title(*row.place),
        row.variant,
        Cell(percent(accuracy.value), sort=accuracy.value),
        _interval(accuracy.ci95),
        accuracy.n,
        f"{gap.text} ({gap.note})" if gap.note else str(gap.text),
    )


def _difference(row: StudyRow) -> Cell:
    gap = row.to_baseline
    if gap is None:
        return Cell(_DASH)
    note = _DASH
    if gap.ci95 is not None:
        note = " to ".join(_with_sign(bound) for bound in gap.ci95)
    return Cell(_with_sign(gap.difference), note, gap.difference)


def _with_sign(share: float) -> str:
    """Percentage points with plus or minus: ``+0.8``, ``0.0``."""
    text = signed_points(share)
    return text if text == "0.0" or share < 0 else f"+{text}"


def _interval(bounds: Interval | None) -> str:
    """An interval of shares in percent: ``96.4 to 98.0``; a dash where there is none."""
    if bounds is None:
        return _DASH
    return " to ".join(percent(bound, unit=False) for bound in bounds)


def _range(row: StudyRow) -> Cell:
    seeds = row.accuracy.by_seed.values()
    low, high = percent(min(seeds), unit=False), percent(max(seeds))
    text = f"{low} to {high}" if low != high.removesuffix("%") else high
    return Cell(text, counted(len(seeds), "seed"), min(seeds))


def _runs(summary: StudySummary) -> Section:
    rows = [
        (
            place_title(run.division, run.source),
            run.variant,
            run.seed,
            Cell(
                percent(run.metrics["accuracy"]),
                _interval(run.metrics["ci95"]["accuracy"]),
                run.metrics["accuracy"],
            ),
            run.n_train,
            run.n_val,
            run.metrics["n"],
            Cell(f"{run.best_epoch} of {run.epochs}", sort=run.best_epoch),
            Cell(duration(run.seconds), sort=run.seconds),
        )
        for run in summary.result.results
    ]
    columns = (
        "Photos", "Variant", "Seed", "Accuracy", "Training", "Validation", "Judged", "Epoch kept",
        "Time",
    )  # fmt: skip
    total = sum(run.seconds for run in summary.result.results)
    title = f"{counted(len(rows), 'run')}, {duration(total)} of training"
    return Section("Runs", "runs", (Details(title, (table(columns, rows),)),))


def _method(summary: StudySummary) -> Section:
    known: tuple[tuple[str, str], ...] = (
        ("Sources", ", ".join(summary.result.data.sources)),
        ("Photos, copies included", f"{summary.n_photos:,}"),
        ("Measured on", summary.study.judged_on_images),
        ("Baseline", summary.study.baseline),
    )
    how = (
        "Seeds count as a distribution: the value is the mean over them, never the best. "
        "Intervals come from 1,000 resamples in which seeds, and groups of images that show one "
        "picture or one person, are drawn with replacement; with one seed they say nothing of "
        "what another seed would change."
    )
    divisions = dict.fromkeys(row.division for row in summary.rows)
    titles = [f"{one}: {DIVISION_TITLES[one]}." for one in divisions]
    blocks = (Facts(known), Paragraph(how), Bullets(tuple(titles)))
    return Section("How it was measured", "method", blocks, is_page_only=True)


_ROW_INCHES = 0.2
"""Height of one dot's row."""

_EDGES_INCHES = 1.0
"""Height of the axis and the legend."""


def _dots_figure(summary: StudySummary) -> Figure:
    """A dot with its interval for every variant at every place."""
    variants, places = summary.variants, summary.places
    many_places = len(places) > 1
    titles = [place_title(*place) for place in places] if many_places else variants
    per_line = len(variants) if many_places else 1

    def line_of(row: StudyRow) -> int:
        return places.index(row.place) if many_places else variants.index(row.variant)

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        for position, variant in enumerate(variants):
            offset = 0.8 * ((position + 0.5) / per_line - 0.5) if many_places else 0.0
            tone = colour(model_colour(position))
            rows = [row for row in summary.rows if row.variant == variant]
            label = variant if many_places else None
            _dots(axes, rows, [line_of(row) + offset for row in rows], tone, label)
        axes.set_yticks(range(len(titles)), titles)
        axes.set_ylim(len(titles) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0, labelcolor=colour("ink"))
        axes.set(xlabel="Accuracy")
        percent_axes(axes, x=_limits(summary))
        legend_above(figure)

    height = _EDGES_INCHES + _ROW_INCHES * max(len(titles) * (per_line + 1), 8)
    words = "; ".join(
        f"{place_title(*row.place)}, {row.variant} {percent(row.accuracy.value)} "
        f"({_interval(row.accuracy.ci95)})"
        for row in summary.rows
    )
    return Figure(
        draw(plot, f"Accuracy of each variant: {words}.", (WIDE_SIZE[0], height)),
        "Accuracy with 95% intervals",
        "Further right is better. A dot is the mean over the seeds, small ticks are the single "
        "seeds; the line is the 95% interval.",
        is_wide=True,
    )


def _dots(
    axes: Axes, rows: Sequence[StudyRow], heights: Sequence[float], tone: str, label: str | None
) -> None:
    for row, height in zip(rows, heights, strict=True):
        seeds = list(row.accuracy.by_seed.values())
        if row.accuracy.ci95:
            axes.plot(row.accuracy.ci95, (height, height), color=tone, linewidth=2)
        if len(seeds) > 1:
            axes.plot(seeds, [height] * len(seeds), "|", color=tone, markersize=8)
    axes.plot([row.accuracy.value for row in rows], heights, "o", color=tone, label=label)


def _limits(summary: StudySummary) -> tuple[float, float]:
    """From a little below the lowest accuracy to 1."""
    means = [row.accuracy for row in summary.rows]
    lowest = min(min(mean.value, *(mean.ci95 or ()), *mean.by_seed.values()) for mean in means)
    return lowest - 0.05 * (1 - lowest), 1.0


_SIZES: dict[str, Callable[[StudyRow], int]] = {
    "Training images": lambda row: row.n_train,
    "Parameters": lambda row: row.parameters,
    "Epochs": lambda row: row.epochs,
}
"""What variants may have more or less of."""

_FEWEST_STEPS = 3
"""So many sizes of a thing make a curve."""


def _growth_figures(summary: StudySummary) -> tuple[Figure, ...]:
    """Accuracy against whatever the variants differ in: data, parameters or epochs."""
    return tuple(
        _growth_figure(summary, title, size_of)
        for title, size_of in _SIZES.items()
        if all(
            len({size_of(row) for row in summary.rows if row.place == place}) >= _FEWEST_STEPS
            for place in summary.places
        )
    )


def _growth_figure(summary: StudySummary, title: str, size_of: Callable[[StudyRow], int]) -> Figure:
    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        for position, place in enumerate(summary.places):
            rows = sorted((row for row in summary.rows if row.place == place), key=size_of)
            tone = colour(model_colour(position))
            sizes = [size_of(row) for row in rows]
            means = [row.accuracy.value for row in rows]
            axes.plot(sizes, means, "o-", color=tone, label=place_title(*place))
            for size, row in zip(sizes, rows, strict=True):
                if row.accuracy.ci95:
                    axes.plot((size, size), row.accuracy.ci95, color=tone, linewidth=1)
        axes.set_xscale("log")
        axes.set(xlabel=title, ylabel="Accuracy")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: large(round(value))))
        axes.xaxis.set_minor_formatter(NullFormatter())
        percent_axes(axes, y=_limits(summary))
        legend_above(figure, columns=2)

    words = "; ".join(f"{size_of(row):,}: {percent(row.accuracy.value)}" for row in summary.rows)
    return Figure(
        draw(plot, f"Accuracy by {title.lower()}. {words}.", FIGURE_SIZE),
        f"Accuracy by {title.lower()}",
        "On a logarithmic scale; upright lines are 95% intervals.",
    )
