"""The answer to every input, in the order of the inputs."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from facemask.errors import ImageError, shown
from facemask.inference.classifier import Classifier
from facemask.inference.inputs.item import Broken, FoundPhoto, Item
from facemask.inference.model_info import ModelInfo
from facemask.inference.prediction import Prediction
from facemask.labels import MASK

REDUCED_FACTOR = 4
"""A JPEG may be decoded at reduced scale as long as its sides keep this many times the model's
input. Measured by `benchmarks/reduced_scale.py`, on 1,649 photos and two models of 32 pixels: a
probability then moves by 0.001 on average and by 0.05 at most."""

MARGIN = 0.1
"""An answer from a reduced photo that lies this close to being another is settled from every
pixel: twice the largest difference seen."""

MAX_WAITING_BYTES = 256 * 2**20
"""Of photos that wait for their answers in memory: a few of the largest, and some dozens as
cameras make them, so that the threads that decode have enough to do."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A photo and its answer.

    Attributes:
        photo: what was answered.
        prediction: the answer.
    """

    photo: FoundPhoto
    prediction: Prediction


def answered(
    classifier: Classifier,
    items: Iterable[Item],
    batch_size: int,
    *,
    every_pixel: bool = False,
    max_waiting_bytes: int = MAX_WAITING_BYTES,
) -> Iterator[Answered | Broken]:
    """The answer to each item as soon as its batch is done, or why there is none.

    What waits for its answer is two batches, and fewer where the photos are large, so the items
    may be endless.

    Args:
        classifier: answers.
        items: the photos.
        batch_size: photos that go through the network at once.
        every_pixel: large JPEGs are not decoded at reduced scale first.
        max_waiting_bytes: no further photo is read while the bytes of those that wait are as many.

    Raises:
        ConfigError: if `batch_size` is not a positive number.
    """
    waiting = _Waiting(iter(items), max_waiting_bytes)
    at_least_px = None if every_pixel else REDUCED_FACTOR * classifier.info.input_size_px
    while not waiting.is_at_end:
        outcomes = classifier.predict(
            waiting.sources(), batch_size, on_error="return", at_least_px=at_least_px
        )
        for outcome in outcomes:
            while isinstance(item := waiting.next(), Broken):
                yield item
            if at_least_px is not None:
                outcome = _settled(classifier, item, outcome, at_least_px)
            yield _paired(item, outcome)
    yield from waiting.broken()


@dataclass(slots=True)
class _Waiting:
    """What was taken from some items and waits for its answer, in order.

    Attributes:
        items: where it is taken from.
        max_bytes: as `answered` has it.
        is_at_end: whether all items were taken.
    """

    items: Iterator[Item]
    max_bytes: int
    is_at_end: bool = False
    _taken: deque[Item] = field(default_factory=deque)
    _n_bytes: int = 0

    def sources(self) -> Iterator[Path | bytes]:
        """The photos, until the bytes of those that wait are too many.

        It ends there, since whoever reads ahead cannot be made to wait: what was taken is then
        answered to its end, and the next call goes on.
        """
        for item in self.items:
            self._taken.append(item)
            if isinstance(item, FoundPhoto):
                self._n_bytes += _bytes_in_memory(item)
                yield item.source
                if self._n_bytes >= self.max_bytes:  # of those that wait when the next is due
                    return
        self.is_at_end = True

    def next(self) -> Item:
        """What has waited longest; it waits no more."""
        item = self._taken.popleft()
        self._n_bytes -= _bytes_in_memory(item)
        return item

    def broken(self) -> Iterator[Broken]:
        """What is left behind the last photo."""
        return (item for item in self._taken if isinstance(item, Broken))


def _bytes_in_memory(item: Item) -> int:
    if isinstance(item, FoundPhoto) and isinstance(item.source, bytes):
        return len(item.source)
    return 0


def is_close(probabilities: Sequence[float], info: ModelInfo) -> bool:
    """Whether an answer would be another if a probability moved by `MARGIN`.

    Args:
        probabilities: of each class, 0..1.
        info: the model's threshold and uncertain band.
    """
    mask = probabilities[MASK]
    edges = [*(info.uncertain_band or ())]
    if len(probabilities) == 2:
        edges.append(info.threshold)
    else:
        first, second = sorted(probabilities, reverse=True)[:2]
        edges.append(mask + (first - second) / 2)
    return any(abs(mask - edge) <= MARGIN for edge in edges)


def _settled(
    classifier: Classifier, photo: FoundPhoto, outcome: Prediction | ImageError, at_least_px: int
) -> Prediction | ImageError:
    """The answer from every pixel where the one from a reduced photo is close to another."""
    if isinstance(outcome, ImageError) or min(outcome.size_px) < 2 * at_least_px:
        return outcome  # a smaller one was not reduced
    if not is_close(list(outcome.probabilities.values()), classifier.info):
        return outcome
    try:
        return classifier(photo.source)
    except ImageError as error:
        return error


def _paired(photo: FoundPhoto, outcome: Prediction | ImageError) -> Answered | Broken:
    if isinstance(outcome, Prediction):
        return Answered(photo, outcome)
    # The name stands before it anyway.
    place = "image bytes" if isinstance(photo.source, bytes) else shown(photo.source)
    return Broken(photo.name, str(outcome).removeprefix(f"{place}: "))
