"""The part of an audit's page about pictures with several labels."""

import numpy as np

from facemask.data.audit.conflicts import EDITED_COPY, SAME_PICTURE
from facemask.data.audit.finding import Finding
from facemask.report.audit_material import Audited, Cluster, clusters_figure, told
from facemask.report.blocks import Block, Figure, Figures, Paragraph, Section

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
        _gallery(audited, relation)
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


def _gallery(audited: Audited, relation: str) -> Figure:
    total = audited.found.conflicts.count(relation)
    clusters = []
    for number, rows in conflict_rows(audited, relation, PICTURES[relation]):
        some = spread(audited, rows, PHOTOS_A_PICTURE)
        more = f": {len(some)} of {len(rows):,} images" if len(rows) > len(some) else ""
        clusters.append(Cluster(tuple(some), f"No. {number}{more}"))
    caption = f"{len(clusters):,} of {total:,}; numbered as in conflicts.csv."
    return clusters_figure(audited, clusters, _TITLES[relation], caption)
