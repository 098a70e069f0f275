"""What becomes of photos whose faces were found: marked copies, cut faces, annotations."""

import io
from pathlib import Path

from PIL import Image

from facecover.errors import ConfigError, shown
from facecover.images import Photo, PixelBudget
from facecover.inference.outputs import NewFiles, safe_name
from facecover.scenes.annotation_files import AnnotationFiles
from facecover.scenes.detections import Detections, PhotoDetections, cut
from facecover.scenes.drawing import annotated

_AT_LEAST_PX = 2048
"""Copies and cut faces of larger JPEGs are made at reduced scale, which keeps this much."""

_LOSSY = ("JPEG", "MPO", "WEBP")


class PhotoOutputs:
    """Writes what is asked for of each photo; no file is overwritten.

    Args:
        annotate: a folder for copies with the faces marked.
        crops: a folder for the faces, by answer: ``DIR/mask``, ``DIR/no_mask``, ``DIR/uncertain``.
        write: a format and a new folder for the photos with annotations.
        class_names: by label, as the classifier has them.

    Raises:
        ConfigError: if there is no such format, or a file stands where a folder is to be.
        OutputError: if the folder for annotations is not empty.
    """

    def __init__(
        self,
        annotate: Path | None,
        crops: Path | None,
        write: tuple[str, Path] | None,
        class_names: tuple[str, ...],
    ) -> None:
        for name, folder in (("annotate", annotate), ("crops", crops)):
            if folder is not None and folder.exists() and not folder.is_dir():
                raise ConfigError(f"{name} {shown(folder)}: expected a folder, found a file")
        self._annotate, self._crops = annotate, crops
        self._annotations = None if write is None else AnnotationFiles(*write, class_names)
        self._files = NewFiles(annotate, crops)

    @property
    def folders(self) -> list[Path]:
        """Those that are written into."""
        written = self._annotations.folder if self._annotations else None
        return [one for one in (self._annotate, self._crops, written) if one is not None]

    def add(self, found: PhotoDetections, budget: PixelBudget) -> None:
        """Write what belongs to one photo, decoded within the budget.

        Raises:
            ImageError: if the photo is no longer there.
            OutputError: if a file cannot be written.
        """
        if self._annotations is not None:
            self._annotations.add(found)
        if self._annotate is None and (self._crops is None or not len(found.detections)):
            return
        with budget.photo(found.photo.source, _AT_LEAST_PX) as photo:
            name = Path(safe_name(found.photo))
            if self._annotate is not None:
                boxes = photo.in_image(found.detections.boxes)
                drawn = annotated(photo.image, boxes, found.detections.predictions)
                self._put(self._annotate / name, drawn, photo)
            if self._crops is not None:
                self._put_faces(self._crops, name, found.detections, photo)
            del photo

    def close(self) -> None:
        """Write what can be written only when all photos are known."""
        if self._annotations is not None:
            self._annotations.close()

    def _put_faces(self, folder: Path, name: Path, seen: Detections, photo: Photo) -> None:
        faces = zip(cut(photo, seen.boxes), seen.predictions, strict=True)
        for number, (face, given) in enumerate(faces, 1):
            answer = "uncertain" if given.is_uncertain else given.label
            self._put(folder / answer / f"{name.stem}-face{number}{name.suffix}", face, photo)

    def _put(self, place: Path, image: Image.Image, photo: Photo) -> None:
        encoded = io.BytesIO()
        is_lossy = photo.format in _LOSSY
        image.save(encoded, "JPEG" if is_lossy else "PNG", quality=95)
        self._files.add(place.with_suffix(".jpg" if is_lossy else ".png"), encoded.getvalue())
