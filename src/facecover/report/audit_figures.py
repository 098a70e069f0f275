"""The images of an audit: which are shown, side by side on a page, and on contact sheets."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure as Drawing
from PIL import Image

from facecover.contact_sheet import SheetTile, contact_sheet
from facecover.copies.duplicates import EDITED
from facecover.dataset.arrays import Images
from facecover.errors import shown
from facecover.files import written_file
from facecover.labels import class_name
from facecover.look.audit_checks import Audit
from facecover.look.audit_tables import SAME_GROUP, SAME_PERSON, leaks
from facecover.look.repeated_images import EDITED_COPY, RELATIONS, SAME_PICTURE
from facecover.look.shortcuts import CUE_WORDS, Shortcut
from facecover.report.blocks import Figure, Figures, Gallery, Tile
from facecover.report.plotting import (
    DASHED,
    WIDE_SIZE,
    Lazy,
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


SUSPECTS = 48
OUTLIERS_A_REASON = 16
PAIRS, PAIRS_A_KIND = 15, 10
PICTURES = {SAME_PICTURE: 24, EDITED_COPY: 8}
PHOTOS_A_PICTURE = 4
"""On a page, at most."""

SHEET_PAIRS = 60
SHEET_CONFLICTS = 40
SHEET_IMAGES = 120
"""On one sheet, at most; the CSV beside it lists all."""

_SHEET_COLUMNS = 8

_CONFLICT_TITLES = {
    SAME_PICTURE: "One picture, several labels",
    EDITED_COPY: "Edits of one picture under different labels",
}

KIND_WORDS = {
    "same file": "byte for byte the same file (and box)",
    "same pixels": "the same pixels in another file",
    "near": "resized, re-encoded, a little cropped, brighter or darker, or grey",
    "mirrored": "turned over, left to right",
    "edited": "changed in one place, such as by a mask pasted onto the face; not a copy",
}


@dataclass(frozen=True)
class Audited:
    """Samples and their audit.

    Attributes:
        table: the samples, numbered from 0, with the columns of `manifest.COLUMNS`.
        images: ``uint8 (N, 64, 64, 3)``, RGB.
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


def random_pairs(audited: Audited, kind: str | None, count: int) -> list[tuple[int, int, str]]:
    """Up to so many links of a kind, or of all: the two rows and the kind."""
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


@dataclass(frozen=True, slots=True)
class Cluster:
    """Photos that are shown side by side, with the text below them and a word for each photo."""

    rows: tuple[int, ...]
    title: str = ""
    notes: tuple[str, ...] = ()


def clusters_figure(
    audited: Audited, clusters: Sequence[Cluster], title: str, caption: str
) -> Figure:
    """Clusters of photos, each photo with the colour and the name of its label."""
    return Figure(Lazy(partial(_clusters, audited, clusters)), title, caption, is_wide=True)


def _clusters(audited: Audited, clusters: Sequence[Cluster]) -> Markup:
    frame = Markup('<div style="display:flex;flex-wrap:wrap;gap:1rem 14px">{}</div>')
    return frame.format(Markup("").join(_cluster(audited, cluster) for cluster in clusters))


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


def duplicates_figure(audited: Audited, kind: str) -> Figure:
    """Pairs of a kind, picked at random."""
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


def conflicts_figure(audited: Audited, relation: str) -> Figure:
    """The first conflicts of a relation."""
    total = audited.found.conflicts.count(relation)
    clusters = []
    for number, rows in conflict_rows(audited, relation, PICTURES[relation]):
        some = spread(audited, rows, PHOTOS_A_PICTURE)
        more = f": {len(some)} of {len(rows):,} images" if len(rows) > len(some) else ""
        clusters.append(Cluster(tuple(some), f"No. {number}{more}"))
    caption = f"{len(clusters):,} of {total:,}; numbered as in conflicts.csv."
    return clusters_figure(audited, clusters, _CONFLICT_TITLES[relation], caption)


def twins_figures(audited: Audited) -> list[Figures]:
    """Held-out images with their twins in training, picked at random; nothing without any."""
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


def suspects_gallery(audited: Audited, suspects: pd.DataFrame) -> Gallery:
    """The labels that networks contradict, the worst first."""
    columns = suspects[["row", "label", "suggested", "probability"]].head(SUSPECTS)
    tiles = [
        _tile(
            audited,
            row,
            f"Labelled {label}, networks say {suggested}",
            f"{suggested} {percent(probability, 0)}",
        )
        for row, label, suggested, probability in columns.itertuples(index=False)
    ]
    caption = (
        f"{len(tiles):,} of {len(suspects):,}, the worst first. The label that the image has; "
        "below it the label suggested, with its probability."
    )
    return Gallery(tuple(tiles), caption)


def outliers_gallery(audited: Audited, reason: str) -> Gallery | None:
    """The images that are hardly one face for a reason; None if there is none."""
    outliers = audited.found.outliers
    some = outliers[outliers["reasons"].str.contains(reason, regex=False).to_numpy(dtype=bool)]
    rows = some["row"].to_numpy(np.int64)
    if not len(rows):
        return None
    sizes = audited.table[["width", "height"]].to_numpy(np.int64)
    tiles = [
        _tile(
            audited,
            row,
            f"{audited.label(row)}: {reason}",
            "{:,} x {:,} pixels".format(*sizes[row]),
        )
        for row in rows[:OUTLIERS_A_REASON].tolist()
    ]
    caption = f"{reason.capitalize()}: {len(tiles):,} of {len(rows):,}, the worst first."
    return Gallery(tuple(tiles), caption)


def _tile(audited: Audited, row: int, alt: str, note: str) -> Tile:
    label = audited.label(row)
    markup = Lazy(partial(photo, audited.images[row], alt))
    return Tile(markup, label, note, audited.name(row), class_colour(label))


def cue_words(cue: str) -> str:
    """A cue of `CUE_WORDS` as a list or a drawing has it."""
    return "all of this together" if cue == "together" else CUE_WORDS[cue].removeprefix("the ")


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

    larger = percent(majority, 0)
    figures = "; ".join(
        f"{cue_words(one.cue)} {percent(one.accuracy, 0)}" for one in reversed(ordered)
    )
    caption = (
        f"The dashed line is what always answering the larger class scores ({larger}). "
        "Orange: a warning. Bars are 95% intervals over groups of images."
    )
    size = (WIDE_SIZE[0], 0.32 * len(ordered) + 0.8)
    alt = f"Accuracy of the label from each cue alone: {figures}. Larger class: {larger}."
    return Figure(draw(plot, alt, size), "The label without the face", caption, is_wide=True)


def write_sheets(folder: Path, audited: Audited) -> None:
    """Write a sheet for each check that found images; none where nothing was found.

    `duplicates.png` shows pairs picked at random, `conflicts.png`, `suspects.png` and
    `outliers.png` the first ones of their lists.

    Raises:
        OutputError: if a sheet cannot be written.
    """
    for name, tiles_of in _SHEETS.items():
        tiles = list(tiles_of(audited))
        if tiles:
            with written_file(folder / name) as beside:
                contact_sheet(tiles, columns=_SHEET_COLUMNS).save(beside, format="PNG")


def _sheet_tile(audited: Audited, row: int, title: str) -> SheetTile:
    edge = colour(class_colour(audited.label(row)))
    return SheetTile(Image.fromarray(audited.images[row]), title, edge)


def _sheet_of_duplicates(audited: Audited) -> Iterator[SheetTile]:
    for number, (first, second, kind) in enumerate(random_pairs(audited, None, SHEET_PAIRS)):
        yield _sheet_tile(audited, first, f"{number + 1} {kind}")
        yield _sheet_tile(audited, second, f"{number + 1} {audited.label(second)}")


def _sheet_of_conflicts(audited: Audited) -> Iterator[SheetTile]:
    left = SHEET_CONFLICTS
    for relation in RELATIONS:
        conflicts = conflict_rows(audited, relation, left)
        left -= len(conflicts)
        for number, rows in conflicts:
            for row in spread(audited, rows, PHOTOS_A_PICTURE):
                yield _sheet_tile(audited, row, f"{number} {audited.label(row)}")


def _sheet_of_suspects(audited: Audited) -> Iterator[SheetTile]:
    suspects = audited.found.suspects
    if suspects is None:
        return
    columns = suspects[["row", "label", "suggested", "probability"]].head(SHEET_IMAGES)
    for row, label, suggested, probability in columns.itertuples(index=False):
        yield _sheet_tile(audited, row, f"{label} > {suggested} {percent(probability, 0)}")


def _sheet_of_outliers(audited: Audited) -> Iterator[SheetTile]:
    columns = audited.found.outliers[["row", "reasons"]].head(SHEET_IMAGES)
    for row, reasons in columns.itertuples(index=False):
        yield _sheet_tile(audited, row, reasons)


_SHEETS: dict[str, Callable[[Audited], Iterator[SheetTile]]] = {
    "duplicates.png": _sheet_of_duplicates,
    "conflicts.png": _sheet_of_conflicts,
    "suspects.png": _sheet_of_suspects,
    "outliers.png": _sheet_of_outliers,
}
