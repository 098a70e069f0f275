"""Boxes in Pascal VOC XML: one row a face."""

import functools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from facecover.errors import shown
from facecover.photos import Folder
from facecover.sources.boxes import (
    Frame,
    Size,
    fit_box,
    header_or_none,
    read_edges,
    read_in_one_frame,
    read_size,
)
from facecover.sources.folders import split_of
from facecover.sources.rows import SPLITS, Draft, Entry, Refused, Row, keep_once


class Pictures:
    """The pictures of a source, found by the names that annotations use."""

    def __init__(self, top: Folder) -> None:
        self._top = top.path
        self.all = list(top.all_images())
        self._by_name: dict[str, list[Path]] = {}
        self._by_stem: dict[str, list[Path]] = {}
        for path in self.all:
            self._by_name.setdefault(path.name, []).append(path)
            self._by_stem.setdefault(path.stem, []).append(path)

    def of(self, annotation: Path, file_name: str) -> Path:
        """The picture that an annotation file describes; `Refused` if none or several would do.

        The one named like the annotation file comes first, because the name inside goes stale
        when both are renamed together; the name inside comes second. Of several, the one in the
        folders of the same names is meant.
        """
        named = self._by_name.get(file_name, []) or self._by_stem.get(Path(file_name).stem, [])
        alike = self.named_like(annotation)
        fitting = [path for path in alike if path in named] or alike or named
        if not fitting:
            raise Refused(
                "no picture",
                f"found no picture named {shown(annotation.stem)}.* or {shown(file_name)!r}",
            )
        if len(fitting) > 1:
            fitting = self._nearest(annotation, fitting)
        if len(fitting) > 1:
            found = " and ".join(shown(path) for path in fitting[:2])
            raise Refused("ambiguous picture", f"it may describe {found}; rename one of them")
        return fitting[0]

    def named_like(self, annotation: Path) -> list[Path]:
        """The pictures whose names differ from the annotation file's in the extension alone."""
        return self._by_stem.get(annotation.stem, [])

    def _nearest(self, annotation: Path, pictures: list[Path]) -> list[Path]:
        def shared(path: Path) -> int:
            return len(own & set(path.parent.relative_to(self._top).parts))

        own = set(annotation.parent.relative_to(self._top).parts)
        most = max(shared(path) for path in pictures)
        return [path for path in pictures if shared(path) == most]


class Splits:
    """The split of each picture: by its folder, or by ``ImageSets/Main/train.txt`` and the like."""

    def __init__(self, top: Folder) -> None:
        self._top = top.path
        self._listed: dict[str, set[str]] = {}
        for path in top.all_others(".txt"):
            if path.parent.parent.name == "ImageSets" and path.stem in SPLITS:
                for name in _lines(path):
                    self._listed.setdefault(name, set()).add(path.stem)

    def of(self, picture: Path) -> str | None:
        """The split of a picture, None if nothing tells; `Refused` if it is listed in two."""
        found = self._listed.get(picture.stem, set())
        if len(found) > 1:
            raise Refused(
                "conflicting splits", f"listed in {' and '.join(sorted(found))}; keep one"
            )
        in_path = map(split_of, picture.parent.relative_to(self._top).parts)
        return next((split for split in (*found, *in_path) if split), None)


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
    reader = _VocReader(top, draft)
    keep_once(read_in_one_frame(reader.read_all, draft), draft)
    unclaimed = (path for path in reader.pictures.all if path not in reader.claimed)
    draft.drop_all(unclaimed, "no annotation", "found no XML file that describes it")


class _VocReader:
    def __init__(self, top: Folder, draft: Draft) -> None:
        self._draft = draft
        self._top = top.path
        self._files = list(top.all_others(".xml"))
        self._splits = Splits(top)
        self._header_of = functools.cache(header_or_none)
        self.pictures = Pictures(top)
        self.claimed: set[Path] = set()  # by an annotation file, and be it a broken one
        self._frame = Frame()

    def read_all(self, frame: Frame) -> list[Entry]:
        """The faces of every annotation file."""
        self._frame = frame
        return [entry for path in self._files for entry in self.read(path)]

    def read(self, path: Path) -> Iterator[Entry]:
        """The faces of an annotation file; what cannot be used becomes a drop."""
        with self._draft.dropping(path):
            annotation, picture = self._paired(path)
            with self._draft.dropping(picture):
                yield from self._faces(path, annotation, picture)

    def _paired(self, path: Path) -> tuple[Element, Path]:
        try:
            annotation = _read_annotation(path)
        except Refused:
            # The picture is accounted for by the drop of its annotation.
            self.claimed.update(self.pictures.named_like(path))
            raise
        # Windows paths and whole paths stand in some files; the last part is the name.
        written = _text(annotation, "filename").replace("\\", "/")
        picture = self.pictures.of(path, PurePosixPath(written).name)
        self.claimed.add(picture)
        return annotation, picture

    def _faces(self, path: Path, annotation: Element, picture: Path) -> Iterator[Entry]:
        split = self._splits.of(picture)
        size = read_size(_text(annotation, "size/width"), _text(annotation, "size/height"))
        faces = annotation.findall("object")
        if not faces:
            raise Refused("no box", f"{shown(path.name)} describes no face in it")
        for number, face in enumerate(faces, 1):
            where = f"{shown(path.name)}, object {number}"
            with self._draft.dropping(picture, where=where):
                yield Entry(self._row(picture, size, face, split, where), where)

    def _row(
        self, picture: Path, size: Size | None, face: Element, split: str | None, where: str
    ) -> Row:
        name, box = _text(face, "name"), face.find("bndbox")
        if not name:
            raise Refused("no label", "expected a <name>, found none")
        label = self._draft.label_of(name, where)
        edges = read_edges({} if box is None else _texts(box, BOX), BOX)
        fitted = fit_box(edges, self._header_of(picture), size, self._frame)
        group = shown(f"{self._draft.name}/{picture.relative_to(self._top).as_posix()}")
        return Row(picture, self._draft.name, label, fitted, split, group, _texts(face, FLAGS))
