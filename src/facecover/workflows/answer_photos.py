"""`predict`: is the face covered, in each of many photos."""

import math
import os
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

from facecover.errors import ConfigError, ImageError, ModelFileError, shown
from facecover.images import PixelBudget
from facecover.inference.classifier import BATCH_SIZE, Classifier
from facecover.inference.inputs import Inputs, find_inputs
from facecover.inference.model_file import packaged_models
from facecover.inference.model_info import ModelInfo
from facecover.inference.prediction import Answered, Prediction
from facecover.labels import MASK
from facecover.photos import MAX_MEGAPIXELS, Broken, FoundPhoto, Item, checked_megapixels
from facecover.text import counted

if TYPE_CHECKING:
    import pandas as pd

REDUCED_FACTOR = 4
"""A JPEG may be decoded at reduced scale as long as its sides keep this many times the model's
input. Measured by `benchmarks/reduced_scale.py`, on 1,649 photos and two models of 32 pixels: a
probability then moves by 0.001 on average and by 0.05 at most."""

MARGIN = 0.1
"""A photo whose answer at reduced scale lies this close to another one is answered again from every
pixel: twice the largest difference seen."""

MAX_WAITING_BYTES = 256 * 2**20
"""Of photos that wait for their answers in memory: a few of the largest, and some dozens as
cameras make them, so that the threads that decode have enough to do."""

Name = str | os.PathLike[str]


class PhotoAnswers:
    """The answers to some inputs, each as soon as its batch is done; iterate over it once.

    Attributes:
        info: the model that answers, with the threshold and the band that are in use.
        budget: what may be decoded at a time.
        skipped: how many files were passed over, by reason; complete after the iteration.
    """

    def __init__(
        self, classifier: Classifier, found: Inputs, batch_size: int, *, every_pixel: bool
    ) -> None:
        self.info: ModelInfo = classifier.info
        self.budget: PixelBudget = classifier.budget
        self.skipped: Counter[str] = found.skipped
        self._found = found
        self._outcomes = answered(classifier, found, batch_size, every_pixel=every_pixel)

    def __iter__(self) -> Iterator[Answered | Broken]:
        return self._outcomes

    @property
    def total(self) -> int | None:
        """How many there will be; None if a tar archive is among the inputs."""
        return self._found.total

    def to_json(self) -> list[dict[str, Any]]:
        """One object an input, as `predict --json` prints them."""
        return [{**outcome.to_json()} for outcome in self]

    def to_pandas(self) -> "pd.DataFrame":
        """One row an input, with the keys of `to_json`; each class has a column ``p_NAME``."""
        import pandas as pd

        rows = []
        for row in self.to_json():
            by_class = row.pop("probabilities", {})
            rows.append(row | {f"p_{name}": p for name, p in by_class.items()})
        return pd.DataFrame.from_records(rows)


def predict(
    inputs: Name | Iterable[Name],
    *,
    model: Name | None = None,
    threads: int | None = None,
    batch_size: int = BATCH_SIZE,
    threshold: float | None = None,
    uncertain_band: tuple[float, float] | None = None,
    every_pixel: bool = False,
    max_megapixels: int = MAX_MEGAPIXELS,
    leave_out: Name | None = None,
    stdin: BinaryIO | None = None,
) -> PhotoAnswers:
    """The answer for each photo that some inputs name, in their order, or why there is none.

    Memory is bounded, however many there are.

    Args:
        inputs: files, folders, zip or tar archives, patterns such as ``photos/**/*.jpg``, or ``-``.
        model: a model file, a run folder, or the name of a model in the package.
        threads: as of `Classifier`.
        batch_size: photos that go through the network at once.
        threshold: as of `Classifier`.
        uncertain_band: likewise.
        every_pixel: large JPEGs are not decoded at reduced scale first.
        max_megapixels: that are decoded at a time, over all threads, 1..178; a photo with more is
            an error, unless it is a JPEG that has fewer at reduced scale.
        leave_out: a folder that is not looked into, such as one that is written into meanwhile.
        stdin: where the bytes of ``-`` come from; standard input by default.

    Raises:
        ConfigError: if a number is out of range, or an input is no name.
        ModelFileError: if the model cannot be used.
    """
    paths = as_names(inputs, "Classifier")
    classifier = Classifier(
        model,
        threads,
        threshold=threshold,
        uncertain_band=uncertain_band,
        max_pixels=checked_megapixels(max_megapixels),
    )
    left_out = [] if leave_out is None else [Path(leave_out)]
    found = find_inputs(paths, stdin or sys.stdin.buffer, leave_out=left_out)
    return PhotoAnswers(classifier, found, batch_size, every_pixel=every_pixel)


def as_names(inputs: Name | Iterable[Name], answers: str) -> list[str]:
    """The names of inputs as text.

    Args:
        inputs: one or several.
        answers: the class that answers pictures in memory, for the message.

    Raises:
        ConfigError: if one is no name: a picture, or an array.
    """
    is_one = isinstance(inputs, str | bytes | os.PathLike) or not isinstance(inputs, Iterable)
    names: list[Any] = [inputs] if is_one else [*cast(Iterable[Name], inputs)]
    for name in names:
        if not isinstance(name, str | os.PathLike):
            raise ConfigError(
                f"inputs: expected names of files or folders, found {type(name).__name__}; of one "
                f"picture in memory ask facecover.{answers}()(picture)"
            )
    return [os.fspath(name) for name in names]


SAMPLE = 8
"""Photos that `predict` has looked at: enough to see that they are no single faces."""


def framing_note(photos: Sequence[FoundPhoto], budget: PixelBudget) -> str:
    """What to say where photos that were answered as one face each hold several, or none.

    Nothing where most hold one, or the package has no detector. They are looked at in low
    resolutions: small faces in the background are not counted.
    """
    if not packaged_models("faces"):
        return ""
    from facecover.scenes.detector import LOW_SIDES_PX, FaceFinder
    from facecover.scenes.detector_file import read_detector_file

    try:
        finder = FaceFinder(read_detector_file(), longest_side_px=LOW_SIDES_PX[0])
    except ModelFileError:  # said where a detector is asked for; the answers stand without it
        return ""
    counts = []
    for one in photos:
        with suppress(ImageError), budget.photo(one.source, LOW_SIDES_PX[0]) as photo:
            counts.append(len(finder.find(photo).boxes))
    several, none = sum(n > 1 for n in counts), counts.count(0)
    if max(several, none) * 2 < max(len(counts), 1):
        return ""
    return (
        f"looked at {counted(len(counts), 'photo')}: several faces in {several}, none found in "
        f"{none}; an answer here is of the whole photo, `facecover detect` answers for each face"
    )


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
    at_least_px = None if every_pixel else REDUCED_FACTOR * classifier.info.input_size_px

    def answer_all(sources: Iterator[Path | bytes]) -> Iterator[Prediction | ImageError]:
        return classifier.predict(sources, batch_size, on_error="return", at_least_px=at_least_px)

    for one in in_order(items, answer_all, max_waiting_bytes):
        if isinstance(one, Broken):
            yield one
            continue
        photo, outcome = one
        if at_least_px is not None and may_differ(outcome, classifier, at_least_px):
            outcome = _from_every_pixel(classifier, photo)
        if isinstance(outcome, Prediction):
            yield Answered(photo, outcome)
        else:
            yield as_broken(photo, outcome)


_Outcome = TypeVar("_Outcome")


def in_order(
    items: Iterable[Item],
    answer_all: Callable[[Iterator[Path | bytes]], Iterable[_Outcome]],
    max_waiting_bytes: int = MAX_WAITING_BYTES,
) -> Iterator[tuple[FoundPhoto, _Outcome] | Broken]:
    """Each photo with its outcome, and what is broken in its place.

    Args:
        items: the photos.
        answer_all: what gives one outcome a photo, in their order, and reads ahead.
        max_waiting_bytes: no further photo is read while the bytes of those that wait are as many.
    """
    waiting = _Waiting(iter(items), max_waiting_bytes)
    while not waiting.is_at_end:
        for outcome in answer_all(waiting.sources()):
            while isinstance(item := waiting.next(), Broken):
                yield item
            yield item, outcome
    yield from waiting.broken()


class _Waiting:
    """What was taken from some items and waits for its answer, in order."""

    def __init__(self, items: Iterator[Item], max_bytes: int) -> None:
        self.is_at_end = False
        self._items, self._max_bytes = items, max_bytes
        self._taken: deque[Item] = deque()
        self._n_bytes = 0

    def sources(self) -> Iterator[Path | bytes]:
        """The photos, until the bytes of those that wait are too many.

        It ends there, since whoever reads ahead cannot be made to wait: what was taken is then
        answered to its end, and the next call goes on.
        """
        for item in self._items:
            self._taken.append(item)
            if isinstance(item, FoundPhoto):
                self._n_bytes += _bytes_in_memory(item)
                yield item.source
                if self._n_bytes >= self._max_bytes:  # of those that wait when the next is due
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


def is_near_boundary(probabilities: Sequence[float], info: ModelInfo) -> bool:
    """Whether an answer would be another if a probability moved as it may at reduced scale.

    By `MARGIN` around 0.5; next to 0 and 1, where log-odds move as far, by less.

    Args:
        probabilities: of each class, 0..1.
        info: the model's threshold and uncertain band.
    """
    mask = probabilities[MASK]
    boundaries = [*(info.uncertain_band or ())]
    if len(probabilities) == 2:
        boundaries.append(info.threshold)
    else:
        first, second = sorted(probabilities, reverse=True)[:2]
        boundaries.append(mask + (first - second) / 2)
    return any(
        abs(mask - boundary) <= MARGIN * 4 * max(boundary * (1 - boundary), 0)
        for boundary in boundaries
    )


def may_differ(outcome: Prediction | ImageError, classifier: Classifier, at_least_px: int) -> bool:
    """Whether a photo was answered at reduced scale, near another answer, and can be in full."""
    if isinstance(outcome, ImageError) or min(outcome.size_px) < 2 * at_least_px:
        return False
    if math.prod(outcome.size_px) > classifier.budget.pixels:
        return False
    return is_near_boundary(list(outcome.probabilities.values()), classifier.info)


def _from_every_pixel(classifier: Classifier, photo: FoundPhoto) -> Prediction | ImageError:
    try:
        return classifier(photo.source)
    except ImageError as error:
        return error


def as_broken(photo: FoundPhoto, error: ImageError) -> Broken:
    """A photo that could not be read, and why, without the name that stands before it anyway."""
    place = "image bytes" if isinstance(photo.source, bytes) else shown(photo.source)
    return Broken(photo.name, str(error).removeprefix(f"{place}: "))
