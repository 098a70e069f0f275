"""What a detector's model file knows of itself, and writing and reading it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from facecover.inference.model_file import (
    DETECTOR,
    explained_facts,
    packaged_file,
    read_sealed,
    seal,
)
from facecover.inference.model_info import FORMAT_VERSION, NO_DIGEST
from facecover.inference.onnx_file import with_facts


class DetectorInfo(Struct, frozen=True):
    """All that a detector's file knows beside its graph.

    The graph takes ``images``, ``uint8 (1, H, W, 3)``, RGB, whose sides are multiples of 32, and
    gives ``boxes``, ``float32 (M, 4)``, x0, y0, x1, y1 in pixels of it, and ``scores``,
    ``float32 (M,)``, 0..1, of each place that may be a face: many of one face.

    Attributes:
        name: the experiment's name.
        threshold: the score from which a place is taken for a face.
        parameters: numbers learned.
        sources: the data sets that it learned from.
        photos: how many it learned from.
        faces: the boxes in them.
        version: of the package that wrote it.
        config: the whole experiment.
        weights_sha256: of the network's weights.
        precision: what most of its sums are made of, ``float32`` or ``int8``.
        file_sha256: of the file itself, with this field's digits as zeros.
        task: tells the file from a classifier's.
    """

    name: str
    threshold: float
    parameters: int
    sources: tuple[str, ...]
    photos: int
    faces: int
    version: str
    config: Mapping[str, Any] = field(default_factory=dict)
    weights_sha256: str = ""
    precision: str = "float32"
    file_sha256: str = NO_DIGEST
    task: str = "faces"

    def to_json(self) -> dict[str, Any]:
        """What is said of a model where it is listed: all but the experiment."""
        facts: dict[str, Any] = msgspec.to_builtins(self)
        del facts["config"]
        return facts


class DetectorFile(Struct, frozen=True):
    """A detector's file, read and checked; `data` are its bytes, an ONNX model."""

    path: Path
    data: bytes
    info: DetectorInfo

    def __repr__(self) -> str:
        return f"<DetectorFile {self.path}: {self.info.name}>"


def sealed(onnx_bytes: bytes, info: DetectorInfo) -> bytes:
    """The bytes of a model file: a graph, what is known of it, and the hash of both.

    Args:
        onnx_bytes: an ONNX file with the inputs and outputs that `DetectorInfo` names.
        info: its facts.

    Raises:
        ModelFileError: if it is no whole ONNX file.
    """
    facts = {"format_version": FORMAT_VERSION, **msgspec.to_builtins(info)}
    return seal(with_facts(onnx_bytes, json.dumps(facts, allow_nan=False)))


def read_detector_file(path: Path | None = None) -> DetectorFile:
    """A detector's file, by a path or a name in the package; without one the package's own.

    Raises:
        ModelFileError: if there is none, or it is not one of ours, is cut off, was changed, comes
            from a newer version, or is a classifier's.
    """
    found = read_sealed(path or packaged_file(DETECTOR), "faces")
    with explained_facts(found.path):
        info = msgspec.json.decode(found.facts, type=DetectorInfo)
        return DetectorFile(found.path, found.data, info)
