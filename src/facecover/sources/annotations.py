"""Annotation files of every kind: the picture that each describes, and its faces as rows."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from facecover.errors import shown
from facecover.photos import NO_PHOTO, Folder
from facecover.sources.boxes import Edges, Frame, Size, fit_box, header_or_none, read_in_one_frame
from facecover.sources.folders import split_of
from facecover.sources.rows import Draft, Entry, Refused, Row, keep_once

_Item = TypeVar("_Item")


class Face(NamedTuple):
    """A face as annotated.

    Attributes:
        name: of its class.
        size: of the picture that was annotated, see `boxes.fit_box`.
        extra: further columns.
    """

    name: str
    edges: Edges
    size: Size | None
    extra: Mapping[str, str] = {}


class Annotations:
    """Makes rows of what annotation files say, and drops of what cannot be used.

    Args:
        top: the whole source.
        draft: takes them.
        files: the annotation files, which are not passed over.

    Attributes:
        draft: takes them.
        pictures: of the source.
        claimed: pictures that an annotation file describes, and be it a broken one.
    """

    def __init__(self, top: Folder, draft: Draft, files: Sequence[Path]) -> None:
        draft.skipped[NO_PHOTO] -= len(files)
        self.draft = draft
        self.pictures = Pictures(top)
        self.claimed: set[Path] = set()
        self._header_of = functools.cache(header_or_none)
        self._frame = Frame()

    def read(self, read_all: Callable[[], Iterator[Entry]], expected: str) -> None:
        """Keep what `read_all` gives; pictures that it does not claim are left out.

        Args:
            read_all: called again where its first boxes prove another frame.
            expected: what should describe a picture.
        """

        def read_in(frame: Frame) -> list[Entry]:
            self._frame = frame
            return list(read_all())

        keep_once(read_in_one_frame(read_in, self.draft), self.draft)
        unclaimed = (path for path in self.pictures.all if path not in self.claimed)
        self.draft.drop_all(unclaimed, "no annotation", f"found no {expected} that describes it")

    def faces(
        self,
        annotation: Path,
        picture: Path,
        split: str | None,
        items: Mapping[str, _Item],
        read_face: Callable[[_Item], Face],
    ) -> Iterator[Entry]:
        """The faces of one picture, which form a group.

        Args:
            annotation: the file that describes them.
            picture: the picture.
            split: its split.
            items: what stands there for each face, by its place in the file.
            read_face: makes a face of it, or raises `Refused`.
        """
        with self.draft.dropping(picture):
            if not items:
                raise Refused("no box", f"{shown(annotation.name)} describes no face in it")
            group = shown(f"{self.draft.name}/{self.pictures.inner(picture)}")
            for place, item in items.items():
                where = f"{shown(annotation.name)}, {place}"
                with self.draft.dropping(picture, where=where):
                    name, edges, size, extra = read_face(item)
                    label = self.draft.label_of(name, where)
                    box = fit_box(edges, self._header_of(picture), size, self._frame)
                    yield Entry(
                        Row(picture, self.draft.name, label, box, split, group, extra), where
                    )


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

    def inner(self, picture: Path) -> str:
        """A picture's path in the source, with ``/`` between its parts."""
        return picture.relative_to(self._top).as_posix()

    def split(self, path: Path) -> str | None:
        """The split that the folders around a file stand for; None if they stand for none."""
        parts = path.parent.relative_to(self._top).parts
        return next(filter(None, map(split_of, parts)), None)

    def of(self, annotation: Path, file_name: str) -> Path:
        """The picture that an annotation file describes; `Refused` if none or several would do.

        The one named like the annotation file comes first, because the name inside goes stale
        when both are renamed together; the name inside comes second. Of several, the one in the
        folders of the same names is meant.

        Args:
            annotation: the file.
            file_name: of the picture, as it says; empty if it does not.
        """
        named = self._by_name.get(file_name, []) or self._by_stem.get(Path(file_name).stem, [])
        alike = self.named_like(annotation)
        fitting = [path for path in alike if path in named] or alike or named
        or_inside = f" or {shown(file_name)!r}" if file_name else ""
        return self._nearest(
            fitting, annotation.parent.parts, f"named {shown(annotation.stem)}.*{or_inside}"
        )

    def named(self, annotation: Path, file_name: str) -> Path:
        """The picture of this name, among several that of an annotation file's own folders."""
        path = Path(file_name.replace("\\", "/"))
        near = (*annotation.parent.parts, *annotation.stem.split("_"), *path.parent.parts)
        return self._nearest(self._by_name.get(path.name, []), near, f"named {shown(file_name)!r}")

    def named_like(self, annotation: Path) -> list[Path]:
        """The pictures whose names differ from the annotation file's in the extension alone."""
        return self._by_stem.get(annotation.stem, [])

    def _nearest(self, fitting: list[Path], folders: Iterable[str], what: str) -> Path:
        """The one of some pictures that lies in most of the folders of these names."""
        if not fitting:
            raise Refused("no picture", f"found no picture {what}")
        own = set(map(_as_split, folders))
        shared = [len(own.intersection(map(_as_split, path.parent.parts))) for path in fitting]
        nearest = [path for path, n in zip(fitting, shared, strict=True) if n == max(shared)]
        if len(nearest) > 1:
            found = " and ".join(shown(path) for path in nearest[:2])
            raise Refused("ambiguous picture", f"it may describe {found}; rename one of them")
        return nearest[0]


def _as_split(folder: str) -> str:
    """The split that a folder is called by, be it with a year: ``train2017``; else its name."""
    return split_of(folder.rstrip("0123456789")) or folder
