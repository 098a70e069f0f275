"""Boxes and polygons of COCO: one JSON file for many pictures."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from facecover.errors import shown
from facecover.photos import Folder
from facecover.sources.annotations import Annotations, Face
from facecover.sources.boxes import bounds, read_edges, read_size
from facecover.sources.folders import split_of
from facecover.sources.rows import Draft, Entry, Refused

MAX_BYTES = 2**29
"""COCO's own instances, of 118,000 pictures, take 450 MB."""

_HEAD_BYTES = 2**16

_Id = int | str | float


class _Image(Struct):
    id: _Id
    file_name: str
    width: Any = None
    height: Any = None


class _Category(Struct):
    id: _Id
    name: str


class _Annotation(Struct):
    image_id: _Id
    category_id: _Id
    bbox: Any = None
    segmentation: Any = None
    iscrowd: Any = 0


class _File(Struct):
    """What is read of a file; each annotation by itself, so that a broken one costs no other."""

    images: list[_Image]
    categories: list[_Category]
    annotations: list[msgspec.Raw]


class _OfImage(Struct):
    image_id: _Id


def _read(path: Path) -> _File:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Refused("broken annotation", f"expected at most {MAX_BYTES:,} bytes")
        return msgspec.json.decode(path.read_bytes().removeprefix(b"\xef\xbb\xbf"), type=_File)
    except OSError as error:
        raise Refused("broken annotation", f"cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Refused(
            "broken annotation", f"expected JSON of COCO, found: {shown(str(error))}"
        ) from error


def _files(top: Folder) -> list[Path]:
    """The JSON files that begin like COCO's."""
    return [path for path in top.all_others(".json") if _looks_like_coco(path)]


def _looks_like_coco(path: Path) -> bool:
    if _is_named_like_coco(path):
        return True
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError:
        return False
    keys = (b'"images"', b'"categories"', b'"image_id"')
    return head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") and any(key in head for key in keys)


def _is_named_like_coco(path: Path) -> bool:
    return path.name.endswith(".coco.json") or path.name.startswith("instances_")


def has_instances(top: Folder) -> bool:
    """Whether a folder holds JSON files of COCO that list half of its pictures, or broken ones."""
    names = {path.name for path in top.all_images()}
    listed: set[str] = set()
    for path in _files(top):
        try:
            listed.update(Path(image.file_name).name for image in _read(path).images)
        except Refused:
            if _is_named_like_coco(path):
                return True
    return 2 * len(names & listed) >= len(names)


def read_coco(top: Folder, draft: Draft) -> None:
    """One row a box, from JSON files of COCO and pictures anywhere in a folder.

    An annotation without a box has the one around its polygons. The split is that of the file's
    name or folder, or of the picture's.
    """
    files = _files(top)
    found = Annotations(top, draft, files)

    def read_all() -> Iterator[Entry]:
        splits: dict[Path, str | None] = {}
        for path in files:
            with draft.dropping(path):
                yield from _entries(path, found, splits)

    found.read(read_all, "JSON file of COCO")


def _entries(path: Path, found: Annotations, splits: dict[Path, str | None]) -> Iterator[Entry]:
    file = _read(path)
    names = {str(category.id): category.name for category in file.categories}
    by_image = _by_image(path, file, found.draft)
    of_file = _split_in_name(path) or found.pictures.split(path)
    for image in file.images:
        with found.draft.dropping(path):
            picture = found.pictures.named(path, image.file_name)
            found.claimed.add(picture)
            split = of_file or found.pictures.split(picture)
            if splits.setdefault(picture, split) != split:
                raise Refused(
                    "conflicting splits",
                    f"lists {shown(image.file_name)!r} as {split}; another file as "
                    f"{splits[picture]}: keep one",
                )
            items = {
                place: (names, image, raw) for place, raw in by_image.get(str(image.id), {}).items()
            }
            yield from found.faces(path, picture, split, items, _face)


def _split_in_name(path: Path) -> str | None:
    """The split in a file's name: ``instances_train2017.json``, ``val.json``."""
    words = "".join(c if c.isalpha() else " " for c in path.stem).split()
    return next(filter(None, map(split_of, words)), None)


def _by_image(path: Path, file: _File, draft: Draft) -> dict[str, dict[str, msgspec.Raw]]:
    """The annotations of each image, by their place in the file."""
    known = {str(image.id) for image in file.images}
    by_image: dict[str, dict[str, msgspec.Raw]] = {}
    for number, raw in enumerate(file.annotations, 1):
        place = f"annotation {number}"
        with draft.dropping(path, where=place):
            image_id = str(_decoded(raw, _OfImage).image_id)
            if image_id not in known:
                raise Refused("no picture", f"found no image with the id {shown(image_id)}")
            by_image.setdefault(image_id, {})[place] = raw
    return by_image


def _decoded(raw: msgspec.Raw, kind: type[Any]) -> Any:  # noqa: ANN401  (what the kind says)
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Refused(
            "broken box", f"expected an annotation, found: {shown(str(error))}"
        ) from error


def _face(item: tuple[dict[str, str], _Image, msgspec.Raw]) -> Face:
    names, image, raw = item
    annotation: _Annotation = _decoded(raw, _Annotation)
    name = names.get(str(annotation.category_id), "")
    if not name:
        raise Refused("no label", f"found no category with the id {annotation.category_id}")
    if annotation.iscrowd:
        raise Refused("no box", "expected a box of one face, found one of a crowd (iscrowd)")
    size = read_size(str(image.width), str(image.height))
    if annotation.bbox:
        numbers = annotation.bbox if isinstance(annotation.bbox, list) else [annotation.bbox]
        sides = ("x", "y", "width", "height")
        texts = {name: str(number) for name, number in zip(sides, numbers, strict=False)}
        return Face(name, read_edges(texts, sides, is_sized=True), size)
    return Face(name, bounds(_points(annotation.segmentation)), size)


def _points(segmentation: object) -> list[float]:
    """The corners of an annotation's polygons: x, y, x, y, ..."""
    polygons: Iterable[Any] = segmentation if isinstance(segmentation, list) else ()
    points = [number for one in polygons if isinstance(one, list) for number in one]
    if (
        len(points) < 6
        or len(points) % 2
        or not all(isinstance(one, int | float) for one in points)
    ):
        raise Refused("broken box", "expected a bbox of four numbers, or polygons")
    return points
