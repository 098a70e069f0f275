import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from rich.console import Console
from tests.copies.photo_table import explored, noise_images, photo_table, two_classes

from facecover.look.exploration import Exploration
from facecover.look.samples import MAX_SIDE_PX, PER_CELL, Sample, Samples
from facecover.report import exploration_figures
from facecover.report.blocks import Section
from facecover.report.data_sections import LISTED, counts_section
from facecover.report.exploration_figures import mean_faces, samples_section
from facecover.report.exploration_page import (
    explore_highlights,
    explore_sections,
    write_explore_page,
)
from facecover.report.html import MAX_BYTES, render_page
from facecover.report.terminal import render
from facecover.sources.rows import Drop

HOSTILE = '<script>alert("1")</script> [red]$x_1$'
SPLITS = ["train", "train", "test", "train"] * 50


class _Reader(HTMLParser):
    """Every tag with its attributes, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    return reader


def of(tag: str, reader: _Reader) -> list[dict[str, str | None]]:
    return [attributes for name, attributes in reader.tags if name == tag]


def sample(
    number: int, *, split: str = "train", class_name: str = "mask", side: int = 40, path: str = "x"
) -> Sample:
    rng = np.random.default_rng(number)
    image = Image.fromarray(rng.integers(0, 256, (side, side + 7, 3), dtype=np.uint8))
    return Sample(path, "faces", split, class_name, *image.size, image)


def two_sources() -> pd.DataFrame:
    """Photos of two sources whose names are traps."""
    sources = [HOSTILE, HOSTILE, "b\x1b\n", "b\x1b\n"] * 50
    return photo_table(two_classes(), split=SPLITS, source=sources, path=f"{HOSTILE}.png")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of `two_sources` with two samples, one of them of a hostile name."""
    hostile = sample(0, path=f'"><img src=x onerror="{HOSTILE}')
    samples = Samples((hostile, sample(1, split="test", class_name="no_mask")), 0, 0)
    path = tmp_path_factory.mktemp("page") / "explore.html"
    write_explore_page(path, explored(two_sources()), samples)
    return path.read_text(encoding="utf-8")


def test_the_page_holds_every_part_and_loads_nothing(page: str) -> None:
    reader = read(page)
    assert [attributes["id"] for attributes in of("section", reader)] == [
        f"explore-{part}"
        for part in (
            "insights", "counts", "sizes", "files", "pixels", "differences", "faces", "samples",
        )
    ]  # fmt: skip
    for insight in explored(two_sources()).findings:
        assert insight.sentence in reader.text
        assert insight.reason in reader.text
    for attributes in of("img", reader):
        assert str(attributes["src"]).startswith("data:image/")
        assert attributes["alt"]
    assert not re.search(r"(src|href)=\"(?!data:|#)", page.replace("&#34;", ""))
    assert len(page.encode()) < MAX_BYTES


def test_hostile_names_are_only_text(page: str) -> None:
    reader = read(page)
    assert len(of("script", reader)) == 1
    assert not any("onerror" in attributes for _, attributes in reader.tags)
    assert "\x1b" not in reader.text
    assert HOSTILE in reader.text
    assert "b\\x1b\\n" in reader.text


def test_what_was_left_out_is_listed_with_its_reason() -> None:
    drops = [
        Drop(Path(f"{HOSTILE}/{number}.jpg"), "faces", "broken image", f"truncated {number}\n")
        for number in range(LISTED + 1)
    ]
    exploration = explored(photo_table([0, 1]), left_out={"broken image": len(drops)})
    html = render_page("Counts", (counts_section(exploration, "counts", drops),))
    text = read(html).text
    assert f"the first {LISTED} of {LISTED + 1} samples" in text
    assert f"{HOSTILE}/0.jpg" in text
    assert f"truncated {LISTED - 1}\\n" in text
    assert f"truncated {LISTED}" not in text


def shown_samples(samples: Samples) -> _Reader:
    section = samples_section(samples, ("no_mask", "mask", "incorrect_mask"), "samples")
    assert section is not None
    return read(render_page("Samples", (section,)))


def test_samples_stand_as_large_as_they_are() -> None:
    chosen = tuple(sample(side, side=side) for side in (90, 30, 60))
    reader = shown_samples(Samples(chosen, 2, 0))
    shown = of("img", reader)
    assert [(image["width"], image["height"]) for image in shown] == [
        ("37", "30"), ("67", "60"), ("97", "90"),
    ]  # fmt: skip
    for attributes in shown:
        content = base64.b64decode(str(attributes["src"]).partition(",")[2])
        with Image.open(io.BytesIO(content)) as image:
            size = [str(side) for side in image.size]
        assert size == [attributes["width"], attributes["height"]]
    assert "2 photos that were drawn had moved or changed" in reader.text


def test_a_shrunk_sample_is_said_to_be() -> None:
    shrunk = Sample("x", "faces", "test", "mask", 400, 200, Image.new("RGB", (100, 50)))
    assert "1 photo over 100 pixels shrunk to that" in shown_samples(Samples((shrunk,), 0, 0)).text


def test_without_samples_there_is_no_such_section() -> None:
    assert samples_section(Samples((), 3, 0), ("mask",), "samples") is None


def test_noise_is_packed_until_the_page_can_be_mailed(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = Samples(tuple(sample(number, side=100) for number in range(3)), 0, 0)
    sizes = []
    for budget in (exploration_figures.MAX_PHOTO_BYTES, 6_000, 0):
        monkeypatch.setattr(exploration_figures, "MAX_PHOTO_BYTES", budget)
        shown = of("img", shown_samples(chosen))
        assert len(shown) == 3
        sizes.append(sum(len(str(one["src"])) for one in shown))
    assert sizes[0] > sizes[1] >= sizes[2]
    # The worst case: two splits, three classes, and noise as large as samples get.
    (worst,) = of("img", shown_samples(Samples((sample(0, side=MAX_SIDE_PX - 7),), 0, 0)))
    assert 2 * 3 * PER_CELL * len(str(worst["src"])) < MAX_BYTES


@pytest.mark.slow
@pytest.mark.parametrize(
    "table",
    [
        photo_table([1]),
        photo_table([2] * 30, format="PNG", jpeg_quality=None),
        photo_table([0, 1, 2] * 40, width=1, height=1, file_bytes=1, contrast=0.0, sharpness=0.0),
        photo_table(two_classes(30), source=[f"source {number}" for number in range(30)]),
    ],
    ids=["one image", "one class", "all alike", "many sources"],
)
def test_odd_data_has_a_page_too(table: pd.DataFrame, tmp_path: Path) -> None:
    exploration = explored(table)
    write_explore_page(tmp_path / "explore.html", exploration)
    text = read((tmp_path / "explore.html").read_text(encoding="utf-8")).text
    assert "nan" not in re.findall(r"\w+", text.lower())
    assert f"{len(table):,} labelled face photo" in text
    assert "Key insights" in printed(exploration)


def test_highlights_and_the_whole_stand_on_one_page() -> None:
    exploration = explored(photo_table([0, 1]))
    whole = Section("Exploration", "more", children=explore_sections(exploration, prefix="more-"))
    html = render_page("Study", (explore_highlights(exploration), whole))
    assert html.count("<h2>") == 2


def test_mean_faces_are_shown_pixel_by_pixel() -> None:
    labels = np.array(two_classes())
    images = noise_images(200)
    figure = mean_faces(explored(photo_table(labels), images))
    shown = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
        for data in re.findall(r"base64,([^\"]+)", str(figure.markup))
    ]
    assert len(shown) == 3
    for label, picture in enumerate(shown[:2]):
        mean = np.rint(images[64][labels == label].mean(axis=0)).astype(np.uint8)
        np.testing.assert_array_equal(picture, mean.repeat(4, axis=0).repeat(4, axis=1))


def printed(exploration: Exploration) -> str:
    stream = io.StringIO()
    Console(file=stream, width=200).print(*render(explore_sections(exploration)))
    return stream.getvalue()


def test_the_terminal_shows_counts_and_insights() -> None:
    table = photo_table(two_classes(), split=SPLITS, source=["a", "a", "b", "b"] * 50)
    exploration = explored(table)
    text = printed(exploration)
    rows = re.findall(r"^ *(a|b) +(train|test) +(\d+) +(\d+) +(\d+) ", text, re.M)
    assert len(rows) == len({(cell.source, cell.split) for cell in exploration.counts.cells})
    assert sum(int(row[4]) for row in rows) == exploration.counts.n
    flat = " ".join(text.split())
    for insight in exploration.findings:
        assert " ".join(insight.sentence.split()) in flat


def test_the_terminal_is_told_nothing_by_names() -> None:
    table = photo_table(two_classes(), source=["[red]x\x1b[2J", "b"] * 100)
    text = printed(explored(table))
    assert "[red]x\\x1b[2J" in text
    assert "\x1b[2J" not in text
