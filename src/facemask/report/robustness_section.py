"""The part of a report about spoilt images."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from facemask.evaluation.corruptions import KINDS, Kind, corrupted
from facemask.evaluation.robustness_facts import KindResult, Robustness
from facemask.evaluation.robustness_text import bounds, origin, ratio, robustness_sentences
from facemask.evaluation.wording import percent
from facemask.report.blocks import (
    Bullets,
    Cell,
    Details,
    Figure,
    Figures,
    Paragraph,
    Section,
    Table,
    table,
)
from facemask.report.picture import photo
from facemask.report.robustness_figures import accuracy_map, flip_map

_COLUMNS_MEAN = (
    "Right: the mean share over the severities; worst: the share at the worst severity; changed: "
    "answers that are not those on the images as they are; small print: 95% intervals."
)

_SHOWN_PX = 96
"""The side of each picture: five of them fit beside each other in half a page."""

Pixels = npt.NDArray[np.uint8]


def robustness_section(
    robustness: Robustness, example: Pixels, row: int, anchor: str = "robustness"
) -> Section:
    """Accuracy under each corruption, and what the corruptions look like.

    Args:
        robustness: the figures.
        example: ``uint8 (S, S, 3)``, RGB, the image that the pictures show spoilt.
        row: its number in the dataset.
        anchor: the section's.
    """
    blocks = (
        Paragraph("The same images again, spoilt in the ways that photos are, more and more."),
        Bullets(robustness_sentences(robustness)),
        Figures((accuracy_map(robustness), flip_map(robustness))),
        _table(robustness),
        Details("What the corruptions look like", (_pictures(robustness, example, row),)),
    )
    return Section("Robustness", anchor, blocks, findings=(_finding(robustness),))


def corruption_strip(example: Pixels, kind: Kind, row: int, seed: int = 0) -> Image.Image:
    """An image spoilt at every severity, side by side from the weakest to the strongest.

    Args:
        example: ``uint8 (S, S, 3)``, RGB.
        kind: of corruption.
        row: the image's number in its dataset, from which its chances come.
        seed: of the chances.
    """
    count, rows = len(kind.amounts), np.array([row])
    strip = Image.new("RGB", (count * _SHOWN_PX, _SHOWN_PX))
    for place in range(count):
        pixels = corrupted(example[None], kind, place + 1, rows=rows, seed=seed)[0]
        shown = Image.fromarray(pixels).resize((_SHOWN_PX, _SHOWN_PX), Image.Resampling.NEAREST)
        strip.paste(shown, (place * _SHOWN_PX, 0))
    return strip


def _finding(robustness: Robustness) -> str:
    """The kind with the lowest mean accuracy, and how the model stands to the reference."""
    weakest, mce = robustness.kinds[0], robustness.mce
    found = (
        f"On spoilt images it is weakest under {weakest.kind.title}: "
        f"{percent(weakest.mean_accuracy)} right over all severities, "
        f"{percent(robustness.clean.accuracy)} as they are"
    )
    if mce.value is None:
        return f"{found}."
    between = f" (95% interval {mce.ci95[0]:.2f} to {mce.ci95[1]:.2f})" if mce.ci95 else ""
    against = f"mean corruption error against {robustness.reference}"
    return f"{found}; {against} {mce.value:.2f}{between}."


def _table(robustness: Robustness) -> Table:
    columns = ["Corruption", "Right, mean", "Worst", "Changed"]
    columns += ["Error ratio"] if robustness.reference else []
    rows = [_row(kind, with_ratio=bool(robustness.reference)) for kind in robustness.kinds]
    against = (
        f" Error ratio: errors over all severities, divided by those of {robustness.reference}."
        if robustness.reference
        else ""
    )
    return table(columns, rows, f"{_COLUMNS_MEAN} {origin(robustness)}{against}")


def _row(result: KindResult, *, with_ratio: bool) -> list[Cell]:
    worst = min(result.severities, key=lambda one: one.accuracy)
    cells = [
        Cell(result.kind.title),
        _share(result.mean_accuracy),
        Cell(percent(worst.accuracy), bounds(worst.accuracy_ci95), worst.accuracy),
        _share(result.mean_flip_rate),
    ]
    if with_ratio:
        value, ci95 = result.ce.value, result.ce.ci95
        note = f"{ci95[0]:.2f} to {ci95[1]:.2f}" if ci95 else ""
        cells.append(Cell(ratio(result.ce), note, sort=-1.0 if value is None else value))
    return cells


def _share(share: float) -> Cell:
    return Cell(percent(share), sort=share)


def _pictures(robustness: Robustness, example: Pixels, row: int) -> Figures:
    figures = []
    for kind in KINDS:
        strip = corruption_strip(example, kind, row, robustness.seed)
        alt = f"One image under {kind.title}, severities 1 to {len(kind.amounts)}"
        picture = photo(strip, alt, max_px=strip.width)
        figures.append(Figure(picture, kind.title, _amounts(kind)))
    return Figures(tuple(figures))


def _amounts(kind: Kind) -> str:
    """What each severity means: ``Degrees: 9, 18, 27, 36, 45``; empty where there is only one."""
    if len(kind.amounts) == 1:
        return ""
    amounts = ", ".join(f"{amount:g}" for amount in kind.amounts)
    return f"{kind.unit[0].upper()}{kind.unit[1:]}: {amounts}"
