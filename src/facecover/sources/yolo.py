"""Boxes and polygons of YOLO: a text file a picture, and the names of the classes in another."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from facecover.errors import DatasetError, LabelError, shown
from facecover.labels import is_mapped, proposals
from facecover.photos import Folder
from facecover.sources.annotations import Annotations, Face
from facecover.sources.boxes import SHARES, Edges, bounds
from facecover.sources.folders import split_of
from facecover.sources.rows import Draft, Entry, Refused
from facecover.text import counted
from facecover.yaml_text import read_yaml_file

NAME_LISTS = ("classes.txt", "obj.names", "classes.names", "_darknet.labels")
"""Files with a class name a line, as labelling tools write them for YOLO."""

MAX_BYTES = 10_000_000

_NAMES_KEY = re.compile(rb"^names\s*:", re.MULTILINE)

_MAX_DIGITS = 9

_SAMPLE = 50
"""So many label files are looked into: some may be broken, or of pictures without a face."""


def has_labels(top: Folder) -> bool:
    """Whether a folder holds YOLO's label files: one for every two pictures, or ``data.yaml``."""
    stems = {path.stem for path in top.all_images()}
    files = [path for path in _label_files(top) if path.stem in stems]
    if not any(map(_looks_like_labels, files[:_SAMPLE])):
        return False
    return 2 * len(files) >= top.image_count or bool(_yaml_files(top))


def read_yolo(top: Folder, draft: Draft) -> None:
    """One row a box or polygon, from label files anywhere in a folder.

    Coordinates are shares of the picture's sides. A polygon gives the box around it.

    Raises:
        ConfigError: if ``data.yaml`` is no YAML.
        DatasetError: if it has no names, or a list is no text.
        LabelError: if nothing names a class: 0 is a mask in some data sets, a bare face in others.
    """
    files, classes = list(_label_files(top)), _all_classes(top)
    found = Annotations(top, draft, files)

    def read_all() -> Iterator[Entry]:
        for path in files:
            with draft.dropping(path):
                picture = found.pictures.of(path, "")
                found.claimed.add(picture)
                labels = _Labels(path, _nearest(path, classes), draft)
                split = labels.classes.split(picture) or found.pictures.split(picture)
                yield from found.faces(path, picture, split, labels.lines(), labels.face)

    found.read(read_all, "text file of YOLO")


class _Classes(NamedTuple):
    """What the file of class names in a folder says.

    Attributes:
        names: by the number that stands for each.
        has_keypoints: further numbers of a line, behind its box, are no polygon.
        splits: of the folders and pictures that it lists; None where it lists one twice.
    """

    names: Mapping[str, str] = {}
    has_keypoints: bool = False
    splits: Mapping[Path, str | None] = {}

    def split(self, picture: Path) -> str | None:
        """The split that a picture is listed in, itself or by a folder around it."""
        listed = (self.splits.get(path) for path in (picture, *picture.parents))
        return next(filter(None, listed), None) if self.splits else None


class _Labels(NamedTuple):
    """The label file of one picture."""

    path: Path
    classes: _Classes
    draft: Draft

    def lines(self) -> dict[str, list[str]]:
        """The words of each line that has any."""
        lines = enumerate(_lines(self.path), 1)
        return {f"line {number}": words for number, line in lines if (words := line.split())}

    def face(self, words: list[str]) -> Face:
        """The face in a line; `Refused` if there is none."""
        number, *rest = words
        number = number.removesuffix(".0")  # exporters of arrays write 0.0 for 0
        if not number.isdecimal() or len(number) > _MAX_DIGITS:
            raise Refused(
                "broken line", f"expected the number of a class first, found {shown(number)!r}"
            )
        edges = _edges(_numbers(rest), self.classes.has_keypoints)
        return Face(self._name(str(int(number))), edges, SHARES)

    def _name(self, number: str) -> str:
        name = self.classes.names.get(number)
        if name is not None or is_mapped(number, self.draft.mapping):
            return name or number
        names = [f"{key} {shown(name)!r}" for key, name in self.classes.names.items()]
        raise LabelError(
            f"{shown(self.path)}: expected data.yaml or classes.txt to name class {number}, found "
            f"{', '.join(names) or 'no such file'}; data sets do not agree on what a number means: "
            f"{proposals('--map', number)}"
        )


def _edges(numbers: list[float], has_keypoints: bool) -> Edges:
    is_polygon = len(numbers) >= 6 and len(numbers) % 2 == 0 and not has_keypoints
    if is_polygon:
        return bounds(numbers)
    # A fifth number is how sure the model was that labelled; more are points in a face.
    if len(numbers) < 4 or (len(numbers) > 5 and not has_keypoints):
        raise Refused(
            "broken line",
            f"expected a class and 4 numbers of a box, or the points of a polygon, found "
            f"{counted(len(numbers), 'number')}",
        )
    x, y, width, height = numbers[:4]
    return bounds([x - width / 2, y - height / 2, x + width / 2, y + height / 2])


def _numbers(words: list[str]) -> list[float]:
    try:
        numbers = list(map(float, words))
    except ValueError as error:
        found = shown(" ".join(words))[:60]
        raise Refused("broken box", f"expected numbers, found {found!r}") from error
    # A little over the edge is careless; 120 is a pixel.
    wrong = [number for number in numbers[:4] if not -1 <= number <= 2]
    if wrong:
        raise Refused(
            "broken box",
            f"expected shares of the picture's width and height, 0 to 1, found {wrong[0]:g}",
        )
    return numbers


def _label_files(top: Folder) -> Iterator[Path]:
    """Text files named like a picture, or in a folder ``labels``."""
    stems = {path.stem for path in top.all_images()}
    for path in top.all_others(".txt"):
        inside = path.relative_to(top.path).parts[:-1]
        is_in_labels = any(part.casefold() == "labels" for part in inside)
        if path.name not in NAME_LISTS and (path.stem in stems or is_in_labels):
            yield path


def _looks_like_labels(path: Path) -> bool:
    try:
        lines = _lines(path)
        return bool(lines) and len(_numbers(lines[0].split())) >= 5
    except Refused:
        return False


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Refused("broken annotation", f"expected at most {MAX_BYTES:,} bytes")
        return path.read_bytes().decode("utf-8-sig").splitlines()
    except OSError as error:
        raise Refused("broken annotation", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Refused(
            "broken annotation", "expected lines of text in UTF-8, found other bytes"
        ) from error


def _listed(path: Path) -> list[str]:
    """The lines of a list that concerns the whole source."""
    try:
        return _lines(path)
    except Refused as refused:
        raise DatasetError(f"{shown(path)}: {refused.detail}") from refused


def _all_classes(top: Folder) -> dict[Path, _Classes]:
    """By folder, what the file of class names in it says; ``data.yaml`` before lists of names."""
    lists = [path for suffix in (".txt", ".names", ".labels") for path in top.all_others(suffix)]
    classes = {
        path.parent: _Classes({str(n): line.strip() for n, line in enumerate(_listed(path))})
        for path in lists
        if path.name in NAME_LISTS
    }
    return classes | {path.parent: _from_yaml(path, top) for path in _yaml_files(top)}


def _nearest(path: Path, classes: Mapping[Path, _Classes]) -> _Classes:
    """Those of the folder or of one around it; else the only ones."""
    around = next((classes[folder] for folder in path.parents if folder in classes), None)
    only = next(iter(classes.values())) if len(classes) == 1 else _Classes()
    return around or only


def _yaml_files(top: Folder) -> list[Path]:
    """The files that name classes as ``data.yaml`` does."""
    files = [*top.all_others(".yaml"), *top.all_others(".yml")]
    return [path for path in files if _NAMES_KEY.search(_head(path))]


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES)
    except OSError:
        return b""


def _from_yaml(path: Path, top: Folder) -> _Classes:
    document = read_yaml_file(path, "the names of classes")
    names: Any = document.get("names")
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(isinstance(one, str | int) for one in names.values()):
        raise DatasetError(
            f"{shown(path)}: expected under names a list of class names, or a number before each, "
            f"found a {type(names).__name__}"
        )
    splits: dict[Path, str | None] = {}
    for key, split in ((key, split_of(str(key))) for key in document):
        for place in _places(document[key], document, path, top) if split else ():
            splits[place] = split if splits.get(place, split) == split else None
    by_number = {str(number): str(name) for number, name in names.items()}
    return _Classes(by_number, "kpt_shape" in document, splits)


def _places(entries: object, document: Mapping[str, Any], yaml: Path, top: Folder) -> list[Path]:
    """The folders and pictures in the source that an entry of ``data.yaml`` lists."""
    places = []
    for entry in map(str, entries if isinstance(entries, list) else [entries]):
        # Exporters write ../train/images for train/images.
        inside = re.sub(r"^(\.\./)+", "", entry)
        tries = [yaml.parent / str(document.get("path", "")) / entry, yaml.parent / inside]
        found = (Path(os.path.normpath(one)) for one in tries)
        place = next((one for one in found if _is_inside(one, top)), top.path)
        if place.suffix == ".txt":
            listed = map(str.strip, _listed(place))
            places += [Path(os.path.normpath(place.parent / line)) for line in listed if line]
        elif place != top.path:
            places.append(place)
    return places


def _is_inside(path: Path, top: Folder) -> bool:
    try:
        return path.is_relative_to(top.path) and path.exists()
    except (OSError, ValueError):  # a name too long, a null character
        return False
