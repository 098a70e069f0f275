"""`evaluate` on whole photos: the faces that a detector finds, and what is answered for them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.dataset.manifest import NO_LABEL, group_numbers
from facecover.dataset.opened import ALL
from facecover.dataset.photo_dataset import PhotoBoxes, PhotoDataset
from facecover.documents import write_document
from facecover.evaluation import RESAMPLES
from facecover.evaluation.detection import DetectionMetrics, measure_detections
from facecover.evaluation.face_matching import DetectedBoxes, TrueFaces
from facecover.files import written_folder
from facecover.labels import CLASS_NAMES
from facecover.progress import SILENT, Progress
from facecover.report import REPORT_NAME
from facecover.report.blocks import Section
from facecover.report.detection_page import PhotosSeen, detection_sections
from facecover.report.html import notebook_frame, write_page
from facecover.scenes.detections import Detections
from facecover.scenes.detector import Detector

EVALUATION_NAME = "evaluation.json"

LOWEST_SCORE = 0.05
"""Surer detections take part in average precision; below it there is hardly a face."""

_MOST = 100
"""Of one photo at least, as COCO has it; twice as many as it has boxes, where these are more."""


@dataclass(frozen=True, repr=False)  # its photos fill screens
class DetectorResult:
    """What `evaluate` found out of a detector.

    Attributes:
        photos: the dataset.
        numbers: ``int64 (N,)``, the photos that it was measured on.
        split: whose they are, or ``all``.
        true: the faces of each photo.
        found: what the detector sees in each, at low scores, too.
    """

    detector: Detector
    photos: PhotoDataset
    numbers: npt.NDArray[np.int64]
    split: str
    true: list[TrueFaces]
    found: list[DetectedBoxes]
    metrics: DetectionMetrics

    def to_json(self) -> dict[str, Any]:
        """The model, its classifier, the data, and every figure of `DetectionMetrics`."""
        info, answering = self.detector.info, self.detector.classifier.info
        return {
            "name": info.name,
            "weights_sha256": info.weights_sha256,
            "classifier": answering.name,
            "classifier_weights_sha256": answering.weights_sha256,
            "split": self.split,
            "data": self.photos.manifest.info.digest,
            "photo_px": self.photos.manifest.info.photo_px,
            **self.metrics.to_json(),
        }

    def to_pandas(self) -> pd.DataFrame:
        """One row a class and range of sizes: recall, the share rightly answered, and AP50."""
        rows = []
        precisions = {(one.class_name, one.size): one for one in self.metrics.precisions}
        for one in self.metrics.recalls:
            low, high = one.size or (None, None)
            precision = precisions.get((one.class_name or "", one.size))
            rows.append(
                {
                    "class": one.class_name, "from_px": low, "below_px": high, "n": one.found.n,
                    "found": one.found.value, "found_and_right": one.right.value,
                    "ap50": None if precision is None else precision.ap50.value,
                }
            )  # fmt: skip
        return pd.DataFrame.from_records(rows)

    def sections(self) -> tuple[Section, ...]:
        """What there is to show of it, on a page or in a terminal."""
        seen = PhotosSeen(self.detector.info.name, self.split, self._picture, self._names)
        return detection_sections(self.metrics, seen)

    def _picture(self, position: int) -> npt.NDArray[np.uint8]:
        return self.photos[int(self.numbers[position])].image

    @property
    def _names(self) -> list[str]:
        table = self.photos.photos.iloc[self.numbers]
        return (table["source"] + "/" + table["path"]).tolist()

    def _repr_html_(self) -> str:
        return notebook_frame(self.detector.info.name, self.sections())

    def write(self, folder: Path) -> None:
        """Write the figures as JSON, and the report.

        Raises:
            OutputError: if the folder holds something else or cannot be written.
        """
        with written_folder(folder, replace_if=EVALUATION_NAME, holding=[REPORT_NAME]) as beside:
            write_document(beside / EVALUATION_NAME, self.to_json())
            write_page(beside / REPORT_NAME, self.detector.info.name, self.sections())


def evaluate_detector(
    model: str | Path | None,
    photos: PhotoDataset,
    split: str,
    classifier: str | Path | None = None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    progress: Progress = SILENT,
) -> DetectorResult:
    """What a detector and a classifier answer on the photos of a split, or of ``all``.

    Raises:
        ConfigError: if a number is out of range.
        DatasetError: if there is no such split, it has no labelled face, or a photo is broken.
        ModelFileError: if a model file cannot be used, or is for the other task.
    """
    numbers = np.arange(len(photos)) if split == ALL else photos.photos_of(split)
    boxes = [photos.boxes(number) for number in numbers.tolist()]
    most = max(_MOST, *(2 * len(one.labels) for one in boxes))
    detector = Detector(model, classifier, threshold=LOWEST_SCORE, max_faces=most)
    names = detector.classifier.info.class_names
    with progress.bar("finding faces", len(numbers)) as advance:
        found = []
        for seen in detector.detect(photos.encoded(number) for number in numbers.tolist()):
            found.append(_detected(seen))
            advance(1)
    groups = group_numbers(photos.photos.iloc[numbers].reset_index(drop=True))
    true = [_true(one, len(names)) for one in boxes]
    metrics = measure_detections(
        true,
        found,
        threshold=max(detector.info.threshold, LOWEST_SCORE),
        class_names=names,
        answer_threshold=detector.classifier.info.threshold,
        groups=groups,
        seed=seed,
        resamples=resamples,
    )
    return DetectorResult(detector, photos, numbers, split, true, found, metrics)


def _true(faces: PhotoBoxes, n_classes: int) -> TrueFaces:
    """The faces of a photo; one of a class that the model does not know has no label."""
    is_known = ~faces.is_ignored & (faces.labels < n_classes)
    labels = np.where(is_known, faces.labels, NO_LABEL)
    return TrueFaces(faces.boxes, labels, faces.is_annotated)


def _detected(seen: Detections) -> DetectedBoxes:
    labels = np.array([CLASS_NAMES.index(name) for name in seen.labels], np.int64)
    return DetectedBoxes(seen.boxes, seen.scores, labels, seen.probabilities)
