import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score
from tests.copies.photo_table import explored, noise_images, photo_table, two_classes

from facecover.dataset.arrays import Images
from facecover.dataset.collect import collect
from facecover.dataset.manifest import SourceInfo
from facecover.errors import DatasetError
from facecover.look.exploration import Exploration, explore, explore_dataset
from facecover.look.finding import Finding
from facecover.look.mean_faces import mean_image
from facecover.look.samples import Samples, read_samples
from facecover.look.statistics import NOT_SPLIT, halves, saturation, separation
from facecover.preparation.pipeline import write_dataset
from facecover.sources.rows import Row, Source

SPLITS = ["train"] * 140 + ["val"] * 20 + ["test"] * 40


def as_source(root: Path) -> Source:
    rows = tuple(
        Row(path, "faces", label)
        for label, name in enumerate(("without_mask", "with_mask"))
        for path in sorted((root / name).iterdir())
    )
    return Source("faces", root, "class-folders", rows, (), {"without_mask": 0, "with_mask": 1})


def found_in(table: pd.DataFrame, images: dict[int, Images] | None = None) -> dict[str, Finding]:
    return {one.key: one for one in explored(table, images).findings}


def keys_of(document: object, place: str = "") -> set[str]:
    """The keys of a JSON document, those of its lists' items too."""
    if isinstance(document, list):
        return {key for item in document[:1] for key in keys_of(item, place)}
    if not isinstance(document, dict):
        return set()
    found = {f"{place}{key}" for key in document}
    return found.union(*(keys_of(value, f"{place}{key}.") for key, value in document.items()))


# Counts


def test_counts_add_up() -> None:
    rng = np.random.default_rng(0)
    table = photo_table(
        rng.integers(0, 3, 300),
        source=rng.choice(["a", "b", "c"], 300),
        split=rng.choice(np.array(["train", "test", None]), 300),
    )
    counts = explored(table, left_out={"broken image": 4}).counts
    assert counts.n == 300
    assert sum(cell.n for cell in counts.cells) == 300
    for group, column in ((counts.by_source, "source"), (counts.by_class, "label")):
        assert sorted(group.values()) == sorted(table[column].value_counts())
    assert counts.by_split == {
        "train": (table["split"] == "train").sum(),
        "test": (table["split"] == "test").sum(),
        NOT_SPLIT: table["split"].isna().sum(),
    }
    assert list(counts.by_class) == ["no_mask", "mask", "incorrect_mask"]
    assert counts.majority_share == max(counts.by_class.values()) / 300
    shares = [counts.share_of(name, split="test") for name in counts.by_class]
    assert sum(shares) == pytest.approx(1)


def test_the_callers_table_stays_as_it_was() -> None:
    table = photo_table(two_classes(), split=SPLITS)
    before = table.copy()
    explored(table)
    pd.testing.assert_frame_equal(table, before)


def test_rows_and_images_go_by_position_whatever_the_index() -> None:
    table = photo_table(two_classes(), split=SPLITS)
    shuffled_index = table.set_index(np.arange(200)[::-1])
    assert explored(table).to_json() == explored(shuffled_index).to_json()


def test_no_sample_is_an_error() -> None:
    with pytest.raises(DatasetError, match="no sample to explore"):
        explored(photo_table([]), noise_images(0))


# Sizes


def test_input_sizes_are_judged_by_the_sides() -> None:
    table = photo_table(
        [0, 0, 1, 1], width=[20, 64, 64, 200], height=[200, 64, 100, 300],
        split=["train", "train", "test", "test"],
    )  # fmt: skip
    fits = {fit.size_px: fit for fit in explored(table).sizes.inputs}
    assert fits[64].under == 0.25
    assert fits[64].over == 0.25
    assert fits[64].under_both == 0
    assert fits[64].lossless == 0.25
    assert fits[128].under == 0.75
    assert fits[128].under_both == 0.5
    assert fits[64].under_by_split == {"train": 0.5, "test": 0}
    assert fits[64].under_by_class == {"no_mask": 0.5, "mask": 0}
    kept = [64 / 200, 1, 64 / 100, 64 / 200 * 64 / 300]
    assert fits[64].median_pixels_kept == pytest.approx(np.median(kept))


@pytest.mark.parametrize(
    ("side", "advice"),
    [(40, "32 x 32 is the largest"), (100, "64 x 64 is the largest"), (20, "Each of these inputs")],
)
def test_the_advised_input_follows_from_the_sides(side: int, advice: str) -> None:
    table = photo_table(two_classes(), width=side, height=side + 1)
    assert advice in found_in(table)["input_size"].reason


def test_the_input_is_advised_for_the_training_photos() -> None:
    sides = np.where(np.array(SPLITS) == "train", 70, 20)
    insight = found_in(photo_table(two_classes(), split=SPLITS, width=sides, height=sides))
    assert insight["input_size"].facts == {"under_32": 0, "under_64": 0, "under_128": 1}


# Separation


def test_separation_is_the_area_under_the_roc_curve() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 9, 50).astype(float), rng.integers(2, 12, 80).astype(float)
    truth, values = np.repeat([0, 1], [50, 80]), np.concatenate([first, second])
    found = separation(first, second)
    assert found.auc == pytest.approx(roc_auc_score(truth, values))
    turned = separation(second, first)
    assert (turned.auc, turned.low, turned.high) == pytest.approx(
        (1 - found.auc, 1 - found.high, 1 - found.low)
    )


@pytest.mark.parametrize("n", [1, 20, 5000])
def test_the_interval_is_honest_at_the_ends(n: int) -> None:
    apart = separation(np.zeros(n), np.ones(n))
    assert apart.auc == apart.high == 1
    assert 0 < apart.low < 1
    alike = separation(np.zeros(n), np.zeros(n))
    assert alike.auc == 0.5
    assert alike.low < 0.5 < alike.high


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    truth = 0.6985  # of normal distributions whose means lie 0.74 apart: Phi(0.74 / sqrt 2)
    held = 0
    for _ in range(400):
        found = separation(rng.normal(0, 1, 30), rng.normal(0.74, 1, 40))
        held += found.low <= truth <= found.high
    assert 0.92 <= held / 400 <= 0.98


# What tells the classes apart


def test_a_width_that_tells_the_class_is_a_warning_and_shuffled_labels_are_not() -> None:
    rng = np.random.default_rng(3)
    labels = np.array(two_classes(600))
    widths = 100 + 40 * labels + rng.integers(0, 40, 600)
    found = found_in(photo_table(labels, width=widths))
    assert found["file_measures"].is_warning
    assert "Width alone tells mask from no_mask" in found["file_measures"].sentence
    assert found["file_measures"].facts["width"] == 1
    assert found["sizes_tell_the_class"].is_warning
    shuffled = found_in(photo_table(rng.permutation(labels), width=widths))
    for key in ("file_measures", "pixel_measures", "sizes_tell_the_class", "mean_faces"):
        assert key not in shuffled


def test_sizes_that_one_class_was_cut_to_are_seen_though_no_measure_is_larger() -> None:
    labels = np.array(two_classes(600))
    widths = np.where(labels == 1, 150, np.where(np.arange(600) % 4 < 2, 100, 200))
    table = photo_table(labels, width=widths)
    found = explored(table)
    (width,) = (one for one in found.measures.class_differences if one.measure == "width")
    assert width.auc == pytest.approx(0.5)
    assert found.size_guesses[0].accuracy == 1
    assert "sizes_tell_the_class" in found_in(table)


def test_a_shortcut_within_one_source_is_found() -> None:
    labels = np.array(two_classes(800))
    sources = np.repeat(["even", "skewed"], 400)
    heights = np.where(sources == "even", 500 - 300 * labels, 200 + 300 * labels)
    insight = found_in(photo_table(labels, source=sources, height=heights))["file_measures"]
    assert "within" in insight.sentence
    assert insight.facts["height"] in (0, 1)


def test_few_photos_raise_no_alarm() -> None:
    labels = np.array(two_classes(24))
    assert "file_measures" not in found_in(photo_table(labels, width=100 + 40 * labels))


def test_a_pixel_measure_is_a_note() -> None:
    labels = np.array(two_classes())
    insight = found_in(photo_table(labels, brightness=0.4 + 0.2 * labels))["pixel_measures"]
    assert insight.level == "note"
    assert "Brightness alone" in insight.sentence
    assert "larger for mask" in insight.sentence


# Each insight comes with its cause, and not without


def _copied(table: pd.DataFrame, rows: dict[int, int]) -> pd.DataFrame:
    digests = table["sha256"].to_numpy(copy=True)
    for copy, original in rows.items():
        digests[copy] = digests[original]
    return table.assign(sha256=digests).astype({"sha256": "string"})


def _plain(**columns: object) -> pd.DataFrame:
    return photo_table(two_classes(1000), split=["train"] * 500 + ["test"] * 500, **columns)


def _values(name: str, share: float, value: float) -> pd.DataFrame:
    values = _plain()[name].to_numpy(copy=True)
    values[: int(share * len(values))] = value
    return _plain(**{name: values})


CAUSES: dict[str, pd.DataFrame] = {
    "one_class": photo_table([1] * 50),
    "one_class_sources": _plain(source=["a", "b", "a", "a"] * 250),
    "no_split": photo_table(two_classes()),
    "class_shift_test": photo_table(
        [0, 1] * 250 + [1] * 500, split=["train"] * 500 + ["test"] * 500
    ),
    "small_test_split": photo_table(two_classes(), split=SPLITS),
    "tiny_photos": _plain(width=[20] * 50 + [200] * 950),
    "squeezed": _plain(width=150, height=[150] * 900 + [290] * 100),
    "exact_copies": _copied(_plain(), {1: 3}),
    "copies_across_splits": _copied(_plain(), {1: 999}),
    "copies_with_both_labels": _copied(_plain(), {1: 2}),
    "wrong_suffixes": _plain(path="face.png"),
    "formats_by_class": _plain(format=["PNG", "JPEG"] * 100 + ["JPEG"] * 800),
    "dark_photos": _values("brightness", 0.02, 0.1),
    "bright_photos": _values("brightness", 0.02, 0.95),
    "flat_photos": _values("contrast", 0.02, 0.05),
    "soft_photos": _values("sharpness", 0.02, 0.001),
    "blank_photos": _values("contrast", 0.001, 0.001),
    "sources_differ": _plain(source=["a", "a", "b", "b"] * 250, file_bytes=[1, 2, 3, 4] * 250),
    "test_differs": _plain(jpeg_quality=[90] * 500 + [70] * 500),
}


@pytest.mark.parametrize("key", list(CAUSES))
def test_an_insight_needs_its_cause(key: str) -> None:
    found = explored(CAUSES[key]).findings
    assert key in {one.key for one in found}
    levels = [one.level for one in found]
    assert levels == sorted(levels, reverse=True)  # warnings first
    assert max(Counter(one.key for one in found).values()) == 1
    assert all(one.sentence.endswith(".") and "nan" not in one.sentence for one in found)


def test_plain_photos_give_only_what_always_holds() -> None:
    assert set(found_in(_plain())) == {"class_balance", "input_size", "pixels_kept"}


def test_grey_photos_are_counted_by_class() -> None:
    images = noise_images(200)
    images[64][:20:2] = images[64][:20:2, :, :, :1]
    insight = found_in(photo_table(two_classes()), images)["grey_photos"]
    assert insight.facts == {"n": 10, "share": 0.05}
    assert "10.0% of no_mask and 0.0% of mask" in insight.sentence


def test_what_was_left_out_warns_by_its_share() -> None:
    table = photo_table(two_classes(200))
    for lost, level in ((0, None), (1, "note"), (100, "warning")):
        found = {one.key: one.level for one in explored(table, left_out={"broken": lost}).findings}
        assert found.get("left_out") == level


def test_an_unbalanced_class_is_a_warning() -> None:
    for n, level in ((100, "note"), (180, "warning")):
        insight = found_in(photo_table([1] * n + [0] * (200 - n)))["class_balance"]
        assert insight.level == level
        assert insight.facts["majority_share"] == n / 200


def test_names_in_insights_are_printable() -> None:
    table = _plain(source=["a\n\x1b[31m", "b", "a\n\x1b[31m", "a\n\x1b[31m"] * 250)
    table["file_bytes"] += 9000 * (table["source"] != "b").to_numpy(dtype=np.int64)
    texts = [one.sentence for one in explored(table).findings]
    assert any("a\\n\\x1b[31m" in text for text in texts)
    assert all(text.isprintable() for text in texts)


# Copies


def test_copies_are_counted_by_file_and_box() -> None:
    boxes = {"x0": [0, 5, 0], "y0": [0, 0, 0], "x1": [4, 9, 4], "y1": [4, 4, 4]}
    table = photo_table([0, 1, 1], split=["train", "train", "test"], sha256="aa", **boxes)
    copies = explored(table).copies
    assert (copies.groups, copies.extra, copies.with_several_labels) == (1, 1, 1)
    assert copies.across_splits == 1
    assert copies.test_share == 1
    assert copies.conflict_examples == (("faces/photo 0.jpg", "faces/photo 2.jpg"),)


def test_halves_follow_the_file() -> None:
    table = photo_table(two_classes(500))
    half_of = halves(table)
    assert 200 < half_of.sum() < 300
    order = np.random.default_rng(0).permutation(500)
    np.testing.assert_array_equal(halves(table.iloc[order]), half_of[order])


# Pixels


def test_saturation_is_from_grey_to_a_pure_colour() -> None:
    images = np.zeros((3, 4, 4, 3), dtype=np.uint8)
    images[0] += 90
    images[1, ..., 0] = 255
    images[2, :2, :, 2] = 255
    np.testing.assert_allclose(saturation(images), [0, 1, 0.5])


def test_mean_faces_are_exact_means() -> None:
    images = noise_images(1500)[32]
    rows = np.arange(3, 1500, 1, dtype=np.int64)
    np.testing.assert_allclose(mean_image(images, rows), images[rows].mean(axis=0))


def test_mean_faces_tell_as_much_as_there_is() -> None:
    labels = np.array(two_classes(400))
    noise = explored(photo_table(labels)).mean_face_test
    assert noise is not None
    assert noise.low < 0.5 < noise.high
    images = noise_images(400)
    images[32][labels == 1, 20:] //= 2
    lit = explored(photo_table(labels), images).mean_face_test
    assert lit is not None
    assert lit.auc == lit.balanced_accuracy == 1
    assert found_in(photo_table(labels), images)["mean_faces"].is_warning


def test_normalisation_is_that_of_the_training_photos() -> None:
    images = noise_images(200)
    images[64][140:] = 0
    for table, rows, over in (
        (photo_table(two_classes(), split=SPLITS), slice(140), "train"),
        (photo_table(two_classes()), slice(None), "all"),
    ):
        found = {one.size_px: one for one in explored(table, images).normalisation}
        assert found[64].over == over
        chosen = images[64][rows].reshape(-1, 3) / 255
        assert found[64].mean == pytest.approx(chosen.mean(axis=0), abs=1e-6)
        assert found[64].std == pytest.approx(chosen.std(axis=0), abs=1e-6)


# Collections and datasets


def test_a_collection_and_its_dataset_are_told_alike(class_folders: Path, tmp_path: Path) -> None:
    source = as_source(class_folders)
    (tmp_path / "arrays").mkdir()
    collection = collect([source], tmp_path / "arrays")
    open_photos = explore_dataset(collection.dataset)
    dataset = write_dataset([source], tmp_path / "dataset")
    prepared = explore_dataset(dataset)
    assert open_photos.counts.by_split == {NOT_SPLIT: 120}
    assert list(prepared.counts.by_split) == ["train", "val", "test"]
    assert open_photos.counts.by_class == prepared.counts.by_class == {"no_mask": 60, "mask": 60}
    assert open_photos.sizes.spreads == prepared.sizes.spreads
    assert open_photos.files == prepared.files
    assert open_photos.sources == prepared.sources
    info = dataset.manifest.info
    for one in prepared.normalisation:
        assert one.mean == info.channel_mean[one.size_px]
        assert one.std == info.channel_std[one.size_px]


# JSON

TOP_KEYS = {
    "format_version", "sources", "counts", "sizes", "files", "copies", "measures", "size_guesses",
    "flags", "normalisation", "mean_face_test",
}  # fmt: skip


def test_the_keys_of_the_json_are_stable() -> None:
    found = explored(photo_table(two_classes(), split=SPLITS, source=["a", "a", "b", "b"] * 50))
    document: Any = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert set(document) == TOP_KEYS | {"insights"}
    assert set(document["insights"][0]) == {"key", "level", "title", "text", "reason", "figures"}
    keys = keys_of(document)
    assert {
        "counts.n", "counts.by_class.mask", "counts.by_split.train", "counts.by_source.a",
        "counts.cells.class_name", "counts.majority_share", "counts.left_out",
        "sizes.spreads.width.median", "sizes.by_class.aspect_ratio.mask.p95",
        "sizes.inputs.size_px", "sizes.inputs.under", "sizes.inputs.over",
        "sizes.inputs.under_both", "sizes.inputs.lossless", "sizes.inputs.median_pixels_kept",
        "sizes.inputs.under_by_split.train", "sizes.squeezes.factor", "sizes.squeezes.share",
        "files.formats.JPEG", "files.modes.RGB", "files.wrong_suffixes", "files.file_bytes.mean",
        "files.jpeg_quality.max", "copies.extra", "copies.across_splits", "copies.test_share",
        "measures.by_class.brightness.mask.p5", "measures.class_differences.auc",
        "measures.source_differences.distance", "measures.split_differences.p_value",
        "size_guesses.accuracy", "flags.share_by_class.mask", "normalisation.mean",
        "normalisation.std", "mean_face_test.balanced_accuracy",
    } <= keys  # fmt: skip


@pytest.mark.parametrize(
    "table",
    [
        photo_table([1]),
        photo_table([0, 1], split=["train", "test"]),
        photo_table([2] * 30),
        photo_table(two_classes(), format="PNG", jpeg_quality=None),
        photo_table(two_classes(), split="train"),
        photo_table([0, 1, 2] * 40, width=1, height=1, file_bytes=1, contrast=0.0, sharpness=0.0),
    ],
    ids=["one image", "one a split", "one class", "no jpeg", "no test", "all alike"],
)
def test_the_json_is_whole_for_odd_data(table: pd.DataFrame) -> None:
    found = explored(table)
    document: Any = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert set(document) == TOP_KEYS | {"insights"}
    assert document["counts"]["n"] == len(table)
    assert document["insights"]


# Samples


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 photos of one colour each, `0.png` to `39.png`; number i is i + 20 pixels wide."""
    root = tmp_path_factory.mktemp("samples")
    for number in range(40):
        Image.new("RGB", (number + 20, 30), (number, 2 * number, 9)).save(root / f"{number}.png")
    return root


def _table_of(root: Path, **columns: object) -> pd.DataFrame:
    paths = [root / f"{number}.png" for number in range(40)]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    names = [path.name for path in paths]
    split = ["train", "train", "test", "val"] * 10
    return photo_table(
        two_classes(40), **{"path": names, "sha256": digests, "split": split, **columns}
    )


def _explored_at(root: Path, table: pd.DataFrame) -> Exploration:
    source = SourceInfo("faces", str(root), "class-folders", {})
    return explore(table, noise_images(len(table)), [source], {})


def samples_of(exploration: Exploration, **options: int) -> Samples:
    return read_samples(exploration.table, exploration.sources, **options)


def _names(samples: Samples) -> list[str]:
    return [sample.path for sample in samples.samples]


def test_samples_are_the_photos_as_they_are(photos: Path) -> None:
    samples = samples_of(_explored_at(photos, _table_of(photos)), per_cell=5)
    assert samples.skipped == 0
    assert Counter((one.split, one.class_name) for one in samples.samples) == {
        ("train", "no_mask"): 5, ("train", "mask"): 5, ("test", "no_mask"): 5,
    }  # fmt: skip
    for sample in samples.samples:
        number = int(sample.path.removesuffix(".png"))
        assert (sample.width, sample.height) == sample.image.size == (number + 20, 30)
        assert sample.image.getpixel((0, 0)) == (number, 2 * number, 9)
        assert not sample.is_shrunk
    assert samples.of("train", "mask") == samples.samples[5:10]


def test_the_same_seed_picks_the_same_samples(photos: Path) -> None:
    exploration = _explored_at(photos, _table_of(photos))
    np.random.seed(7)  # noqa: NPY002  (the caller's global state)
    state = np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    first = _names(samples_of(exploration, per_cell=4))
    assert first == _names(samples_of(exploration, per_cell=4, seed=0))
    assert first != _names(samples_of(exploration, per_cell=4, seed=1))
    assert state == np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002


def test_photos_that_moved_or_changed_are_passed_over(photos: Path, tmp_path: Path) -> None:
    table = _table_of(photos, split="train")
    for number in range(0, 40, 4):
        (tmp_path / f"{number}.png").write_bytes((photos / f"{number}.png").read_bytes())
    (tmp_path / "1.png").write_bytes(b"another file")
    samples = samples_of(_explored_at(tmp_path, table), per_cell=10)
    assert {int(name.removesuffix(".png")) % 4 for name in _names(samples)} == {0}
    assert len(samples.samples) == 10  # of no_mask; none of mask has stayed
    assert samples.skipped >= 20
    nothing = samples_of(_explored_at(tmp_path / "gone", table), per_cell=2)
    assert nothing.samples == ()
    assert nothing.skipped == 16  # not every photo of a folder that is gone is tried


def test_boxes_are_cut_out_and_large_samples_shrunk(photos: Path) -> None:
    box = {"x0": [2] * 40, "y0": [10] * 40, "x1": [18] * 40, "y1": [18] * 40}
    boxed = _explored_at(photos, _table_of(photos, **box))
    samples = samples_of(boxed, per_cell=2, max_side_px=12).samples
    assert samples
    for sample in samples:
        assert (sample.width, sample.height) == (16, 8)
        assert sample.image.size == (12, 6)
        assert sample.is_shrunk
