import io
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageSequence
from tests.inference.example_model import (
    SIZE_PX,
    WriteModel,
    example_graph,
    example_info,
    model_bytes,
)

from facecover.errors import ConfigError, ImageError, ModelFileError
from facecover.inference.classifier import Classifier, Model, softmax
from facecover.inference.model_file import DEFAULT_MODEL, MODEL_NAME, read_model_file, seal
from facecover.inference.model_info import info_to_json
from facecover.inference.prediction import answer

RED, GREEN, BLUE = (250, 0, 0), (0, 250, 0), (0, 0, 250)


A_RUN = 256
"""Images that go through the network at once."""


def _loaded(path: Path) -> Model:
    return Model(read_model_file(path))


def _images(n: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (n, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)


@pytest.mark.parametrize(("colour", "label"), [(RED, "no_mask"), (GREEN, "mask")])
def test_a_photo_is_answered_from_any_source(
    write_model: WriteModel, tmp_path: Path, colour: tuple[int, int, int], label: str
) -> None:
    classifier = Classifier(write_model())
    photo = Image.new("RGB", (50, 70), colour)
    photo.paste("white", (0, 0, 8, 8))
    path = tmp_path / "photo.png"
    photo.save(path)
    sources = (path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), photo)
    answers = [classifier(source) for source in (*sources, np.asarray(photo))]
    assert {given.label for given in answers} == {label}
    assert len({given.probability for given in answers}) == 1
    for given_ in answers:
        assert given_.probability == max(given_.probabilities.values())
        assert sum(given_.probabilities.values()) == pytest.approx(1)
        assert given_.size_px == (50, 70)
        assert (given_.is_uncertain, given_.reason) == (False, None)


def test_no_model_named_is_the_packages_own_whatever_lies_in_the_working_folder(
    write_model: WriteModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / DEFAULT_MODEL
    run.mkdir()
    write_model().rename(run / MODEL_NAME)
    monkeypatch.chdir(tmp_path)
    assert Classifier().info.name == DEFAULT_MODEL
    assert Classifier(DEFAULT_MODEL).info.name == "example"  # a name may be a path


def test_three_classes_are_answered(write_model: WriteModel) -> None:
    classifier = Classifier(write_model(n_classes=3))
    photo = Image.new("RGB", (9, 9), BLUE)
    prediction = classifier(photo)
    assert prediction.label == "incorrect_mask"
    assert list(prediction.probabilities) == ["no_mask", "mask", "incorrect_mask"]


def test_batches_give_what_single_images_give(write_model: WriteModel) -> None:
    model = _loaded(write_model())
    images = _images(A_RUN + 3)
    together = model.probabilities(images)
    assert together.shape == (len(images), 2)
    assert together.dtype == np.float64
    for row in (0, 100, A_RUN, A_RUN + 2):
        single = model.probabilities(images[row : row + 1])
        np.testing.assert_allclose(together[row], single[0], rtol=1e-6)


def _frames(n: int) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    return [np.full((30, 40, 3), (RED, GREEN)[place % 2], np.uint8) for place in range(n)]


def test_an_array_may_be_filled_again_once_it_was_taken(write_model: WriteModel) -> None:
    classifier = Classifier(write_model())

    def camera() -> Iterator[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
        buffer = np.empty((30, 40, 3), np.uint8)
        for frame in _frames(40):
            buffer[:] = frame
            yield buffer

    expected = [classifier(frame).probabilities["mask"] for frame in _frames(40)]
    assert [one.probabilities["mask"] for one in classifier.predict(camera())] == expected
    assert len(set(expected)) == 2


@pytest.mark.parametrize("view", [bytearray, memoryview])
def test_bytes_that_can_change_may_be_filled_again(
    write_model: WriteModel, view: type[bytearray | memoryview]
) -> None:
    classifier = Classifier(write_model())
    files = []
    for frame in _frames(40):
        file = io.BytesIO()
        Image.fromarray(frame).save(file, "BMP")  # all of one length
        files.append(file.getvalue())

    def filled() -> Iterator[bytearray | memoryview]:
        buffer = bytearray(len(files[0]))
        for content in files:
            buffer[:] = content
            yield buffer if view is bytearray else memoryview(buffer)

    expected = [classifier(content).probabilities["mask"] for content in files]
    assert [one.probabilities["mask"] for one in classifier.predict(filled())] == expected
    assert len(set(expected)) == 2


def test_one_image_that_is_not_loaded_yet_may_be_given_many_times(write_model: WriteModel) -> None:
    classifier = Classifier(write_model(), threads=4)
    noise = np.random.default_rng(0).integers(0, 256, (400, 500, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    with Image.open(file) as image:
        answers = list(classifier.predict([image] * 40))
    expected = classifier(file.getvalue()).probabilities["mask"]
    assert [one.probabilities["mask"] for one in answers] == [pytest.approx(expected)] * 40


def test_a_stream_may_be_closed_once_it_was_taken(write_model: WriteModel, tmp_path: Path) -> None:
    classifier = Classifier(write_model())
    for place, frame in enumerate(_frames(6)):
        Image.fromarray(frame).save(tmp_path / f"{place}.png")
    paths = sorted(tmp_path.glob("*.png"))

    def opened() -> Iterator[BinaryIO]:
        for path in paths:
            with path.open("rb") as stream:
                yield stream

    expected = [classifier(path).probabilities["mask"] for path in paths]
    assert [one.probabilities["mask"] for one in classifier.predict(opened())] == expected


def test_the_frames_of_an_animation_are_answered_one_by_one(write_model: WriteModel) -> None:
    classifier = Classifier(write_model())
    first, *others = (Image.fromarray(frame) for frame in _frames(12))
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=others)
    with Image.open(file) as animation:
        answered = list(classifier.predict(ImageSequence.Iterator(animation)))
        again = [classifier(frame) for frame in ImageSequence.Iterator(animation)]
    assert [one.probabilities["mask"] for one in answered] == [
        one.probabilities["mask"] for one in again
    ]
    assert len({one.probabilities["mask"] for one in answered}) == 2


def test_no_images_give_no_answers(write_model: WriteModel) -> None:
    assert _loaded(write_model()).probabilities(_images(0)).shape == (0, 2)


def test_a_view_is_answered_like_its_copy(write_model: WriteModel) -> None:
    model = _loaded(write_model())
    mirrored = _images(4)[:, :, ::-1]
    np.testing.assert_array_equal(model.logits(mirrored), model.logits(mirrored.copy()))


def test_a_higher_temperature_is_less_sure(write_model: WriteModel) -> None:
    images = np.full((1, SIZE_PX, SIZE_PX, 3), RED, dtype=np.uint8)
    plain = _loaded(write_model()).probabilities(images)[0, 0]
    cooled = _loaded(write_model(temperature=3.0)).probabilities(images)[0, 0]
    assert 0.5 < cooled < plain


def test_threads_may_share_a_classifier(write_model: WriteModel) -> None:
    classifier = Classifier(write_model(), threads=1)
    images = _images(64)
    expected = classifier.classify_images(images)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: classifier.classify_images(images), range(8)):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("images", "found"),
    [
        (np.zeros((1, SIZE_PX, SIZE_PX, 3)), "float64"),
        (np.zeros((SIZE_PX, SIZE_PX, 3), np.uint8), r"shape \(8, 8, 3\)"),
        (np.zeros((1, 3, SIZE_PX, SIZE_PX), np.uint8), r"shape \(1, 3, 8, 8\)"),
    ],
)
def test_other_arrays_are_refused(
    write_model: WriteModel, images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], found: str
) -> None:
    with pytest.raises(ImageError, match=rf"expected images of uint8 \(N, 8, 8, 3\).*{found}"):
        _loaded(write_model()).logits(images)


def test_a_graph_that_cannot_run_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = example_graph()
    model.graph.node[2].input[1] = "nowhere"
    path = tmp_path / "model.onnx"
    path.write_bytes(seal(model_bytes(model, info_to_json(example_info()))))
    with pytest.raises(ModelFileError, match=r"ONNX Runtime .* cannot run it: .*nowhere"):
        _loaded(path)
    assert capfd.readouterr().out == ""  # which is for answers


@given(
    hnp.arrays(np.float32, (5, 3), elements=st.floats(-1e4, 1e4, width=32)),
    st.floats(0.1, 10),
)
def test_softmax_gives_probabilities(
    logits: np.ndarray[tuple[int, int], np.dtype[np.float32]], temperature: float
) -> None:
    probabilities = softmax(logits, temperature)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert probabilities.min() >= 0
    largest = np.take_along_axis(probabilities, logits.argmax(axis=1)[:, None], axis=1)[:, 0]
    np.testing.assert_array_equal(largest, probabilities.max(axis=1))


def test_the_threshold_decides_between_two_classes() -> None:
    probabilities = np.array([[0.7, 0.3], [0.6, 0.4]])
    assert answer(probabilities, 0.4).tolist() == [0, 1]
    assert answer(probabilities, 0.5).tolist() == [0, 0]


@pytest.mark.parametrize("threads", [0, -1, True, 1.5])
def test_threads_are_a_positive_number(write_model: WriteModel, threads: int) -> None:
    with pytest.raises(ConfigError, match=r"threads: expected a whole number from 1, found"):
        Classifier(write_model(), threads=threads)


def test_its_name_says_what_it_answers(write_model: WriteModel) -> None:
    text = repr(Classifier(write_model()))
    assert text == "<Classifier example: 8 x 8 RGB -> no_mask, mask>"


def test_a_pickled_classifier_answers_the_same(write_model: WriteModel) -> None:
    classifier = Classifier(write_model(), threads=1, max_pixels=5_000)
    again = pickle.loads(pickle.dumps(classifier))  # noqa: S301  (our own bytes)
    assert again.info == classifier.info
    assert again.budget.pixels == 5_000
    images = _images(5)
    np.testing.assert_array_equal(again.classify_images(images), classifier.classify_images(images))


def test_a_threshold_and_a_band_of_ones_own(write_model: WriteModel) -> None:
    plain = Classifier(write_model())
    photo = np.full((20, 20, 3), 110, dtype=np.uint8)
    photo[:10] += 40  # not blank
    photo[:10, :, 1] += 4
    p = plain(photo).probabilities["mask"]
    assert 0.1 < p < 0.9
    chosen = Classifier(write_model(), threshold=p + 0.05, uncertain_band=(p - 0.05, p + 0.06))
    answer_ = pickle.loads(pickle.dumps(chosen))(photo)  # noqa: S301
    assert answer_.label == "no_mask"
    assert answer_.is_uncertain
    assert answer_.reason == "near_boundary"
    # The model's own band, 0.4 to 0.6, was chosen around another threshold.
    assert Classifier(write_model(), threshold=0.9).info.uncertain_band is None
    assert Classifier(write_model(), threshold=0.45).info.uncertain_band == (0.4, 0.6)


@pytest.mark.parametrize(
    "choices",
    [{"threshold": 0.0}, {"uncertain_band": (0.6, 0.9)}, {"uncertain_band": (0.0, 0.9)}],
)
def test_choices_that_do_not_fit_are_refused(
    write_model: WriteModel, choices: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match="low <= threshold <= high"):
        Classifier(write_model(), **choices)
    with pytest.raises(ConfigError, match="expected a model of two classes"):
        Classifier(write_model(n_classes=3), **choices)


def test_a_pickled_classifier_refuses_another_model(write_model: WriteModel) -> None:
    pickled = pickle.dumps(Classifier(write_model()))
    write_model(temperature=2.0)
    with pytest.raises(ModelFileError, match=r"expected the model file that was pickled"):
        pickle.loads(pickled)  # noqa: S301


def test_many_images_are_answered_alike_on_any_number_of_threads(write_model: WriteModel) -> None:
    file = read_model_file(write_model())
    images = np.random.default_rng(0).integers(0, 256, (100, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
    one, four = (Model(file, threads).logits(images) for threads in (1, 4))
    np.testing.assert_array_equal(one, four)
    np.testing.assert_allclose(one[37], Model(file).logits(images[37:38])[0], rtol=1e-6)
