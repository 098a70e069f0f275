"""An ONNX file as bytes: what it says of itself, and that its graph is of a kind that we write.

Its fields are read without the onnx package, which the base install does not have.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from facecover.errors import ModelFileError, shown
from facecover.inference.model_info import METADATA_KEY

PRODUCER = "facecover"
"""Stands at the start of each of our files, so that one that was cut off is still known."""

FORMER_NAME = "facemask"
"""Names the producer and the metadata in files written before the package was renamed."""

Task = Literal["face", "faces"]
"""What a model is asked: whether a face is covered, or where the faces of a photo are."""

# Field numbers of ModelProto and StringStringEntryProto (onnx.proto3 of ONNX 1.x).
_PRODUCER_NAME, _GRAPH, _METADATA_PROPS = 2, 7, 14
_KEY, _VALUE = 1, 2
_FUNCTIONS, _NODE = 25, 1
# Of GraphProto, NodeProto, AttributeProto, SparseTensorProto and TensorProto.
_INITIALIZER, _SPARSE_INITIALIZER = 5, 15
_OP_TYPE, _ATTRIBUTE, _DOMAIN = 4, 5, 7
_TENSOR, _GRAPH_IN, _TENSORS, _GRAPHS, _SPARSE_TENSOR, _SPARSE_TENSORS = 5, 6, 10, 11, 22, 23
_SPARSE_PARTS, _EXTERNAL_DATA = (1, 2), 13

# Wire types of protocol buffers: a variable-length number, 8 bytes, bytes after their length, and
# 4 bytes.
_VARINT, _BYTES = 0, 2
_FIXED_BYTES = {1: 8, 5: 4}
_VARINT_BYTES = 10


class OnnxHeader(Struct):
    """The outermost fields of an ONNX file, as far as they could be read.

    Attributes:
        producer: the program that wrote it; empty where it does not say.
        has_graph: whether a network was found.
        metadata: its key and value pairs; values are text in UTF-8 if nothing changed them.
        is_whole: whether the last field ends where the file ends.
    """

    producer: str = ""
    has_graph: bool = False
    metadata: dict[str, bytes] = msgspec.field(default_factory=dict)
    is_whole: bool = False

    @property
    def facts(self) -> bytes:
        """The JSON of a `ModelInfo`; empty where there is none."""
        return self.metadata.get(METADATA_KEY) or self.metadata.get(FORMER_NAME, b"")


class _CutOff(Exception):
    """A field reaches beyond the end, or is none that ONNX uses."""


def read_header(data: bytes | mmap.mmap) -> OnnxHeader:
    """The outermost fields of an ONNX file; of any other bytes, a header that is not whole."""
    header = OnnxHeader()
    try:
        for number, value, _ in _fields(memoryview(data)):
            if number == _PRODUCER_NAME:
                header.producer = _text(value)
            elif number == _GRAPH:
                header.has_graph = True
            elif number == _METADATA_PROPS:
                entry = {field.number: field.value for field in _fields(value)}
                header.metadata[_text(entry.get(_KEY, b""))] = bytes(entry.get(_VALUE, b""))
    except _CutOff:
        return header
    header.is_whole = True
    return header


def with_facts(data: bytes, facts: str) -> bytes:
    """An ONNX file of any program as one of ours, with a model's facts in it; not yet sealed.

    Its graph stays byte for byte; what else it says of itself goes.

    Raises:
        ModelFileError: if it is no whole ONNX file.
    """
    try:
        fields = list(_fields(memoryview(data)))
    except _CutOff:
        fields = []
    if _GRAPH not in {field.number for field in fields}:
        raise ModelFileError(f"expected a whole ONNX file, found {len(data):,} bytes of another")
    kept = [one.whole for one in fields if one.number not in (_PRODUCER_NAME, _METADATA_PROPS)]
    entry = _encoded(_KEY, METADATA_KEY.encode()) + _encoded(_VALUE, facts.encode())
    ours = _encoded(_PRODUCER_NAME, PRODUCER.encode())
    return b"".join([ours, *kept, _encoded(_METADATA_PROPS, entry)])


class _Field(NamedTuple):
    """One field; a number's value is empty, for none is needed here. `whole`: with its head."""

    number: int
    value: memoryview
    whole: memoryview


def _fields(data: memoryview) -> Iterator[_Field]:
    end = 0
    while (start := end) < len(data):
        tag, position = _varint(data, start)
        kind = tag & 7
        if kind in (_VARINT, _BYTES):
            number, position = _varint(data, position)
        elif kind not in _FIXED_BYTES:
            raise _CutOff
        end = position + (number if kind == _BYTES else _FIXED_BYTES.get(kind, 0))
        if end > len(data):
            raise _CutOff
        yield _Field(tag >> 3, data[position:end], data[start:end])


def _encoded(number: int, value: bytes) -> bytes:
    return _varint_bytes(number << 3 | _BYTES) + _varint_bytes(len(value)) + value


def _varint_bytes(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint_bytes(rest) if rest else bytes([low])


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(data[position : position + _VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, position + index + 1
    raise _CutOff


def _text(value: memoryview | bytes) -> str:
    return bytes(value).decode("utf-8", errors="replace")


_OF_CLASSIFIERS = frozenset(
    ("Abs", "Add", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "Constant",
     "Conv", "DequantizeLinear", "Div", "Flatten", "Gemm", "GlobalAveragePool", "Identity",
     "MatMul", "MaxPool", "Mul", "Pad", "QuantizeLinear", "ReduceMean", "Relu", "Reshape",
     "Resize", "Shape", "Sigmoid", "Slice", "Squeeze", "Sub", "Transpose", "Unsqueeze")
)  # fmt: skip

_OF_DETECTORS = _OF_CLASSIFIERS | frozenset(
    ("ConstantOfShape", "Exp", "Expand", "Gather", "Max", "Min", "NonZero", "Range", "Softmax",
     "Split")
)  # fmt: skip

OPERATORS: dict[Task, frozenset[str]] = {"face": _OF_CLASSIFIERS, "faces": _OF_DETECTORS}
"""What the exporters write, by task; nothing that repeats or holds a graph: it might never end."""


def check_graph(path: Path, data: bytes, task: Task) -> None:
    """Refuse a network that our exporters cannot have written.

    Args:
        path: of the file, for the message.
        data: its bytes.
        task: what it is for.

    Raises:
        ModelFileError: if it has an operator that is not among `OPERATORS`, functions of its own,
            or tensors in other files, which no hash in this one covers.
    """
    try:
        problem = next(_problems(memoryview(data), OPERATORS[task]), None)
    except _CutOff:
        problem = "a network that is cut off"
    if problem is not None:
        raise ModelFileError(
            f"{path}: expected a network as this package exports them, found {problem}; export "
            "the model again"
        )


def _problems(model: memoryview, operators: frozenset[str]) -> Iterator[str]:
    for part in _fields(model):
        if part.number == _FUNCTIONS:
            yield "functions of its own"
        elif part.number == _GRAPH:
            for inner in _fields(part.value):
                if inner.number == _NODE:
                    yield from _problems_of_node(inner.value, operators)
                elif inner.number in (_INITIALIZER, _SPARSE_INITIALIZER):
                    yield from _problems_of_tensor(inner, _SPARSE_INITIALIZER)


def _problems_of_node(node: memoryview, operators: frozenset[str]) -> Iterator[str]:
    for one in _fields(node):
        if one.number == _OP_TYPE and (name := _text(one.value)) not in operators:
            yield f"the operator {shown(name)}"
        elif one.number == _DOMAIN and (name := _text(one.value)) not in ("", "ai.onnx"):
            yield f"operators of {shown(name)}"
        elif one.number == _ATTRIBUTE:
            for part in _fields(one.value):
                if part.number in (_GRAPH_IN, _GRAPHS):
                    yield "a network inside it"
                elif part.number in (_TENSOR, _TENSORS, _SPARSE_TENSOR, _SPARSE_TENSORS):
                    yield from _problems_of_tensor(part, _SPARSE_TENSOR, _SPARSE_TENSORS)


def _problems_of_tensor(field: _Field, *sparse: int) -> Iterator[str]:
    parts = list(_fields(field.value))
    if field.number in sparse:
        parts = [
            inner for part in parts if part.number in _SPARSE_PARTS for inner in _fields(part.value)
        ]
    if any(part.number == _EXTERNAL_DATA for part in parts):
        yield "tensors in another file"
