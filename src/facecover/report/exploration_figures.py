"""Figures of an exploration: histograms, what pixels say, samples, and mean faces."""

import base64
import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator, PercentFormatter

from facecover.errors import shown
from facecover.labels import CLASS_NAMES, MASK, NO_MASK
from facecover.look.exploration import Exploration
from facecover.look.mean_faces import MeanImage
from facecover.look.samples import SAMPLED_SPLITS, Sample, Samples
from facecover.look.statistics import NOT_SPLIT, classes_of, spread_of
from facecover.report.blocks import (
    Block,
    Cell,
    Figure,
    Figures,
    Paragraph,
    Section,
    Table,
    table,
)
from facecover.report.plotting import DASHED, class_colour, colour, draw, photo
from facecover.text import TIMES, listed, percent, photos

_BINS = 36

CLOUD_POINTS = 700
"""Points drawn for each class: more cover one another, and make the page large."""

_TICKS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)


def histogram(
    table: pd.DataFrame,
    column: str,
    title: str,
    label: str,
    caption: str,
    *,
    is_log: bool = False,
    marks: Sequence[float] = (),
) -> Figure:
    """How a measure spreads over the photos of each class.

    Args:
        table: from `statistics.described`.
        column: the measure's column.
        title: of the figure.
        label: of the axis.
        caption: how to read it.
        is_log: whether the axis doubles at each tick; the values are over 0 then.
        marks: values to mark with a dashed line.
    """
    edges = _edges(table[column], is_log=is_log, marks=marks)

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        if is_log:
            axes.set_xscale("log", base=2)
        for name in classes_of(table):
            values = table.loc[table["class"] == name, column].dropna().to_numpy(dtype=np.float64)
            if values.size:
                shares = np.histogram(values, edges)[0] / values.size
                tone = colour(class_colour(name))
                axes.stairs(shares, edges, fill=True, color=tone, alpha=0.22)
                axes.stairs(shares, edges, color=tone, linewidth=1.6, label=name)
        _mark(axes, marks)
        axes.set(xlabel=label, ylabel="Share of the class", xlim=(edges[0], edges[-1]))
        axes.set_ylim(0, None)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
        axes.grid(visible=False, axis="x")
        if is_log:
            _double(axes, "x")
        axes.legend(loc="best")

    return Figure(draw(plot, f"{title}: {_medians(table, column)}."), title, caption)


def cloud(table: pd.DataFrame, marks: Sequence[float], seed: int = 0) -> Figure:
    """Widths against heights, a point a photo, by class.

    Args:
        table: from `statistics.described`.
        marks: sides of input squares to mark with dashed lines.
        seed: of the choice of photos where there are more than `CLOUD_POINTS` of a class.
    """
    rng = np.random.default_rng(seed)
    # Classes drawn one over the other would hide the first.
    chosen = [_some(table[table["class"] == name], rng) for name in classes_of(table)]
    points = pd.concat(chosen).sample(frac=1, random_state=seed)
    tones = [colour(class_colour(str(name))) for name in points["class"]]

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        axes.scatter(points["width"], points["height"], s=7, c=tones, alpha=0.55, linewidths=0)
        for name in classes_of(table):
            axes.scatter([], [], s=22, color=colour(class_colour(name)), label=name)
        for mark in marks:
            for line in (axes.axvline, axes.axhline):
                line(mark, color=colour("muted"), linewidth=0.8, linestyle=DASHED)
        axes.set(xlabel="Width in pixels", ylabel="Height in pixels")
        _double(axes, "x")
        _double(axes, "y")
        figure.legend(loc="outside upper right", ncols=len(chosen))

    drawn = (
        f"{len(points):,} of {len(table):,} photos, picked at random, at most {CLOUD_POINTS:,} a "
        "class. "
        if len(points) < len(table)
        else ""
    )
    sides = listed([f"{mark:g}" for mark in marks])
    caption = (
        f"{drawn}Dashed: {sides} pixels. Rows, columns and diagonals of one colour are sizes that "
        "one class was cut to."
    )
    alt = f"Width: {_medians(table, 'width')}. Height: {_medians(table, 'height')}."
    return Figure(draw(plot, alt), "Width and height", caption)


def _some(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    order = rng.permutation(len(rows))[:CLOUD_POINTS]
    return rows.iloc[np.sort(order)]


def _edges(
    values: "pd.Series[float]", *, is_log: bool, marks: Sequence[float]
) -> npt.NDArray[np.float64]:
    """Edges of bins from the smallest to the largest value, or a bit around if they are one."""
    found = values.dropna().to_numpy(dtype=np.float64)
    low, high = (float(found.min()), float(found.max())) if found.size else (1.0, 2.0)
    low, high = min((low, *marks)), max((high, *marks))
    if is_log:
        return np.geomspace(low / 1.05, high * 1.05, _BINS + 1)
    room = max((high - low) / _BINS, 1e-3)
    return np.linspace(low - room / 2, high + room / 2, _BINS + 1)


def _mark(axes: Axes, marks: Sequence[float]) -> None:
    for mark in marks:
        axes.axvline(mark, color=colour("muted"), linewidth=1, linestyle=DASHED)


def _double(axes: Axes, side: str) -> None:
    """Ticks at powers of two, written as plain numbers."""
    axis, (low, high) = (
        (axes.xaxis, axes.get_xlim()) if side == "x" else (axes.yaxis, axes.get_ylim())
    )
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axis.set_ticks(ticks if len(ticks) > 1 else np.linspace(low, high, 4).round().tolist())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def _medians(table: pd.DataFrame, column: str) -> str:
    """The median of each class, for those who do not see the drawing."""
    texts = []
    for name in classes_of(table):
        spread = spread_of(table.loc[table["class"] == name, column])
        texts.append(
            f"{name} has none" if spread is None else f"median {spread.median:.3g} for {name}"
        )
    return ", ".join(texts)


_FIGURES = {
    "brightness": ("Brightness", "Mean luma at 64 × 64, from 0 (black) to 1 (white)."),  # noqa: RUF001
    "contrast": ("Contrast", "Standard deviation of luma: flat pictures are at the left."),
    "sharpness": ("Sharpness", "Mean absolute Laplacian of luma: blurred photos are at the left."),
    "saturation": ("Colourfulness", "Largest less smallest of R, G and B: 0 is grey."),
    "red": ("Red", "The mean of the channel, from 0 to 1."),
    "blue": ("Blue", "The mean of the channel, from 0 to 1."),
}

_FLAG_WORDS = {
    "grey": "Grey", "dark": "Dark", "bright": "Nearly white", "flat": "Without contrast",
    "soft": "Blurred at 64 × 64", "blank": "Of one colour",  # noqa: RUF001
}  # fmt: skip


def pixels_section(exploration: Exploration, anchor: str) -> Section:
    """Light, sharpness and colour by class, photos that stand out, and the normalisation."""
    figures = Figures(
        tuple(
            histogram(exploration.table, column, title, title, caption)
            for column, (title, caption) in _FIGURES.items()
        )
    )
    return Section(
        "Light and colour", anchor, (figures, _flags(exploration), _normalisation(exploration))
    )


def _flags(exploration: Exploration) -> Table:
    rows: list[tuple[Cell | str | int, ...]] = [
        (
            _FLAG_WORDS[flag.name],
            flag.n,
            Cell(percent(flag.share), sort=flag.share),
            *(Cell(percent(share), sort=share) for share in flag.share_by_class.values()),
        )
        for flag in exploration.flags
    ]
    columns = ("Photos that are", "Photos", "Share", *exploration.class_names)
    return table(columns, rows, "Photos that stand out; for each class the share of its photos.")


def _normalisation(exploration: Exploration) -> Table:
    rows: list[tuple[Cell | str, ...]] = [
        (
            f"{one.size_px} {TIMES} {one.size_px}",
            *(Cell(f"{mean:.4f}", sort=mean) for mean in one.mean),
            *(Cell(f"{std:.4f}", sort=std) for std in one.std),
        )
        for one in exploration.normalisation
    ]
    columns = ("Size", "Mean R", "Mean G", "Mean B", "Std R", "Std G", "Std B")
    over = {"train": "the training photos", "all": "all photos"}[exploration.normalisation[0].over]
    return table(columns, rows, f"Mean and standard deviation for normalisation, over {over}.")


MAX_PHOTO_BYTES = 2_500_000
"""Of all photos of a page together, so that it can be mailed; base64 adds a third."""

_QUALITIES = (85, 60, 35, 10)
"""WebP qualities to try until the photos fit."""

_SPLIT_WORDS = {"train": "Training", "test": "Test", NOT_SPLIT: "Not split"}


def samples_section(samples: Samples, class_names: Sequence[str], anchor: str) -> Section | None:
    """A grid for each class of the training and the test photos; None without any photo."""
    if not samples.samples:
        return None
    encoded = _encoded(samples.samples)
    figures = [
        _grid(f"{_SPLIT_WORDS[split]}: {name}", chosen, encoded)
        for split in SAMPLED_SPLITS
        for name in class_names
        if (chosen := samples.of(split, name))
    ]
    missing = (
        f" {photos(samples.skipped)} that were drawn had moved or changed since they were read."
        if samples.skipped
        else ""
    )
    text = (
        "Picked at random, each as large as it is: one pixel of the photo is one pixel of the "
        f"page (on a narrow screen some are shrunk to fit); the small ones first. Seed "
        f"{samples.seed}.{missing}"
    )
    blocks: tuple[Block, ...] = (Paragraph(text), Figures(tuple(figures)))
    return Section("Samples", anchor, blocks, is_page_only=True)


def _grid(title: str, chosen: Sequence[Sample], encoded: dict[int, bytes]) -> Figure:
    ordered = sorted(chosen, key=lambda sample: sample.image.height)
    images = Markup("").join(_image(sample, encoded[id(sample)]) for sample in ordered)
    frame = Markup('<div style="display:flex;flex-wrap:wrap;gap:8px;align-items:flex-end">{}</div>')
    shrunk = [sample for sample in chosen if sample.is_shrunk]
    sides = sorted(max(sample.width, sample.height) for sample in chosen)
    caption = f"{photos(len(chosen))}; longer sides {sides[0]:,} to {sides[-1]:,} pixels."
    if shrunk:
        limit = max(max(sample.image.size) for sample in shrunk)
        caption += f" {photos(len(shrunk))} over {limit} pixels shrunk to that."
    return Figure(frame.format(images), title, caption, is_wide=True)


def _image(sample: Sample, content: bytes) -> Markup:
    size = f"{sample.width:,} {TIMES} {sample.height:,}"
    where = f"{shown(sample.source)}/{shown(sample.path)}"
    template = Markup(
        '<img src="data:image/webp;base64,{}" alt="{}" title="{}" width="{}" height="{}" '
        'style="margin:0;outline:1px solid var(--line)">'
    )
    return template.format(
        base64.b64encode(content).decode(),
        f"{sample.class_name}, {size} pixels",
        f"{where} ({size})",
        *sample.image.size,
    )


def _encoded(samples: Sequence[Sample]) -> dict[int, bytes]:
    """Each photo's WebP file by the sample's id, at the best quality that fits."""
    found: dict[int, bytes] = {}
    for quality in _QUALITIES:
        found = {id(sample): _webp(sample, quality) for sample in samples}
        if sum(len(content) for content in found.values()) <= MAX_PHOTO_BYTES:
            break
    return found


def _webp(sample: Sample, quality: int) -> bytes:
    stream = io.BytesIO()
    sample.image.save(stream, format="WEBP", quality=quality)
    return stream.getvalue()


_ENLARGED = 4
"""Each pixel is shown as a square of this side, so that the browser does not blur it."""


def faces_section(exploration: Exploration, anchor: str) -> Section:
    """The mean faces side by side, and the difference of mask and no_mask."""
    return Section("Mean faces", anchor, (Figures((mean_faces(exploration),)),))


def mean_faces(exploration: Exploration) -> Figure:
    """The mean face of each class, and the difference of mask and no_mask if there are both."""
    side = next(iter(exploration.mean_faces.values())).shape[0]
    pictures = [
        _picture(mean, name, photos(exploration.counts.by_class[name]))
        for name, mean in exploration.mean_faces.items()
    ]
    caption = f"The mean of each class at {side} {TIMES} {side} pixels."
    pair = CLASS_NAMES[NO_MASK], CLASS_NAMES[MASK]
    if all(name in exploration.mean_faces for name in pair):
        bare, masked = (exploration.mean_faces[name] for name in pair)
        reach = float(np.abs(masked - bare).max())
        image = 128 + (masked - bare) * (127 / reach if reach else 1)
        pictures.append(_picture(image, "mask less no_mask", f"up to {reach:.0f} of 255 levels"))
        caption += (
            " In the difference grey is none; a bright or coloured place is brighter, in that "
            f"colour, with a mask.{_told(exploration)}"
        )
    frame = Markup('<div style="display:flex;flex-wrap:wrap;gap:16px">{}</div>')
    return Figure(frame.format(Markup("").join(pictures)), "Mean faces", caption, is_wide=True)


def _picture(image: MeanImage, title: str, note: str) -> Markup:
    """One picture with its title below: the figures' own captions stand under them all."""
    markup = photo(_enlarged(image), f"Mean face: {title}", max_px=len(image) * _ENLARGED)
    template = Markup(
        '<div style="flex:0 1 auto;min-width:0">{}{}<span class="cell-note">{}</span></div>'
    )
    return template.format(markup, title, note)


def _told(exploration: Exploration) -> str:
    test = exploration.mean_face_test
    if test is None:
        return ""
    return (
        f" Answering the class of the nearer mean is right on {percent(test.balanced_accuracy)} "
        f"of photos that did not make it (AUC {test.auc:.2f}), where chance is 50%."
    )


def _enlarged(image: MeanImage) -> npt.NDArray[np.uint8]:
    """An image ``float64 (S, S, 3)`` in 0..255 with each pixel as a square, ``uint8``."""
    levels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return levels.repeat(_ENLARGED, axis=0).repeat(_ENLARGED, axis=1)
