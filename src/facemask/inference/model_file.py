"""One ONNX file that knows itself: reading it, and making sure that it is what was written."""

import hashlib
import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facemask.errors import ModelFileError, shown
from facemask.inference.model_info import (
    FORMAT_VERSION,
    METADATA_KEY,
    NO_DIGEST,
    ModelInfo,
    info_from_document,
)
from facemask.inference.onnx_header import OnnxHeader, read_header
from facemask.inference.packaged import find_packaged, packaged_models

MODEL_NAME = "model.onnx"
"""The model file of a run folder."""

PRODUCER = "facemask"
"""Stands at the start of each of our files, so that one that was cut off is still known."""

_DIGEST_FIELD = '"file_sha256": "'
_MAKE_ONE = "make one with 'facemask train'"


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
                "interrupted, go on with 'facemask train ... --resume'"
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
    document = _document(found, header.metadata[METADATA_KEY])
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
    if header.producer != PRODUCER:
        found = "an ONNX file of another program" if header.has_graph else f"bytes {data[:8]!r}"
        raise ModelFileError(
            f"{path}: expected a model file of this package, found {found}; {_MAKE_ONE}"
        )
    if not header.is_whole or METADATA_KEY not in header.metadata:
        raise ModelFileError(
            f"{path}: the model file is cut off after {len(data):,} bytes; copy it again"
        )


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
            f"written by facemask {document.get('version')}; update facemask"
        )


def _changed(path: Path) -> ModelFileError:
    return ModelFileError(
        f"{path}: the model file was changed after it was written: its bytes do not fit the hash "
        "that it carries; copy or export it again"
    )
