"""Photos picked at random, placed on the page as large as they are."""

import base64
import io
from collections.abc import Sequence

from markupsafe import Markup

from facemask.data.exploring.columns import NOT_SPLIT
from facemask.data.insights.insight import photos
from facemask.data.samples import SAMPLED_SPLITS, Sample, Samples
from facemask.errors import shown
from facemask.report.blocks import Block, Figure, Figures, Paragraph, Section
from facemask.report.words import TIMES

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
    return Section("Samples", anchor, blocks)


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
