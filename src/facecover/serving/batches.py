"""Photos of many requests on threads: those of one face go through the network in batches."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

from facecover.files import available_cores
from facecover.images import read_photo
from facecover.inference.classifier import Classifier
from facecover.inference.prediction import Input, Prediction
from facecover.scenes.detections import Detections
from facecover.scenes.detector import Detector
from facecover.workflows.answer_photos import REDUCED_FACTOR, may_differ

BATCH_SIZE = 32
"""Photos that go through the network at once: those that became ready while it was at work. To wait
2 ms for more was measured, too: a sixth less throughput at 8 clients, no difference at 64."""

LARGE_PIXELS = 8_000_000
"""Pictures with more are decoded one at a time on a thread of their own: they take a tenth of a
second and more, and others are not to wait behind them."""

_Answer = TypeVar("_Answer")


class Waiting(Generic[_Answer]):
    """Photos that wait for their answers, of threads; used from one event loop.

    Args:
        on_waiting: called with their number, whenever it changes.
    """

    def __init__(self, on_waiting: Callable[[int], object]) -> None:
        self.waiting = 0
        self._on_waiting = on_waiting
        self._loop = asyncio.get_running_loop()

    def answer(self, content: bytes) -> asyncio.Future[_Answer]:
        """The answer for the bytes of one photo; cancelled, it is dropped.

        Its exception is an `ImageError` where they are not a readable image.
        """
        raise NotImplementedError

    def _future(self) -> asyncio.Future[_Answer]:
        future: asyncio.Future[_Answer] = self._loop.create_future()
        self._count(1)
        future.add_done_callback(lambda _: self._count(-1))
        return future

    def _count(self, more: int) -> None:
        self.waiting += more
        self._on_waiting(self.waiting)

    def _settle(self, settled: list[tuple[asyncio.Future[_Answer], _Answer | Exception]]) -> None:
        """Give some futures their answers, or what went wrong; from any thread."""
        self._loop.call_soon_threadsafe(_settled, settled)


def _settled(settled: list[tuple[asyncio.Future[_Answer], _Answer | Exception]]) -> None:
    for future, outcome in settled:
        if future.done():  # cancelled: nobody waits
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


class Scenes(Waiting[Detections]):
    """Finds the faces of photos, one photo after the other, on a thread of its own.

    Args:
        detector: finds and answers; it uses several threads for one photo.
        on_waiting: as of `Waiting`.
    """

    def __init__(self, detector: Detector, *, on_waiting: Callable[[int], object]) -> None:
        super().__init__(on_waiting)
        self._detector = detector
        self._pool = ThreadPoolExecutor(1, "detect")

    def answer(self, content: bytes) -> asyncio.Future[Detections]:
        """As of `Waiting`."""
        future = self._future()
        self._pool.submit(self._detect, content, future)
        return future

    def close(self) -> None:
        """Stop the thread; what waits is answered first."""
        self._pool.shutdown()

    def _detect(self, content: bytes, future: asyncio.Future[Detections]) -> None:
        if future.cancelled():
            return
        try:
            outcome: Detections | Exception = self._detector(content)
        except Exception as error:  # noqa: BLE001  (a bug is the request's, not the thread's)
            outcome = error
        self._settle([(future, outcome)])


class _IsLarge(Exception):
    """A picture is for the thread of the large ones."""


class _Photo:
    """A photo on its way to its answer.

    Attributes:
        content: the bytes of its file.
        at_least_px: as of `read_photo`.
        future: gets the answer; who cancels it drops the photo.
        given: the photo, once it is decoded.
    """

    __slots__ = ("at_least_px", "content", "future", "given")

    def __init__(
        self, content: bytes, at_least_px: int | None, future: asyncio.Future[Prediction]
    ) -> None:
        self.content, self.at_least_px, self.future = content, at_least_px, future
        self.given: Input | None = None


class SharedBatches(Waiting[Prediction]):
    """Answers photos of one face as `predict` does.

    Args:
        classifier: answers.
        max_pixels: that one photo may have once it is reduced; those of large ones are in memory
            one photo at a time.
        threads: that decode; one a core by default.
        every_pixel: JPEGs are not decoded at reduced scale first.
        on_batch: called with the size of each batch, on another thread.
        on_waiting: as of `Waiting`.
    """

    def __init__(
        self,
        classifier: Classifier,
        *,
        max_pixels: int,
        threads: int | None = None,
        every_pixel: bool = False,
        on_batch: Callable[[int], object] = lambda _: None,
        on_waiting: Callable[[int], object] = lambda _: None,
    ) -> None:
        super().__init__(on_waiting)
        self._classifier, self._max_pixels, self._on_batch = classifier, max_pixels, on_batch
        self._size_px = classifier.info.input_size_px
        self._reduced_px = None if every_pixel else REDUCED_FACTOR * self._size_px
        self._small = ThreadPoolExecutor(threads or available_cores(), "decode")
        self._large = ThreadPoolExecutor(1, "decode-large")
        self._ready: SimpleQueue[_Photo | None] = SimpleQueue()
        self._network = Thread(target=self._answer_batches, name="network", daemon=True)
        self._network.start()

    @property
    def is_alive(self) -> bool:
        """Whether answers can be had."""
        return self._network.is_alive()

    def answer(self, content: bytes) -> asyncio.Future[Prediction]:
        """As of `Waiting`."""
        future = self._future()
        photo = _Photo(content, self._reduced_px, future)
        self._small.submit(self._decode, photo, self._only_small)
        return future

    def close(self) -> None:
        """Stop the threads; what waits is answered first."""
        self._small.shutdown()
        self._large.shutdown()
        self._ready.put(None)
        self._network.join()

    def _decode(self, photo: _Photo, reserve: Callable[[int], object] | None) -> None:
        if photo.future.cancelled():
            return
        try:
            read = read_photo(
                photo.content,
                at_least_px=photo.at_least_px,
                max_pixels=self._max_pixels,
                reserve=reserve,
            )
            photo.given = Input(read.resized(self._size_px), read.full_size)
        except _IsLarge:
            self._large.submit(self._decode, photo, None)
        except Exception as error:  # noqa: BLE001  (a bug is the request's, not the thread's)
            self._settle([(photo.future, error)])
        else:
            self._hand_on(photo)

    def _hand_on(self, photo: _Photo) -> None:
        if self.waiting > 1:
            self._ready.put(photo)
        else:  # it is alone: another thread would only have to wake up first
            self._answer_all([photo])

    @staticmethod
    def _only_small(pixels: int) -> None:
        if pixels > LARGE_PIXELS:
            raise _IsLarge

    def _answer_batches(self) -> None:
        while batch := self._next_batch():
            self._answer_all(batch)

    def _answer_all(self, batch: list[_Photo]) -> None:
        try:
            self._answer([photo for photo in batch if not photo.future.cancelled()])
        except Exception as error:  # noqa: BLE001  (likewise)
            self._settle([(photo.future, error) for photo in batch])

    def _next_batch(self) -> list[_Photo]:
        """What became ready while the network was at work; nothing once there is an end."""
        batch: list[_Photo] = []
        photo = self._ready.get()
        while photo is not None:
            batch.append(photo)
            if len(batch) == BATCH_SIZE or self._ready.empty():
                return batch
            photo = self._ready.get()
        if batch:  # the end, to be found again after these
            self._ready.put(None)
        return batch

    def _answer(self, batch: list[_Photo]) -> None:
        if not batch:
            return
        inputs = [photo.given for photo in batch if photo.given is not None]
        answers = self._classifier.answers(inputs)
        self._on_batch(len(batch))
        settled: list[tuple[asyncio.Future[Prediction], Prediction | Exception]] = []
        for photo, answer in zip(batch, answers, strict=True):
            reduced_px, photo.at_least_px = photo.at_least_px, None
            if reduced_px and may_differ(answer, self._classifier, reduced_px):
                self._small.submit(self._decode, photo, self._only_small)  # from every pixel
            else:
                settled.append((photo.future, answer))
        self._settle(settled)
