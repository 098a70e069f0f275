"""A study's answer in a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from facemask.evaluation.exact import Interval
from facemask.evaluation.wording import percent
from facemask.report.study_facts import StudyFacts, StudyRow, place_title
from facemask.report.words import counted

_DASH = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"


def study_text(facts: StudyFacts) -> RenderableType:
    """A row for each variant at each place, and the answer below it."""
    # Names come from files, and rich would read [brackets] in them as markup.
    table = Table(title=Text(f"{facts.name}: {_seeds(facts)}"), title_justify="left")
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
