"""The part of an audit's page about what tells the label without the face."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure as Drawing

from facecover.copies.duplicates import EDITED, KINDS
from facecover.dataset.arrays import Images
from facecover.errors import shown
from facecover.labels import class_name
from facecover.look.audit_checks import Audit
from facecover.look.audit_tables import SAME_GROUP, SAME_PERSON, leaks
from facecover.look.finding import Finding
from facecover.look.leakage import RANDOM, Leakage
from facecover.look.repeated_images import EDITED_COPY, SAME_PICTURE
from facecover.look.shortcuts import CUE_WORDS, Shortcut
from facecover.look.suspect_images import REASONS
from facecover.report.blocks import (
    Block,
    Bullets,
    Cell,
    Figure,
    Figures,
    Gallery,
    Notice,
    Paragraph,
    Section,
    Table,
    Tile,
    table,
)
from facecover.report.blocks import table as table_of
from facecover.report.plotting import (
    DASHED,
    WIDE_SIZE,
    class_colour,
    colour,
    draw,
    percent_axes,
    photo,
)
from facecover.text import counted, percent

PHOTO_PX = 76
"""Photos stand on the page at this size, so that a phone shows two pairs side by side."""

_GAP_PX = 6


@dataclass(frozen=True)
class Audited:
    """Samples and their audit.

    Attributes:
        table: the samples, numbered from 0, with the columns of `manifest.COLUMNS`.
        images: ``uint8 (N, 64, 64, 3)``, RGB.
        found: their audit.
        seed: of what is picked at random to be shown.
    """

    table: pd.DataFrame
    images: Images
    found: Audit
    seed: int = 0

    def label(self, row: int) -> str:
        """The class name of a sample."""
        return class_name(int(self.table["label"].iloc[row]))

    def name(self, row: int) -> str:
        """The source and path of a sample, as they can stand in a line."""
        source, path = (str(self.table[column].iloc[row]) for column in ("source", "path"))
        return f"{shown(source)}/{shown(path)}"

    def file_name(self, row: int) -> str:
        """The last part of a sample's path."""
        return shown(str(self.table["path"].iloc[row]).rpartition("/")[2])

    def finding(self, check: str) -> Finding | None:
        """What a check found, or None if it was not asked for."""
        return next((one for one in self.found.findings if one.key == check), None)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Photos that are shown side by side, such as a pair.

    Attributes:
        rows: in the table.
        title: the text below them, over their names; may be empty.
        notes: a word for each photo after its label, or none.
    """

    rows: tuple[int, ...]
    title: str = ""
    notes: tuple[str, ...] = ()


def clusters_figure(
    audited: Audited, clusters: Sequence[Cluster], title: str, caption: str
) -> Figure:
    """Clusters of photos, each photo with the colour and the name of its label."""
    frame = Markup('<div style="display:flex;flex-wrap:wrap;gap:1rem 14px">{}</div>')
    parts = Markup("").join(_cluster(audited, cluster) for cluster in clusters)
    return Figure(frame.format(parts), title, caption, is_wide=True)


def told(finding: Finding) -> Notice:
    """A finding's sentence; a warning where it failed."""
    return Notice(shown(finding.sentence), is_warning=finding.is_warning)


def breakable(text: str) -> Markup:
    """A name that may be broken anywhere, so that a table of names fits a phone."""
    return Markup('<span style="overflow-wrap:anywhere">{}</span>').format(text)


def _cluster(audited: Audited, cluster: Cluster) -> Markup:
    notes = cluster.notes or ("",) * len(cluster.rows)
    photos = Markup("").join(
        _photo(audited, row, note) for row, note in zip(cluster.rows, notes, strict=True)
    )
    title = Markup('<p class="tile-title">{}</p>').format(cluster.title) if cluster.title else ""
    # In one line each, cut off where it is too long; the photo's hint has the whole name.
    names = Markup("").join(
        Markup('<p class="tile-note">{}</p>').format(audited.file_name(row)) for row in cluster.rows
    )
    width = max(2, len(cluster.rows)) * (PHOTO_PX + _GAP_PX) - _GAP_PX
    template = Markup(
        '<div style="width:{}px;max-width:100%">'
        '<div style="display:flex;flex-wrap:wrap;gap:{}px">{}</div>{}{}</div>'
    )
    return template.format(width, _GAP_PX, photos, title, names)


def _photo(audited: Audited, row: int, note: str) -> Markup:
    label, name = audited.label(row), audited.name(row)
    image = photo(audited.images[row], f"{label}: {name}")
    template = Markup(
        '<div style="width:{0}px" title="{1}">'
        '<div style="zoom:{2};border-bottom:3px solid var(--{3})">{4}</div>'
        '<span class="cell-note">{5}</span></div>'
    )
    breaking = label.replace("_", "_\N{ZERO WIDTH SPACE}")  # a phone has no room for the longest
    words = Markup("{}<br>{}").format(breaking, note) if note else breaking
    zoom = PHOTO_PX / audited.images.shape[1]
    return template.format(
        PHOTO_PX, name, zoom, class_colour(label).replace("_", "-"), image, words
    )


FOUND, FINE, NO_SPLIT, NOT_MEASURED = "found", "fine", "no split yet", "not measured"


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


def cue_words(cue: str) -> str:
    """A cue of `CUE_WORDS` as a list or a drawing has it."""
    return "all of this together" if cue == "together" else CUE_WORDS[cue].removeprefix("the ")


def _duplicates(finding: Finding) -> tuple[str, str]:
    copies = finding.facts["images"] - finding.facts["pictures"]
    return percent(copies / finding.facts["images"]), f"{copies:,} of the images are copies"


def _leakage(finding: Finding) -> tuple[str, str]:
    worst = max(finding.facts["splits"], key=lambda one: float(one["twin_share"]))
    words = f"of the {worst['split']} images have a twin in training"
    if finding.facts["split_by"] == RANDOM:
        words = "of the images would have a twin in training, if split at random"
    return f"{worst['twin_share']:.1%}", words


def _conflicts(finding: Finding) -> tuple[str, str]:
    return f"{finding.facts['pictures']:,}", "pictures with several labels"


def _shortcuts(finding: Finding) -> tuple[str, str]:
    strongest = max(finding.facts["cues"], key=lambda one: float(one["balanced_accuracy"]))
    return f"{strongest['accuracy']:.0%}", "of the labels follow from " + (
        "what is not the face" if strongest["cue"] == "together" else CUE_WORDS[strongest["cue"]]
    )


def _suspects(finding: Finding) -> tuple[str, str]:
    return f"{finding.facts['suspects']:,}", "labels that networks contradict"


def _outliers(finding: Finding) -> tuple[str, str]:
    return f"{finding.facts['outliers']:,}", "images that are hardly one face"


_HEADLINES = {
    "duplicates": _duplicates,
    "leakage": _leakage,
    "conflicts": _conflicts,
    "shortcuts": _shortcuts,
    "suspects": _suspects,
    "outliers": _outliers,
}


SUSPECTS = 48
OUTLIERS_A_REASON = 16


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
        blocks.append(_suspects_gallery(audited))
    return Section("Suspicious labels", anchor, tuple(blocks))


def outliers_section(audited: Audited, finding: Finding, anchor: str) -> Section:
    """The images that are hardly one face, by reason, the worst first."""
    blocks: list[Block] = [told(finding)]
    if len(audited.found.outliers):
        blocks.append(
            Paragraph(
                "Crowds, scenes, blank and tiny images: a classifier of faces learns nothing "
                "right from them. Cut out the faces, or leave the photos away. Unusual faces "
                "stand among them too, so look before you drop. All of them: outliers.csv."
            )
        )
        blocks += [gallery for reason in REASONS if (gallery := _outliers_gallery(audited, reason))]
    return Section("Outliers", anchor, tuple(blocks))


def _suspects_gallery(audited: Audited) -> Gallery:
    suspects = audited.found.suspects
    if suspects is None:
        return Gallery(())
    tiles = [
        Tile(
            photo(audited.images[row], f"Labelled {label}, networks say {suggested}"),
            f"{label}",
            f"{suggested} {probability:.0%}",
            audited.name(row),
            class_colour(label),
        )
        for row, label, suggested, probability in suspects[
            ["row", "label", "suggested", "probability"]
        ]
        .head(SUSPECTS)
        .itertuples(index=False)
    ]
    caption = (
        f"{len(tiles):,} of {len(suspects):,}, the worst first. The label that the image has; "
        "below it the label suggested, with its probability."
    )
    return Gallery(tuple(tiles), caption)


def _outliers_gallery(audited: Audited, reason: str) -> Gallery | None:
    outliers = audited.found.outliers
    some = outliers[outliers["reasons"].str.contains(reason, regex=False).to_numpy(dtype=bool)]
    rows = some["row"].to_numpy(np.int64)
    if not len(rows):
        return None
    sizes = audited.table[["width", "height"]].to_numpy(np.int64)
    tiles = [
        Tile(
            photo(audited.images[row], f"{audited.label(row)}: {reason}"),
            audited.label(row),
            "{:,} x {:,} pixels".format(*sizes[row]),
            audited.name(row),
            class_colour(audited.label(row)),
        )
        for row in rows[:OUTLIERS_A_REASON].tolist()
    ]
    caption = f"{reason.capitalize()}: {len(tiles):,} of {len(rows):,}, the worst first."
    return Gallery(tuple(tiles), caption)


PICTURES = {SAME_PICTURE: 24, EDITED_COPY: 8}
"""Conflicts shown of each relation."""

PHOTOS_A_PICTURE = 4

_TITLES = {
    SAME_PICTURE: "One picture, several labels",
    EDITED_COPY: "Edits of one picture under different labels",
}


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
        _conflict_gallery(audited, relation)
        for relation in PICTURES
        if audited.found.conflicts.count(relation)
    ]
    blocks += [Figures(tuple(figures))] if figures else []
    return Section("Conflicts", anchor, tuple(blocks))


def conflict_rows(audited: Audited, relation: str, most: int) -> list[tuple[int, list[int]]]:
    """Conflicts of a relation: their number, and the rows of their images."""
    rows = audited.found.conflicts.rows
    some = rows[rows["relation"] == relation]
    numbers, members = (some[name].to_numpy(np.int64) for name in ("conflict", "row"))
    return [(one, members[numbers == one].tolist()) for one in np.unique(numbers)[:most].tolist()]


def spread(audited: Audited, rows: list[int], most: int) -> list[int]:
    """Up to so many of some images, such that every label among them is shown."""
    labels: dict[str, list[int]] = {}
    for row in rows:
        labels.setdefault(audited.label(row), []).append(row)
    rounds = max(len(members) for members in labels.values())
    turns = [members[turn] for turn in range(rounds) for members in labels.values()
             if turn < len(members)]  # fmt: skip
    return sorted(turns[: max(most, len(labels))])


def _conflict_gallery(audited: Audited, relation: str) -> Figure:
    total = audited.found.conflicts.count(relation)
    clusters = []
    for number, rows in conflict_rows(audited, relation, PICTURES[relation]):
        some = spread(audited, rows, PHOTOS_A_PICTURE)
        more = f": {len(some)} of {len(rows):,} images" if len(rows) > len(some) else ""
        clusters.append(Cluster(tuple(some), f"No. {number}{more}"))
    caption = f"{len(clusters):,} of {total:,}; numbered as in conflicts.csv."
    return clusters_figure(audited, clusters, _TITLES[relation], caption)


PAIRS_A_KIND = 10
"""Pairs shown of each kind."""

KIND_WORDS = {
    "same file": "byte for byte the same file (and box)",
    "same pixels": "the same pixels in another file",
    "near": "resized, re-encoded, a little cropped, brighter or darker, or grey",
    "mirrored": "turned over, left to right",
    "edited": "changed in one place, such as by a mask pasted onto the face; not a copy",
}


def duplicates_section(audited: Audited, finding: Finding, anchor: str) -> Section:
    """Counts by kind, how copies spread over sources, and pairs picked at random."""
    blocks: list[Block] = [told(finding)]
    pairs = audited.found.duplicates.pairs
    if len(pairs):
        blocks += [
            Paragraph(
                "Copies count one picture several times, and a copy in another split gives the "
                "answer away. prepare keeps the largest image of every picture, and puts edits "
                "of one picture into one split. All of them: duplicates.csv."
            ),
            _kinds_table(finding),
            _largest_table(audited),
        ]
        if audited.table["source"].nunique() > 1:
            blocks.append(_sources_table(audited))
        blocks.append(
            Figures(tuple(_duplicate_gallery(audited, kind) for kind in _kinds_of(audited)))
        )
    return Section("Duplicates", anchor, tuple(blocks))


def random_pairs(audited: Audited, kind: str | None, count: int) -> list[tuple[int, int, str]]:
    """Links picked at random: the two rows and the kind, in the order of the table.

    Args:
        audited: what was audited.
        kind: of which kind, or None for all.
        count: how many at most.
    """
    pairs = audited.found.duplicates.pairs
    if kind is not None:
        pairs = pairs[pairs["kind"] == kind]
    rng = np.random.default_rng(audited.seed)
    chosen = np.sort(rng.choice(len(pairs), min(count, len(pairs)), replace=False))
    columns = pairs[["first", "second", "kind"]].iloc[chosen]
    return [(int(a), int(b), str(kind)) for a, b, kind in columns.itertuples(index=False)]


def largest_groups(audited: Audited, count: int) -> list[tuple[int, list[int]]]:
    """The groups with the most images: their number and their rows, the largest first."""
    group = audited.found.duplicates.group
    sizes = np.bincount(group)
    order = np.argsort(-sizes, kind="stable")[:count]
    return [(int(one), np.flatnonzero(group == one).tolist()) for one in order if sizes[one] > 1]


def _kinds_of(audited: Audited) -> list[str]:
    present = set(audited.found.duplicates.pairs["kind"])
    return [kind for kind in KINDS if kind in present]


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


def _duplicate_gallery(audited: Audited, kind: str) -> Figure:
    pairs = random_pairs(audited, kind, PAIRS_A_KIND)
    total = int((audited.found.duplicates.pairs["kind"] == kind).sum())
    clusters = [Cluster((a, b)) for a, b, _ in pairs]
    few = f"{len(pairs)} of {counted(total, 'pair')}, picked at random (seed {audited.seed})"
    if total <= len(pairs):
        few = counted(total, "pair")
    hint = " Edits are no copies: all of them stay." if kind == EDITED else ""
    return clusters_figure(
        audited, clusters, f"{kind.capitalize()}: {KIND_WORDS[kind]}", f"{few}.{hint}"
    )


PAIRS = 15
PATTERNS = 12
PERSONS = 10


def leakage_section(audited: Audited, finding: Finding, anchor: str) -> Section:
    """Shares by split, persons on both sides, the patterns recognised, and twins."""
    leakage = audited.found.leakage
    blocks: list[Block] = [told(finding)]
    if leakage is not None:
        blocks += [Paragraph(_meaning(leakage)), splits_table(leakage)]
    if audited.found.identities.patterns:
        blocks.append(_patterns_table(audited))
    if leakage is not None:
        persons = _persons_table(audited)
        blocks += [persons] if persons.rows else []
        blocks += _twins(audited)
    return Section("Leakage", anchor, tuple(blocks))


def splits_table(leakage: Leakage) -> Table:
    """What each held-out split shares with the training split."""
    rows = [
        (
            leak.split,
            leak.images,
            Cell(f"{leak.twin_share:.1%}", f"{leak.twins + leak.edited:,}", leak.twin_share),
            leak.edited,
            leak.identities if leak.identities else None,
            Cell(f"{leak.shared_identity_share:.0%}", f"{leak.shared_identities:,}",
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
    return f"{harm} Each such image and the one that it repeats: leakage.csv."


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


def _twins(audited: Audited) -> list[Block]:
    pairs = leaks(audited.table, audited.found)
    pairs = pairs[~pairs["kind"].isin([SAME_PERSON, SAME_GROUP])]
    if pairs.empty:
        return []
    rng = np.random.default_rng(audited.seed)
    chosen = np.sort(rng.choice(len(pairs), min(PAIRS, len(pairs)), replace=False))
    clusters = [
        Cluster(
            (int(row), int(known)),
            str(kind),
            (str(audited.found.splits.iloc[int(row)]), "train"),
        )
        for row, known, kind in pairs.iloc[chosen].itertuples(index=False)
    ]
    title = "Held-out images and their twins in training"
    caption = f"{len(clusters)} of {counted(len(pairs), 'held-out image')} with a twin or an edit."
    return [Figures((clusters_figure(audited, clusters, title, caption),))]


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
