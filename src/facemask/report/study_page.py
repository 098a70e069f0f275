"""A study as one page."""

from pathlib import Path

from facemask.evaluation.wording import percent
from facemask.report.blocks import (
    Block,
    Bullets,
    Cell,
    Details,
    Facts,
    Figures,
    Notice,
    Paragraph,
    Section,
    Table,
    table,
)
from facemask.report.page import write_page
from facemask.report.study_facts import DIVISION_TITLES, StudyFacts, StudyRow, place_title
from facemask.report.study_figures import dots_figure, growth_figures
from facemask.report.study_text import points_interval, share_interval, signed_points
from facemask.report.style import model_colour
from facemask.report.words import counted, duration, large

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
