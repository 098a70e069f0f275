import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from facecover.dataset.collect import collect
from facecover.dataset.decode import LARGEST, MEASURES, measure_pixels, wide_cut
from facecover.images import RESAMPLING
from facecover.labels import Box
from facecover.preparation.pipeline import PrepareOptions, write_dataset
from facecover.sources.rows import Row, Source

SHA256 = "0123456789abcdef" * 4


def face(box: Box | None, label: int = 0) -> Row:
    return Row(Path("a.jpg"), "faces", label, box)


@st.composite
def pictures(draw: st.DrawFn) -> tuple[Box, tuple[int, int]]:
    """A box in a picture."""
    width, height = draw(st.integers(1, 2000)), draw(st.integers(1, 2000))
    x0, y0 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    box = Box(x0, y0, draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height)))
    return box, (width, height)


@given(pictures(), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_a_cut_is_square_and_holds_its_box_inside_the_picture(
    picture: tuple[Box, tuple[int, int]], sha256: str
) -> None:
    box, (width, height) = picture
    cut = wide_cut(face(box), [], (width, height), sha256)
    assert cut == wide_cut(face(box), [], (width, height), sha256)
    longer = max(box.x1 - box.x0, box.y1 - box.y0)
    if cut is None:
        # A side may be drawn as large as the picture allows.
        assert min(width, height) < 2 * longer
        return
    assert cut.x1 - cut.x0 == cut.y1 - cut.y0
    assert 1.25 * longer <= cut.x1 - cut.x0 <= LARGEST * longer + 1
    assert cut.x0 <= box.x0
    assert cut.y0 <= box.y0
    assert cut.x1 >= box.x1
    assert cut.y1 >= box.y1
    assert min(cut.x0, cut.y0) >= 0
    assert cut.x1 <= width
    assert cut.y1 <= height


@pytest.mark.parametrize("workers", [1, 2])
def test_a_photo_of_too_many_pixels_is_read_at_reduced_scale_or_listed(
    tmp_path: Path, workers: int
) -> None:
    rng = np.random.default_rng(0)
    soft = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8)).resize((400, 300))
    paths = [tmp_path / name for name in ("large.jpg", "large.png", "small.png")]
    soft.save(paths[0], quality=95)
    soft.save(paths[1])
    soft.resize((200, 150)).save(paths[2])
    boxes = [Box(120, 80, 200, 180), Box(120, 80, 200, 180), Box(60, 40, 100, 90)]
    rows = [
        *(Row(path, "s", 1, box) for path, box in zip(paths, boxes, strict=True)),
        *(Row(path, "s", 0, None) for path in paths),
    ]
    rows.sort(key=lambda row: row.path)
    source = Source("s", tmp_path, "voc", tuple(rows))
    kept = collect([source], tmp_path, workers=workers, max_pixels=119_999, max_unreadable_share=1)
    reasons = [(drop.path.name, drop.reason, drop.detail.partition(": ")[2]) for drop in kept.drops]
    too_large = "400 x 300 pixels; expected at most 119,999 in all"
    assert reasons == [("large.png", "unreadable image", too_large)] * 2
    sizes = kept.table[["width", "height"]].to_numpy().tolist()
    assert sizes == [[80, 100], [400, 300], [40, 50], [200, 150]]
    images = kept.dataset.images(64).astype(int)
    assert np.abs(images[0] - images[2]).mean() < 6
    assert np.abs(images[1] - images[3]).mean() < 6
    windows = kept.table[["wide_x0", "wide_y0", "wide_x1", "wide_y1"]].dropna().to_numpy(int)
    assert (windows[0][2:] <= (400, 300)).all()
    assert windows[0][2] - windows[0][0] > 100


def test_another_file_and_another_box_have_another_cut() -> None:
    box, size = Box(400, 400, 500, 520), (1000, 1000)
    cuts = {wide_cut(face(box), [], size, f"{number:064x}"[::-1]) for number in range(20)}
    assert len(cuts) == 20


def test_most_room_is_below_the_face() -> None:
    box, size = Box(900, 900, 1000, 1000), (2000, 2000)
    cuts = [wide_cut(face(box), [], size, f"{number:064x}"[::-1]) for number in range(200)]
    assert np.mean([cut.y1 - 1000 > 900 - cut.y0 for cut in cuts if cut]) > 0.9
    assert 0.4 < np.mean([cut.x1 - 1000 > 900 - cut.x0 for cut in cuts if cut]) < 0.6


@pytest.mark.parametrize(
    ("rival", "spoils"),
    [
        (face(Box(505, 400, 605, 500), 1), True),
        (face(Box(505, 400, 605, 500), 0), False),
        (face(Box(505, 400, 545, 440), 1), False),
        (face(Box(900, 900, 1000, 1000), 1), False),
        (face(None, 1), False),
    ],
    ids=["beside it", "of the same class", "far behind it", "elsewhere", "no box"],
)
def test_a_face_of_another_class_is_not_in_a_cut(rival: Row, *, spoils: bool) -> None:
    box = Box(400, 400, 500, 500)
    seen = 0
    for number in range(100):
        cut = wide_cut(face(box), [rival], (1000, 1000), f"{number:064x}"[::-1])
        if cut is not None:
            seen += cut.x1 > 540 and cut.y0 < 440
        else:
            assert spoils
    assert (seen < 10) if spoils else (seen > 40)


def test_no_box_and_no_room_give_no_cut() -> None:
    assert wide_cut(face(None), [], (100, 100), SHA256) is None
    assert wide_cut(face(Box(0, 0, 90, 90)), [], (100, 1000), SHA256) is None


def scenes(root: Path, count: int = 40) -> Source:
    """Pictures of noise, each with two boxes and one whole one between them."""
    rng = np.random.default_rng(0)
    root.mkdir()
    rows = []
    for number in range(count):
        path = root / f"{number:02}.png"
        Image.fromarray(rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)).save(path)
        label = number % 2
        if number % 5 == 4:
            rows.append(Row(path, "scenes", label))
            continue
        rows += [
            Row(path, "scenes", label, Box(10, 10, 40, 44)),
            Row(path, "scenes", label, Box(100, 50, 300 if number == 5 else 130, 80)),
        ]
    return Source("scenes", root, "voc", tuple(rows), (), {"a": 0, "b": 1})


def test_a_dataset_keeps_the_cut_of_each_box(tmp_path: Path) -> None:
    source = scenes(tmp_path / "photos")
    options = PrepareOptions(split_by="random", audits=False, max_unreadable_share=0.2, workers=1)
    dataset = write_dataset([source], tmp_path / "d", options)
    table = dataset.manifest.table
    assert table["wide_cut"].notna().sum() == 63  # of 64 boxes, one outside its picture
    assert table.loc[table["x0"].isna(), "wide_cut"].isna().all()
    assert table["wide_x0"].notna().equals(table["wide_cut"].notna())
    for row in table[table["wide_cut"].notna()].itertuples():
        box = Box(int(str(row.x0)), int(str(row.y0)), int(str(row.x1)), int(str(row.y1)))
        cut = wide_cut(face(box), [], (160, 120), str(row.sha256))
        assert cut is not None
        assert (row.wide_x0, row.wide_y0, row.wide_x1, row.wide_y1) == cut
        picture = Image.open(source.root / str(row.path))
        for size in (32, 64):
            expected = np.asarray(picture.crop(cut).resize((size, size), RESAMPLING))
            np.testing.assert_array_equal(dataset.wide_cuts(size)[int(str(row.wide_cut))], expected)


def test_helper_processes_find_the_same_cuts(tmp_path: Path) -> None:
    source = scenes(tmp_path / "photos", 130)
    one, two = (
        write_dataset(
            [source],
            tmp_path / f"d{workers}",
            PrepareOptions(split_by="random", audits=False, workers=workers),
        )
        for workers in (1, 2)
    )
    assert one.manifest.table["wide_cut"].tolist() == two.manifest.table["wide_cut"].tolist()
    np.testing.assert_array_equal(one.wide_cuts(32), two.wide_cuts(32))


def test_whole_photos_have_no_cuts_and_no_file_for_them(
    class_folders: Path, tmp_path: Path
) -> None:
    rows = tuple(
        Row(path, "faces", label)
        for label, name in enumerate(("without_mask", "with_mask"))
        for path in sorted((class_folders / name).iterdir())
    )
    source = Source("faces", class_folders, "class-folders", rows, (), {"a": 0, "b": 1})
    options = PrepareOptions(split_by="random", audits=False)
    dataset = write_dataset([source], tmp_path / "d", options)
    assert dataset.wide_cuts(64).shape == (0, 64, 64, 3)
    assert not list((tmp_path / "d").glob("wide*"))


def noise(count: int = 5, size_px: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size_px, size_px, 3), dtype=np.uint8)


def test_measures_are_their_formulas() -> None:
    some = noise()
    measured = dict(zip(MEASURES, measure_pixels(some).T, strict=True))
    scaled = some / 255
    luma = scaled @ [0.299, 0.587, 0.114]
    laplacian = (
        luma[:, 1:-1, 1:-1]
        - (luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1] + luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:]) / 4
    )
    expected = {
        "brightness": luma.mean(axis=(1, 2)),
        "contrast": luma.std(axis=(1, 2)),
        "sharpness": np.abs(laplacian).mean(axis=(1, 2)),
        **{
            name: scaled[..., i].mean(axis=(1, 2))
            for i, name in enumerate(("red", "green", "blue"))
        },
    }
    assert list(expected) == list(MEASURES)
    for name, values in expected.items():
        np.testing.assert_allclose(measured[name], values, rtol=1e-4)


@pytest.mark.parametrize("value", [0, 255])
def test_a_blank_image_has_no_contrast(value: int) -> None:
    blank = np.full((1, 64, 64, 3), value, dtype=np.uint8)
    brightness, contrast, sharpness, *colours = measure_pixels(blank)[0]
    assert brightness == pytest.approx(value / 255, abs=1e-6)
    assert contrast == pytest.approx(0, abs=1e-6)
    assert sharpness == pytest.approx(0, abs=1e-6)
    assert colours == pytest.approx([value / 255] * 3)


def test_no_image_has_no_measures() -> None:
    assert measure_pixels(noise(0)).shape == (0, 6)


def test_a_helper_process_that_decodes_needs_no_pandas() -> None:
    code = "import sys, facecover.dataset.decode; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
