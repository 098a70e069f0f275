import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from tests.evaluation.synthetic import FakeClassifier, evaluation_of, fake_images

from facecover.dataset.manifest import COLUMNS
from facecover.errors import ConfigError, DatasetError
from facecover.evaluation.metrics import METRIC_KEYS
from facecover.evaluation.performance import Evaluation, evaluate_images
from facecover.evaluation.slices import BANDS, Slice, Slices, cut_images, measure_slices
from facecover.report.slices_section import slice_sentences, worst_sentence


def _table(n: int, **columns: object) -> pd.DataFrame:
    """A manifest's rows, all alike but for the columns given."""
    plain = {
        "source": "photos", "path": "a.jpg", "label": 0, "width": 100, "height": 100,
        "brightness": 0.45, "sharpness": 0.015, "format": "JPEG",
    }  # fmt: skip
    table = pd.DataFrame({name: [plain.get(name)] * n for name in COLUMNS})
    return table.assign(**columns)  # type: ignore[arg-type]


def _by(slices: Slices, by: str) -> dict[str, Slice]:
    return {one.name: one for one in slices.slices if one.by == by}


def _right_where(is_right: np.ndarray) -> Evaluation:
    labels = np.arange(len(is_right)) % 2
    images = fake_images(np.eye(2)[np.where(is_right, labels, 1 - labels)])
    return evaluate_images(FakeClassifier(), images, labels, resamples=200)


def test_the_worst_slice_stands_first_and_small_ones_are_kept() -> None:
    is_right = np.arange(300) % 10 != 0
    is_right[200:260] = np.arange(60) % 2 == 0
    sources = np.repeat(["good", "bad", "tiny"], (200, 60, 40))
    is_right[260:] = False
    slices = measure_slices(_right_where(is_right), _table(300, source=sources))
    assert [one.name for one in slices.judged] == ["bad", "good"]
    (tiny,) = slices.too_few
    assert tiny.name == "tiny"
    assert tiny.too_few == "40 images, fewer than 50"
    assert tiny.metrics.values["accuracy"] == 0
    assert "Worst slice: Source: bad: 50.0% of 60 images" in worst_sentence(slices)
    assert "Source: tiny (40)" in " ".join(slice_sentences(slices))
    fewer = measure_slices(_right_where(is_right), _table(300, source=sources), min_n=40)
    assert len(fewer.judged) == 3


def test_every_image_is_in_one_slice_of_each_cut_and_every_metric_is_there() -> None:
    rng = np.random.default_rng(0)
    n = 240
    table = _table(
        n, width=rng.integers(8, 300, n), height=rng.integers(8, 300, n),
        brightness=rng.random(n), sharpness=0.04 * rng.random(n),
        angle=rng.normal(size=n).astype(str), format=rng.choice(["JPEG", "PNG"], n),
    )  # fmt: skip
    evaluation = evaluation_of("net", n)
    slices = measure_slices(evaluation, table)
    cuts = {one.by for one in slices.slices}
    assert cuts == {"side_px", "aspect", "brightness", "sharpness", "format", "angle"}
    for by in cuts:
        assert sum(one.metrics.n for one in slices.slices if one.by == by) == n
    assert slices.not_sliced == {"source": "all images are alike: photos"}
    document = json.loads(json.dumps(slices.to_json(), allow_nan=False))
    for one in document["slices"]:
        assert set(METRIC_KEYS) <= set(one)
        assert set(one["ci95"]) == set(METRIC_KEYS)


def test_bands_mean_the_same_on_every_data_set() -> None:
    sides = np.array([31, 32, 63, 64, 127, 128] * 10)
    slices = measure_slices(evaluation_of("net", 60), _table(60, width=sides, height=300), min_n=10)
    counts = {name: one.metrics.n for name, one in _by(slices, "side_px").items()}
    assert counts == {
        "under 32 px": 10, "32 to 64 px": 20, "64 to 128 px": 20, "128 px and over": 10,
    }  # fmt: skip
    for bands in BANDS:
        assert list(bands.edges) == sorted(set(bands.edges))


def test_a_slice_has_the_metrics_of_its_own_images() -> None:
    evaluation = evaluation_of("net", 200)
    sources = np.where(np.arange(200) < 80, "a", "b")
    first = _by(measure_slices(evaluation, _table(200, source=sources)), "source")["a"]
    alone = evaluation_of("net", 200, rows=np.arange(80))
    assert first.metrics == dataclasses.replace(alone.metrics)


def test_slices_follow_the_rows_of_the_evaluation() -> None:
    evaluation = evaluation_of("net", 120, rows=np.arange(60, 120))
    sources = np.repeat(["a", "b", "c"], (60, 20, 40))
    slices = measure_slices(evaluation, _table(120, source=sources))
    counts = {name: one.metrics.n for name, one in _by(slices, "source").items()}
    assert counts == {"b": 20, "c": 40}


def test_a_slice_with_one_class_says_why_it_has_no_area() -> None:
    evaluation = evaluation_of("net", 200)
    classes = np.where(evaluation.answers.labels == 1, "masks", "bare")
    slices = _by(measure_slices(evaluation, _table(200, source=classes)), "source")
    assert slices["masks"].metrics.values["balanced_accuracy"] is None
    assert "no_mask" in slices["masks"].metrics.undefined["roc_auc"]
    assert slices["bare"].metrics.values["recall"] is None


def test_missing_values_are_a_slice_of_their_own() -> None:
    angle = ["nan", None, "", *(f"{value:.3f}" for value in np.linspace(0, 1, 57))]
    pose = [np.nan if i % 3 == 0 else "left" for i in range(60)]
    dark = np.where(np.arange(60) < 6, np.nan, 0.45)
    table = _table(60, angle=angle, pose=pose, brightness=dark)
    slices = measure_slices(evaluation_of("net", 60), table)
    assert _by(slices, "angle")["missing"].metrics.n == 3
    assert len(_by(slices, "angle")) == 5
    assert {name: one.metrics.n for name, one in _by(slices, "pose").items()} == {
        "left": 40, "missing": 20,
    }  # fmt: skip
    assert _by(slices, "brightness")["missing"].metrics.n == 6


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([f"person {i}" for i in range(60)], "text of more than 10 different values"),
        ([f"{i:04d}" for i in range(60)], "text of more than 10 different values"),
        (["inf"] * 30 + [f"{i}e400" for i in range(1, 31)], "text of more than 10"),
        ([None] * 60, "all images are alike: missing"),
    ],
)
def test_what_cuts_nothing_is_named_with_the_reason(values: list[object], reason: str) -> None:
    cuts, refused = cut_images(_table(60, person=values))
    assert refused["person"].startswith(reason)
    assert not [cut for cut in cuts if cut.by == "person"]


def test_few_numbers_are_cut_by_value_and_many_into_quarters() -> None:
    table = _table(60, flag=[str(i % 2) for i in range(60)], age=np.arange(60))
    cuts = {cut.by: cut for cut in cut_images(table)[0]}
    assert cuts["flag"].names == ("0", "1", "missing")
    assert np.bincount(cuts["age"].codes).tolist() == [15, 15, 15, 15]
    assert cuts["age"].is_column


def test_one_group_of_images_has_no_interval_and_is_not_judged() -> None:
    evaluation = dataclasses.replace(
        evaluation_of("net", 120), groups=np.repeat([0, 1, 2], (60, 30, 30))
    )
    slices = measure_slices(evaluation, _table(120, source=np.repeat(["a", "b"], 60)))
    assert _by(slices, "source")["a"].too_few == "its 60 images are 1 group, which has no interval"


def test_bad_input_is_refused() -> None:
    evaluation = evaluation_of("net", 60)
    with pytest.raises(ConfigError, match="--min-slice 0: expected 1 or more"):
        measure_slices(evaluation, _table(60), min_n=0)
    with pytest.raises(DatasetError, match="expected a row for each image, found 50 rows"):
        measure_slices(evaluation, _table(50))


def test_some_answers_keep_what_was_answered() -> None:
    answers = evaluation_of("net", 60).answers
    chosen = np.array([5, 3])
    part = answers.of(chosen)
    assert part.labels.tolist() == answers.labels[chosen].tolist()
    assert part.is_right.tolist() == answers.is_right[chosen].tolist()


def test_nothing_to_judge_is_said() -> None:
    slices = measure_slices(evaluation_of("net", 20), _table(20, source=["a", "b"] * 10))
    assert worst_sentence(slices) == "No slice has the 50 images that it takes to judge one."
