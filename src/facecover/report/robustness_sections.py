"""Two parts of a report: what corruptions do to a model, and where the evidence lies."""

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle
from PIL import Image, ImageColor

from facecover.evaluation.corruptions import KINDS, Kind, corrupted
from facecover.evaluation.explanation import Explained, Explanation, LowerHalf
from facecover.evaluation.formatting import UNDEFINED, drawn_units, interval, joined, kind_of
from facecover.evaluation.performance import Evaluation
from facecover.evaluation.robustness import KindResult, Ratio, Robustness, Severity
from facecover.report.blocks import (
    Block,
    Bullets,
    Cell,
    Details,
    Figure,
    Figures,
    Gallery,
    Paragraph,
    Section,
    Table,
    Tile,
    in_terminal,
    on_page,
    table,
)
from facecover.report.plotting import FIGURE_SIZE, class_colour, colour, draw, photo
from facecover.text import percent

_ROW_INCHES = 0.27
_LEAST_SPAN = 0.2
"""The strongest colour stands for the largest loss of the figure, and for no less than this."""

_STRONGEST = 0.6
"""The strongest cell is this opaque: its number stays readable on it, in light and in dark."""


def accuracy_map(robustness: Robustness) -> Figure:
    """Accuracy by kind and severity, the darker the more was lost."""
    clean = robustness.clean.accuracy
    return _map(
        robustness,
        lambda one: one.accuracy,
        lambda one: clean - one.accuracy,
        "Accuracy by corruption and severity",
        f"Percent answered right, the worst kind first; {percent(clean)} of the images as they "
        "are. The stronger the colour, the more was lost.",
    )


def flip_map(robustness: Robustness) -> Figure:
    """The share of changed answers by kind and severity."""
    return _map(
        robustness,
        lambda one: one.flip_rate,
        lambda one: one.flip_rate,
        "Answers changed by corruption and severity",
        "Percent of the images answered otherwise than as they are, rightly or not; the kinds in "
        "the same order.",
    )


def _map(
    robustness: Robustness,
    value: Callable[[Severity], float],
    loss: Callable[[Severity], float],
    title: str,
    caption: str,
) -> Figure:
    kinds = robustness.kinds
    columns = max(len(kind.severities) for kind in kinds)
    most = max(_LEAST_SPAN, *(loss(one) for kind in kinds for one in kind.severities))

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        for row, kind in enumerate(kinds):
            for column, one in enumerate(kind.severities):
                _cell(axes, column, row, value(one), loss(one) / most)
        axes.set(xlim=(-0.5, columns - 0.5), ylim=(len(kinds) - 0.5, -0.5), xlabel="Severity")
        axes.set_xticks(range(columns), [str(severity) for severity in range(1, columns + 1)])
        axes.set_yticks(range(len(kinds)), [kind.kind.title for kind in kinds])
        axes.tick_params(axis="both", length=0)
        axes.tick_params(axis="y", labelcolor=colour("ink"))
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)

    height = 0.7 + _ROW_INCHES * len(kinds)
    worst = "; ".join(
        f"{kind.kind.title}: " + ", ".join(percent(value(one)) for one in kind.severities)
        for kind in kinds
    )
    drawn = draw(plot, f"{title}. By severity from 1 on, {worst}.", (FIGURE_SIZE[0], height))
    return Figure(drawn, title, caption)


def _cell(axes: Axes, column: int, row: int, value: float, strength: float) -> None:
    depth = _STRONGEST * min(max(strength, 0.0), 1.0)
    corner, tone = (column - 0.47, row - 0.44), colour("warning")
    axes.add_patch(Rectangle(corner, 0.94, 0.88, facecolor=tone, alpha=depth, linewidth=0))
    text = percent(value, unit=False) if value < 1 else "100"
    axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour("ink"))


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
        example: ``uint8 (S, S, 3)``, RGB, the image that the pictures show corrupted.
        row: its number in the dataset.
        anchor: the section's.
    """
    blocks = (
        Paragraph("The same images again, corrupted in the ways that photos are, more and more."),
        Bullets(robustness_sentences(robustness)),
        Figures((accuracy_map(robustness), flip_map(robustness))),
        on_page(_table(robustness)),
        in_terminal(_by_severity(robustness)),
        Details("What the corruptions look like", (_pictures(robustness, example, row),)),
    )
    return Section("Robustness", anchor, blocks, findings=(_finding(robustness),))


def corruption_strip(example: Pixels, kind: Kind, row: int, seed: int = 0) -> Image.Image:
    """An image corrupted at every severity, side by side from the weakest to the strongest.

    Args:
        example: ``uint8 (S, S, 3)``, RGB.
        kind: of corruption.
        row: the image's number in its dataset, which seeds what is random.
        seed: seeds it, too.
    """
    count, rows = len(kind.amounts), np.array([row])
    strip = Image.new("RGB", (count * _SHOWN_PX, _SHOWN_PX))
    for place in range(count):
        pixels = corrupted(example[None], kind, place + 1, rows=rows, seed=seed)[0]
        shown = Image.fromarray(pixels).resize((_SHOWN_PX, _SHOWN_PX), Image.Resampling.NEAREST)
        strip.paste(shown, (place * _SHOWN_PX, 0))
    return strip


_WORST_NAMED = 3


def robustness_sentences(robustness: Robustness) -> tuple[str, ...]:
    """The worst kinds, and how the model stands to the reference."""
    clean = robustness.clean
    as_they_are = (
        f"As they are {percent(clean.accuracy)} of the images are answered right "
        f"(95% interval {bounds(clean.accuracy_ci95)}); "
    )
    lower = [kind for kind in robustness.kinds if _worst(kind) < clean.accuracy]
    if not lower:
        return (f"{as_they_are}no corruption lowers that.", _against_reference(robustness))
    named = joined(f"{kind.kind.title} ({percent(_worst(kind))})" for kind in lower[:_WORST_NAMED])
    falls = f"it falls most under {named}, at the worst severity of each."
    return (as_they_are + falls, _against_reference(robustness))


def _worst(kind: KindResult) -> float:
    return min(one.accuracy for one in kind.severities)


def _against_reference(robustness: Robustness) -> str:
    mce, name = robustness.mce, robustness.reference
    if not name:
        return f"There is no mean corruption error: {mce.undefined}."
    if mce.value is None:
        return f"The mean corruption error against {name} is undefined: {mce.undefined}."
    low, high = mce.ci95 or (mce.value, mce.value)
    between = f" (95% interval {low:.2f} to {high:.2f})" if mce.ci95 else ""
    verdict = "it errs less than" if high < 1 else "it errs more than" if low > 1 else "no clear"
    if verdict == "no clear" or mce.ci95 is None:
        verdict = "no clear difference from"
    return f"Mean corruption error against {name}: {mce.value:.2f}{between}: {verdict} {name}."


def origin(robustness: Robustness) -> str:
    """Where the figures come from: the images' size, the seed, the resamples."""
    n, n_units = robustness.clean.n, robustness.n_units
    drawn = drawn_units(n, n_units)
    return (
        f"Images were corrupted at {robustness.size_px} x {robustness.size_px} pixels, seed "
        f"{robustness.seed}, then resized for the model. Intervals: "
        f"{robustness.resamples:,} bootstrap resamples of {drawn}."
    )


def ratio(error: Ratio) -> str:
    """A corruption error: ``0.87``, or ``undefined``."""
    return "undefined" if error.value is None else f"{error.value:.2f}"


def bounds(ci95: tuple[float, float]) -> str:
    """The interval of a share: ``96.4 to 98.0``."""
    return interval(kind_of("accuracy"), ci95)


def _finding(robustness: Robustness) -> str:
    """The kind with the lowest mean accuracy, and how the model stands to the reference."""
    weakest, mce = robustness.kinds[0], robustness.mce
    found = (
        f"On corrupted images it is weakest under {weakest.kind.title}: "
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


def _by_severity(robustness: Robustness) -> Table:
    """The figures' numbers, where there are no figures."""
    most = max(len(kind.severities) for kind in robustness.kinds)
    rows = []
    for kind in robustness.kinds:
        shares = [percent(one.accuracy) for one in kind.severities]
        shares += [""] * (most - len(shares))
        row = [kind.kind.title, *shares, percent(kind.mean_accuracy), percent(kind.mean_flip_rate)]
        rows.append([*row, ratio(kind.ce)] if robustness.reference else row)
    columns = ["Right at severity", *map(str, range(1, most + 1)), "Mean", "Changed"]
    columns += ["Error ratio"] if robustness.reference else []
    caption = f"Changed: answers that are not those on the images as they are. {origin(robustness)}"
    return table(columns, rows, caption, numeric=(False, *(True for _ in columns[1:])))


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


FOR, AGAINST = "#e69f00", "#0072b2"
"""Okabe and Ito's orange and blue ("Color Universal Design", 2008): any colour vision sees them."""

_SIDE_PX = 128
_STRONGEST_EVIDENCE = 0.85
"""How opaque the strongest evidence is: the face below it is still to be seen."""


def evidence_overlay(
    pixels: npt.NDArray[np.uint8], evidence: npt.NDArray[np.float64]
) -> Image.Image:
    """The photo, and below it the photo in grey under its evidence.

    Orange spoke for the answer, blue against it; the strongest of both in this photo is the most
    opaque.

    Args:
        pixels: ``uint8 (H, H, 3)``, RGB.
        evidence: ``float64 (S, S)``, see `occlusion.pixel_map`; any size.
    """
    size = (_SIDE_PX, _SIDE_PX)
    image = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)
    spread = Image.fromarray(evidence.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    strength = np.asarray(spread, dtype=np.float64)
    strongest = np.abs(strength).max()
    share = (_STRONGEST_EVIDENCE / strongest * strength if strongest else 0 * strength)[..., None]
    grey = np.asarray(image.convert("L").convert("RGB"), dtype=np.float64)
    tone = np.where(share > 0, ImageColor.getrgb(FOR), ImageColor.getrgb(AGAINST))
    mixed = grey + np.abs(share) * (tone - grey)
    both = Image.new("RGB", (_SIDE_PX, 2 * _SIDE_PX))
    both.paste(image, (0, 0))
    both.paste(Image.fromarray(np.rint(mixed).astype(np.uint8)), (0, _SIDE_PX))
    return both


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
        _occlusion_table(explanation),
    ]
    if explanation.mistakes:
        caption = f"The mistakes that it was most sure of. {_COLOURS_MEAN}"
        blocks.append(Gallery(tiles(explanation.mistakes), caption))
    caption = f"Photos at random, seed {explanation.seed}. {_COLOURS_MEAN}"
    blocks.append(Gallery(tiles(explanation.sample), caption))
    return Section("Why it answered", anchor, tuple(blocks), findings=_findings(explanation))


def counting(explanation: Explanation) -> str:
    """How evidence is counted, and what the share does not say."""
    grid = explanation.grid
    none = sum(one.without_evidence for one in explanation.lower_half)
    left_out = f" {none:,} images that no patch made less sure have no share." if none else ""
    return (
        f"Evidence is the fall of the answer's log-odds when a patch of {grid.patch_px} x "
        f"{grid.patch_px} of {grid.side_px} x {grid.side_px} pixels is covered with the image's "
        "mean colour; what makes the model surer does not count. A patch of one colour can look "
        "like a mask itself, so evidence for a mask at the mouth may be missed. The lower "
        "half of the image is the lower half of the face only where the face fills the image: on "
        f"loosely cropped photos it is not.{left_out}"
    )


def _findings(explanation: Explanation) -> tuple[str, ...]:
    shares = [
        f"{percent(one.share)} ({one.answers})"
        for one in explanation.lower_half
        if one.share is not None
    ]
    return (f"Evidence in the lower half of the photo: {joined(shares)}.",) if shares else ()


def _occlusion_table(explanation: Explanation) -> Table:
    columns = ("Photos", "n", "In the lower half", "95% interval")
    return table(
        columns, [_occlusion_row(one) for one in explanation.lower_half], counting(explanation)
    )


def _occlusion_row(one: LowerHalf) -> tuple[object, ...]:
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
