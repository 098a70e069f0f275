"""The part of an audit's page about images that show the same picture."""

import numpy as np

from facemask.data.audit.duplicates import EDITED, KINDS
from facemask.data.audit.finding import Finding
from facemask.errors import shown
from facemask.report.audit_material import Audited, Cluster, breakable, clusters_figure, told
from facemask.report.blocks import Block, Figure, Figures, Paragraph, Section, Table, table
from facemask.report.words import counted

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
        blocks.append(Figures(tuple(_gallery(audited, kind) for kind in _kinds_of(audited))))
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


def _gallery(audited: Audited, kind: str) -> Figure:
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
