"""A network's layer table for the terminal."""

from collections.abc import Callable, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from facecover.copies.duplicates import KINDS
from facecover.errors import shown
from facecover.look.exploration import Exploration
from facecover.look.finding import Finding
from facecover.look.repeated_images import SAME_PICTURE
from facecover.report.audit_sections import (
    FINE,
    FOUND,
    NO_SPLIT,
    NOT_MEASURED,
    Audited,
    conflict_rows,
    cue_words,
    largest_groups,
    spread,
    state,
    strongest_first,
)
from facecover.text import percent

_EXAMPLES = 3
_PATTERNS = 5
_NAME_LENGTH = 60

_MARKS = {
    FOUND: ("!", "bold yellow"),
    FINE: ("\N{CHECK MARK}", "bold green"),
    NO_SPLIT: ("-", "bold"),
    NOT_MEASURED: ("?", "dim"),
}


def audit_text(audited: Audited) -> RenderableType:
    """Every finding with its key numbers."""
    blocks: list[RenderableType] = []
    for finding in audited.found.findings:
        details = _DETAILS[finding.key](audited, finding) if finding.is_measured else []
        blocks += [
            *_head(finding),
            *(Padding(one, (0, 0, 0, 4), expand=False) for one in details),
            Text(),
        ]
    return Group(*blocks[:-1])


def findings_text(findings: Sequence[Finding]) -> RenderableType:
    """Every finding as a sentence."""
    lines = [line for one in findings for line in _head(one)]
    return Group(Text("Audit", style="italic"), *lines)


def _head(finding: Finding) -> list[RenderableType]:
    mark, style = _MARKS[state(finding)]
    title = Text.assemble((mark, style), " ", (finding.title, "bold"))
    return [title, Padding(Text(shown(finding.sentence)), (0, 0, 0, 2), expand=False)]


def _grid(columns: Sequence[str], numeric: int) -> Table:
    """A table without lines whose last so many columns are numbers."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, name in enumerate(columns):
        is_number = place >= len(columns) - numeric
        table.add_column(name, justify="right" if is_number else "left", no_wrap=is_number)
    return table


def _duplicates(audited: Audited, finding: Finding) -> list[RenderableType]:
    pairs = finding.facts["pairs"]
    if not any(pairs.values()):
        return []
    told = ", ".join(f"{pairs[kind]:,} {kind}" for kind in KINDS if pairs[kind])
    table = _grid(("Largest groups", "Images"), 1)
    for _, rows in largest_groups(audited, _EXAMPLES):
        table.add_row(Text(_short(audited.name(rows[0]))), f"{len(rows):,}")
    lines: list[RenderableType] = [Text(f"Pairs: {told}.")]
    return [*lines, table] if table.row_count else lines


def _leakage(_: Audited, finding: Finding) -> list[RenderableType]:
    columns = ("Split", "Images", "With a twin", "Of them edits", "Persons", "In training too")
    table = _grid(columns, 5)
    for leak in finding.facts["splits"]:
        persons = leak["identities"]
        table.add_row(
            leak["split"],
            f"{leak['images']:,}",
            f"{leak['twin_share']:.1%}",
            f"{leak['edited_copies_in_training']:,}",
            f"{persons:,}" if persons else "-",
            f"{leak['identities_in_training']:,}" if persons else "-",
        )
    patterns = finding.facts["patterns"]
    if not patterns:
        return [table]
    names = _grid(("Pattern in file names", "Tells", "Source", "Files", "Persons"), 2)
    for one in patterns[:_PATTERNS]:
        persons = f"{one['identities']:,}" if one["identities"] else "-"
        tells = "a person" if one["identities"] else "a count"
        cells = (Text(_short(one["pattern"])), tells, Text(shown(one["source"])))
        names.add_row(*cells, f"{one['files']:,}", persons)
    more = len(patterns) - _PATTERNS
    return [table, names, *([Text(f"and {more:,} more patterns", style="dim")] if more > 0 else [])]


def _conflicts(audited: Audited, _: Finding) -> list[RenderableType]:
    lines: list[RenderableType] = []
    for place, rows in conflict_rows(audited, SAME_PICTURE, _EXAMPLES):
        for row in spread(audited, rows, 2):
            lines.append(Text(f"{place}: {audited.label(row)}: {_short(audited.name(row))}"))
    return lines


def _shortcuts(audited: Audited, _: Finding) -> list[RenderableType]:
    table = _grid(("Cue", "Accuracy", "95% interval", "Mean over classes", "Larger class"), 4)
    for one in strongest_first(audited.found.shortcuts):
        table.add_row(
            Text(f"{'!' if one.is_warning else ' '} {cue_words(one.cue)}"),
            f"{one.accuracy:.1%}",
            f"{one.accuracy_low:.1%} to {one.accuracy_high:.1%}",
            f"{one.balanced_accuracy:.1%}",
            f"{one.majority_share:.1%}",
        )
    return [table]


def _suspects(audited: Audited, _: Finding) -> list[RenderableType]:
    suspects = audited.found.suspects
    if suspects is None or suspects.empty:
        return []
    table = _grid(("Worst first", "Label", "Suggested", "Probability"), 1)
    wanted = suspects[["row", "label", "suggested", "probability"]].head(_EXAMPLES)
    for row, label, suggested, probability in wanted.itertuples(index=False):
        table.add_row(Text(_short(audited.name(row))), label, suggested, f"{probability:.0%}")
    return [table]


def _outliers(audited: Audited, _: Finding) -> list[RenderableType]:
    outliers = audited.found.outliers
    if outliers.empty:
        return []
    table = _grid(("Worst first", "Why"), 0)
    for row, reasons in outliers[["row", "reasons"]].head(_EXAMPLES).itertuples(index=False):
        table.add_row(Text(_short(audited.name(row))), reasons)
    return [table]


def _short(name: str) -> str:
    """A name in one line, its start left out if it is long: the end tells files apart."""
    name = shown(name)
    return name if len(name) <= _NAME_LENGTH else f"...{name[3 - _NAME_LENGTH :]}"


_DETAILS: dict[str, Callable[[Audited, Finding], list[RenderableType]]] = {
    "duplicates": _duplicates,
    "leakage": _leakage,
    "conflicts": _conflicts,
    "shortcuts": _shortcuts,
    "suspects": _suspects,
    "outliers": _outliers,
}


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
    for insight in exploration.findings:
        mark = Text("!", style="yellow") if insight.is_warning else Text("-")
        grid.add_row(mark, Text.assemble((insight.title, "bold"), ". ", insight.sentence))
        grid.add_row("", Text(insight.reason, style="dim"))
    return Group(Text("Key insights", style="italic"), grid)
