"""The question: is this face covered?"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import Literal, TypeVar, overload

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,
    RuntimeException,
)

from facecover.errors import ConfigError, ImageError, ModelFileError, shown
from facecover.files import available_cores
from facecover.images import MAX_PIXELS, ImageSource, PixelBudget
from facecover.inference.model_file import (
    DEFAULT_MODEL,
    ModelFile,
    packaged_file,
    read_model_file,
)
from facecover.inference.model_info import ModelInfo, with_choices
from facecover.inference.prediction import Input, Prediction, predictions

Images = npt.NDArray[np.uint8]
"""``uint8 (N, S, S, 3)``, RGB."""

_IMAGES_A_RUN = 32
"""Enough to keep the network busy, in memory that the processor's caches hold."""

# ONNX Runtime's errors have no common ancestor but Exception.
_REFUSALS = (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NotImplemented, RuntimeException)


def open_session(path: Path, data: bytes, threads: int | None) -> ort.InferenceSession:
    """A network ready to run.

    Args:
        path: of the model file, for the message.
        data: its bytes.
        threads: how many threads one run may use; None leaves it to ONNX Runtime.

    Raises:
        ModelFileError: if ONNX Runtime cannot run it.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 4  # errors are raised, and need not be printed as well
    # Threads that wait in a loop for the next run take the cores that decoding needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(
            data,
            options,
            providers=["CPUExecutionProvider"],
            enable_fallback=0,  # which prints to standard output, and tries the same again
        )
    except _REFUSALS as error:
        reason = str(error).splitlines()[0]
        raise ModelFileError(
            f"{path}: ONNX Runtime {ort.__version__} cannot run it: {reason}"
        ) from error


class Model:
    """A network ready to answer. It may be used from several threads at once.

    One run takes one thread, and many images several runs at a time: networks as small as these
    take more processor time, and hardly less of the clock's, where threads share one run.

    Args:
        file: a model file.
        threads: how many runs may be at work for one call; None takes one for each core.

    Raises:
        ModelFileError: if ONNX Runtime cannot run the file.
    """

    def __init__(self, file: ModelFile, threads: int | None = None) -> None:
        self.path = file.path
        self.info = file.info
        self._threads = threads or available_cores()
        self._session = open_session(file.path, file.data, threads=1)

    def logits(self, images: Images) -> npt.NDArray[np.float32]:
        """What the network gives before the softmax: ``float32 (N, C)``.

        Args:
            images: ``uint8 (N, S, S, 3)``, RGB, with S the model's input size.

        Raises:
            ImageError: if the array is of another dtype or shape.
        """
        self._check(images)
        starts = range(0, len(images), _IMAGES_A_RUN)
        batches = [images[start : start + _IMAGES_A_RUN] for start in starts]
        threads = min(self._threads, len(batches))
        if threads > 1:
            with ThreadPoolExecutor(threads) as pool:
                logits = list(pool.map(self._run, batches))
        else:
            logits = [self._run(batch) for batch in batches]
        return np.concatenate([np.zeros((0, self.info.classes), dtype=np.float32), *logits])

    def _run(self, images: Images) -> npt.NDArray[np.float32]:
        given = {"images": np.ascontiguousarray(images)}
        logits: npt.NDArray[np.float32] = self._session.run(["logits"], given)[0]
        return logits

    def probabilities(self, images: Images) -> npt.NDArray[np.float64]:
        """The probability of each class: ``float64 (N, C)``, 0..1, rows sum to 1; see `logits`."""
        return softmax(self.logits(images), self.info.temperature)

    def _check(self, images: Images) -> None:
        size_px = self.info.input_size_px
        expected = f"expected images of uint8 (N, {size_px}, {size_px}, 3), RGB"
        if images.dtype != np.uint8:
            raise ImageError(f"{expected}, found {images.dtype}")
        if images.ndim != 4 or images.shape[1:] != (size_px, size_px, 3):
            raise ImageError(f"{expected}, found shape {images.shape}")


def softmax(logits: npt.NDArray[np.float32], temperature: float = 1.0) -> npt.NDArray[np.float64]:
    """The probabilities that logits stand for: ``float64 (N, C)``, 0..1, rows sum to 1.

    Args:
        logits: ``float32 (N, C)``.
        temperature: above 1 makes the probabilities less sure, below 1 surer.
    """
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

BATCH_SIZE = 32
"""Photos that `Classifier.predict` gives the network at once."""

LASTING = (str, bytes, PathLike)
"""What names or holds a photo, and stays the same while it waits for a thread."""


class Classifier:
    """Answers whether a face is covered. It may be used from several threads at once.

    A pickled classifier holds the place of its model file, not the file: it is read again.

    Args:
        model: a model file, a run folder, or the name of a model in the package; None takes the
            package's default.
        threads: how many photos are decoded, and how many batches answered, at a time; None takes
            one for each core.
        threshold: with two classes, the probability of a mask from which the answer is mask; None
            takes the model's own.
        uncertain_band: the probabilities of a mask, from and to, that are uncertain; None takes
            the model's own, which may be none.
        max_pixels: that are decoded at a time, over all threads; an image with more is refused.

    Raises:
        ConfigError: if `threads` or `max_pixels` is not a positive number, or threshold and band do
            not fit; see `with_choices`.
        ModelFileError: if there is no such file, or it is not one of ours, is cut off, was
            changed, comes from a newer version, or cannot be run.
    """

    def __init__(
        self,
        model: str | PathLike[str] | None = None,
        threads: int | None = None,
        *,
        threshold: float | None = None,
        uncertain_band: tuple[float, float] | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.budget = PixelBudget(positive("max_pixels", max_pixels))
        self._threads = None if threads is None else positive("threads", threads)
        # The default by its file: a run folder of its name in the working folder would come first.
        path = packaged_file(DEFAULT_MODEL) if model is None else Path(model)
        self._model = Model(read_model_file(path), self._threads)
        self._choices = threshold, uncertain_band
        self._info = with_choices(
            self._model.info, threshold=threshold, uncertain_band=uncertain_band
        )

    @property
    def info(self) -> ModelInfo:
        """What the model knows of itself, with the threshold and the band that are in use."""
        return self._info

    def __repr__(self) -> str:
        size_px = self.info.input_size_px
        names = ", ".join(self.info.class_names)
        return f"<Classifier {self.info.name}: {size_px} x {size_px} RGB -> {names}>"

    def __reduce__(self) -> tuple[object, ...]:
        path = str(self._model.path.resolve())
        choices = self._threads, self._choices, self.budget.pixels
        return _loaded_again, (path, *choices, self.info.file_sha256)

    def __call__(self, image: ImageSource) -> Prediction:
        """The answer for one photo of a face.

        Args:
            image: a path, the bytes of a file, a binary stream, a Pillow image, or an array
                ``uint8 (H, W, 3)``, RGB.

        Raises:
            ImageError: if it is not a readable image.
        """
        return self.answers([self._read(image)])[0]

    @overload
    def predict(
        self,
        images: Iterable[ImageSource],
        batch_size: int = BATCH_SIZE,
        *,
        on_error: Literal["raise"] = "raise",
        at_least_px: int | None = None,
    ) -> Iterator[Prediction]: ...

    @overload
    def predict(
        self,
        images: Iterable[ImageSource],
        batch_size: int = BATCH_SIZE,
        *,
        on_error: Literal["return"],
        at_least_px: int | None = None,
    ) -> Iterator[Prediction | ImageError]: ...

    def predict(
        self,
        images: Iterable[ImageSource],
        batch_size: int = BATCH_SIZE,
        *,
        on_error: Literal["raise", "return"] = "raise",
        at_least_px: int | None = None,
    ) -> Iterator[Prediction | ImageError]:
        """The answers for many photos, in their order, each as soon as its batch is done.

        At most two batches are in memory, as small as the network takes them, so the photos may
        be endless. Files and bytes are decoded on other threads while the network is at work;
        arrays, Pillow images and streams are read as they come, and may be used again after that.

        Args:
            images: what `__call__` takes, one after the other.
            batch_size: photos that go through the network at once.
            on_error: what becomes of an image that cannot be read: ``raise`` raises its error
                after the answers before it; ``return`` gives the error in the answer's place.
            at_least_px: lets JPEGs be decoded at reduced scale, see `read_photo`; answers then
                differ a little from those of `__call__`.

        Raises:
            ConfigError: if `batch_size` is not a positive number, or `on_error` is neither.
            ImageError: if an image cannot be read, unless `on_error` is ``return``.
        """
        positive("batch_size", batch_size)
        if on_error not in ("raise", "return"):
            raise ConfigError(f"on_error: expected 'raise' or 'return', found {on_error!r}")
        if isinstance(images, (str, bytes, PathLike)):
            raise ImageError(
                f"images: expected several images, found one {type(images).__name__}; "
                "call the classifier itself, or put it into a list"
            )
        return self._stream(images, batch_size, on_error, at_least_px)

    def classify_images(self, images: Images) -> npt.NDArray[np.float64]:
        """The probability of each class: ``float64 (N, C)``, 0..1, rows sum to 1.

        Args:
            images: ``uint8 (N, S, S, 3)``, RGB, with S the model's input size.

        Raises:
            ImageError: if the array is of another dtype or shape.
        """
        return self._model.probabilities(images)

    def _stream(
        self,
        images: Iterable[ImageSource],
        batch_size: int,
        on_error: Literal["raise", "return"],
        at_least_px: int | None,
    ) -> Iterator[Prediction | ImageError]:
        threads = self._threads or available_cores()
        outcomes = partial(self._outcomes, at_least_px=at_least_px)
        decode = partial(self._read_or_error, at_least_px=at_least_px)
        # A camera may fill one array again and again, and an animation is one image at many
        # frames: what can change or close behind our back is read before the next one is asked for.
        taken = (one if isinstance(one, LASTING) else decode(one) for one in images)
        # Two batches are on their way, in parts for all threads.
        size = max(1, min(batch_size, 2 * batch_size // threads))
        parts, ahead = _parts(taken, size, threads), 2 * batch_size // size
        with closing(done_ahead(outcomes, parts, ahead=ahead, threads=threads)) as done:
            for outcome in chain.from_iterable(done):
                if isinstance(outcome, ImageError) and on_error == "raise":
                    raise outcome
                yield outcome

    def _outcomes(
        self, images: list[ImageSource | Input | ImageError], at_least_px: int | None
    ) -> list[Prediction | ImageError]:
        """What was read and answered on one thread: threads that wait for others cost time."""
        read = [self._read_or_error(image, at_least_px) for image in images]
        answers = iter(self.answers([one for one in read if isinstance(one, Input)]))
        return [one if isinstance(one, ImageError) else next(answers) for one in read]

    def _read(self, image: ImageSource, at_least_px: int | None = None) -> Input:
        with self.budget.photo(image, at_least_px) as photo:
            small = Input(photo.resized(self.info.input_size_px), photo.full_size)
            del photo  # before there is room for the next one
        return small

    def _read_or_error(
        self, image: ImageSource | Input | ImageError, at_least_px: int | None
    ) -> Input | ImageError:
        if isinstance(image, (Input, ImageError)):
            return image
        try:
            return self._read(image, at_least_px)
        except ImageError as error:
            return error

    def answers(self, inputs: list[Input]) -> list[Prediction]:
        """The answers for faces that were read and squeezed already, in their order."""
        if not inputs:
            return []
        pixels = np.stack([one.pixels for one in inputs])
        return predictions(inputs, self._model.probabilities(pixels), self.info)


def _loaded_again(
    path: str,
    threads: int | None,
    choices: tuple[float | None, tuple[float, float] | None],
    max_pixels: int,
    file_sha256: str,
) -> Classifier:
    """A pickled classifier, from the same model file."""
    threshold, band = choices
    classifier = Classifier(
        path, threads, threshold=threshold, uncertain_band=band, max_pixels=max_pixels
    )
    if classifier.info.file_sha256 != file_sha256:
        raise ModelFileError(
            f"{shown(path)}: expected the model file that was pickled, {file_sha256[:12]}..., "
            f"found {classifier.info.file_sha256[:12]}...; pickle the classifier again"
        )
    return classifier


def _parts(items: Iterable[_Item], size: int, threads: int) -> Iterator[list[_Item]]:
    """The items in lists; the first are short: a few items, too, are shared among the threads."""
    source, begun = iter(items), 0
    while part := list(islice(source, min(2 ** min(begun // threads, 16), size))):
        yield part
        begun += 1


def positive(name: str, value: int) -> int:
    """The value, if it is a whole number from 1; else a ConfigError."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ConfigError(f"{name}: expected a whole number from 1, found {value!r}")
    return int(value)


def done_ahead(
    work: Callable[[_Item], _Result], items: Iterable[_Item], *, ahead: int, threads: int
) -> Generator[_Result, None, None]:
    """What `work` gives for each item, in order; up to `ahead` items are begun before they are due.

    The items are taken in the reader's thread, one for each result read, so they may be endless
    and their iterator need not be thread-safe. When the reader stops early, what was not begun
    is dropped. An error of `work` is raised when its item is due.
    """
    source = iter(items)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="facecover")
    waiting: deque[Future[_Result]] = deque()
    try:
        waiting.extend(pool.submit(work, item) for item in islice(source, ahead))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(work, item) for item in islice(source, 1))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
