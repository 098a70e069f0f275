"""One ONNX file that knows itself: reading it, and making sure that it is what was written."""

import hashlib
import json
import mmap
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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

from facecover.errors import ImageError, ModelFileError, shown
from facecover.inference.model_info import (
    FORMAT_VERSION,
    METADATA_KEY,
    NO_DIGEST,
    ModelInfo,
    info_from_document,
)

# Field numbers of ModelProto and StringStringEntryProto (onnx.proto3 of ONNX 1.x).
_PRODUCER_NAME, _GRAPH, _METADATA_PROPS = 2, 7, 14
_KEY, _VALUE = 1, 2
# Wire types of protocol buffers: a variable-length number, and bytes after their length.
_VARINT, _BYTES = 0, 2
_VARINT_BYTES = 10


@dataclass
class OnnxHeader:
    """The outermost fields of an ONNX file, as far as they could be read.

    Attributes:
        producer: the program that wrote it; empty where it does not say.
        has_graph: whether a network was found.
        metadata: its key and value pairs.
        is_whole: whether the last field ends where the file ends.
    """

    producer: str = ""
    has_graph: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    is_whole: bool = False


class _CutOff(Exception):
    """A field reaches beyond the end, or is none that ONNX uses."""


def read_header(data: bytes | mmap.mmap) -> OnnxHeader:
    """The outermost fields of an ONNX file; of any other bytes, a header that is not whole."""
    header = OnnxHeader()
    try:
        for number, value in _fields(memoryview(data)):
            if number == _PRODUCER_NAME:
                header.producer = _text(value)
            elif number == _GRAPH:
                header.has_graph = True
            elif number == _METADATA_PROPS:
                entry = dict(_fields(value))
                header.metadata[_text(entry.get(_KEY))] = _text(entry.get(_VALUE))
    except _CutOff:
        return header
    header.is_whole = True
    return header


def is_model_file(path: Path) -> bool:
    """Whether a file is an ONNX file that this package wrote, cut off or changed as it may be.

    Raises:
        OSError: if it cannot be read, or is empty.
    """
    with (
        path.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        return read_header(data).producer in (PRODUCER, _FORMER_NAME)


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Field numbers with their bytes; a number's bytes are empty, for none is needed here."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        if tag & 7 == _VARINT:
            _, position = _varint(data, position)
            yield tag >> 3, data[:0]
        elif tag & 7 == _BYTES:
            length, position = _varint(data, position)
            if position + length > len(data):
                raise _CutOff
            yield tag >> 3, data[position : position + length]
            position += length
        else:
            raise _CutOff


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(data[position : position + _VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, position + index + 1
    raise _CutOff


def _text(value: memoryview | None) -> str:
    return bytes(value or b"").decode("utf-8", errors="replace")


MODELS_FOLDER = Path(__file__).parents[1] / "models"
"""Where they lie; a wheel is always unpacked, so they are plain files."""

DEFAULT_MODEL = "maskresnet"
"""The model that answers where none is named."""


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model in the package.

    Attributes:
        name: what it is called on the command line.
        path: the model file.
        card: its model card, Markdown.
        facts: what its card was made from, JSON; see `evaluation.card_facts`.
    """

    name: str
    path: Path
    card: Path
    facts: Path

    @property
    def is_default(self) -> bool:
        """Whether it answers where no model is named."""
        return self.name == DEFAULT_MODEL


def packaged_models() -> tuple[PackagedModel, ...]:
    """Every model in the package, the default first, then by name; none is read."""
    models = [
        PackagedModel(path.stem, path, path.with_suffix(".md"), path.with_suffix(".json"))
        for path in MODELS_FOLDER.glob("*.onnx")
    ]
    return tuple(sorted(models, key=lambda model: (not model.is_default, model.name)))


def find_packaged(name: str) -> PackagedModel | None:
    """The model in the package that has this name; None where there is none."""
    return next((model for model in packaged_models() if model.name == name), None)


def packaged_file(name: str) -> Path:
    """The file of a model in the package, whatever bears its name in the working folder.

    Raises:
        ModelFileError: if the package has no such model.
    """
    model = find_packaged(name)
    if model is None:
        raise ModelFileError(
            f"{MODELS_FOLDER}: expected {name}.onnx, which comes with the package, found none; "
            "install facecover again"
        )
    return model.path


def read_facts(model: PackagedModel) -> dict[str, Any] | None:
    """What a packaged model's card was made from; None where it has none.

    Raises:
        ModelFileError: if the file is broken.
    """
    try:
        facts = json.loads(model.facts.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{model.facts}: broken: {error}; install facecover again") from error
    if not isinstance(facts, dict):
        raise ModelFileError(f"{model.facts}: expected an object; install facecover again")
    return facts


MODEL_NAME = "model.onnx"
"""The model file of a run folder."""

PRODUCER = "facecover"
"""Stands at the start of each of our files, so that one that was cut off is still known."""

_FORMER_NAME = "facemask"
"""Names the producer and the metadata in files written before the package was renamed."""

_DIGEST_FIELD = '"file_sha256": "'
_MAKE_ONE = "make one with 'facecover train'"


@dataclass(frozen=True)
class ModelFile:
    """A model file, read and checked.

    Attributes:
        path: where it lies.
        data: its bytes, an ONNX model.
        info: what it knows of itself.
    """

    path: Path
    data: bytes
    info: ModelInfo


def find_model(path: Path) -> Path:
    """The model file that a path names: the file, the one in a run folder, or one of the package.

    A file or folder of that name comes before a model of the package.

    Raises:
        ModelFileError: if there is no such file or model, the folder holds none, or it cannot be
            told: too long a name, or a folder that may not be looked into.
    """
    kind = _kind(path)
    if kind == stat.S_IFDIR:
        inside = path / MODEL_NAME
        if _kind(inside) != stat.S_IFREG:
            raise ModelFileError(
                f"{path}: expected a run folder with a {MODEL_NAME}, found none; if training was "
                "interrupted, go on with 'facecover train ... --resume'"
            )
        return inside
    if kind != stat.S_IFREG:
        packaged = find_packaged(str(path))
        if packaged is None:
            raise ModelFileError(
                f"{shown(path)}: no such model file or run folder, nor a model of the package "
                f"({_packaged_names()}); {_MAKE_ONE}"
            )
        return packaged.path
    return path


def read_model_file(path: Path) -> ModelFile:
    """What `find_model` finds, checked against the hash that it carries.

    Raises:
        ModelFileError: if there is no such file, or it is not one of ours, is cut off, was
            changed, or comes from a newer version of the package.
    """
    found = find_model(path)
    try:
        data = found.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{found}: cannot be read: {error.strerror}") from error
    header = read_header(data)
    _check_whole(found, data, header)
    document = _document(found, _metadata(header))
    _check_version(found, document)
    digest = document.get("file_sha256")
    if not isinstance(digest, str) or not _is_sealed(data, digest):
        raise _changed(found)
    try:
        return ModelFile(found, data, info_from_document(document))
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ModelFileError(
            f"{found}: broken metadata: {error!r}; train or export the model again"
        ) from error


def _kind(path: Path) -> int | None:
    """`stat.S_IFDIR`, `stat.S_IFREG` or another kind of file; None where there is nothing.

    `Path.is_dir` and `Path.is_file` raise some of the system's refusals as they are.

    Raises:
        ModelFileError: if the system refuses the name, or to look it up.
    """
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # ValueError: a null character
        reason = getattr(error, "strerror", None) or error
        raise ModelFileError(
            f"{shown(path)}: cannot be looked up: {reason}; expected a model file, a run folder, "
            f"or a model of the package ({_packaged_names()})"
        ) from error


def _packaged_names() -> str:
    return ", ".join(model.name for model in packaged_models()) or "none"


def seal(data: bytes) -> bytes:
    """A model file's bytes with the hash of themselves filled in.

    Args:
        data: the bytes of an ONNX file whose metadata say `NO_DIGEST` once.

    Raises:
        ModelFileError: if there is no single place for the hash.
    """
    blank = _digest_bytes(NO_DIGEST)
    if data.count(blank) != 1:
        raise ModelFileError(
            f"expected one empty file_sha256 in the metadata, found {data.count(blank)}"
        )
    return data.replace(blank, _digest_bytes(hashlib.sha256(data).hexdigest()))


def _is_sealed(data: bytes, digest: str) -> bool:
    mark = _digest_bytes(digest)
    blank = data.replace(mark, _digest_bytes(NO_DIGEST))
    return data.count(mark) == 1 and hashlib.sha256(blank).hexdigest() == digest


def _digest_bytes(digest: str) -> bytes:
    return f'{_DIGEST_FIELD}{digest}"'.encode()


def _check_whole(path: Path, data: bytes, header: OnnxHeader) -> None:
    if not data:
        raise ModelFileError(f"{path}: the file is empty; {_MAKE_ONE}")
    if header.producer not in (PRODUCER, _FORMER_NAME):
        found = "an ONNX file of another program" if header.has_graph else f"bytes {data[:8]!r}"
        raise ModelFileError(
            f"{path}: expected a model file of this package, found {found}; {_MAKE_ONE}"
        )
    if not header.is_whole or not _metadata(header):
        raise ModelFileError(
            f"{path}: the model file is cut off after {len(data):,} bytes; copy it again"
        )


def _metadata(header: OnnxHeader) -> str:
    key = METADATA_KEY if METADATA_KEY in header.metadata else _FORMER_NAME
    return header.metadata.get(key, "")


def _document(path: Path, text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _changed(path) from error
    if not isinstance(document, dict):
        raise _changed(path)
    return document


def _check_version(path: Path, document: dict[str, Any]) -> None:
    version = document.get("format_version")
    if not isinstance(version, int):
        raise _changed(path)
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"{path}: expected model file format {FORMAT_VERSION} or older, found {version}, "
            f"written by facecover {document.get('version')}; update facecover"
        )


def _changed(path: Path) -> ModelFileError:
    return ModelFileError(
        f"{path}: the model file was changed after it was written: its bytes do not fit the hash "
        "that it carries; copy or export it again"
    )


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
