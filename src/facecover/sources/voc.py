"""Boxes in Pascal VOC XML: one row a face."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from facecover.errors import shown
from facecover.photos import Folder
from facecover.sources.annotations import Annotations, Face
from facecover.sources.boxes import read_edges, read_size
from facecover.sources.rows import SPLITS, Draft, Entry, Refused


class Splits:
    """The split of each picture by ``ImageSets/Main/train.txt`` and the like."""

    def __init__(self, top: Folder) -> None:
        self._listed: dict[str, set[str]] = {}
        for path in top.all_others(".txt"):
            if path.parent.parent.name == "ImageSets" and path.stem in SPLITS:
                for name in _lines(path):
                    self._listed.setdefault(name, set()).add(path.stem)

    def of(self, picture: Path) -> str | None:
        """The split that lists a picture, None if none does; `Refused` if two do."""
        found = self._listed.get(picture.stem, set())
        if len(found) > 1:
            raise Refused(
                "conflicting splits", f"listed in {' and '.join(sorted(found))}; keep one"
            )
        return next(iter(found), None)


def _lines(path: Path) -> list[str]:
    try:
        return [os.fsdecode(line).strip() for line in path.read_bytes().splitlines()]
    except OSError:
        return []


BOX = ("xmin", "ymin", "xmax", "ymax")

FLAGS = ("difficult", "truncated", "occluded")
"""What an annotation may say of a face besides; kept as columns of these names."""

MAX_BYTES = 10_000_000

_HEAD_BYTES = 4096


def looks_like_voc(path: Path) -> bool:
    """Whether a file begins like a Pascal VOC annotation."""
    try:
        with path.open("rb") as stream:
            return b"<annotation" in stream.read(_HEAD_BYTES)
    except OSError:
        return False


def _read_annotation(path: Path) -> Element:
    """The ``<annotation>`` in a file.

    `Refused` if it is no well-formed XML of that kind, defines entities or a document type (as
    files that attack parsers do), or is larger than `MAX_BYTES`.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Refused("broken annotation", f"expected at most {MAX_BYTES:,} bytes")
        root: Element = fromstring(path.read_bytes(), forbid_dtd=True)
    except OSError as error:
        raise Refused("broken annotation", f"cannot be read: {error.strerror}") from error
    # defusedxml's refusals are ValueErrors; an unknown encoding is a LookupError.
    except (ParseError, ValueError, LookupError) as error:
        raise Refused(
            "broken annotation", f"expected plain XML, found: {shown(str(error))}"
        ) from error
    if root.tag != "annotation":
        raise Refused("broken annotation", f"expected <annotation>, found <{shown(root.tag)}>")
    return root


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _texts(element: Element, names: Iterable[str]) -> dict[str, str]:
    return {name: text for name in names if (text := _text(element, name))}


_SAMPLE = 5


def has_annotations(top: Folder) -> bool:
    """Whether a folder holds Pascal VOC annotations for its pictures.

    One of the first XML files must look like one, and there must be one for every two pictures
    at least: one annotated data set among others does not make a layout.
    """
    files = list(top.all_others(".xml"))
    return 2 * len(files) >= top.image_count and any(map(looks_like_voc, files[:_SAMPLE]))


def read_voc(top: Folder, draft: Draft) -> None:
    """One row a box, from the XML files and pictures anywhere in a folder.

    The faces of one picture form a group. What is broken, empty or without its counterpart is
    left out.
    """
    files, splits = list(top.all_others(".xml")), Splits(top)
    found = Annotations(top, draft, files)

    def read_all() -> Iterator[Entry]:
        for path in files:
            with draft.dropping(path):
                annotation, picture = _paired(path, found)
                with draft.dropping(picture):
                    split = splits.of(picture) or found.pictures.split(picture)
                    faces = enumerate(annotation.findall("object"), 1)
                    items = {f"object {number}": (annotation, face) for number, face in faces}
                    yield from found.faces(path, picture, split, items, _face)

    found.read(read_all, "XML file")


def _paired(path: Path, found: Annotations) -> tuple[Element, Path]:
    try:
        annotation = _read_annotation(path)
    except Refused:
        # The picture is accounted for by the drop of its annotation.
        found.claimed.update(found.pictures.named_like(path))
        raise
    # Windows paths and whole paths stand in some files; the last part is the name.
    written = _text(annotation, "filename").replace("\\", "/")
    picture = found.pictures.of(path, PurePosixPath(written).name)
    found.claimed.add(picture)
    return annotation, picture


def _face(item: tuple[Element, Element]) -> Face:
    annotation, face = item
    name, box = _text(face, "name"), face.find("bndbox")
    if not name:
        raise Refused("no label", "expected a <name>, found none")
    edges = read_edges({} if box is None else _texts(box, BOX), BOX)
    size = read_size(_text(annotation, "size/width"), _text(annotation, "size/height"))
    return Face(name, edges, size, _texts(face, FLAGS))
