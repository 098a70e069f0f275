"""Robustness as a table in a terminal, and in sentences."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from facemask.evaluation.robustness_facts import KindResult, Ratio, Robustness
from facemask.evaluation.wording import interval, joined, kind_of, percent

_WORST_NAMED = 3


def robustness_text(robustness: Robustness) -> RenderableType:
    """Accuracy by kind and severity, the worst kind first, and what limits the figures."""
    clean = robustness.clean
    title = f"Accuracy on {clean.n:,} spoilt images (as they are: {percent(clean.accuracy)})"
    table = Table(title=title, title_justify="left")
    table.add_column("Corruption")
    most = max(len(kind.severities) for kind in robustness.kinds)
    for severity in range(1, most + 1):
        table.add_column(str(severity), justify="right")
    for column in ("Mean", "Answers changed", *(["Error ratio"] if robustness.reference else [])):
        table.add_column(column, justify="right")
    for kind in robustness.kinds:
        cells = [percent(one.accuracy) for one in kind.severities]
        row = [*cells, *[""] * (most - len(cells)), percent(kind.mean_accuracy)]
        row.append(percent(kind.mean_flip_rate))
        if robustness.reference:
            row.append(ratio(kind.ce))
        table.add_row(kind.kind.title, *row)
    lines = (*robustness_sentences(robustness), origin(robustness))
    return Group(table, *(Text(line, style="dim") for line in lines))


def robustness_sentences(robustness: Robustness) -> tuple[str, ...]:
    """The worst kinds, and how the model stands to the reference."""
    clean = robustness.clean
    as_they_are = (
        f"As they are {percent(clean.accuracy)} of the images are answered right "
        f"(95% interval {bounds(clean.accuracy_ci95)}); "
    )
    lower = [kind for kind in robustness.kinds if _worst(kind) < clean.accuracy]
    if not lower:
        return (f"{as_they_are}no corruption lowers that.", _against_reference(robustness))
    named = joined(f"{kind.kind.title} ({percent(_worst(kind))})" for kind in lower[:_WORST_NAMED])
    falls = f"it falls most under {named}, at the worst severity of each."
    return (as_they_are + falls, _against_reference(robustness))


def _worst(kind: KindResult) -> float:
    return min(one.accuracy for one in kind.severities)


def _against_reference(robustness: Robustness) -> str:
    mce, name = robustness.mce, robustness.reference
    if not name:
        return f"There is no mean corruption error: {mce.undefined}."
    if mce.value is None:
        return f"The mean corruption error against {name} is undefined: {mce.undefined}."
    low, high = mce.ci95 or (mce.value, mce.value)
    between = f" (95% interval {low:.2f} to {high:.2f})" if mce.ci95 else ""
    verdict = "it errs less than" if high < 1 else "it errs more than" if low > 1 else "no clear"
    if verdict == "no clear" or mce.ci95 is None:
        verdict = "no clear difference from"
    return f"Mean corruption error against {name}: {mce.value:.2f}{between}: {verdict} {name}."


def origin(robustness: Robustness) -> str:
    """Where the figures come from: the images' size, the seed, the resamples."""
    n, n_units = robustness.clean.n, robustness.n_units
    drawn = "images" if n == n_units else f"{n_units:,} groups of images"
    return (
        f"Images were spoilt at {robustness.size_px} x {robustness.size_px} pixels, seed "
        f"{robustness.seed}, then brought to the model's size. Intervals: "
        f"{robustness.resamples:,} bootstrap resamples of {drawn}."
    )


def ratio(error: Ratio) -> str:
    """A corruption error: ``0.87``, or ``undefined``."""
    return "undefined" if error.value is None else f"{error.value:.2f}"


def bounds(ci95: tuple[float, float]) -> str:
    """The interval of a share: ``96.4 to 98.0``."""
    return interval(kind_of("accuracy"), ci95)
