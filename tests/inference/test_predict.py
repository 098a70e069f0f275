"""Many photos: in order, lazily, in constant memory, with broken ones among them."""

import itertools
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.inference.example_model import WriteModel

from facecover.errors import ConfigError, ImageError
from facecover.images import ImageSource
from facecover.inference.classifier import Classifier
from facecover.inference.prediction import Prediction

Frame = npt.NDArray[np.uint8]


def _frames(n: int) -> list[Frame]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (20 + i % 7, 30, 3), dtype=np.uint8) for i in range(n)]


def _probabilities(answers: list[Prediction]) -> list[list[float]]:
    return [list(answer.probabilities.values()) for answer in answers]


@pytest.fixture
def classifier(write_model: WriteModel) -> Classifier:
    """Answers from the mean colour."""
    return Classifier(write_model(), threads=2)


@pytest.mark.parametrize("batch_size", [1, 3, 32, 1000])
def test_many_are_answered_like_one_by_one(classifier: Classifier, batch_size: int) -> None:
    frames = _frames(70)
    many = list(classifier.predict(frames, batch_size))
    single = [classifier(frame) for frame in frames]
    assert [answer.size_px for answer in many] == [answer.size_px for answer in single]
    np.testing.assert_allclose(_probabilities(many), _probabilities(single), rtol=0, atol=1e-6)


def test_no_photos_give_no_answers(classifier: Classifier) -> None:
    assert list(classifier.predict([])) == []


def test_an_array_of_frames_is_many_photos(classifier: Classifier) -> None:
    frames = np.stack([_frames(1)[0]] * 5)
    assert len(list(classifier.predict(frames))) == 5


@pytest.mark.parametrize("batch_size", [1, 4])
def test_endless_photos_are_answered_as_they_come(classifier: Classifier, batch_size: int) -> None:
    taken = 0

    def endless() -> Iterator[Frame]:
        nonlocal taken
        for frame in itertools.cycle(_frames(3)):
            taken += 1
            yield frame

    answers = classifier.predict(endless(), batch_size)
    assert taken == 0
    for number in range(1, 40):
        next(answers)
        assert taken < number + 2 * batch_size


def test_photos_answered_are_let_go(classifier: Classifier) -> None:
    alive = most = 0

    def let_go() -> None:
        nonlocal alive
        alive -= 1

    def watched() -> Iterator[Frame]:
        nonlocal alive
        for frame in itertools.repeat(_frames(1)[0], 100):
            copy = frame.copy()
            alive += 1
            weakref.finalize(copy, let_go)
            yield copy

    for _ in classifier.predict(watched(), batch_size=4):
        most = max(most, alive)
    assert 1 <= most <= 2 * 4 + 2  # two batches, and what the loops above still name


def test_stopping_early_ends_the_threads(classifier: Classifier) -> None:
    before = threading.active_count()
    answers = classifier.predict(itertools.cycle(_frames(2)), batch_size=2)
    next(answers)
    assert threading.active_count() > before
    answers.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_a_broken_photo_ends_it_after_the_answers_before(classifier: Classifier) -> None:
    photos: list[ImageSource] = [*_frames(5), b"nothing", *_frames(5)]
    answers = classifier.predict(photos, batch_size=4)
    assert len([next(answers) for _ in range(5)]) == 5
    with pytest.raises(ImageError, match="image bytes: a text file"):
        next(answers)


@pytest.mark.parametrize("batch_size", [1, 2, 7, 32])
def test_a_broken_photo_may_stand_at_its_place(
    classifier: Classifier, tmp_path: Path, batch_size: int
) -> None:
    frames = _frames(9)
    photos: list[ImageSource] = [
        tmp_path / "none.jpg",
        *frames[:4],
        b"nothing",
        b"",
        *frames[4:],
        frames[0][:, :, 0],
    ]
    answers = list(classifier.predict(photos, batch_size, on_error="return"))
    broken = [place for place, answer in enumerate(answers) if isinstance(answer, ImageError)]
    assert broken == [0, 5, 6, 12]
    right = [answer for answer in answers if isinstance(answer, Prediction)]
    expected = [classifier(frame) for frame in frames]
    np.testing.assert_allclose(_probabilities(right), _probabilities(expected), rtol=0, atol=1e-6)


def test_an_error_of_the_photos_own_passes(classifier: Classifier) -> None:
    def failing() -> Iterator[Frame]:
        yield from _frames(3)
        raise KeyError("camera")

    with pytest.raises(KeyError, match="camera"):
        list(classifier.predict(failing(), on_error="return"))


def test_threads_may_share_it(classifier: Classifier) -> None:
    frames = _frames(40)
    expected = _probabilities([classifier(frame) for frame in frames])
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: list(classifier.predict(frames, 8)), range(6)):
            np.testing.assert_allclose(_probabilities(found), expected, rtol=0, atol=1e-6)


def test_one_photo_is_not_many(classifier: Classifier) -> None:
    one: Any
    for one in ("photo.jpg", Path("photo.jpg"), b"bytes"):
        with pytest.raises(ImageError, match="expected several images, found one"):
            classifier.predict(one)


def test_options_are_checked_at_once(classifier: Classifier) -> None:
    with pytest.raises(ConfigError, match="batch_size: expected a whole number from 1, found 0"):
        classifier.predict([], 0)
    with pytest.raises(ConfigError, match="on_error: expected 'raise' or 'return', found 'skip'"):
        classifier.predict([], on_error="skip")  # type: ignore[call-overload]
