"""Figures of detectors: equal to two libraries', and to what is counted by hand."""

import contextlib
import io
from typing import Any

import numpy as np
import pytest
from faster_coco_eval import COCO, COCOeval_faster
from sklearn.metrics import average_precision_score

from facecover.errors import DatasetError
from facecover.evaluation.detection import (
    SMALLEST_FACE_PX,
    DetectionMetrics,
    average_precision,
    measure_detections,
)
from facecover.evaluation.face_matching import COCO_IOUS, DetectedBoxes, TrueFaces

CLASSES = ("no_mask", "mask")


def true_faces(*boxes: tuple[float, ...], labels: list[int], annotated: bool = True) -> TrueFaces:
    array = np.array(boxes, np.float64).reshape(-1, 4)
    return TrueFaces(array, np.array(labels), np.full(len(labels), annotated))


def detected(*boxes: tuple[float, ...], scores: list[float], labels: list[int]) -> DetectedBoxes:
    array = np.array(boxes, np.float64).reshape(-1, 4)
    masked = np.where(np.array(labels, dtype=int) == 1, 0.9, 0.2)
    probabilities = np.column_stack([1 - masked, masked]).reshape(-1, 2)
    return DetectedBoxes(array, np.array(scores), np.array(labels, dtype=int), probabilities)


def drawn(seed: int, photos: int = 40) -> tuple[list[TrueFaces], list[DetectedBoxes]]:
    """Photos of up to six faces, each often found near its place, and other detections besides."""
    rng = np.random.default_rng(seed)
    truths, found = [], []
    for _ in range(photos):
        n = int(rng.integers(0, 7))
        side = np.exp(rng.uniform(np.log(10), np.log(200), (n, 1)))
        corner = rng.uniform(0, 400, (n, 2))
        boxes = np.hstack([corner, corner + side * rng.uniform(0.9, 1.2, (n, 2))])
        labels = rng.integers(-1, 2, n)
        truths.append(TrueFaces(boxes, labels, (labels >= 0) | (rng.random(n) < 0.5)))
        is_found = rng.random(n) < 0.8
        near = boxes[is_found] + rng.normal(0, 0.08, (is_found.sum(), 4)) * side[is_found]
        other = rng.uniform(0, 400, (3, 2))
        near = np.vstack([near, np.hstack([other, other + rng.uniform(12, 90, (3, 2))])])
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
        answers = np.concatenate([labels[is_found], [0, 1, 0]])
        answers = np.where(rng.random(len(near)) < 0.15, 1 - answers, answers).clip(0)
        scores = np.round(rng.uniform(0.01, 1, len(near)), 2)  # some are equal
        masked = np.where(answers == 1, 0.9, 0.2)
        probabilities = np.column_stack([1 - masked, masked])
        found.append(DetectedBoxes(near, scores, answers, probabilities))
    return truths, found


def measured(truths: Any, found: Any, **options: Any) -> DetectionMetrics:  # noqa: ANN401
    settings = {"threshold": 0.5, "class_names": CLASSES, "resamples": 100, **options}
    return measure_detections(truths, found, **settings)


def of_second_library(
    truths: list[TrueFaces], found: list[DetectedBoxes], *, second_opinion: bool
) -> Any:  # noqa: ANN401
    """Precision of `faster_coco_eval`: (overlaps, recalls, classes, sizes)."""
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for photo, (true, detections) in enumerate(zip(truths, found, strict=True)):
        for box, label, is_annotated in zip(*true, strict=True):
            used = [int(label)] if label >= 0 else [0, 1] if is_annotated or second_opinion else []
            x0, y0, x1, y1 = map(float, box)
            annotations += [
                {"id": len(annotations) + 1 + extra, "image_id": photo, "category_id": one,
                 "bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0),
                 "iscrowd": int(label < 0)}
                for extra, one in enumerate(used)
            ]  # fmt: skip
        for box, score, label, _ in zip(*detections, strict=True):
            x0, y0, x1, y1 = map(float, box)
            results.append({"image_id": photo, "category_id": int(label), "score": float(score),
                            "bbox": [x0, y0, x1 - x0, y1 - y0]})  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        images = [{"id": number} for number in range(len(truths))]
        categories = [{"id": 0}, {"id": 1}]
        true_coco = COCO({"images": images, "categories": categories, "annotations": annotations})
        evaluation = COCOeval_faster(true_coco, true_coco.loadRes(results), iouType="bbox")
        bounds = [(16, 1e5), (16, 32), (32, 64), (64, 128), (128, 1e5)]
        evaluation.params.areaRng = [[low**2, np.nextafter(high**2, 0)] for low, high in bounds]
        evaluation.params.areaRngLbl = [str(low) for low in range(5)]
        evaluation.params.maxDets = [1, 10, 2000]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval["precision"][..., -1]


@pytest.mark.parametrize("seed", range(3))
def test_average_precision_is_that_of_a_second_library(seed: int) -> None:
    truths, found = drawn(seed)
    metrics = measured(truths, found)
    strict, lenient = (
        of_second_library(truths, found, second_opinion=second) for second in (False, True)
    )
    for one in metrics.precisions:
        label = CLASSES.index(one.class_name)
        at = 0 if one.size is None else 1 + [16, 32, 64, 128].index(int(one.size[0]))
        if not one.ap50.n:
            assert one.ap50.value is None
            continue
        assert one.ap50.value == pytest.approx(strict[0, :, label, at].mean())
        assert one.ap50_second_opinion.value == pytest.approx(lenient[0, :, label, at].mean())
        if one.size is None:
            assert one.ap is not None
            assert one.ap_second_opinion is not None
            assert one.ap.value == pytest.approx(strict[:, :, label, at].mean())
            assert one.ap_second_opinion.value == pytest.approx(lenient[:, :, label, at].mean())
            low, high = one.ap.ci95 or (1, 0)
            assert low < strict[:, :, label, at].mean() < high


def test_average_precision_is_near_that_of_ranking() -> None:
    rng = np.random.default_rng(4)
    is_hit = rng.random(4000) < np.linspace(0.95, 0.2, 4000)
    photo = rng.integers(0, 50, 4000)
    truths = np.bincount(photo[is_hit], minlength=50).astype(np.float64)
    ours = average_precision(np.ones((1, 50)), photo, is_hit, truths)[0]
    assert ours == pytest.approx(average_precision_score(is_hit, -np.arange(4000)), abs=0.01)


def test_a_photo_that_counts_twice_is_two_photos() -> None:
    rng = np.random.default_rng(5)
    photo, is_hit = rng.integers(0, 6, 60), rng.random(60) < 0.6
    truths = np.bincount(photo[is_hit], minlength=6).astype(np.float64) + 1
    weights = np.array([2.0, 1, 0, 1, 1, 1])
    order = np.repeat(np.arange(60), weights[photo].astype(int))
    twice = average_precision(np.ones((1, 6)), photo[order], is_hit[order], truths * weights)
    assert average_precision(weights[None], photo, is_hit, truths) == pytest.approx(twice, abs=0.02)
    assert np.isnan(average_precision(np.zeros((1, 6)), photo, is_hit, truths))


def test_faces_are_counted_as_by_hand() -> None:
    truths = [
        true_faces((10, 10, 40, 40), (60, 10, 100, 50), (200, 10, 210, 20), labels=[1, 0, 1]),
        true_faces((10, 10, 40, 40), labels=[1]),
        true_faces((10, 10, 40, 40), labels=[-1], annotated=False),
        true_faces((10, 10, 80, 80), labels=[-1]),
    ]
    found = [
        detected((11, 10, 41, 40), (62, 10, 102, 50), (200, 10, 211, 21),
                 scores=[0.9, 0.8, 0.9], labels=[1, 1, 1]),
        detected((20, 10, 50, 40), (300, 300, 340, 340), scores=[0.9, 0.4], labels=[1, 0]),
        detected((10, 10, 40, 40), (100, 100, 140, 140), scores=[0.9, 0.9], labels=[1, 1]),
        detected((12, 12, 60, 70), scores=[0.9], labels=[1]),
    ]  # fmt: skip
    metrics = measured(truths, found)
    assert (metrics.n_photos, metrics.n_faces) == (4, 3)  # the face of 10 pixels is too small
    # The one of the second photo overlaps by exactly a half.
    assert metrics.found[0.5].value == pytest.approx(1)
    assert metrics.found_and_right[0.5].value == pytest.approx(2 / 3)
    assert metrics.false_alarms.value == pytest.approx(2 / 4)
    assert metrics.false_alarms_second_opinion.value == pytest.approx(1 / 4)
    assert metrics.outcome.missed.size == 0
    assert metrics.outcome.wrong.tolist() == [1]
    assert metrics.outcome.alarms.tolist() == [5, 6]
    assert metrics.outcome.is_seconded.tolist() == [True, False]
    assert metrics.answers is not None
    assert metrics.answers.values["accuracy"] == pytest.approx(2 / 3)
    recalls = {(one.class_name, one.size): one.found for one in metrics.recalls}
    assert recalls["mask", (16, 32)].n == 2
    assert recalls["no_mask", (128, np.inf)].value is None
    # A threshold that none reaches.
    nothing = measured(truths, found, threshold=0.95)
    assert nothing.found[0.5].value == 0
    assert nothing.answers is None
    assert nothing.outcome.missed.tolist() == [1, 0, 3]


def test_the_curve_ends_where_everything_counts() -> None:
    truths, found = drawn(7)
    curve = measured(truths, found).curve
    lowest = measured(truths, found, threshold=1e-9)
    assert curve.found[-1] == pytest.approx(lowest.found[0.5].value)
    assert curve.false_alarms[-1] == pytest.approx(lowest.false_alarms.value)
    assert np.all(np.diff(curve.threshold) <= 0)
    assert np.all(curve.false_alarms_second_opinion <= curve.false_alarms)


def test_what_is_measured_does_not_hang_on_the_order_of_photos() -> None:
    truths, found = drawn(8)
    one, other = measured(truths, found), measured(truths[::-1], found[::-1])
    for key in ("found", "found_and_right"):
        assert getattr(one, key)[0.5].value == getattr(other, key)[0.5].value
    assert one.false_alarms.value == pytest.approx(other.false_alarms.value)


def test_json_holds_every_figure_and_no_infinity() -> None:
    document = measured(*drawn(9)).to_json()
    assert document["n_photos"] == 40
    assert document["precisions"][4]["size"] == [64.0, 128.0]  # type: ignore[index,call-overload]
    assert document["precisions"][5]["size"] == [128.0, None]  # type: ignore[index,call-overload]
    assert document["found"]["0.5"]["n"] == document["n_faces"]  # type: ignore[index,call-overload]
    assert "outcome" not in document


def test_input_that_does_not_fit_is_one_line() -> None:
    truth, found = drawn(10, photos=3)
    with pytest.raises(DatasetError, match="expected those of 3 photos, found 2"):
        measured(truth, found[:2])
    short = found[0]._replace(scores=found[0].scores[:-1])
    with pytest.raises(DatasetError, match="detections, photo 0: expected boxes of shape"):
        measured(truth, [short, *found[1:]])
    flat = detected((5, 5, 5, 9), scores=[0.5], labels=[0])
    with pytest.raises(DatasetError, match="detections: expected x0 < x1 and y0 < y1, found"):
        measured(truth, [flat, *found[1:]])
    empty = [true_faces(labels=[]) for _ in found]
    with pytest.raises(DatasetError, match=f"no labelled face of {SMALLEST_FACE_PX:g} pixels"):
        measured(empty, found)
    assert len(COCO_IOUS) == 10
