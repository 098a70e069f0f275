"""`predict`: answers in the order of the inputs, in bounded memory."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from PIL import Image
from tests.inference.example_answers import jpeg_bytes, photo_bytes
from tests.inference.example_model import WriteModel, example_info

from facecover.errors import ConfigError
from facecover.images import read_photo
from facecover.inference.classifier import Classifier
from facecover.inference.inputs import find_inputs
from facecover.inference.prediction import Answered
from facecover.photos import Broken, FoundPhoto, Item
from facecover.workflows.answer_photos import MARGIN, answered, is_near_boundary, predict
from facecover.workflows.detect_faces import detect


def test_folders_and_broken_names_are_answered_in_python(
    write_model: WriteModel, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.png").write_bytes(photo_bytes((0, 220, 0)))
    (folder / "b.png").write_bytes(photo_bytes((220, 0, 0)))
    (folder / "notes.txt").touch()
    model = write_model()
    answers = predict([folder, tmp_path / "none.jpg", "-"], model=model, stdin=io.BytesIO(b"x"))
    assert answers.total == 4
    documents = answers.to_json()
    assert [one.get("label") for one in documents] == ["mask", "no_mask", None, None]
    assert documents[2] == {"path": str(tmp_path / "none.jpg"), "error": "no such file or folder"}
    assert answers.skipped == {"no photo by name": 1}
    table = predict(str(folder), model=model, threshold=0.5).to_pandas()
    assert table["label"].tolist() == ["mask", "no_mask"]
    assert table["p_no_mask"].tolist() == (1 - table["p_mask"]).round(6).tolist()


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
    assert outcomes[3].reason.startswith("a text file")


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


def test_an_answer_near_a_boundary_comes_from_every_pixel(write_model: WriteModel) -> None:
    classifier = Classifier(write_model(), threads=1)
    items = [FoundPhoto(str(n), jpeg_bytes((333, 251), n), "p") for n in range(20)]
    quick = [one for one in answered(classifier, items, 8) if isinstance(one, Answered)]
    exact = [one for one in answered(classifier, items, 8, every_pixel=True)]
    n_close = 0
    for one, other in zip(quick, exact, strict=True):
        assert isinstance(other, Answered)
        assert one.prediction.size_px == other.prediction.size_px == (333, 251)
        assert one.prediction.label == other.prediction.label
        if is_near_boundary(list(one.prediction.probabilities.values()), classifier.info):
            n_close += 1
            assert one == other
    assert n_close


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        (np.zeros((8, 8, 3), np.uint8), "ndarray"),
        ([np.zeros((8, 8, 3), np.uint8)], "ndarray"),
        (Image.new("RGB", (8, 8)), "Image"),
        (b"\xff\xd8\xff", "bytes"),
    ],
)
def test_a_picture_in_memory_is_sent_to_the_classifier(  # what callers may get wrong
    inputs: Any,  # noqa: ANN401
    found: str,
) -> None:
    asked = r"; of one picture in memory ask facecover\.Classifier\(\)\(picture\)$"
    with pytest.raises(ConfigError, match=f"inputs: expected names .*, found {found}{asked}"):
        predict(inputs)
    with pytest.raises(ConfigError, match=r"ask facecover\.Detector\(\)\(picture\)$"):
        detect(inputs)


def test_a_web_address_is_no_file_and_nothing_is_fetched(write_model: WriteModel) -> None:
    names = ["https://example.org/a.jpg?size=large", "HTTP://example.org/photos/*.jpg"]
    for outcome in predict(names, model=write_model()):
        assert isinstance(outcome, Broken)
        assert outcome.reason == (
            "a web address, and nothing is fetched from the network: download it and name the file"
        )


def test_a_photo_over_the_limit_is_answered_at_reduced_scale_or_a_line(
    write_model: WriteModel, tmp_path: Path
) -> None:
    between = Image.new("RGB", (1600, 1000), (128, 128, 0))  # near a boundary
    paths = [tmp_path / "a.jpg", tmp_path / "b.png"]
    for path in paths:
        between.save(path)
    for every_pixel, n_answered in ((False, 1), (True, 0)):
        outcomes = list(
            predict(paths, model=write_model(), max_megapixels=1, every_pixel=every_pixel)
        )
        for outcome in outcomes[:n_answered]:
            assert isinstance(outcome, Answered)
            assert outcome.prediction.size_px == (1600, 1000)
        for outcome in outcomes[n_answered:]:
            assert isinstance(outcome, Broken)
            assert outcome.reason == "1600 x 1000 pixels; expected at most 1,000,000 in all"
    for out_of_range in (0, 179):
        with pytest.raises(ConfigError, match="max_megapixels: expected 1 to 178"):
            predict(paths, model=write_model(), max_megapixels=out_of_range)


@given(st.floats(0, 1), st.floats(-MARGIN, MARGIN))
def test_an_answer_away_from_boundaries_stays_when_it_moves(mask: float, move: float) -> None:
    info = example_info()
    if is_near_boundary([1 - mask, mask], info):
        return
    moved = min(max(mask + 4 * 0.4 * 0.6 * move, 0), 1)  # the band's edges are at 0.4 and 0.6
    assert (moved >= info.threshold) == (mask >= info.threshold)
    low, high = info.uncertain_band or (0, 0)
    assert (low <= moved <= high) == (low <= mask <= high)


def test_of_three_classes_the_likeliest_two_are_compared() -> None:
    info = replace(example_info(3), uncertain_band=None)
    assert is_near_boundary([0.45, 0.10, 0.45], info)
    assert not is_near_boundary([0.80, 0.10, 0.10], info)


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
    assert read_photo(jpeg_bytes((400, 300)), at_least_px=151).image.size == (400, 300)
    assert read_photo(jpeg_bytes((400, 300)), at_least_px=150).image.size == (200, 150)
    assert read_photo(jpeg_bytes((400, 300))).image.size == (400, 300)
