"""What stands around the graph of an ONNX file, read without an ONNX library.

An ONNX file is a protocol-buffer message; only its outermost fields are walked here, which is
enough to tell whether it is whole, who wrote it, and what its metadata say.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

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


def read_header(data: bytes) -> OnnxHeader:
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
