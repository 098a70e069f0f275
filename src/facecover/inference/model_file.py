"""One ONNX file that knows itself: finding and reading it, and that it is what was written.

ONNX Runtime is not imported here: it takes longer than to read the four models of the package.
"""

import hashlib
import mmap
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from facecover.documents import read_document, reading
from facecover.errors import ModelFileError, shown
from facecover.inference.model_info import (
    FORMAT_VERSION,
    NO_DIGEST,
    ModelInfo,
    info_from_json,
)
from facecover.inference.onnx_file import (
    FORMER_NAME,
    PRODUCER,
    OnnxHeader,
    Task,
    check_graph,
    read_header,
)

MODEL_NAME = "model.onnx"
"""The model file of a run folder."""


def is_model_file(path: Path) -> bool:
    """Whether a file is an ONNX file that this package wrote, cut off or changed as it may be.

    Raises:
        OSError: if it cannot be read, or is empty.
    """
    with (
        path.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        return read_header(data).producer in (PRODUCER, FORMER_NAME)


MODELS_FOLDER = Path(__file__).parents[1] / "models"
"""Where they lie; a wheel is always unpacked, so they are plain files."""

DEFAULT_MODEL = "maskresnet"
"""The model that answers where none is named."""

DETECTOR = "faces"
"""The model that finds faces where none is named; the names of all that do begin like this."""

_KINDS: dict[str, str] = {
    "face": "a classifier of one face, for `facecover predict` and Classifier",
    "faces": "a detector of faces, for `facecover detect` and Detector",
}


class PackagedModel(Struct, frozen=True):
    """A model in the package, by its file; none is read."""

    path: Path

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        return self.path.stem

    @property
    def card(self) -> Path:
        """Its model card, Markdown."""
        return self.path.with_suffix(".md")

    @property
    def facts(self) -> Path:
        """What its card was made from, JSON; see `evaluation.card_facts`."""
        return self.path.with_suffix(".json")

    @property
    def task(self) -> Task:
        """What it is asked, by its name."""
        return "faces" if self.name.startswith(DETECTOR) else "face"

    @property
    def is_default(self) -> bool:
        """Whether it answers where no model is named."""
        return self.name in (DEFAULT_MODEL, DETECTOR)


def packaged_models(task: Task = "face") -> tuple[PackagedModel, ...]:
    """Every model in the package for a task, the default first, then by name."""
    models = map(PackagedModel, MODELS_FOLDER.glob("*.onnx"))
    of_task = (model for model in models if model.task == task)
    return tuple(sorted(of_task, key=lambda model: (not model.is_default, model.name)))


def packaged_file(name: str) -> Path:
    """The file of a model in the package, whatever bears its name in the working folder.

    Raises:
        ModelFileError: if the package has no such model.
    """
    path = _packaged(name)
    if path is None:
        raise ModelFileError(
            f"{MODELS_FOLDER}: expected {name}.onnx, which comes with the package, found none; "
            "install facecover again"
        )
    return path


def _packaged(name: str) -> Path | None:
    models = (*packaged_models(), *packaged_models("faces"))
    return next((model.path for model in models if model.name == name), None)


def read_facts(model: PackagedModel) -> dict[str, Any] | None:
    """What a packaged model's card was made from; None where it has none.

    Raises:
        ModelFileError: if the file is broken.
    """
    if not model.facts.is_file():
        return None
    advice = "install facecover again"
    facts = read_document(model.facts, dict[str, Any], ModelFileError, advice)
    with reading(model.facts, "", ModelFileError, advice):
        msgspec.convert(facts, _Figures)
    return facts


class _Figures(Struct):
    """What is shown of a model without its card."""

    file_sha256: str
    test: "_Measured"


class _Measured(Struct):
    n: int
    accuracy: float
    ci95: "_Intervals"
    model: "_MeasuredModel"


class _MeasuredModel(Struct):
    file_sha256: str


class _Intervals(Struct):
    accuracy: tuple[float, float] | None


class ModelFile(Struct, frozen=True):
    """A model file, read and checked.

    Attributes:
        data: its bytes, an ONNX model.
        info: what it knows of itself.
    """

    path: Path
    data: bytes
    info: ModelInfo

    def __repr__(self) -> str:
        return f"<ModelFile {self.path}: {self.info.name}>"


_MAKE_ONE = "make one with 'facecover train'"


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
    if kind == stat.S_IFREG:
        return path
    packaged = _packaged(str(path))
    if packaged is None:
        raise ModelFileError(
            f"{shown(path)}: no such model file or run folder, nor a model of the package "
            f"({_packaged_names()}); {_MAKE_ONE}"
        )
    return packaged


def _kind(path: Path) -> int | None:
    """`stat.S_IFDIR`, `stat.S_IFREG` or another kind of file; None where there is nothing.

    `Path.is_dir` and `Path.is_file` raise some of the system's refusals as they are.
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


class _Seal(Struct):
    """What is checked of the metadata before all of it is read."""

    format_version: int
    file_sha256: str = ""
    version: Any = None
    task: str = "face"


class SealedFile(NamedTuple):
    """A model file whose bytes are those that were written; `facts` are JSON, not yet decoded."""

    path: Path
    data: bytes
    facts: bytes


def read_model_file(path: Path) -> ModelFile:
    """What `find_model` finds, checked against the hash that it carries.

    Raises:
        ModelFileError: if there is no such file, or it is not one of ours, is cut off, was
            changed, comes from a newer version of the package, is no classifier, or has operators
            or tensors that none of ours has.
    """
    found = read_sealed(path, "face")
    with explained_facts(found.path):
        return ModelFile(found.path, found.data, info_from_json(found.facts))


@contextmanager
def explained_facts(path: Path) -> Iterator[None]:
    """Turn what is raised where a model's facts are decoded into one line."""
    try:
        yield
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ModelFileError(
            f"{path}: broken metadata: {shown(str(error))}; train or export the model again"
        ) from error


def read_sealed(path: Path, task: Task) -> SealedFile:
    """What `find_model` finds, checked against the hash that it carries, whatever facts it has.

    Raises:
        ModelFileError: as `read_model_file`, and if it is for another task.
    """
    found = find_model(path)
    try:
        data = found.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{found}: cannot be read: {error.strerror}") from error
    header = read_header(data)
    _check_whole(found, data, header)
    has = _check_seal(found, data, header)
    if has != task:
        raise ModelFileError(f"{found}: expected {_KINDS[task]}, found {_KINDS.get(has, has)}")
    if found.parent != MODELS_FOLDER:  # which is checked by a test, and starts sooner
        check_graph(found, data, task)
    return SealedFile(found, data, header.facts)


def _check_whole(path: Path, data: bytes, header: OnnxHeader) -> None:
    if not data:
        raise ModelFileError(f"{path}: the file is empty; {_MAKE_ONE}")
    if header.producer not in (PRODUCER, FORMER_NAME):
        found = "an ONNX file of another program" if header.has_graph else f"bytes {data[:8]!r}"
        raise ModelFileError(
            f"{path}: expected a model file of this package, found {found}; {_MAKE_ONE}"
        )
    if not header.is_whole or not header.facts:
        raise ModelFileError(
            f"{path}: the model file is cut off after {len(data):,} bytes; copy it again"
        )


def _check_seal(path: Path, data: bytes, header: OnnxHeader) -> str:
    """Refuse what was changed or is too new; gives the task."""
    changed = (
        f"{path}: the model file was changed after it was written: its bytes do not fit the hash "
        "that it carries; copy or export it again"
    )
    try:
        found = msgspec.json.decode(header.facts, type=_Seal)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ModelFileError(changed) from error
    if found.format_version > FORMAT_VERSION:
        raise ModelFileError(
            f"{path}: expected model file format {FORMAT_VERSION} or older, found "
            f"{found.format_version}, written by facecover {shown(str(found.version))}; "
            "update facecover"
        )
    if not _is_sealed(data, found.file_sha256):
        raise ModelFileError(changed)
    return found.task


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
    return f'"file_sha256": "{digest}"'.encode()
