"""The question asked of a whole photo: where are the faces, and is each covered?"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from os import PathLike
from pathlib import Path
from typing import Any, Literal, NamedTuple, overload

import numpy as np
from PIL import Image

from facecover.errors import ConfigError, ImageError, ModelFileError, shown
from facecover.files import available_cores
from facecover.images import (
    MAX_PIXELS,
    RESAMPLING,
    ImageSource,
    Photo,
    PixelBudget,
    Pixels,
    resized,
)
from facecover.inference.classifier import (
    LASTING,
    Classifier,
    done_ahead,
    open_session,
    positive,
)
from facecover.inference.prediction import Input
from facecover.scenes.detections import Detections, Floats, cut
from facecover.scenes.detector_file import DetectorFile, DetectorInfo, read_detector_file

LONGEST_SIDE_PX = 1024
"""Larger photos are looked at in this size."""

LOW_SIDES_PX = (256, 128)
"""Photos are looked at again in these sizes, in which a face that fills the photo is no larger
than those that the network knows."""

LEAST_SIDE_IN_LOW_PX = 48
"""Smaller faces of such a look are left out: the first one shows them better. On 120 validation
photos with 261 faces, average precision is .916 in one look, .889 with all faces of three looks,
.915 with the large ones of them; photos enlarged by 1.4 have .908."""

MAX_FACES = 5000
"""More than in any photo of a crowd."""

MIN_SIDE_PX = 8
"""Smaller faces are left out: a few pixels for a nose and a mouth say nothing of a mask."""

OVERLAP = 0.5
"""Of two boxes with a larger share in common (intersection over union), the likelier one stays."""

VOTING = 0.6
"""Places that share this much with the likeliest of a face are averaged with it. On 300 photos of a
source that the network had not learned from, average precision is .858 instead of .838, and at one
false alarm a photo 83% of the faces under 32 pixels are found instead of 78%."""

CELL_PX = 32
"""The network takes sides that are multiples of this, its coarsest stride."""

REDUCING_GAP = 2.0
"""Photos are reduced by means to at least so many times the size, then resized: sooner, and almost
the same; see `PIL.Image.Image.resize`."""

_AHEAD = 2
"""Photos that wait for each thread."""


class Places(NamedTuple):
    """Where faces may be: ``boxes`` as of `Detections`, ``scores`` likewise."""

    boxes: Floats
    scores: Floats


class FaceFinder:
    """A network that finds faces. It may be used from several threads at once.

    Args:
        file: a detector's model file.
        threshold: as of `Detector`; so are the others.

    Raises:
        ConfigError: if a number is out of range.
        ModelFileError: if ONNX Runtime cannot run the file, or it is another network.
    """

    def __init__(
        self,
        file: DetectorFile,
        *,
        threshold: float | None = None,
        min_side_px: int = MIN_SIDE_PX,
        longest_side_px: int = LONGEST_SIDE_PX,
        max_faces: int = MAX_FACES,
        threads: int | None = None,
    ) -> None:
        self.path, self.info = file.path, file.info
        self.threshold = file.info.threshold if threshold is None else threshold
        if not 0 < self.threshold <= 1:
            raise ConfigError(f"threshold: expected more than 0, and at most 1, found {threshold}")
        self._min_side_px = positive("min_side_px", min_side_px)
        self.longest_side_px = positive("longest_side_px", longest_side_px)
        self._max_faces = positive("max_faces", max_faces)
        self._session = open_session(file.path, file.data, threads)
        names = {one.name for one in (*self._session.get_inputs(), *self._session.get_outputs())}
        if names != {"images", "boxes", "scores"}:
            raise ModelFileError(
                f"{file.path}: expected a network from images to boxes and scores, found "
                f"{', '.join(sorted(names))}; export the model again"
            )

    def look(self, image: Pixels) -> Places:
        """Every place that may be a face in ``uint8 (H, W, 3)``, RGB: several of one face."""
        height, width = image.shape[:2]
        padding = [(0, -height % CELL_PX), (0, -width % CELL_PX), (0, 0)]
        given = {"images": np.pad(image, padding)[None]}
        boxes, scores = self._session.run(["boxes", "scores"], given)
        is_face = scores >= self.threshold
        return Places(boxes[is_face], scores[is_face])

    def find(self, photo: Photo) -> Places:
        """Where the faces of a decoded photo are, in pixels of its full size."""
        first, *again = self._sides(photo)
        looks = [
            self._look(photo, first),
            *(self._look(photo, side, LEAST_SIDE_IN_LOW_PX) for side in again),
        ]
        places = Places(*map(np.concatenate, zip(*looks, strict=True)))
        found = likeliest(places, most=self._max_faces)
        limit = np.array([*photo.full_size, *photo.full_size], np.float32)
        boxes = np.clip(found.boxes, 0, limit).astype(np.float32)
        sides = boxes[:, 2:] - boxes[:, :2]
        is_large = np.all(sides >= self._min_side_px, axis=1)  # false for NaN
        return Places(boxes[is_large], found.scores[is_large])

    def _sides(self, photo: Photo) -> list[int]:
        """The longest sides in which a photo is looked at."""
        own = max(photo.image.size)
        first = min(own, self.longest_side_px)
        return [first, *(side for side in LOW_SIDES_PX if side < first)]

    def _look(self, photo: Photo, longest_px: int, least_side_px: float = 0) -> Places:
        """What the network sees in a photo of that longest side, in pixels of the full size."""
        x0, y0, x1, y1 = photo.extent
        scale = longest_px / max(photo.image.size)
        size = [max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale))]
        image = photo.image
        if tuple(size) != image.size:
            image = image.resize(size, RESAMPLING, photo.extent, reducing_gap=REDUCING_GAP)
        boxes, scores = self.look(np.asarray(image))
        is_large = np.all(boxes[:, 2:] - boxes[:, :2] >= least_side_px, axis=1)
        back = np.divide(photo.full_size, size, dtype=np.float32)
        return Places(boxes[is_large] * np.tile(back, 2), scores[is_large])


def likeliest(places: Places, overlap: float = OVERLAP, most: int = MAX_FACES) -> Places:
    """One place of each face, the likeliest first.

    Greedy non-maximum suppression, in which the places of one face vote for its box, by their
    scores and by what they share with the likeliest (Gidaris and Komodakis, 2015).
    """
    order = np.argsort(-places.scores, kind="stable")
    boxes, scores = places.boxes[order], places.scores[order]
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    kept: list[int] = []
    voted = np.empty_like(boxes)
    rest = np.flatnonzero(areas > 0)  # false for NaN
    while rest.size and len(kept) < most:
        best = rest[0]
        low = np.maximum(boxes[best, :2], boxes[rest, :2])
        high = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        shares = shared / (areas[best] + areas[rest] - shared)
        votes = np.where(shares >= VOTING, np.maximum(scores[rest], 1e-6) * shares, 0)
        moved = votes @ (boxes[rest] - boxes[best]) / votes.sum()
        voted[len(kept)] = boxes[best] + moved
        kept.append(best)
        rest = rest[1:][shares[1:] <= overlap]
    return Places(voted[: len(kept)], scores[kept])


class Detector:
    """Finds every face of a photo and answers for each. Several threads may use it at once.

    A pickled detector holds the places of its model files, not the files: they are read again.

    Args:
        model: a detector's model file, or the name of one in the package; None takes its default.
        classifier: answers for each face: one that is ready, a model file, a run folder or a name;
            None takes the package's default.
        threshold: the score from which a place is taken for a face, 0..1; None takes the model's
            own.
        min_side_px: faces with a shorter side in the photo are left out.
        longest_side_px: a larger photo is looked at in this size. More finds smaller faces of
            large photos, and takes longer.
        max_faces: so many are answered for in one photo, the likeliest.
        threads: how many threads one look may use, and how many photos `detect` works on at a
            time; None takes one for each core.
        max_pixels: that are decoded at a time, over all threads; an image with more is refused,
            unless it is a JPEG that has fewer at reduced scale.

    Raises:
        ConfigError: if a number is out of range.
        ModelFileError: if a model file cannot be used, or is for the other task.
    """

    def __init__(
        self,
        model: str | PathLike[str] | None = None,
        classifier: Classifier | str | PathLike[str] | None = None,
        *,
        threshold: float | None = None,
        min_side_px: int = MIN_SIDE_PX,
        longest_side_px: int = LONGEST_SIDE_PX,
        max_faces: int = MAX_FACES,
        threads: int | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.budget = PixelBudget(positive("max_pixels", max_pixels))
        self._threads = None if threads is None else positive("threads", threads)
        self.finder = FaceFinder(
            read_detector_file(None if model is None else Path(model)),
            threshold=threshold,
            min_side_px=min_side_px,
            longest_side_px=longest_side_px,
            max_faces=max_faces,
            threads=threads,
        )
        if not isinstance(classifier, Classifier):
            classifier = Classifier(classifier, threads)
        self.classifier: Classifier = classifier
        self._choices: dict[str, Any] = {
            "threshold": threshold,
            "min_side_px": min_side_px,
            "longest_side_px": longest_side_px,
            "max_faces": max_faces,
            "threads": threads,
            "max_pixels": max_pixels,
        }

    @property
    def info(self) -> DetectorInfo:
        """What the detector's model file knows of itself."""
        return self.finder.info

    def __repr__(self) -> str:
        return f"<Detector {self.info.name}, {self.classifier.info.name}>"

    def __reduce__(self) -> tuple[object, ...]:
        path = str(self.finder.path.resolve())
        return _loaded_again, (path, self.classifier, self._choices, self.info.file_sha256)

    def __call__(self, image: ImageSource) -> Detections:
        """The faces of one photo, each with its answer.

        Args:
            image: a path, the bytes of a file, a binary stream, a Pillow image, or an array
                ``uint8 (H, W, 3)``, RGB.

        Raises:
            ImageError: if it is not a readable image.
        """
        return self._seen(image, None if hasattr(image, "read") else image)

    @overload
    def detect(
        self, images: Iterable[ImageSource], *, on_error: Literal["raise"] = "raise"
    ) -> Iterator[Detections]: ...

    @overload
    def detect(
        self, images: Iterable[ImageSource], *, on_error: Literal["return"]
    ) -> Iterator[Detections | ImageError]: ...

    def detect(
        self, images: Iterable[ImageSource], *, on_error: Literal["raise", "return"] = "raise"
    ) -> Iterator[Detections | ImageError]:
        """The faces of many photos, in their order, as soon as each is done.

        A few photos are in memory at a time, so they may be endless. Files and bytes are worked on
        by several threads; arrays, Pillow images and streams as they come, and may be used again
        after that.

        Args:
            images: what `__call__` takes, one after the other.
            on_error: what becomes of an image that cannot be read: ``raise`` raises its error
                after the answers before it; ``return`` gives the error in its place.

        Raises:
            ConfigError: if `on_error` is neither.
            ImageError: if an image cannot be read, unless `on_error` is ``return``.
        """
        if on_error not in ("raise", "return"):
            raise ConfigError(f"on_error: expected 'raise' or 'return', found {on_error!r}")
        if isinstance(images, (str, bytes, PathLike, Image.Image)):
            raise ImageError(
                f"images: expected several images, found one {type(images).__name__}; "
                "call the detector itself, or put it into a list"
            )
        return self._stream(images, on_error)

    def _stream(
        self, images: Iterable[ImageSource], on_error: Literal["raise", "return"]
    ) -> Iterator[Detections | ImageError]:
        threads = self._threads or available_cores()
        taken = (one if isinstance(one, LASTING) else self._seen_or_error(one) for one in images)
        ahead = done_ahead(self._seen_or_error, taken, ahead=_AHEAD * threads, threads=threads)
        with closing(ahead) as seen:
            for one in seen:
                if isinstance(one, ImageError) and on_error == "raise":
                    raise one
                yield one

    def _seen_or_error(
        self, image: ImageSource | Detections | ImageError
    ) -> Detections | ImageError:
        if isinstance(image, (Detections, ImageError)):
            return image
        try:
            return self._seen(image, image if isinstance(image, (str, PathLike)) else None)
        except ImageError as error:
            return error

    def _seen(self, image: ImageSource, source: ImageSource | None) -> Detections:
        with self.budget.photo(image, self.finder.longest_side_px) as photo:
            places = self.finder.find(photo)
            faces = self._cut(photo, places.boxes)
            size = photo.full_size
            del photo  # before there is room for the next one
        answers = tuple(self.classifier.answers(faces))
        return Detections(places.boxes, places.scores, answers, *size, source)

    def _cut(self, photo: Photo, boxes: Floats) -> list[Input]:
        """The faces as the classifier takes them, cut as those that it learned from were."""
        size_px = self.classifier.info.input_size_px
        return [
            Input(resized(face, size_px), (round(x1 - x0), round(y1 - y0)))
            for face, (x0, y0, x1, y1) in zip(cut(photo, boxes), boxes.tolist(), strict=True)
        ]


def _loaded_again(
    path: str, classifier: Classifier, choices: dict[str, Any], file_sha256: str
) -> Detector:
    """A pickled detector, from the same model file."""
    detector = Detector(path, classifier, **choices)
    if detector.info.file_sha256 != file_sha256:
        raise ModelFileError(
            f"{shown(path)}: expected the model file that was pickled, {file_sha256[:12]}..., "
            f"found {detector.info.file_sha256[:12]}...; pickle the detector again"
        )
    return detector
