"""A model file at work in ONNX Runtime."""

from pathlib import Path

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

from facemask.errors import ImageError, ModelFileError
from facemask.inference.model_file import ModelFile, read_model_file
from facemask.inference.model_info import ModelInfo

BATCH_SIZE = 256
"""Images that go through the network at once: enough to keep it busy, little memory."""

# ONNX Runtime's errors have no common ancestor but Exception.
_REFUSALS = (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NotImplemented, RuntimeException)

Images = npt.NDArray[np.uint8]
"""``uint8 (N, S, S, 3)``, RGB."""


class Model:
    """A network ready to answer. It may be used from several threads at once.

    Args:
        file: a model file.
        threads: how many threads one answer may use; None leaves it to ONNX Runtime.

    Raises:
        ModelFileError: if ONNX Runtime cannot run the file.
    """

    def __init__(self, file: ModelFile, threads: int | None = None) -> None:
        self.path = file.path
        self.info: ModelInfo = file.info
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3  # errors alone
        # Threads that wait in a loop for the next run take the cores that decoding needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(
                file.data, options, providers=["CPUExecutionProvider"]
            )
        except _REFUSALS as error:
            reason = str(error).splitlines()[0]
            raise ModelFileError(
                f"{file.path}: ONNX Runtime {ort.__version__} cannot run it: {reason}"
            ) from error

    def logits(self, images: Images) -> npt.NDArray[np.float32]:
        """What the network gives before the softmax: ``float32 (N, C)``.

        Args:
            images: ``uint8 (N, S, S, 3)``, RGB, with S the model's input size.

        Raises:
            ImageError: if the array is of another dtype or shape.
        """
        self._check(images)
        batches = [
            self._session.run(
                ["logits"], {"images": np.ascontiguousarray(images[start : start + BATCH_SIZE])}
            )[0]
            for start in range(0, len(images), BATCH_SIZE)
        ]
        empty = np.zeros((0, self.info.classes), dtype=np.float32)
        return np.concatenate([empty, *batches])

    def probabilities(self, images: Images) -> npt.NDArray[np.float64]:
        """The probability of each class: ``float64 (N, C)``, 0..1, rows sum to 1.

        Args:
            images: ``uint8 (N, S, S, 3)``, RGB, with S the model's input size.

        Raises:
            ImageError: if the array is of another dtype or shape.
        """
        return softmax(self.logits(images), self.info.temperature)

    def _check(self, images: Images) -> None:
        size_px = self.info.input_size_px
        expected = f"expected images of uint8 (N, {size_px}, {size_px}, 3), RGB"
        if images.dtype != np.uint8:
            raise ImageError(f"{expected}, found {images.dtype}")
        if images.ndim != 4 or images.shape[1:] != (size_px, size_px, 3):
            raise ImageError(f"{expected}, found shape {images.shape}")


def load_model(path: Path, threads: int | None = None) -> Model:
    """The model in a file or in a run folder, ready to answer.

    Args:
        path: a model file, or a run folder.
        threads: how many threads one answer may use; None leaves it to ONNX Runtime.

    Raises:
        ModelFileError: if there is no such file, or it is not one of ours, is cut off, was
            changed, comes from a newer version, or cannot be run.
    """
    return Model(read_model_file(path), threads)


def softmax(logits: npt.NDArray[np.float32], temperature: float = 1.0) -> npt.NDArray[np.float64]:
    """The probabilities that logits stand for: ``float64 (N, C)``, 0..1, rows sum to 1.

    Args:
        logits: ``float32 (N, C)``.
        temperature: above 1 makes the probabilities less sure, below 1 surer.
    """
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
