import io
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.inference import example_model
from tests.scenes.example_detector import CELL_PX, example_info, scene, sealed_example

from facecover.errors import ConfigError, ImageError, ModelFileError
from facecover.images import ImageSource
from facecover.scenes.detections import Detections
from facecover.scenes.detector import Detector, Places, likeliest
from facecover.scenes.detector_file import sealed

CORNERS = (32, 64), (128, 96), (192, 0)


def corners(found: Detections) -> set[tuple[float, float]]:
    return {(x0, y0) for x0, y0, _, _ in found.boxes.tolist()}


def test_every_face_has_its_box_and_its_answer(detector: Detector) -> None:
    found = detector(scene(*CORNERS))
    assert (found.width, found.height) == (256, 160)
    assert corners(found) == set(CORNERS)
    np.testing.assert_array_equal(found.boxes[:, 2:] - found.boxes[:, :2], CELL_PX)
    by_corner = dict(zip(map(tuple, found.boxes[:, :2].tolist()), found.labels, strict=True))
    assert [by_corner[one] for one in CORNERS] == ["no_mask", "mask", "no_mask"]
    assert {given.size_px for given in found.predictions} == {(CELL_PX, CELL_PX)}


def test_a_photo_without_a_face_is_no_error(detector: Detector) -> None:
    found = detector(scene())
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)
    assert found.in_words() == "no face"


def test_a_path_bytes_a_stream_and_an_array_give_the_same(
    detector: Detector, tmp_path: Path
) -> None:
    image = scene(*CORNERS)
    image.save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    expected = detector(image).to_json()
    for source in (tmp_path / "a.png", str(tmp_path / "a.png"), data, io.BytesIO(data),
                   np.asarray(image)):  # fmt: skip
        assert detector(source).to_json() == expected


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_are_those_of_the_upright_photo(detector: Detector, orientation: int) -> None:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    upright = scene((32, 64), size=(256, 192))
    stored = upright.transpose(turns[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    stored.save(stream, "PNG", exif=exif)
    found = detector(stream.getvalue())
    assert (found.width, found.height) == (256, 192)
    assert corners(found) == {(32, 64)}


def test_large_jpegs_are_read_at_reduced_scale_with_boxes_of_the_whole(detector: Detector) -> None:
    image = scene((64, 96), size=(512, 320)).resize((4096, 2560), Image.Resampling.NEAREST)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=95)
    small = Detector(
        detector.finder.path, detector.classifier, longest_side_px=512, max_pixels=3_000_000
    )
    found = small(stream.getvalue())  # more pixels than may be decoded, but for the reduction
    assert (found.width, found.height) == (4096, 2560)
    np.testing.assert_allclose(found.boxes, [[512, 768, 768, 1024]], atol=1)
    assert found.labels == ("no_mask",)


def test_a_face_that_fills_a_large_photo_is_found_in_the_small_look(
    detector: Detector,
) -> None:
    image = scene((64, 32), size=(256, 160)).resize((1024, 640), Image.Resampling.NEAREST)
    found = detector(image)
    assert [256.0, 128.0, 384.0, 256.0] in found.boxes.tolist()


def test_small_faces_and_unlikely_ones_are_left_out(
    detector_path: Path, classifier_path: Path
) -> None:
    image = scene(*CORNERS)
    assert len(Detector(detector_path, classifier_path, min_side_px=32)(image)) == 3
    assert len(Detector(detector_path, classifier_path, min_side_px=33)(image)) == 0
    assert len(Detector(detector_path, classifier_path, threshold=0.99)(image)) == 0


def test_a_box_ends_where_the_photo_ends(detector: Detector) -> None:
    found = detector(scene((128, 96)).crop((0, 0, 156, 124)))
    assert found.boxes.tolist() == [[128, 96, 156, 124]]


def test_many_photos_come_in_their_order(detector: Detector) -> None:
    images = [scene(*CORNERS[:n]) for n in (2, 0, 3, 1) * 5]
    streams = (io.BytesIO(), io.BytesIO())
    images[0].save(streams[0], "PNG")
    given: list[ImageSource] = [streams[0].getvalue(), *images[1:]]
    assert [len(found) for found in detector.detect(given)] == [2, 0, 3, 1] * 5


def test_no_more_photos_are_taken_than_are_worked_on(detector: Detector) -> None:
    taken = []

    def endless() -> Iterator[Image.Image]:
        while True:
            taken.append(1)
            yield scene((32, 32))

    found = detector.detect(endless())
    for _ in range(3):
        next(found)
    found.close()  # type: ignore[attr-defined]  # a generator
    assert len(taken) < 12


def test_a_camera_may_fill_one_array_again(detector: Detector) -> None:
    frame = np.zeros((160, 256, 3), np.uint8)

    def frames() -> Iterator[np.ndarray]:
        for n in (1, 3, 0, 2):
            frame[:] = np.asarray(scene(*CORNERS[:n]))
            yield frame

    assert [len(found) for found in detector.detect(frames())] == [1, 3, 0, 2]


def test_what_cannot_be_read_is_raised_in_its_turn_or_returned(
    detector: Detector, tmp_path: Path
) -> None:
    image = scene(*CORNERS)
    found = detector.detect([image, tmp_path / "lost.png", image])
    assert len(next(found)) == 3
    with pytest.raises(ImageError, match=r"lost\.png: no such file"):
        next(found)
    given: list[ImageSource] = [image, tmp_path / "lost.png", image]
    kinds = [type(one) for one in detector.detect(given, on_error="return")]
    assert kinds == [Detections, ImageError, Detections]


def test_one_image_is_no_images(detector: Detector) -> None:
    with pytest.raises(ImageError, match="expected several images, found one str"):
        detector.detect("a.jpg")


def test_several_threads_may_ask_at_once(detector: Detector) -> None:
    image, found = scene(*CORNERS), []
    asking = [threading.Thread(target=lambda: found.append(detector(image))) for _ in range(4)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert [one.to_json() for one in found] == [detector(image).to_json()] * 4


def test_a_pickled_one_asks_the_same_files(detector: Detector) -> None:
    again = pickle.loads(pickle.dumps(detector))  # noqa: S301  (our own)
    image = scene(*CORNERS)
    assert again(image).to_json() == detector(image).to_json()


def test_a_pickle_of_another_file_is_refused(classifier_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "faces.onnx"
    path.write_bytes(sealed_example())
    data = pickle.dumps(Detector(path, classifier_path))
    path.write_bytes(sealed_example(example_info(threshold=0.9)))
    with pytest.raises(ModelFileError, match="expected the model file that was pickled"):
        pickle.loads(data)  # noqa: S301


@pytest.mark.parametrize(
    "options", [{"threshold": 0.0}, {"threshold": 1.5}, {"min_side_px": 0},
                {"longest_side_px": -1}, {"threads": 0}, {"max_pixels": 0}]
)  # fmt: skip
def test_numbers_out_of_range_are_refused(
    detector_path: Path, classifier_path: Path, options: dict[str, float]
) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        Detector(detector_path, classifier_path, **options)  # type: ignore[arg-type]


def test_models_in_each_others_places_are_refused(
    detector_path: Path, classifier_path: Path
) -> None:
    with pytest.raises(ModelFileError, match="expected a detector"):
        Detector(classifier_path, classifier_path)
    with pytest.raises(ModelFileError, match="expected a classifier"):
        Detector(detector_path, detector_path)


def test_a_network_with_other_outputs_is_refused(tmp_path: Path, classifier_path: Path) -> None:
    graph = example_model.example_graph()
    (tmp_path / "faces.onnx").write_bytes(sealed(graph.SerializeToString(), example_info()))
    with pytest.raises(ModelFileError, match="expected a network from images to boxes and scores"):
        Detector(tmp_path / "faces.onnx", classifier_path)


def test_a_ready_classifier_answers_with_its_threshold(detector_path: Path, tmp_path: Path) -> None:
    from facecover.inference.classifier import Classifier

    path = tmp_path / "model.onnx"
    path.write_bytes(example_model.sealed_example())
    found = Detector(detector_path, Classifier(path, threshold=0.001))(scene(*CORNERS))
    assert found.labels == ("mask",) * 3


boxes_of = st.lists(
    st.tuples(*[st.integers(0, 60)] * 2, *[st.integers(1, 60)] * 2, st.integers(0, 100)),
    max_size=40,
)


@given(boxes_of)
def test_each_face_keeps_its_best_score_and_no_box_leaves_those_given(
    drawn: list[tuple[int, ...]],
) -> None:
    array = np.array(drawn, np.float32).reshape(-1, 5)
    boxes = np.hstack([array[:, :2], array[:, :2] + array[:, 2:4]])
    scores = array[:, 4] / np.float32(100)
    kept = likeliest(Places(boxes, scores))
    assert min(len(boxes), 1) <= len(kept.boxes) <= len(boxes)
    assert np.all(np.diff(kept.scores) <= 0)
    assert np.isin(kept.scores, scores).all()
    assert kept.scores.max(initial=0) == scores.max(initial=0)
    if len(boxes):
        assert np.all(kept.boxes >= boxes.min(axis=0) - 1e-3)
        assert np.all(kept.boxes <= boxes.max(axis=0) + 1e-3)
    twice = likeliest(Places(np.repeat(boxes, 2, axis=0), np.repeat(scores, 2)))
    np.testing.assert_allclose(twice.boxes, kept.boxes, atol=1e-3)


def test_the_places_of_a_face_vote_for_its_box() -> None:
    middle = np.array([[100, 100, 200, 220]], np.float32)
    away = np.array([[300, 100, 340, 150]], np.float32)
    around = np.concatenate([*(middle + shift for shift in (-4, 0, 4)), away, middle + 60])
    found = likeliest(Places(around, np.array([0.5, 0.9, 0.5, 0.7, 0.6], np.float32)))
    np.testing.assert_allclose(found.scores, [0.9, 0.7, 0.6])
    np.testing.assert_allclose(found.boxes, [*middle, *away, *(middle + 60)], atol=0.01)


def test_of_the_smaller_looks_only_large_faces_count(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = Image.new("RGB", (512, 384))
    photo.paste((255, 255, 255), (128, 64, 192, 128))  # 32 pixels when looked at again

    def widths() -> set[float]:
        boxes = detector(photo).boxes
        return set((boxes[:, 2] - boxes[:, 0]).tolist())

    assert widths() == {32, 64}
    monkeypatch.setattr("facecover.scenes.detector.LEAST_SIDE_IN_LOW_PX", 48)
    assert widths() == {32}


def test_photos_are_seen_smaller_too(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []

    def look(_: object, image: np.ndarray) -> Places:
        seen.append(image.shape[:2])
        return Places(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))

    monkeypatch.setattr("facecover.scenes.detector.FaceFinder.look", look)
    for size in ((60, 40), (200, 100), (400, 800), (3000, 1500)):
        detector(Image.new("RGB", size))
    assert seen == [
        (40, 60), (100, 200), (64, 128), (800, 400), (256, 128), (128, 64),
        (512, 1024), (128, 256), (64, 128),
    ]  # fmt: skip
