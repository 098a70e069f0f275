"""An audit as sections: what was found by each check, with the tables and images to judge it by."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from markupsafe import Markup

from facecover.copies.duplicates import KINDS
from facecover.errors import shown
from facecover.look.finding import Finding
from facecover.look.leakage import RANDOM, Leakage
from facecover.look.repeated_images import SAME_PICTURE
from facecover.look.shortcuts import CUE_WORDS, Shortcut
from facecover.look.suspect_images import REASONS
from facecover.report.audit_figures import (
    KIND_WORDS,
    PICTURES,
    Audited,
    conflict_rows,
    conflicts_figure,
    cue_words,
    duplicates_figure,
    largest_groups,
    outliers_gallery,
    shortcuts_figure,
    spread,
    strongest_first,
    suspects_gallery,
    twins_figures,
)
from facecover.report.blocks import (
    Block,
    Bullets,
    Card,
    Cards,
    Cell,
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
from facecover.text import counted, percent

PATTERNS = 12
PERSONS = 10
EXAMPLES = 3
"""Listed, at most."""

FOUND, FINE, NO_SPLIT, NOT_MEASURED = "found", "fine", "no split yet", "not measured"


_COLOURS = {FOUND: "warning", FINE: "model_1", NO_SPLIT: "muted", NOT_MEASURED: "line"}


def audit_sections(audited: Audited) -> tuple[Section, ...]:
    """The summary, and a section for each check."""
    findings = audited.found.findings
    sections = [_SECTIONS[one.key](audited, one, one.key) for one in findings]
    return (_summary(findings), *sections)


def audit_section(findings: Sequence[Finding], anchor: str) -> Section:
    """What an audit found, as one part of another page: warnings first, then the rest."""
    warnings = [told(one) for one in findings if one.is_warning]
    rest = tuple(shown(one.sentence) for one in findings if not one.is_warning)
    blocks: tuple[Block, ...] = (_cards(findings), *warnings)
    return Section("Audit", anchor, (*blocks, Bullets(rest)) if rest else blocks)


def write_audit_page(path: Path, audited: Audited) -> None:
    """Write an audit as one HTML file.

    Raises:
        OutputError: if the place cannot be written.
    """
    names = ", ".join(shown(name) for name in audited.table["source"].astype(str).unique())
    subtitle = f"An audit of {len(audited.table):,} labelled face photos: {names}."
    write_page(path, "What is wrong with the photos", audit_sections(audited), subtitle=subtitle)


def _summary(findings: Sequence[Finding]) -> Section:
    failed = sum(one.is_warning for one in findings)
    lead = f"{failed} of {len(findings)} checks found something that needs a look."
    if not failed:
        lead = f"None of {len(findings)} checks found anything that needs a look."
    return Section("Summary", "summary", (Paragraph(lead, is_lead=True), _cards(findings)))


def _cards(findings: Sequence[Finding]) -> Cards:
    return Cards(
        tuple(Card(one.title, *headline(one), colour=_COLOURS[state(one)]) for one in findings)
    )


def state(finding: Finding) -> str:
    """`FOUND`, `FINE`, `NOT_MEASURED`, or `NO_SPLIT`: what a random one would leak."""
    if not finding.is_measured:
        return NOT_MEASURED
    if finding.facts.get("split_by") == RANDOM:
        return NO_SPLIT
    return FOUND if finding.is_warning else FINE


def headline(finding: Finding) -> tuple[str, str]:
    """The key number of a finding, and what it counts together with its state."""
    if not finding.is_measured:
        return "\N{EN DASH}", NOT_MEASURED
    number, words = _HEADLINES[finding.key](finding)
    return number, f"{words}: {state(finding)}"


def _headline_of_duplicates(finding: Finding) -> tuple[str, str]:
    copies = finding.facts["images"] - finding.facts["pictures"]
    return percent(copies / finding.facts["images"]), f"{copies:,} of the images are copies"


def _headline_of_leakage(finding: Finding) -> tuple[str, str]:
    worst = max(finding.facts["splits"], key=lambda one: float(one["twin_share"]))
    words = f"of the {worst['split']} images have a twin in training"
    if finding.facts["split_by"] == RANDOM:
        words = "of the images would have a twin in training, if split at random"
    return percent(worst["twin_share"]), words


def _headline_of_conflicts(finding: Finding) -> tuple[str, str]:
    return f"{finding.facts['pictures']:,}", "pictures with several labels"


def _headline_of_shortcuts(finding: Finding) -> tuple[str, str]:
    strongest = max(finding.facts["cues"], key=lambda one: float(one["balanced_accuracy"]))
    return percent(strongest["accuracy"], 0), "of the labels follow from " + (
        "what is not the face" if strongest["cue"] == "together" else CUE_WORDS[strongest["cue"]]
    )


def _headline_of_suspects(finding: Finding) -> tuple[str, str]:
    return f"{finding.facts['suspects']:,}", "labels that networks contradict"


def _headline_of_outliers(finding: Finding) -> tuple[str, str]:
    return f"{finding.facts['outliers']:,}", "images that are hardly one face"


_HEADLINES = {
    "duplicates": _headline_of_duplicates,
    "leakage": _headline_of_leakage,
    "conflicts": _headline_of_conflicts,
    "shortcuts": _headline_of_shortcuts,
    "suspects": _headline_of_suspects,
    "outliers": _headline_of_outliers,
}


def told(finding: Finding) -> Notice:
    """A finding's sentence; a warning where it failed."""
    return Notice(shown(finding.sentence), is_warning=finding.is_warning)


def breakable(text: str) -> Markup:
    """A name that may be broken anywhere, so that a table of names fits a phone."""
    return Markup('<span style="overflow-wrap:anywhere">{}</span>').format(text)


def duplicates_section(audited: Audited, finding: Finding, anchor: str) -> Section:
    """Counts by kind, how copies spread over sources, and pairs picked at random."""
    blocks: list[Block] = [told(finding)]
    pairs = audited.found.duplicates.pairs
    if len(pairs):
        blocks += [
            Paragraph(
                "Copies count one picture several times, and a copy in another split gives the "
                "answer away. prepare keeps the largest image of every picture, and puts edits "
                "of one picture into one split."
            ),
            on_page(Paragraph("All of them: duplicates.csv.")),
            _kinds_table(finding),
            _largest_table(audited),
        ]
        if audited.table["source"].nunique() > 1:
            blocks.append(_sources_table(audited))
        blocks.append(
            Figures(
                tuple(
                    duplicates_figure(audited, kind) for kind in KINDS if kind in set(pairs["kind"])
                )
            )
        )
    return Section("Duplicates", anchor, tuple(blocks))


def _kinds_table(finding: Finding) -> Table:
    rows = [(kind, KIND_WORDS[kind], finding.facts["pairs"][kind]) for kind in KINDS]
    caption = "Pairs that were found; a copy of the same pixels is counted with its first only."
    return table(("Kind", "What it means", "Pairs"), rows, caption)


def _largest_table(audited: Audited) -> Table:
    rows = [
        (
            breakable(audited.name(rows[0])),
            ", ".join(sorted({audited.label(row) for row in rows})),
            len(rows),
        )
        for _, rows in largest_groups(audited, 5)
    ]
    caption = "The pictures with the most images."
    return table(("First of them", "Labels", "Images"), rows, caption, is_sortable=False)


def _sources_table(audited: Audited) -> Table:
    """How many pictures two sources share; on the diagonal, how many a source has twice."""
    sources = list(dict.fromkeys(audited.table["source"].astype(str)))
    group = audited.found.duplicates.group
    names = audited.table["source"].astype(str).to_numpy()
    counts = np.stack(
        [np.bincount(group[names == source], minlength=group.max() + 1) for source in sources]
    )
    has = (counts > 0).astype(np.int64)
    shared = has @ has.T
    np.fill_diagonal(shared, (counts > 1).sum(axis=1))
    rows = [
        (shown(source), *(int(count) for count in line))
        for source, line in zip(sources, shared, strict=True)
    ]
    caption = (
        "Pictures that stand in both sources; where row and column are one source, pictures that "
        "stand in it several times."
    )
    return table(("Source", *(shown(source) for source in sources)), rows, caption)


def leakage_section(audited: Audited, finding: Finding, anchor: str) -> Section:
    """Shares by split, persons on both sides, the patterns recognised, and twins."""
    leakage = audited.found.leakage
    blocks: list[Block] = [told(finding)]
    if leakage is not None:
        blocks.append(Paragraph(_meaning(leakage)))
        if leakage.split_by != RANDOM:
            each = "Each such image and the one that it repeats: leakage.csv."
            blocks.append(on_page(Paragraph(each)))
        blocks.append(splits_table(leakage))
    if audited.found.identities.patterns:
        blocks.append(_patterns_table(audited))
    if leakage is not None:
        persons = _persons_table(audited)
        blocks += [persons] if persons.rows else []
        blocks += twins_figures(audited)
    return Section("Leakage", anchor, tuple(blocks))


def splits_table(leakage: Leakage) -> Table:
    """What each held-out split shares with the training split."""
    rows = [
        (
            leak.split,
            leak.images,
            Cell(percent(leak.twin_share), counted(leak.twins + leak.edited, "image"),
                 leak.twin_share),
            leak.edited,
            leak.identities if leak.identities else None,
            Cell(percent(leak.shared_identity_share, 0), counted(leak.shared_identities, "person"),
                 leak.shared_identity_share)
            if leak.identities
            else None,
        )
        for leak in leakage.splits
    ]  # fmt: skip
    columns = (
        "Split", "Images", "With a twin in training", "Of them edits",
        "Persons named", "Also in training",
    )  # fmt: skip
    return table(columns, rows, "What held-out images share with training images.")


def _meaning(leakage: Leakage) -> str:
    harm = (
        "A network that remembers a training image answers its twin rightly without having "
        "learned anything, so the figures on such a split are too good."
    )
    if leakage.split_by == RANDOM:
        return (
            f"The data brings no split, so this is what a random one would leak. {harm} prepare "
            "splits by picture and person instead, and leaks neither."
        )
    return harm


def _patterns_table(audited: Audited) -> Table:
    patterns = audited.found.identities.patterns
    rows = [
        (
            Cell(breakable(shown(one.pattern)), shown(one.source)),
            "names a person" if one.identities else "counts",
            one.files,
            one.identities if one.identities else None,
            Cell(breakable(shown(one.example))),
        )
        for one in patterns[:PATTERNS]
    ]
    first = f"the first {PATTERNS} of " if len(patterns) > PATTERNS else ""
    caption = f"Patterns recognised in file names: {first}{len(patterns)}."
    return table(("Pattern", "What it does", "Files", "Persons", "For example"), rows, caption)


def _persons_table(audited: Audited) -> Table:
    """The persons with the most images among those who stand on both sides."""
    persons = audited.found.identities.identity.reset_index(drop=True)
    named = pd.DataFrame({"person": persons, "split": audited.found.splits.to_numpy()}).dropna()
    counts = named.groupby(["person", "split"]).size().unstack(fill_value=0)
    for name in ("train", "val", "test"):
        if name not in counts:
            counts[name] = 0
    both = counts[(counts["train"] > 0) & (counts["val"] + counts["test"] > 0)]
    both = both.iloc[np.argsort(-both.sum(axis=1).to_numpy(), kind="stable")[:PERSONS]]
    rows = [
        (shown(str(person)), *(int(line[name]) for name in ("train", "val", "test")))
        for person, line in both.iterrows()
    ]
    caption = "Persons, by file name, who stand on both sides; those with the most images."
    return table(("Person", "Training", "Validation", "Test"), rows, caption)


def conflicts_section(audited: Audited, finding: Finding, anchor: str) -> Section:
    """Each picture with several labels, its images side by side."""
    blocks: list[Block] = [told(finding)]
    if audited.found.conflicts.count(SAME_PICTURE):
        blocks.append(
            Paragraph(
                "A face cannot be covered and bare at once, so one of the labels is wrong. "
                "Correct it in conflicts.csv (label, who, when, why) and give the file to "
                "--relabel. What is left, prepare settles: two thirds of a picture's files must "
                "agree, or the picture goes."
            )
        )
    figures = [
        conflicts_figure(audited, relation)
        for relation in PICTURES
        if audited.found.conflicts.count(relation)
    ]
    blocks += [Figures(tuple(figures))] if figures else []
    examples = [
        (number, audited.label(row), breakable(audited.name(row)))
        for number, rows in conflict_rows(audited, SAME_PICTURE, EXAMPLES)
        for row in spread(audited, rows, 2)
    ]
    blocks += [in_terminal(table(("No.", "Label", "Photo"), examples))] if examples else []
    return Section("Conflicts", anchor, tuple(blocks))


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
            Cell(percent(one.majority_share, 0), sort=one.majority_share),
        )
        for one in strongest_first(shortcuts)
    ]
    columns = ("Cue", "Accuracy", "Mean over classes", "Always the larger class")
    return table(columns, rows, "With 95% intervals; warnings are marked.")


def _share(value: float, low: float, high: float) -> Cell:
    return Cell(percent(value), f"{percent(low)} to {percent(high)}", value)


def suspects_section(audited: Audited, finding: Finding, anchor: str) -> Section:
    """The labels that networks contradict, the worst first."""
    blocks: list[Block] = [told(finding)]
    suspects = audited.found.suspects
    if suspects is not None and len(suspects):
        blocks.append(
            Paragraph(
                "Networks that had seen neither the image nor anything of its group contradict "
                "these labels (confident learning on out-of-fold probabilities). It is a worklist "
                "and no verdict: look at each, correct the label in suspects.csv, fill in who, "
                "when and why, and give the file to --relabel. No photo is touched."
            )
        )
        examples = suspects[["row", "label", "suggested", "probability"]].head(EXAMPLES)
        rows = [
            (breakable(audited.name(row)), label, suggested, percent(probability, 0))
            for row, label, suggested, probability in examples.itertuples(index=False)
        ]
        columns = ("Worst first", "Label", "Suggested", "Probability")
        blocks += [suspects_gallery(audited, suspects), in_terminal(table(columns, rows))]
    return Section("Suspicious labels", anchor, tuple(blocks))


def outliers_section(audited: Audited, finding: Finding, anchor: str) -> Section:
    """The images that are hardly one face, by reason, the worst first."""
    blocks: list[Block] = [told(finding)]
    outliers = audited.found.outliers
    if len(outliers):
        blocks.append(
            Paragraph(
                "Crowds, scenes, blank and tiny images: a classifier of faces learns nothing "
                "right from them. Cut out the faces, or leave the photos away. Unusual faces "
                "stand among them too, so look before you drop."
            )
        )
        blocks.append(on_page(Paragraph("All of them: outliers.csv.")))
        blocks += [gallery for reason in REASONS if (gallery := outliers_gallery(audited, reason))]
        examples = outliers[["row", "reasons"]].head(EXAMPLES).itertuples(index=False)
        rows = [(breakable(audited.name(row)), reasons) for row, reasons in examples]
        blocks.append(in_terminal(table(("Worst first", "Why"), rows)))
    return Section("Outliers", anchor, tuple(blocks))


_SECTIONS: dict[str, Callable[[Audited, Finding, str], Section]] = {
    "duplicates": duplicates_section,
    "leakage": leakage_section,
    "conflicts": conflicts_section,
    "shortcuts": shortcuts_section,
    "suspects": suspects_section,
    "outliers": outliers_section,
}
