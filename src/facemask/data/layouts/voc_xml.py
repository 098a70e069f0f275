"""One Pascal VOC annotation file, as written."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from facemask.data.layouts.boxes import Size
from facemask.data.layouts.draft import BROKEN_ANNOTATION, Refused
from facemask.errors import shown

BOX = ("xmin", "ymin", "xmax", "ymax")

FLAGS = ("difficult", "truncated", "occluded")
"""What an annotation may say of a face besides; kept as columns of these names."""

MAX_BYTES = 10_000_000

_HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Face:
    """An ``<object>``.

    Attributes:
        name: its class name; empty if it has none.
        edges: the texts of its box by the names `BOX`, as far as they are there.
        flags: the texts of `FLAGS`, as far as they are there.
    """

    name: str
    edges: dict[str, str]
    flags: dict[str, str]


@dataclass(frozen=True, slots=True)
class Annotation:
    """An ``<annotation>``: the picture's file name and size as given, and its faces."""

    file_name: str
    size: Size | None
    faces: tuple[Face, ...]


def looks_like_voc(path: Path) -> bool:
    """Whether a file begins like a Pascal VOC annotation."""
    try:
        with path.open("rb") as stream:
            return b"<annotation" in stream.read(_HEAD_BYTES)
    except OSError:
        return False


def read_annotation(path: Path) -> Annotation:
    """The content of an annotation file.

    Raises:
        Refused: if it is no well-formed XML of that kind, defines entities or a document type
            (as files that attack parsers do), or is larger than `MAX_BYTES`.
    """
    root = _root(path)
    if root.tag != "annotation":
        raise Refused(BROKEN_ANNOTATION, f"expected <annotation>, found <{shown(root.tag)}>")
    # Windows paths and whole paths stand in some files; the last part is the name.
    written = _text(root, "filename").replace("\\", "/")
    return Annotation(PurePosixPath(written).name, _size(root), tuple(_faces(root)))


def _root(path: Path) -> Element:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Refused(BROKEN_ANNOTATION, f"expected at most {MAX_BYTES:,} bytes")
        root: Element = fromstring(path.read_bytes(), forbid_dtd=True)
    except OSError as error:
        raise Refused(BROKEN_ANNOTATION, f"cannot be read: {error.strerror}") from error
    # defusedxml's refusals are ValueErrors; an unknown encoding is a LookupError.
    except (ParseError, ValueError, LookupError) as error:
        raise Refused(
            BROKEN_ANNOTATION, f"expected plain XML, found: {shown(str(error))}"
        ) from error
    return root


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _size(root: Element) -> Size | None:
    try:
        size = Size(float(_text(root, "size/width")), float(_text(root, "size/height")))
    except ValueError:
        return None
    return size if 0 < min(size) <= max(size) < float("inf") else None


def _faces(root: Element) -> Iterator[Face]:
    for element in root.findall("object"):
        edges = {name: _text(element, f"bndbox/{name}") for name in BOX}
        flags = {name: _text(element, name) for name in FLAGS}
        yield Face(
            _text(element, "name"),
            {name: text for name, text in edges.items() if text},
            {name: text for name, text in flags.items() if text},
        )
