"""Found faces as annotations that programs for labelling read: Pascal VOC, YOLO, COCO."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np

from facecover.errors import ConfigError
from facecover.files import check_replaceable, written_file
from facecover.inference.outputs import NewFiles, safe_name, suffix_of
from facecover.scenes.detections import Detections, PhotoDetections

AnnotationFormat = Literal["voc", "yolo", "coco"]

_SUFFIXES = ("jpg", "jpeg", "png", "webp", "bmp", "gif")
"""What the name of a photo ends in so that other programs take it for one."""


class AnnotationFiles:
    """A folder of photos with what was found in them, as programs for labelling read it.

    ``voc`` has ``images/`` and ``annotations/*.xml``; ``yolo`` has ``images/``, ``labels/*.txt``
    and ``data.yaml``; ``coco`` has ``images/`` and ``annotations.json``. Boxes are those of the
    upright photos.

    Args:
        format: ``voc``, ``yolo`` or ``coco``.
        folder: a new or empty one.
        class_names: by label.

    Raises:
        ConfigError: if there is no such format.
        OutputError: if the folder holds anything.
    """

    def __init__(self, format: str, folder: Path, class_names: tuple[str, ...]) -> None:
        known = get_args(AnnotationFormat)
        if format not in known:
            raise ConfigError(f"write: expected one of {', '.join(known)}, found {format!r}")
        check_replaceable(folder)
        self.folder, self._format, self._class_names = folder, format, class_names
        self._files = NewFiles()
        self._stems: set[str] = set()
        self._coco_images: list[dict[str, object]] = []
        self._coco_boxes: list[dict[str, object]] = []

    def add(self, found: PhotoDetections) -> None:
        """Copy one photo, and write what was found in it.

        Raises:
            OutputError: if a file cannot be written.
        """
        name = self._new_name(found)
        self._files.add(self.folder / "images" / name, found.photo.source)
        if self._format == "voc":
            self._write(f"annotations/{Path(name).stem}.xml", _voc(found.detections, name))
        elif self._format == "yolo":
            self._write(
                f"labels/{Path(name).stem}.txt",
                "".join(_yolo_lines(found.detections, self._class_names)),
            )
        else:
            self._add_coco(found, name)

    def close(self) -> None:
        """Write the one file that speaks of all photos, if the format has one.

        Raises:
            OutputError: if it cannot be written.
        """
        names = list(self._class_names)
        if self._format == "yolo":
            lines = [f"  {label}: {name}\n" for label, name in enumerate(names)]
            self._write(
                "data.yaml", f"path: .\ntrain: images\nval: images\nnames:\n{''.join(lines)}"
            )
        elif self._format == "coco":
            categories = [{"id": label, "name": name} for label, name in enumerate(names)]
            document = {
                "images": self._coco_images,
                "annotations": self._coco_boxes,
                "categories": categories,
            }
            self._write("annotations.json", json.dumps(document, indent=1))

    def _new_name(self, found: PhotoDetections) -> str:
        """A name whose stem no other photo has: its annotation is named alike."""
        name = safe_name(found.photo)
        stem, dot, suffix = name.rpartition(".")
        if suffix.lower() not in _SUFFIXES:
            stem, dot, suffix = name, "", suffix_of(found.photo.source)
        numbered = (f"{stem}-{number}" for number in itertools.count(2))
        stems = itertools.chain([stem], numbered)
        stem = next(one for one in stems if one.casefold() not in self._stems)
        self._stems.add(stem.casefold())
        return stem + dot + suffix

    def _write(self, name: str, text: str) -> None:
        with written_file(self.folder / name) as beside:
            beside.write_text(text, "utf-8", errors="surrogateescape")

    def _add_coco(self, found: PhotoDetections, name: str) -> None:
        seen, number = found.detections, len(self._coco_images) + 1
        self._coco_images.append(
            {"id": number, "file_name": name, "width": seen.width, "height": seen.height}
        )
        for box, score, label in _faces(seen):
            x0, y0, x1, y1 = box
            self._coco_boxes.append(
                {
                    "id": len(self._coco_boxes) + 1,
                    "image_id": number,
                    "category_id": self._class_names.index(label),
                    "bbox": [x0, y0, round(x1 - x0, 1), round(y1 - y0, 1)],
                    "area": round((x1 - x0) * (y1 - y0), 1),
                    "iscrowd": 0,
                    "score": round(score, 4),
                }
            )


def _faces(seen: Detections) -> Iterator[tuple[list[float], float, str]]:
    """Box, to a tenth of a pixel, score and answer of each face."""
    boxes = seen.boxes.round(1).astype(np.float64).round(1).tolist()
    return zip(boxes, seen.scores.tolist(), seen.labels, strict=True)


def _voc(seen: Detections, name: str) -> str:
    root = Element("annotation")
    SubElement(root, "folder").text = "images"
    SubElement(root, "filename").text = name
    size = SubElement(root, "size")
    for key, value in (("width", seen.width), ("height", seen.height), ("depth", 3)):
        SubElement(size, key).text = str(value)
    for (edges, _, label), given in zip(_faces(seen), seen.predictions, strict=True):
        face = SubElement(root, "object")
        SubElement(face, "name").text = label
        SubElement(face, "difficult").text = str(int(given.is_uncertain))
        box = SubElement(face, "bndbox")
        for key, edge in zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True):
            SubElement(box, key).text = f"{edge:g}"
    indent(root)
    return tostring(root, encoding="unicode") + "\n"


def _yolo_lines(seen: Detections, class_names: tuple[str, ...]) -> Iterator[str]:
    """``CLASS X Y WIDTH HEIGHT`` of each face: its middle and sides as shares of the photo's."""
    for (x0, y0, x1, y1), _, label in _faces(seen):
        across, down = (x0 + x1) / 2 / seen.width, (y0 + y1) / 2 / seen.height
        wide, high = (x1 - x0) / seen.width, (y1 - y0) / seen.height
        yield f"{class_names.index(label)} {across:.6f} {down:.6f} {wide:.6f} {high:.6f}\n"
