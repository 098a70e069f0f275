"""The part of a report about why a model answered as it did."""

from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.explanation import Explained, Explanation, LowerHalf
from facemask.evaluation.explanation_text import counting
from facemask.evaluation.robustness_text import bounds
from facemask.evaluation.wording import UNDEFINED, joined, percent
from facemask.report.blocks import Block, Cell, Gallery, Paragraph, Section, Table, Tile, table
from facemask.report.occlusion_pictures import evidence_overlay
from facemask.report.picture import photo
from facemask.report.style import class_colour

_COLOURS_MEAN = (
    "Covering what is orange makes the answer less sure, covering what is blue makes it surer; "
    "the strongest place of each photo is the most opaque."
)


def occlusion_section(
    explanation: Explanation,
    evaluation: Evaluation,
    images: npt.NDArray[np.uint8],
    names: Sequence[str],
    anchor: str = "evidence",
) -> Section:
    """The share of the evidence in the lower half, and overlays of mistakes and of a sample.

    Args:
        explanation: the figures and the maps.
        evaluation: what was explained.
        images: ``uint8 (M, S, S, 3)``, RGB, the dataset's images at any size.
        names: the file name of each of them.
        anchor: the section's.
    """

    def tiles(chosen: Sequence[Explained]) -> tuple[Tile, ...]:
        return tuple(_tile(one, evaluation, images, names) for one in chosen)

    blocks: list[Block] = [
        Paragraph(
            "A patch is moved over the photo; where covering the photo makes the model less sure, "
            "there is the evidence for its answer."
        ),
        _table(explanation),
    ]
    if explanation.mistakes:
        caption = f"The mistakes that it was most sure of. {_COLOURS_MEAN}"
        blocks.append(Gallery(tiles(explanation.mistakes), caption))
    caption = f"Photos at random, seed {explanation.seed}. {_COLOURS_MEAN}"
    blocks.append(Gallery(tiles(explanation.sample), caption))
    return Section("Why it answered", anchor, tuple(blocks), findings=_findings(explanation))


def _findings(explanation: Explanation) -> tuple[str, ...]:
    shares = [
        f"{percent(one.share)} ({one.answers})"
        for one in explanation.lower_half
        if one.share is not None
    ]
    return (f"Evidence in the lower half of the photo: {joined(shares)}.",) if shares else ()


def _table(explanation: Explanation) -> Table:
    columns = ("Photos", "n", "In the lower half", "95% interval")
    return table(columns, [_row(one) for one in explanation.lower_half], counting(explanation))


def _row(one: LowerHalf) -> tuple[object, ...]:
    name = one.answers.partition(" ")[0]
    colour = class_colour(name) if name != "answered" else ""
    share = UNDEFINED if one.share is None else percent(one.share)
    return (
        Cell(one.answers, one.undefined, colour=colour),
        one.n,
        Cell(share, sort=-1.0 if one.share is None else one.share),
        Cell(bounds(one.ci95), sort=one.ci95[0]) if one.ci95 else None,
    )


def _tile(
    one: Explained,
    evaluation: Evaluation,
    images: npt.NDArray[np.uint8],
    names: Sequence[str],
) -> Tile:
    answers, place = evaluation.answers, int(evaluation.rows[one.row])
    answer = answers.class_names[answers.predicted[one.row]]
    label = answers.class_names[answers.labels[one.row]]
    overlay = evidence_overlay(np.asarray(images[place]), one.evidence)
    share = one.lower_half_share
    where = "no evidence" if share is None else f"{percent(share)} of the evidence below"
    return Tile(
        photo(
            overlay, f"Photo of class {label}, answered {answer}; {where}", max_px=overlay.height
        ),
        f"{answer} {int(100 * answers.confidence[one.row])}%",
        PurePosixPath(names[place]).name,
        hint=f"{names[place]}: is {label}; {where}",
        colour=class_colour(answer),
    )
