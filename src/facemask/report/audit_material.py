"""What the page of an audit is made from, and its photos with their labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from facemask.data.arrays import Images
from facemask.data.audit.findings import Audit, Finding
from facemask.errors import shown
from facemask.labels import class_name
from facemask.report.blocks import Figure, Notice
from facemask.report.picture import photo
from facemask.report.style import class_colour

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
        return next((one for one in self.found.findings if one.check == check), None)


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
    return Notice(shown(finding.sentence), is_warning=finding.is_failed)


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
