"""The part of an audit's page about what held-out data shares with training data."""

import numpy as np
import pandas as pd

from facemask.data.audit.finding import Finding
from facemask.data.audit.leakage import RANDOM, Leakage
from facemask.data.audit_tables import SAME_GROUP, SAME_PERSON, leaks
from facemask.errors import shown
from facemask.report.audit_material import Audited, Cluster, breakable, clusters_figure, told
from facemask.report.blocks import Block, Cell, Figures, Paragraph, Section, Table, table
from facemask.report.words import counted

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
