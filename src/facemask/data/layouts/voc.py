"""Boxes in Pascal VOC XML: one row a face."""

from collections.abc import Iterator
from pathlib import Path

from facemask.data.layouts.boxes import fit_box, read_edges
from facemask.data.layouts.draft import NO_ANNOTATION, NO_BOX, NO_LABEL, Draft, Refused, located
from facemask.data.layouts.headers import Headers
from facemask.data.layouts.settle import Entry, settle
from facemask.data.layouts.tree import Folder
from facemask.data.layouts.voc_files import Pictures, Splits
from facemask.data.layouts.voc_xml import BOX, Annotation, Face, looks_like_voc, read_annotation
from facemask.data.rows import Row
from facemask.errors import shown

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

    Raises:
        LabelError: if a class name is unknown.
    """
    reader = _Reader(top, draft)
    entries = [entry for path in top.all_others(".xml") for entry in reader.read(path)]
    settle(entries, draft)
    for picture in reader.unclaimed():
        draft.drop(picture, NO_ANNOTATION, "found no XML file that describes it")


class _Reader:
    def __init__(self, top: Folder, draft: Draft) -> None:
        self._draft = draft
        self._top = top.path
        self._pictures = Pictures(top)
        self._splits = Splits(top)
        self._headers = Headers()
        self._claimed: set[Path] = set()

    def unclaimed(self) -> Iterator[Path]:
        """The pictures that no annotation file describes, not even a broken one."""
        return (path for path in self._pictures.all if path not in self._claimed)

    def read(self, path: Path) -> Iterator[Entry]:
        """The faces of an annotation file; what cannot be used becomes a drop."""
        with self._draft.dropping(path):
            annotation, picture = self._paired(path)
            with self._draft.dropping(picture):
                yield from self._faces(path, annotation, picture)

    def _paired(self, path: Path) -> tuple[Annotation, Path]:
        try:
            annotation = read_annotation(path)
        except Refused:
            # The picture is accounted for by the drop of its annotation.
            self._claimed.update(self._pictures.named_like(path))
            raise
        picture = self._pictures.of(path, annotation.file_name)
        self._claimed.add(picture)
        return annotation, picture

    def _faces(self, path: Path, annotation: Annotation, picture: Path) -> Iterator[Entry]:
        split = self._splits.of(picture)
        if not annotation.faces:
            raise Refused(NO_BOX, f"{shown(path.name)} describes no face in it")
        for number, face in enumerate(annotation.faces, 1):
            where = f"{shown(path.name)}, object {number}"
            with self._draft.dropping(picture), located(where):
                yield Entry(self._row(annotation, picture, face, split, where), where)

    def _row(
        self, annotation: Annotation, picture: Path, face: Face, split: str | None, where: str
    ) -> Row:
        if not face.name:
            raise Refused(NO_LABEL, "expected a <name>, found none")
        label = self._draft.label_of(face.name, where)
        box = fit_box(read_edges(face.edges, BOX), self._headers[picture], annotation.size)
        group = shown(f"{self._draft.name}/{picture.relative_to(self._top).as_posix()}")
        return Row(picture, self._draft.name, label, box, split, group, face.flags)
