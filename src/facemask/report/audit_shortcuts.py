"""The part of an audit's page about what tells the label without the face."""

from collections.abc import Sequence

from matplotlib.figure import Figure as Drawing

from facemask.data.audit.finding import Finding
from facemask.data.audit.shortcuts import Shortcut
from facemask.report.audit_material import Audited, told
from facemask.report.audit_words import cue_words
from facemask.report.blocks import Block, Bullets, Cell, Figure, Figures, Paragraph, Section, Table
from facemask.report.blocks import table as table_of
from facemask.report.drawing import DASHED, percent_axes
from facemask.report.picture import draw
from facemask.report.style import WIDE_SIZE, colour


def shortcuts_section(audited: Audited, finding: Finding, anchor: str) -> Section:
    """Each cue against guessing, as a drawing, a table and sentences."""
    shortcuts = audited.found.shortcuts
    blocks: list[Block] = [told(finding)]
    if shortcuts:
        # The strongest warning stands above already.
        more = [one for one in strongest_first(shortcuts) if one.is_warning][1:]
        blocks += [
            Paragraph(
                "A small model was asked for the label of pictures and persons that it had not "
                "seen, from each of these cues alone. A network finds them too. Where a cue is "
                "far above guessing, test on a source that was collected in another way "
                "(prepare --split-by source), or bring both classes in from every source."
            ),
            Figures((shortcuts_figure(shortcuts),)),
            shortcuts_table(shortcuts),
        ]
        blocks += [Bullets(tuple(one.sentence for one in more))] if more else []
    return Section("Shortcuts", anchor, tuple(blocks))


def shortcuts_table(shortcuts: Sequence[Shortcut]) -> Table:
    """The figures of each cue, the strongest first."""
    rows = [
        (
            Cell(cue_words(one.cue), colour="warning" if one.is_warning else "muted"),
            _share(one.accuracy, one.accuracy_low, one.accuracy_high),
            _share(one.balanced_accuracy, one.balanced_low, one.balanced_high),
            Cell(f"{one.majority_share:.0%}", sort=one.majority_share),
        )
        for one in strongest_first(shortcuts)
    ]
    columns = ("Cue", "Accuracy", "Mean over classes", "Always the larger class")
    return table_of(columns, rows, "With 95% intervals; an orange dot marks a warning.")


def strongest_first(shortcuts: Sequence[Shortcut]) -> list[Shortcut]:
    """Shortcuts by balanced accuracy."""
    return sorted(shortcuts, key=lambda one: -one.balanced_accuracy)


def shortcuts_figure(shortcuts: Sequence[Shortcut]) -> Figure:
    """Accuracy with its interval by cue, against always answering the larger class."""
    ordered = strongest_first(shortcuts)[::-1]
    majority = ordered[0].majority_share

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        axes.axvline(majority, color=colour("muted"), linewidth=1, linestyle=DASHED)
        for place, one in enumerate(ordered):
            tone = colour("warning" if one.is_warning else "accent")
            axes.plot([one.accuracy_low, one.accuracy_high], [place, place], color=tone)
            axes.plot(one.accuracy, place, marker="o", color=tone)
        axes.set_yticks(range(len(ordered)), [cue_words(one.cue) for one in ordered])
        axes.grid(visible=False, axis="y")
        lowest = min(majority, *(one.accuracy_low for one in ordered))
        percent_axes(axes, x=(min(0.4, lowest), 1))
        axes.set_xlabel("Accuracy on unseen pictures and persons")

    figures = "; ".join(f"{cue_words(one.cue)} {one.accuracy:.0%}" for one in reversed(ordered))
    caption = (
        f"The dashed line is what always answering the larger class scores ({majority:.0%}). "
        "Orange: a warning. Bars are 95% intervals over groups of images."
    )
    size = (WIDE_SIZE[0], 0.32 * len(ordered) + 0.8)
    alt = f"Accuracy of the label from each cue alone: {figures}. Larger class: {majority:.0%}."
    return Figure(draw(plot, alt, size), "The label without the face", caption, is_wide=True)


def _share(value: float, low: float, high: float) -> Cell:
    return Cell(f"{value:.1%}", f"{low:.1%} to {high:.1%}", value)
