"""The part of a report about the dataset: where it is from, its splits, what was left out."""

from collections import Counter

import pandas as pd

from facemask.data.manifest import Manifest
from facemask.data.rows import SPLITS
from facemask.labels import class_name
from facemask.report.blocks import Block, Cell, Details, Facts, Paragraph, Section, Table, table
from facemask.report.words import counted, shape

LISTED = 50
"""Files that were left out are listed up to here; the whole list lies beside the dataset."""


def data_section(
    manifest: Manifest, drops: pd.DataFrame | None = None, anchor: str = "data"
) -> Section:
    """Sources, splits by class, and what was left out.

    Args:
        manifest: of the dataset.
        drops: what was left out, with the columns ``source``, ``path``, ``reason`` and
            ``detail``, as the dataset's ``dropped.csv`` has them.
        anchor: of the section.
    """
    info = manifest.info
    facts = Facts(
        (
            ("Images", f"{len(manifest):,}"),
            ("Split", f"{info.split_by}, seed {info.seed}"),
            ("Kept at", ", ".join(shape((size, size)) for size in info.sizes_px)),
            ("Data (SHA-256)", info.digest),
        )
    )
    blocks: list[Block] = [facts, _split_table(manifest), _source_table(manifest)]
    if drops is None or drops.empty:
        blocks.append(Paragraph("Nothing was left out."))
    else:
        blocks += [_reason_table(drops), _listing(drops)]
    return Section("Data", anchor, tuple(blocks))


def left_out_section(drops: pd.DataFrame, anchor: str = "data") -> tuple[Section, ...]:
    """What was left out of photos that were read for the moment; nothing where nothing was."""
    if drops.empty:
        return ()
    return (Section("Data", anchor, (_reason_table(drops), _listing(drops))),)


def _split_table(manifest: Manifest) -> Table:
    labels = range(len(manifest.info.class_names))
    splits, table_labels = manifest.table["split"].tolist(), manifest.table["label"].tolist()
    counts = Counter(zip(splits, table_labels, strict=True))
    rows: list[tuple[str | int, ...]] = [
        (split, *(counts[split, label] for label in labels), splits.count(split))
        for split in SPLITS
    ]
    columns = ("Split", *(class_name(label) for label in labels), "All")
    return table(columns, rows, "Images by split and class.")


def _source_table(manifest: Manifest) -> Table:
    counts = manifest.table["source"].value_counts()
    rows = [
        (
            Cell(source.name, source.layout),
            Cell(", ".join(f"{theirs} = {class_name(ours)}" for theirs, ours in names)),
            int(counts.get(source.name, 0)),
        )
        for source in manifest.info.sources
        for names in [sorted(source.class_labels.items(), key=lambda item: item[1])]
    ]
    return table(("Source", "Class names as found", "Images"), rows, "Where the images are from.")


def _reason_table(drops: pd.DataFrame) -> Table:
    pairs = zip(drops["source"].astype(str), drops["reason"].astype(str), strict=True)
    rows = [(source, reason, count) for (source, reason), count in Counter(pairs).most_common()]
    return table(("Source", "Reason", "Left out"), rows, "What was left out, and why.")


def _listing(drops: pd.DataFrame) -> Details:
    shown = drops.head(LISTED)
    rows = [
        (Cell(str(row["path"]), str(row["source"])), Cell(str(row["detail"])))
        for _, row in shown.iterrows()
    ]
    first = "" if len(drops) <= LISTED else f"the first {LISTED} of "
    summary = f"Files left out: {first}{counted(len(drops), 'file')}"
    return Details(summary, (table(("File", "Why"), rows),), is_printed=False)
