"""A detector as a page: its run, and on whole photos faces found and answered, with pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure as Drawing
from PIL import Image, ImageDraw

from facecover.evaluation.detection import SIZES, DetectionMetrics, Precision
from facecover.evaluation.face_matching import Faces
from facecover.evaluation.formatting import interval, kind_of, number
from facecover.evaluation.intervals import Metrics
from facecover.evaluation.performance import Estimate
from facecover.labels import class_name
from facecover.report import blocks
from facecover.report.blocks import (
    Block,
    Bullets,
    Card,
    Cards,
    Cell,
    Facts,
    Figures,
    Gallery,
    Paragraph,
    Section,
    Table,
    Tile,
    on_page,
    table,
)
from facecover.report.plotting import (
    Lazy,
    class_colour,
    colour,
    draw,
    legend_above,
    model_colour,
    percent_axes,
    photo,
)
from facecover.report.run_figures import curve_figures
from facecover.report.run_page import flat_settings
from facecover.scenes.detector_file import DetectorInfo
from facecover.text import counted, duration, large, percent

_SHOWN = 24
"""Pictures of a kind."""

_ROOM = 1.0
"""Around a box, in its longer sides."""

_ANSWERS = ("accuracy", "balanced_accuracy", "recall", "precision", "ece", "brier", "log_loss")


@dataclass(frozen=True)
class PhotosSeen:
    """What a page says of a detector and its photos beside the figures.

    Attributes:
        name: the detector's.
        split: of the photos.
        picture: gives a photo by its number among them, ``uint8 (H, W, 3)``, RGB.
        names: their files.
    """

    name: str
    split: str
    picture: Callable[[int], npt.NDArray[np.uint8]]
    names: Sequence[str]


def detection_sections(metrics: DetectionMetrics, seen: PhotosSeen) -> tuple[Section, ...]:
    """Everything that there is to show of a detector, on a page or in a terminal."""
    answers = () if metrics.answers is None else (_answers_section(metrics.answers),)
    return (
        _summary(metrics, seen),
        Section("Average precision", "precision", (_precision_table(metrics),)),
        Section("Faces found", "found", (_recall_table(metrics), Figures((_curve(metrics),)))),
        *answers,
        *_pictures(metrics, seen),
    )


def _summary(metrics: DetectionMetrics, seen: PhotosSeen) -> Section:
    half = 0.5
    found, right = metrics.found[half], metrics.found_and_right[half]
    loose = metrics.found_and_right[0.4]
    alarms, alone = metrics.false_alarms, metrics.false_alarms_second_opinion
    lead = (
        f"{seen.name} finds {_share(found)} of {counted(metrics.n_faces, 'face')} in "
        f"{counted(metrics.n_photos, 'photo')} ({seen.split}) and answers {_share(right)} right."
    )
    sentences: tuple[str, ...] = (
        f"Found and rightly answered: {_full(right)} where a box overlaps by a half (intersection "
        f"over union), {_full(loose)} at an overlap of 0.4.",
        f"False alarms: {_rate(alarms)} a photo, faces that nobody annotated among them; "
        f"{_rate(alone)} without what a second opinion agrees with or is not sure of.",
        f"A detection counts from a score of {metrics.threshold:g} on. Faces under 16 pixels (the "
        "square root of the box's area) are neither to be found nor false alarms.",
    )
    cards = [
        Card(f"AP50 {one.class_name}", _plain(one.ap50), _bounds(one.ap50),
             class_colour(one.class_name))
        for one in metrics.precisions if one.size is None
    ]  # fmt: skip
    cards += [
        Card("Found", _share(found), _bounds(found, is_share=True)),
        Card("Found and right", _share(right), _bounds(right, is_share=True)),
        Card("False alarms a photo", _plain(alarms), _bounds(alarms)),
    ]
    if seen.split != "test":
        met = "Detectors learn from, or are chosen on, photos outside the test split"
        sentences = (f"{met}; a figure on photos that this one has met flatters it.", *sentences)
    parts: tuple[Block, ...] = (
        Paragraph(lead, is_lead=True), on_page(Cards(tuple(cards))), Bullets(sentences),
    )  # fmt: skip
    return Section("Summary", "summary", parts)


def _precision_table(metrics: DetectionMetrics) -> Table:
    rows = [
        (
            Cell(one.class_name, _size(one.size), colour=class_colour(one.class_name)),
            one.ap50.n,
            *(_cell(figure) for figure in _precisions(one)),
        )
        for one in metrics.precisions
    ]
    columns = ("Class", "Faces", "AP50", "AP", "AP50, second opinion", "AP, second opinion")
    caption = (
        "COCO's average precision by class: AP50 at an overlap of 0.5, AP the mean over 0.5 to "
        "0.95. A right place with the wrong answer counts against both classes. With a second "
        "opinion, places where it sees a face that nobody annotated, or is not sure, are left "
        "aside. Below each: its 95% interval over photos."
    )
    return table(columns, rows, caption)


def _precisions(one: Precision) -> tuple[Estimate | None, ...]:
    return one.ap50, one.ap, one.ap50_second_opinion, one.ap_second_opinion


def _recall_table(metrics: DetectionMetrics) -> Table:
    rows = [
        (
            Cell(one.class_name or "all", _size(one.size)),
            one.found.n,
            _cell(one.found, is_share=True),
            _cell(one.right, is_share=True),
        )
        for one in metrics.recalls
    ]
    caption = (
        f"Of the faces, the share found at a score of {metrics.threshold:g} and an overlap of 0.5, "
        "and the share found and rightly answered, by class and by size in pixels."
    )
    return table(("Class", "Faces", "Found", "Found and right"), rows, caption)


def _curve(metrics: DetectionMetrics) -> blocks.Figure:
    curve, alarms = metrics.curve, metrics.false_alarms.value or 0.0

    def plot(figure: Drawing) -> None:
        axes = figure.subplots()
        lines = (
            (curve.false_alarms, "accent", "all false alarms"),
            (curve.false_alarms_second_opinion, "model_1", "without a second opinion's"),
        )
        for rate, name, words in lines:
            axes.plot(rate, curve.found, color=colour(name), label=words)
        found = metrics.found[0.5].value or 0.0
        axes.plot([alarms], [found], "o", color=colour("ink"))
        axes.set(xlabel="False alarms a photo", ylabel="Faces found")
        axes.set_xlim(0, max(3.0, 2 * alarms))
        percent_axes(axes, y=(0, 1))
        legend_above(figure, 1)

    words = (
        f"{percent(metrics.found[0.5].value or 0.0)} of the faces at {alarms:.2f} false alarms a "
        "photo"
    )
    return blocks.Figure(
        draw(plot, f"Faces found against false alarms a photo: {words}."),
        "Faces found and false alarms",
        f"What lower thresholds bring; the dot is the detector's own: {words}.",
    )


def _answers_section(answers: Metrics) -> Section:
    rows = []
    for key in _ANSWERS:
        kind, value = kind_of(key), answers.values[key]
        note = answers.undefined.get(key, kind.meaning)
        rows.append(
            (
                Cell(kind.title, note),
                Cell(number(kind, value)),
                Cell(interval(kind, answers.ci95[key])),
            )
        )
    caption = f"Of the {counted(answers.n, 'face')} that were found, whatever the size."
    columns = ("Metric", "Value", "95% interval")
    numeric = (False, True, True)
    return Section(
        "What is answered for them", "answers", (table(columns, rows, caption, numeric=numeric),)
    )


def _pictures(metrics: DetectionMetrics, seen: PhotosSeen) -> tuple[Section, ...]:
    outcome = metrics.outcome
    # Those that nothing speaks for come first; both parts keep the surest first.
    alarms = outcome.alarms[np.argsort(outcome.is_seconded, kind="stable")]
    names = [class_name(label) if label >= 0 else "" for label in outcome.truths.labels.tolist()]
    scores = [f"score {score:.2f}" for score in outcome.scores.tolist()]
    seconded = "The surest first, those that a second opinion sees last. Some are faces that nobody"
    kinds = (
        ("Faces missed", "missed", outcome.missed, outcome.truths, names, "The largest first."),
        (
            "False alarms", "alarms", alarms, outcome.detected, scores,
            f"{seconded} annotated, or boxes drawn otherwise.",
        ),
        (
            "Wrong answers", "wrong", outcome.wrong, outcome.truths, names,
            "Found, and answered as another class than the one below the picture.",
        ),
    )  # fmt: skip
    sections = []
    for title, anchor, rows, faces, words, caption in kinds:
        tiles = [_tile(seen, faces, row, words[row]) for row in rows[:_SHOWN].tolist()]
        if tiles:
            gallery = Gallery(tuple(tiles), f"{len(tiles)} of {len(rows):,}. {caption}")
            sections.append(Section(title, anchor, (gallery,), is_page_only=True))
    return tuple(sections)


def _tile(seen: PhotosSeen, faces: Faces, row: int, words: str) -> Tile:
    number = int(faces.photo[row])
    name = seen.names[number]
    cut = partial(_cut, seen.picture, number, faces.boxes[row], f"{words} in {name}")
    return Tile(Lazy(cut), words, PurePosixPath(name).name, hint=name)


def _cut(
    picture: Callable[[int], npt.NDArray[np.uint8]],
    number: int,
    box: npt.NDArray[np.float64],
    alt: str,
) -> Markup:
    """A photo around a box, which is framed."""
    image = Image.fromarray(picture(number))
    x0, y0, x1, y1 = box.tolist()
    room = _ROOM * max(x1 - x0, y1 - y0)
    left, top = max(0, int(x0 - room)), max(0, int(y0 - room))
    around = left, top, min(image.width, int(x1 + room) + 1), min(image.height, int(y1 + room) + 1)
    part = image.crop(around)
    factor = 160 / max(part.size)
    part = part.resize([max(1, round(side * factor)) for side in part.size])
    frame = [(edge - start) * factor for edge, start in zip(box, (left, top) * 2, strict=True)]
    brush = ImageDraw.Draw(part)
    brush.rectangle(frame, outline=(255, 255, 255), width=3)
    brush.rectangle(frame, outline=(20, 20, 20), width=1)
    return photo(part, alt)


def _size(size: tuple[float, float] | None) -> str:
    if size is None:
        return ""
    return f"from {size[0]:g} pixels" if size == SIZES[-1] else f"{size[0]:g} to {size[1]:g} pixels"


def _cell(figure: Estimate | None, *, is_share: bool = False) -> Cell:
    if figure is None or figure.value is None:
        return Cell("\N{EN DASH}", sort=-1.0)
    text = percent(figure.value) if is_share else f"{figure.value:.3f}"
    return Cell(text, _bounds(figure, is_share=is_share), sort=figure.value)


def _bounds(figure: Estimate, *, is_share: bool = False) -> str:
    if figure.ci95 is None:
        return ""
    ends = [percent(end, unit=False) if is_share else f"{end:.3f}" for end in figure.ci95]
    return " to ".join(ends)


def _plain(figure: Estimate) -> str:
    return "undefined" if figure.value is None else f"{figure.value:.3f}"


def _share(figure: Estimate) -> str:
    return "undefined" if figure.value is None else percent(figure.value)


def _full(figure: Estimate) -> str:
    return f"{_share(figure)} ({_bounds(figure, is_share=True)})"


def _rate(figure: Estimate) -> str:
    return f"{_plain(figure)} ({_bounds(figure)})"


def detector_sections(
    info: DetectorInfo,
    curves: pd.DataFrame,
    *,
    seconds: float,
    device: str,
    measured: Sequence[Section] = (),
) -> tuple[Section, ...]:
    """All that there is to show of a detector's run, the summary first.

    Args:
        info: what its model file knows.
        curves: its `metrics.csv`.
        seconds: of its training.
        device: what it was trained on.
        measured: what was measured of it.
    """
    epochs = counted(len(curves), "epoch")
    budget = int(info.config["network"]["budget"])
    cards = (
        Card("Parameters", large(info.parameters), f"of a budget of {large(budget)}"),
        Card("Learned from", f"{info.photos:,}", f"photos with {counted(info.faces, 'face')}"),
        Card("Training", duration(seconds), f"{epochs} on {device}"),
    )
    loss = float(curves["val_loss"].iloc[-1])
    sentences = (
        f"It learned from {counted(info.faces, 'face')} in {counted(info.photos, 'photo')} of "
        f"{', '.join(info.sources)}, over {epochs}; its validation loss is {loss:.3f} at the end.",
        "Its weights are averages over the last steps; no measure chose them.",
    )
    figures = curve_figures({info.name: curves}, [model_colour(0)])
    settings = [(Cell(key), Cell(value)) for key, value in flat_settings(info.config).items()]
    hashes = Facts(
        (
            ("Package version", info.version),
            ("Weights (SHA-256)", info.weights_sha256),
            ("Sums", info.precision),
        )
    )
    return (
        Section("Summary", "summary", (on_page(Cards(cards)), Bullets(sentences))),
        *measured,
        Section("Training", "training", (Figures(figures),), is_page_only=True),
        Section(
            "Settings",
            "settings",
            (hashes, table(("Setting", "Value"), settings)),
            is_page_only=True,
        ),
    )
