"""`detect`: every face in each of many photos, and whether it is covered."""

import sys
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from facecover.errors import ImageError
from facecover.inference.inputs import Inputs, find_inputs
from facecover.inference.outputs import added_to
from facecover.photos import MAX_MEGAPIXELS, Broken, checked_megapixels
from facecover.scenes.detection_outputs import PhotoOutputs
from facecover.scenes.detections import PhotoDetections
from facecover.scenes.detector import (
    LONGEST_SIDE_PX,
    MIN_SIDE_PX,
    Detector,
)
from facecover.workflows.answer_photos import (
    Name,
    as_broken,
    as_names,
    in_order,
)

if TYPE_CHECKING:
    import pandas as pd


class DetectedFaces:
    """The faces of some inputs, each as soon as its photo is done; iterate over it once.

    What is written of a photo is written when it is reached.

    Attributes:
        detector: what finds and answers.
        skipped: how many files were passed over, by reason; complete after the iteration.
    """

    def __init__(self, detector: Detector, found: Inputs, outputs: PhotoOutputs) -> None:
        self.detector = detector
        self.skipped: Counter[str] = found.skipped
        self._found, self._outputs = found, outputs
        self._outcomes = self._written()

    def __iter__(self) -> Iterator[PhotoDetections | Broken]:
        return self._outcomes

    def close(self) -> None:
        """Stop, and complete what was written: after the last photo it is done by itself."""
        self._outcomes.close()

    @property
    def total(self) -> int | None:
        """How many there will be; None if a tar archive is among the inputs."""
        return self._found.total

    def to_json(self) -> list[dict[str, Any]]:
        """One object an input, as `detect --json` prints them."""
        return [{**outcome.to_json()} for outcome in self]

    def to_pandas(self) -> "pd.DataFrame":
        """One row a face, and one without a face for each photo that has none or is broken."""
        import pandas as pd

        return pd.DataFrame.from_records([row for outcome in self for row in rows(outcome)])

    def _written(self) -> Generator[PhotoDetections | Broken]:
        with added_to(self._outputs.folders):
            try:
                for outcome in _detected(self.detector, self._found):
                    yield self._with_outputs(outcome)
            finally:
                self._outputs.close()

    def _with_outputs(self, outcome: PhotoDetections | Broken) -> PhotoDetections | Broken:
        if isinstance(outcome, PhotoDetections):
            try:
                self._outputs.add(outcome, self.detector.budget)
            except ImageError as error:  # it was there when it was looked at
                return as_broken(outcome.photo, error)
        return outcome


def rows(outcome: PhotoDetections | Broken) -> list[dict[str, Any]]:
    """One flat mapping a face, or one for a photo without; each with the photo's fields."""
    if isinstance(outcome, Broken):
        return [outcome.to_json()]
    seen = outcome.detections
    photo = {"path": outcome.photo.name, "width": seen.width, "height": seen.height}
    faces = [{"face": n, **face} for n, face in enumerate(seen.to_rows(), 1)]
    return [photo | face for face in faces or [{}]]


def _detected(detector: Detector, found: Inputs) -> Iterator[PhotoDetections | Broken]:
    for one in in_order(found, lambda sources: detector.detect(sources, on_error="return")):
        if isinstance(one, Broken):
            yield one
            continue
        photo, outcome = one
        if isinstance(outcome, ImageError):
            yield as_broken(photo, outcome)
        else:
            yield PhotoDetections(photo, outcome)


def detect(
    inputs: Name | Iterable[Name],
    *,
    model: Name | None = None,
    classifier: Name | None = None,
    threshold: float | None = None,
    min_side_px: int = MIN_SIDE_PX,
    longest_side_px: int = LONGEST_SIDE_PX,
    annotate: Name | None = None,
    crops: Name | None = None,
    write: tuple[str, Name] | None = None,
    threads: int | None = None,
    max_megapixels: int = MAX_MEGAPIXELS,
    stdin: BinaryIO | None = None,
) -> DetectedFaces:
    """The faces of each photo that some inputs name, in their order, or why there is none.

    Memory is bounded, however many there are, unless COCO is written.

    Args:
        inputs: files, folders, zip or tar archives, patterns such as ``photos/**/*.jpg``, or ``-``.
        model: a detector's model file, or the name of one in the package.
        classifier: answers for each face: a model file, a run folder, or a name.
        threshold: as of `Detector`.
        min_side_px: likewise.
        longest_side_px: likewise.
        annotate: a folder for copies with the faces marked.
        crops: a folder for the faces, by answer: ``DIR/mask``, ``DIR/no_mask``, ``DIR/uncertain``.
        write: ``voc``, ``yolo`` or ``coco``, and a new folder for the photos with annotations.
        threads: as of `Detector`.
        max_megapixels: that are decoded at a time, over all threads, 1..178; a photo with more is
            an error, unless it is a JPEG that has fewer at reduced scale.
        stdin: where the bytes of ``-`` come from; standard input by default.

    Raises:
        ConfigError: if a number is out of range, or a folder cannot be written into.
        ModelFileError: if a model cannot be used.
        OutputError: if the folder for annotations is not empty.
    """
    names = as_names(inputs, "Detector")
    detector = Detector(
        model,
        classifier,
        threshold=threshold,
        min_side_px=min_side_px,
        longest_side_px=longest_side_px,
        threads=threads,
        max_pixels=checked_megapixels(max_megapixels),
    )
    outputs = PhotoOutputs(
        None if annotate is None else Path(annotate),
        None if crops is None else Path(crops),
        None if write is None else (write[0], Path(write[1])),
        detector.classifier.info.class_names,
    )
    found = find_inputs(names, stdin or sys.stdin.buffer, leave_out=outputs.folders)
    return DetectedFaces(detector, found, outputs)
