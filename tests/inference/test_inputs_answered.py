"""Answers in the order of the inputs, and what becomes of them: lines, copies, a sheet."""

import csv
import dataclasses
import io
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.inference.example_model import WriteModel, example_info

from facecover.errors import ConfigError, OutputError
from facecover.images import read_photo
from facecover.inference import outputs as sheet_module
from facecover.inference.classifier import Classifier
from facecover.inference.inputs import MARGIN, Answered, answered, find_inputs, is_close
from facecover.inference.outputs import Copies, CsvLines, JsonLines, Sheet, TextLines, safe_name
from facecover.inference.prediction import Prediction
from facecover.photos import Broken, FoundPhoto, Item

CLASSES = ("no_mask", "mask")


def photo_bytes(colour: tuple[int, int, int], size: tuple[int, int] = (20, 30)) -> bytes:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 30, (size[1], size[0], 3))
    pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def given_answer(
    name: str = "a.jpg", inner: str = "a.jpg", source: Path | bytes = b"x", p: float = 0.75
) -> Answered:
    prediction = Prediction("mask", p, {"no_mask": 1 - p, "mask": p}, False, "", (40, 30))
    return Answered(FoundPhoto(name, source, inner), prediction)


def uncertain(one: Answered) -> Answered:
    prediction = dataclasses.replace(one.prediction, is_uncertain=True, reason="blank")
    return dataclasses.replace(one, prediction=prediction)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 50])
def test_outcomes_stand_in_the_order_of_the_inputs(
    write_model: WriteModel, batch_size: int
) -> None:
    classifier = Classifier(write_model(), threads=2)
    red, green = photo_bytes((220, 0, 0)), photo_bytes((0, 220, 0))
    items: list[Item] = [Broken("0", "gone"), Broken("1", "gone")]
    contents = (green, b"no image", red, green)
    items += [FoundPhoto(str(n), content, "p") for n, content in enumerate(contents, start=2)]
    items += [Broken("6", "gone"), FoundPhoto("7", red, "p"), Broken("8", "gone")]
    outcomes = list(answered(classifier, items, batch_size))
    said = [one.prediction.label if isinstance(one, Answered) else "-" for one in outcomes]
    assert said == ["-", "-", "mask", "-", "no_mask", "mask", "-", "no_mask", "-"]
    assert [one.photo.name if isinstance(one, Answered) else one.name for one in outcomes] == [
        str(n) for n in range(9)
    ]
    assert isinstance(outcomes[3], Broken)
    assert outcomes[3].reason.startswith("not an image")


def test_endless_inputs_are_answered_as_they_come(write_model: WriteModel) -> None:
    taken = 0

    def endless() -> Iterator[Item]:
        nonlocal taken
        while True:
            taken += 1
            yield FoundPhoto(str(taken), photo_bytes((0, 220, 0)), "p")

    outcomes = answered(Classifier(write_model(), threads=1), endless(), 4)
    for _ in range(10):
        next(outcomes)
    assert taken <= 10 + 3 * 4


@pytest.mark.parametrize("max_waiting_bytes", [0, 1, 25_000, 200_000])
def test_large_members_that_wait_are_few(
    write_model: WriteModel, tmp_path: Path, max_waiting_bytes: int
) -> None:
    """However many photos a batch has, no more bytes wait than asked, and one member's more."""
    red, green = photo_bytes((220, 0, 0)), photo_bytes((0, 220, 0))
    path, padding = tmp_path / "photos.zip", bytes(10_000)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(30):
            archive.writestr(f"{number}.png", (red, green, b"no image")[number % 3] + padding)
    waiting, most = 0, 0

    def watched() -> Iterator[Item]:
        nonlocal waiting, most
        yield Broken("first", "gone")
        for item in find_inputs([str(path)], io.BytesIO()):
            assert isinstance(item, FoundPhoto)
            assert isinstance(item.source, bytes)
            waiting += len(item.source)
            most = max(most, waiting)
            yield item
        yield Broken("last", "gone")

    sizes = {f"{path}!{n}.png": len((red, green, b"no image")[n % 3] + padding) for n in range(30)}
    outcomes = []
    for one in answered(
        Classifier(write_model(), threads=2), watched(), 8, max_waiting_bytes=max_waiting_bytes
    ):
        name = one.photo.name if isinstance(one, Answered) else one.name
        waiting -= sizes.get(name, 0)
        outcomes.append((name, one.prediction.label if isinstance(one, Answered) else "-"))
    labels = ["no_mask", "mask", "-"] * 10
    assert outcomes == [("first", "-"), *zip(sizes, labels, strict=True), ("last", "-")]
    largest = max(sizes.values())
    assert min(max_waiting_bytes, 8 * 10_000) < most < max_waiting_bytes + largest + 1
    assert waiting == 0


def _jpeg(size: tuple[int, int], seed: int = 0) -> bytes:
    small = np.random.default_rng(seed).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def test_an_answer_close_to_another_is_settled_from_every_pixel(write_model: WriteModel) -> None:
    classifier = Classifier(write_model(), threads=1)
    items = [FoundPhoto(str(n), _jpeg((333, 251), n), "p") for n in range(20)]
    quick = [one for one in answered(classifier, items, 8) if isinstance(one, Answered)]
    exact = [one for one in answered(classifier, items, 8, every_pixel=True)]
    n_close = 0
    for one, other in zip(quick, exact, strict=True):
        assert isinstance(other, Answered)
        assert one.prediction.size_px == other.prediction.size_px == (333, 251)
        assert one.prediction.label == other.prediction.label
        if is_close(list(one.prediction.probabilities.values()), classifier.info):
            n_close += 1
            assert one == other
    assert n_close
    assert classifier(items[0].source) == exact[0].prediction  # type: ignore[union-attr]


@given(st.floats(0, 1), st.floats(-MARGIN, MARGIN))
def test_an_answer_that_is_not_close_stays_when_it_moves(mask: float, move: float) -> None:
    info = example_info()
    if is_close([1 - mask, mask], info):
        return
    moved = min(max(mask + move, 0), 1)
    assert (moved >= info.threshold) == (mask >= info.threshold)
    low, high = info.uncertain_band or (0, 0)
    assert (low <= moved <= high) == (low <= mask <= high)


def test_of_three_classes_the_likeliest_two_are_compared() -> None:
    info = dataclasses.replace(example_info(3), uncertain_band=None)
    assert is_close([0.45, 0.10, 0.45], info)
    assert not is_close([0.80, 0.10, 0.10], info)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(320, 240), (333, 251)])
def test_a_reduced_photo_is_the_same_picture(orientation: int, size: tuple[int, int]) -> None:
    small = np.random.default_rng(1).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    picture = Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)
    picture.save(stream, "JPEG", quality=95, exif=exif)
    full = read_photo(stream.getvalue())
    reduced = read_photo(stream.getvalue(), at_least_px=60)
    assert reduced.full_size == full.full_size == full.image.size
    assert reduced.image.size == tuple(-(-side // 4) for side in full.image.size)
    difference = np.abs(full.resized(16).astype(int) - reduced.resized(16))
    # Without the extent, the pictures whose sides 4 does not divide differ by 1 on average.
    assert difference.mean() < 0.4


def test_only_jpegs_are_reduced_and_only_as_far_as_asked() -> None:
    assert read_photo(photo_bytes((9, 9, 9), (400, 300)), at_least_px=10).image.size == (400, 300)
    assert read_photo(_jpeg((400, 300)), at_least_px=151).image.size == (400, 300)
    assert read_photo(_jpeg((400, 300)), at_least_px=150).image.size == (200, 150)
    assert read_photo(_jpeg((400, 300))).image.size == (400, 300)


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1), st.text(), st.floats(0, 1))
def test_lines_are_one_line_and_programs_get_the_name_back(
    name: str, reason: str, p: float
) -> None:
    for outcome in (
        given_answer(name=name, p=p),
        Broken(name, "why"),
        uncertain(given_answer(name)),
    ):
        text = TextLines(CLASSES).line(outcome)
        assert text.isprintable()
        line = JsonLines().line(outcome)
        assert line.isascii()
        assert "\n" not in line
        assert json.loads(line)["path"] == name
    written = "\n".join([CsvLines(CLASSES).first(), CsvLines(CLASSES).line(given_answer(name))])
    (row,) = csv.DictReader(io.StringIO(written, newline=""))
    assert row["path"] == name
    assert float(row["p_mask"]) == pytest.approx(0.75)


def test_an_answer_that_is_not_sure_is_not_called_so() -> None:
    assert "  99.9%  " in TextLines(CLASSES).line(given_answer(p=0.99999))
    assert " 100.0%  " in TextLines(CLASSES).line(given_answer(p=1.0))


def test_a_broken_row_has_as_many_cells_as_the_header() -> None:
    lines = CsvLines(CLASSES)
    rows = list(csv.reader([lines.first(), lines.line(Broken("a", "why"))]))
    assert len(rows[0]) == len(rows[1])
    assert rows[1][-1] == "why"


@given(
    st.text(min_size=1) | st.sampled_from(["../../x", "/etc/passwd", "..", "C:\\a.jpg", "\\\\s\\x"])
)
def test_a_copys_name_stays_in_its_folder(inner: str) -> None:
    name = safe_name(given_answer(inner=inner, source=b"?"))
    assert Path(name).name == name
    assert name not in ("", ".", "..")
    assert not name.startswith(".")
    assert not set(name) & set('<>:"/\\|?*\0\n')
    assert len(name.encode()) <= 180


def test_names_of_copies_are_readable() -> None:
    names = {
        inner: safe_name(given_answer(inner=inner))
        for inner in ("a b.jpg", "sub/a.jpg", "../x.jpg", "sub/./y.jpg", "Ü/ñ.JPG")
    }
    assert list(names.values()) == ["a b.jpg", "sub__a.jpg", "x.jpg", "sub__y.jpg", "Ü__ñ.JPG"]
    assert safe_name(given_answer(inner="n" * 400 + ".jpg")).endswith("n.jpg")
    assert safe_name(given_answer(inner="stdin", source=_jpeg((9, 9)))) == "stdin.jpg"


def test_copies_never_overwrite_and_are_made_once(tmp_path: Path) -> None:
    (tmp_path / "out/mask").mkdir(parents=True)
    (tmp_path / "out/mask/a.jpg").write_bytes(b"somebody's")
    photos = [given_answer(source=b"1"), given_answer(source=b"2"), uncertain(given_answer())]
    for _ in range(2):
        copies = Copies(tmp_path / "out")
        paths = [copies.add(one).relative_to(tmp_path / "out").as_posix() for one in photos]
        assert paths == ["mask/a-2.jpg", "mask/a-3.jpg", "uncertain/a.jpg"]
    assert (tmp_path / "out/mask/a.jpg").read_bytes() == b"somebody's"
    assert (tmp_path / "out/mask/a-3.jpg").read_bytes() == b"2"
    assert len(list((tmp_path / "out").rglob("*.jpg"))) == 4


def test_a_copy_keeps_the_photo_and_its_date(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    source.write_bytes(b"photo")
    os.utime(source, (1_000_000_000, 1_000_000_000))
    copy = Copies(tmp_path / "out").add(given_answer(source=source))
    assert copy.read_bytes() == source.read_bytes() == b"photo"
    assert copy.stat().st_mtime == 1_000_000_000


def test_a_copy_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError, match="the copy cannot be written"):
        Copies(tmp_path / "out").add(given_answer())


def test_a_sheet_shows_the_first_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet_module, "MAX_TILES", 3)
    sheet = Sheet(tmp_path / "sheet.png")
    assert sheet.write() == 0
    assert not (tmp_path / "sheet.png").exists()
    for _ in range(5):
        sheet.add(given_answer(source=photo_bytes((9, 99, 9))))
    assert sheet.write() == 3
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.width == 3 * (128 + 8) + 8


def test_a_sheet_is_a_png(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ends in \.png"):
        Sheet(tmp_path / "sheet.jpg")
