"""The parts of an audit's page that are ranked lists: suspicious labels, and outliers."""

import numpy as np

from facemask.data.audit.finding import Finding
from facemask.data.audit.outliers import REASONS
from facemask.report.audit_material import Audited, told
from facemask.report.blocks import Block, Gallery, Paragraph, Section, Tile
from facemask.report.picture import photo
from facemask.report.style import class_colour

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
