"""Slices in words and as a table in a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from facemask.evaluation.metrics import Metrics
from facemask.evaluation.slices import Slice, Slices
from facemask.evaluation.wording import interval, joined, kind_of, number, percent

SHOWN = 8
"""Slices in the terminal; the rest is in the JSON and the report."""

_ACCURACY = kind_of("accuracy")


def slices_text(slices: Slices) -> RenderableType:
    """The worst slices, and how many there are besides."""
    table = Table(title="Slices, the worst first", title_justify="left")
    for column in ("Slice", "n", "Accuracy", "95% interval", "Balanced accuracy"):
        table.add_column(column, justify="left" if column == "Slice" else "right")
    for one in slices.judged[:SHOWN]:
        # Names come from files, and rich would read [brackets] in them as markup.
        table.add_row(Text(one.label), *_cells(one.metrics))
    parts: list[RenderableType] = [table] if slices.judged else []
    return Group(*parts, *(Text(line, style="dim") for line in slice_sentences(slices)))


def slice_sentences(slices: Slices) -> tuple[str, ...]:
    """The worst slice against all images, what is not shown, and what the order means."""
    sentences = [worst_sentence(slices)]
    more = len(slices.judged) - SHOWN
    if more > 0:
        sentences.append(f"{more} more slices are in the report (-o) and in --json.")
    if slices.too_few:
        names = joined(f"{one.label} ({one.metrics.n:,})" for one in slices.too_few)
        sentences.append(f"Too few images to judge, under {slices.min_n}: {names}.")
    if slices.judged:
        sentences.append(RANKING)
    return tuple(sentences)


RANKING = (
    "Ordered by accuracy. Of many slices some look worse than they are by chance: about one "
    "interval in twenty misses the true value."
)


def worst_sentence(slices: Slices) -> str:
    """The worst slice, in numbers."""
    if not slices.judged:
        return f"No slice has the {slices.min_n} images that it takes to judge one."
    worst, whole = slices.judged[0], slices.whole.values["accuracy"] or 0.0
    if (worst.metrics.values["accuracy"] or 0.0) >= whole:
        return "No slice that can be judged is worse than all images together."
    bounds = worst.metrics.ci95["accuracy"]
    apart = bounds is not None and bounds[1] < whole
    verdict = "" if apart else "; that may be chance"
    return (
        f"Worst slice: {worst.label}: {number(_ACCURACY, worst.metrics.values['accuracy'])} of "
        f"{worst.metrics.n:,} images answered right (95% interval {interval(_ACCURACY, bounds)}), "
        f"against {percent(whole)} of all {slices.whole.n:,}{verdict}."
    )


def reasons(one: Slice) -> str:
    """Why a slice cannot be judged, or some of its metrics have no value; may be empty."""
    found = [f"too few to judge: {one.too_few}"] if one.too_few else []
    found += dict.fromkeys(one.metrics.undefined.values())
    return "; ".join(found)


def _cells(metrics: Metrics) -> tuple[str, str, str, str]:
    balanced = kind_of("balanced_accuracy")
    note = metrics.undefined.get("balanced_accuracy")
    return (
        f"{metrics.n:,}",
        number(_ACCURACY, metrics.values["accuracy"]),
        interval(_ACCURACY, metrics.ci95["accuracy"]),
        number(balanced, metrics.values["balanced_accuracy"]) + (f": {note}" if note else ""),
    )
