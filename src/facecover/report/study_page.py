"""A study as one page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter, NullFormatter
from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from facecover.evaluation.intervals import Interval
from facecover.report.html import (
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
    write_page,
)
from facecover.report.plotting import (
    FIGURE_SIZE,
    WIDE_SIZE,
    colour,
    draw,
    legend_above,
    model_colour,
    percent_axes,
)
from facecover.text import counted, duration, large, percent


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One variant on one part of a division, over its seeds.

    Attributes:
        division: how the photos were divided: ``each-random``, ``left-out``, ...
        source: the source it is about, or ``all``.
        variant: the variant's name.
        accuracy: the mean over the seeds, 0..1.
        ci95: its 95% interval.
        by_seed: the accuracy of each seed.
        n: images judged.
        n_units: groups of them that were resampled.
        n_train: training images, the mean over the seeds.
        epochs: trained.
        parameters: of the network.
        balanced: the mean balanced accuracy; None where one class is missing.
        difference: to the baseline, in accuracy; None for the baseline itself.
        difference_ci95: its 95% interval.
    """

    division: str
    source: str
    variant: str
    accuracy: float
    ci95: Interval | None
    by_seed: tuple[float, ...]
    n: int
    n_units: int
    n_train: int
    epochs: int
    parameters: int
    balanced: float | None = None
    difference: float | None = None
    difference_ci95: Interval | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Division and source."""
        return self.division, self.source


@dataclass(frozen=True, slots=True)
class StudyRunRow:
    """One run, as the details list it."""

    division: str
    source: str
    variant: str
    seed: int
    accuracy: float
    ci95: Interval | None
    n_train: int
    n_val: int
    n: int
    epochs: int
    best_epoch: int
    seconds: float


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """A study with its answer.

    Attributes:
        name: of the study.
        question: what it asks.
        claim: what was claimed; may be empty.
        judged_on: the split that was measured.
        baseline: the variant that the others are compared with.
        sentences: the answer in plain words, the first one first.
        rows: every variant on every part.
        runs: every run.
        skipped: parts that could not be made: division, source and reason.
        sources: names of all sources.
        photos: how many photos there are, copies included.
    """

    name: str
    question: str
    claim: str
    judged_on: str
    baseline: str
    sentences: tuple[str, ...]
    rows: tuple[StudyRow, ...]
    runs: tuple[StudyRunRow, ...]
    skipped: tuple[tuple[str, str, str], ...]
    sources: tuple[str, ...]
    photos: int

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants, in order."""
        return tuple(dict.fromkeys(row.variant for row in self.rows))

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """Each division with a source, in order."""
        return tuple(dict.fromkeys(row.place for row in self.rows))


DIVISION_TITLES = {
    "each-random": "each source alone, divided at random",
    "each-group": "each source alone, divided by group",
    "merged-random": "all sources together, divided at random",
    "merged-group": "all sources together, divided by group",
    "left-out": "tested on a source that was left out of training",
}
"""What a division is called in a sentence."""


def place_title(division: str, source: str) -> str:
    """``rmfd, left out``: a part of a division, in a few words."""
    how = {"random": "random", "group": "grouped", "out": "left out"}
    name = "all sources" if division.startswith("merged") else source
    return f"{name}, {how[division.rpartition('-')[2]]}"


_DASH = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"


def study_text(facts: StudyFacts) -> RenderableType:
    """A row for each variant at each place, and the answer below it."""
    # Names come from files, and rich would read [brackets] in them as markup.
    table = RichTable(title=Text(f"{facts.name}: {_seeds(facts)}"), title_justify="left")
    for heading in ("photos", "variant"):
        table.add_column(heading)
    for heading in ("accuracy", "95% interval", "images", f"more than {facts.baseline}"):
        table.add_column(Text(heading), justify="right", no_wrap=True)
    for place in facts.places:
        for row in (row for row in facts.rows if row.place == place):
            table.add_row(
                Text(place_title(*place)),
                Text(row.variant),
                percent(row.accuracy),
                share_interval(row.ci95),
                f"{row.n:,}",
                difference_text(row),
            )
    skipped = [
        Text(f"left out: {place_title(division, source)}: {reason}", style="dim")
        for division, source, reason in facts.skipped
    ]
    return Group(table, *(Text(sentence) for sentence in facts.sentences), *skipped)


def _seeds(facts: StudyFacts) -> str:
    counts = sorted({len(row.by_seed) for row in facts.rows})
    few, many = (counts[0], counts[-1]) if counts else (0, 0)
    return counted(many, "seed") if few == many else f"{few} to {many} seeds"


def share_interval(bounds: Interval | None) -> str:
    """An interval of shares in percent: ``96.4 to 98.0``; a dash where there is none."""
    if bounds is None:
        return _DASH
    low, high = (percent(bound, unit=False) for bound in bounds)
    return f"{low} to {high}"


def signed_points(share: float) -> str:
    """A difference in percentage points with its sign: ``+0.8``, ``0.0``."""
    text = f"{100 * share:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", _MINUS)


def points_interval(bounds: Interval | None) -> str:
    """The interval of a difference in percentage points; a dash where there is none."""
    if bounds is None:
        return _DASH
    low, high = (signed_points(bound) for bound in bounds)
    return f"{low} to {high}"


def difference_text(row: StudyRow) -> str:
    """How much more than the baseline a row has, with its interval; a dash for the baseline."""
    if row.difference is None:
        return _DASH
    return f"{signed_points(row.difference)} ({points_interval(row.difference_ci95)})"


_ROW_INCHES = 0.2
"""Height of one dot's row."""

_EDGES_INCHES = 1.0
"""Height of the axis and the legend."""

_FEWEST_STEPS = 3
"""So many sizes of a thing make a curve."""


def dots_figure(facts: StudyFacts) -> Figure:
    """A dot with its interval for every variant at every place."""
    many_places = len(facts.places) > 1
    titles = [place_title(*place) for place in facts.places] if many_places else facts.variants
    per_line = len(facts.variants) if many_places else 1

    def line_of(row: StudyRow) -> int:
        return facts.places.index(row.place) if many_places else facts.variants.index(row.variant)

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        for position, variant in enumerate(facts.variants):
            offset = 0.8 * ((position + 0.5) / per_line - 0.5) if many_places else 0.0
            tone = colour(model_colour(position))
            rows = [row for row in facts.rows if row.variant == variant]
            label = variant if many_places else None
            _dots(axes, rows, [line_of(row) + offset for row in rows], tone, label)
        axes.set_yticks(range(len(titles)), titles)
        axes.set_ylim(len(titles) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0, labelcolor=colour("ink"))
        axes.set(xlabel="Accuracy")
        lowest = min(_lowest(row) for row in facts.rows)
        percent_axes(axes, x=(lowest - 0.05 * (1 - lowest), 1.0))
        legend_above(figure)

    height = _EDGES_INCHES + _ROW_INCHES * max(len(titles) * (per_line + 1), 8)
    words = "; ".join(
        f"{place_title(*row.place)}, {row.variant} {percent(row.accuracy)} "
        f"({share_interval(row.ci95)})"
        for row in facts.rows
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
        if row.ci95:
            axes.plot(row.ci95, (height, height), color=tone, linewidth=2)
        if len(row.by_seed) > 1:
            axes.plot(row.by_seed, [height] * len(row.by_seed), "|", color=tone, markersize=8)
    axes.plot([row.accuracy for row in rows], heights, "o", color=tone, label=label)


def _lowest(row: StudyRow) -> float:
    return min(row.accuracy, *(row.ci95 or ()), *row.by_seed)


@dataclass(frozen=True, slots=True)
class _Size:
    """Something that variants may have more or less of."""

    title: str
    of: Callable[[StudyRow], int]


_SIZES = (
    _Size("Training images", lambda row: row.n_train),
    _Size("Parameters", lambda row: row.parameters),
    _Size("Epochs", lambda row: row.epochs),
)


def growth_figures(facts: StudyFacts) -> tuple[Figure, ...]:
    """Accuracy against whatever the variants differ in: data, parameters or epochs."""
    sizes = [
        size
        for size in _SIZES
        if all(
            len({size.of(row) for row in facts.rows if row.place == place}) >= _FEWEST_STEPS
            for place in facts.places
        )
    ]
    return tuple(_growth_figure(facts, size) for size in sizes)


def _growth_figure(facts: StudyFacts, size: _Size) -> Figure:
    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        for position, place in enumerate(facts.places):
            rows = sorted((row for row in facts.rows if row.place == place), key=size.of)
            tone = colour(model_colour(position))
            values = [size.of(row) for row in rows]
            axes.plot(values, [row.accuracy for row in rows], "o-", color=tone,
                      label=place_title(*place))  # fmt: skip
            for value, row in zip(values, rows, strict=True):
                if row.ci95:
                    axes.plot((value, value), row.ci95, color=tone, linewidth=1)
        axes.set_xscale("log")
        axes.set(xlabel=size.title, ylabel="Accuracy")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: large(round(value))))
        axes.xaxis.set_minor_formatter(NullFormatter())
        lowest = min(_lowest(row) for row in facts.rows)
        percent_axes(axes, y=(lowest - 0.05 * (1 - lowest), 1.0))
        legend_above(figure, columns=2)

    words = "; ".join(f"{size.of(row):,}: {percent(row.accuracy)}" for row in facts.rows)
    return Figure(
        draw(plot, f"Accuracy by {size.title.lower()}. {words}.", FIGURE_SIZE),
        f"Accuracy by {size.title.lower()}",
        "On a logarithmic scale; upright lines are 95% intervals.",
    )


_COLUMNS = {
    "Divided at random": ("each-random", "merged-random"),
    "Divided by group": ("each-group", "merged-group"),
    "Left out of training": ("left-out",),
}
"""The columns of the table that puts the naive beside the honest, with what stands in each."""


def study_sections(facts: StudyFacts, prefix: str = "") -> tuple[Section, ...]:
    """All that there is to show of a study, the answer first.

    Args:
        facts: the study.
        prefix: stands before each anchor.
    """
    sections = (
        _summary(facts, f"{prefix}summary"),
        _side_by_side(facts, f"{prefix}honest"),
        _results(facts, f"{prefix}results"),
        _runs(facts, f"{prefix}runs"),
        _method(facts, f"{prefix}method"),
    )
    return tuple(section for section in sections if section is not None)


def write_study_report(path: Path, facts: StudyFacts) -> None:
    """Write the report of a study.

    Raises:
        OutputError: if the place cannot be written.
        ValueError: if two sections have one anchor.
    """
    write_page(path, facts.name, study_sections(facts), subtitle=facts.question)


def _summary(facts: StudyFacts, anchor: str) -> Section:
    first, *others = facts.sentences or ("No run is finished.",)
    notices = tuple(
        Notice(f"Not among the results: {place_title(division, source)}: {reason}.")
        for division, source, reason in facts.skipped
    )
    blocks: list[Block] = [Paragraph(first, is_lead=True)]
    if others:
        blocks.append(Bullets(tuple(others)))
    if facts.rows:
        blocks.append(Figures((dots_figure(facts), *growth_figures(facts))))
    return Section("Summary", anchor, (*blocks, *notices))


def _side_by_side(facts: StudyFacts, anchor: str) -> Section | None:
    """The naive and the honest score of each source and variant; None with one kind only."""
    columns = {
        title: divisions
        for title, divisions in _COLUMNS.items()
        if any(row.division in divisions for row in facts.rows)
    }
    if len(columns) < 2:
        return None
    sources = sorted(dict.fromkeys(row.source for row in facts.rows), key="all".__eq__)
    rows = [
        [
            source if source != "all" else "all together",
            Cell(variant, colour=model_colour(facts.variants.index(variant))),
            *(_score(facts, source, variant, divisions) for divisions in columns.values()),
        ]
        for source in sources
        for variant in facts.variants
    ]
    caption = (
        "Accuracy with its 95% interval and the number of images it was measured on. A random "
        "division has copies of training photos, and photos of the same persons, among its test "
        "photos; a division by group has none; on a source that was left out everything is new."
    )
    shown = table(("Source", "Variant", *columns), rows, caption)
    numeric = (False, False, *(True for _ in columns))
    filled = Table(shown.columns, shown.rows, numeric, caption)
    return Section("The naive and the honest score", anchor, (filled,))


def _score(facts: StudyFacts, source: str, variant: str, divisions: tuple[str, ...]) -> Cell:
    for row in facts.rows:
        if (row.source, row.variant) == (source, variant) and row.division in divisions:
            note = f"{share_interval(row.ci95)}; n = {row.n:,}"
            return Cell(percent(row.accuracy), note, row.accuracy)
    return Cell("\N{EN DASH}")


def _results(facts: StudyFacts, anchor: str) -> Section:
    rows = [
        (
            place_title(*row.place),
            Cell(
                row.variant,
                f"{large(row.parameters)} parameters",
                colour=model_colour(facts.variants.index(row.variant)),
            ),
            Cell(percent(row.accuracy), share_interval(row.ci95), row.accuracy),
            _balanced(row),
            _difference(row),
            Cell(_range(row), counted(len(row.by_seed), "seed"), min(row.by_seed)),
            Cell(f"{row.n:,}", f"trained on {row.n_train:,}", row.n),
        )
        for place in facts.places
        for row in facts.rows
        if row.place == place
    ]
    columns = (
        "Photos", "Variant", "Accuracy", "Balanced", f"More than {facts.baseline}",
        "Seeds from, to", "Images",
    )  # fmt: skip
    caption = (
        f"Means over the seeds on the {_split(facts)} images, with 95% intervals: accuracy, and "
        "balanced accuracy, in which each class counts the same. Differences are points of "
        "accuracy, paired on the same images and seeds."
    )
    return Section("Results", anchor, (table(columns, rows, caption),))


def _balanced(row: StudyRow) -> Cell:
    if row.balanced is None:
        return Cell("\N{EN DASH}", "one class only")
    return Cell(percent(row.balanced), sort=row.balanced)


def _difference(row: StudyRow) -> Cell:
    if row.difference is None:
        return Cell("\N{EN DASH}")
    note = points_interval(row.difference_ci95)
    return Cell(signed_points(row.difference), note, row.difference)


def _range(row: StudyRow) -> str:
    low, high = percent(min(row.by_seed), unit=False), percent(max(row.by_seed))
    return f"{low} to {high}" if low != high.removesuffix("%") else high


def _runs(facts: StudyFacts, anchor: str) -> Section:
    rows = [
        (
            place_title(run.division, run.source),
            run.variant,
            run.seed,
            Cell(percent(run.accuracy), share_interval(run.ci95), run.accuracy),
            run.n_train,
            run.n_val,
            run.n,
            Cell(f"{run.best_epoch} of {run.epochs}", sort=run.best_epoch),
            Cell(duration(run.seconds), sort=run.seconds),
        )
        for run in facts.runs
    ]
    columns = (
        "Photos", "Variant", "Seed", "Accuracy", "Training", "Validation", "Judged", "Epoch kept",
        "Time",
    )  # fmt: skip
    total = sum(run.seconds for run in facts.runs)
    summary = f"{counted(len(rows), 'run')}, {duration(total)} of training"
    return Section("Runs", anchor, (Details(summary, (table(columns, rows),)),))


def _method(facts: StudyFacts, anchor: str) -> Section:
    divisions = dict.fromkeys(row.division for row in facts.rows)
    known: tuple[tuple[str, str], ...] = (
        ("Sources", ", ".join(facts.sources)),
        ("Photos, copies included", f"{facts.photos:,}"),
        ("Measured on", f"{_split(facts)} images"),
        ("Baseline", facts.baseline),
    )
    how = (
        "Seeds count as a distribution: the value is the mean over them, never the best. "
        "Intervals come from 1,000 resamples in which seeds, and groups of images that show one "
        "picture or one person, are drawn with replacement; with one seed they say nothing of "
        "what another seed would change."
    )
    titles = [f"{one}: {DIVISION_TITLES[one]}." for one in divisions]
    blocks = (Facts(known), Paragraph(how), Bullets(tuple(titles)))
    return Section("How it was measured", anchor, blocks)


def _split(facts: StudyFacts) -> str:
    return {"val": "validation"}.get(facts.judged_on, facts.judged_on)
