"""A detector on whole photos beside what is asked of it; prints JSON, or a table for Markdown.

Recall by size is taken at the lowest threshold that raises at most one false alarm a photo, faces
that nobody annotated among them. Times are of one thread's processor, medians over photos: finding
the faces of a decoded photo, and answering for each of them.

    python benchmarks/detection.py DETECTOR --data PHOTOS [--split test] [--source NAME]
        [--classifier MODEL] [--resamples 1000] [--markdown]
"""

import argparse
import dataclasses
import json
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from facecover.dataset.photo_dataset import PhotoDataset
from facecover.evaluation.detection import SIZES, Curve, measure_detections
from facecover.evaluation.performance import Estimate
from facecover.images import read_photo
from facecover.scenes.detector import Detector
from facecover.workflows.evaluate_detector import DetectorResult, evaluate_detector

ASKED = {
    "AP50 no_mask": 0.86, "AP50 mask": 0.86, "found and right": 0.90,
    "recall 16 to 32": 0.84, "recall 32 to 64": 0.90, "recall 64 to 128": 0.94,
    "recall from 128": 0.95, "false alarms a photo": 1.0, "ms to find": 13.0,
}  # fmt: skip

TIMED = 40
"""Photos whose time is taken."""


class Line(NamedTuple):
    """A figure beside what is asked of it."""

    figure: str
    asked: float | None
    measured: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None


def line(name: str, figure: Estimate) -> Line:
    """A figure with its interval."""
    low, high = figure.ci95 or (None, None)
    return Line(name, ASKED.get(name), figure.value, low, high, figure.n)


def of_source(photos: PhotoDataset, source: str) -> PhotoDataset:
    """The photos of one source."""
    table = photos.manifest.table
    own = table[table["source"] == source].reset_index(drop=True)
    return PhotoDataset(photos.folder, dataclasses.replace(photos.manifest, table=own))


def threshold_at(curve: Curve, false_alarms: float) -> float:
    """The lowest threshold of a curve that raises no more false alarms a photo."""
    is_few = curve.false_alarms <= false_alarms
    return float(curve.threshold[is_few].min(initial=1.0))


def quality(result: DetectorResult, resamples: int) -> list[Line]:
    """What was found and answered."""
    metrics = result.metrics
    lines = [line(f"AP50 {one.class_name}", one.ap50) for one in metrics.precisions if not one.size]
    for one in metrics.precisions:
        if one.ap is not None:
            lines.append(line(f"AP {one.class_name}", one.ap))
            lines.append(line(f"AP50 {one.class_name}, second opinion", one.ap50_second_opinion))
    lines.append(line("found and right", metrics.found_and_right[0.5]))
    lines.append(line("found and right at IoU 0.4", metrics.found_and_right[0.4]))
    lines.append(line("false alarms a photo", metrics.false_alarms))
    lines.append(line("false alarms a photo, second opinion", metrics.false_alarms_second_opinion))
    at_one = measure_detections(
        result.true,
        result.found,
        threshold=threshold_at(metrics.curve, ASKED["false alarms a photo"]),
        class_names=metrics.class_names,
        resamples=resamples,
    )
    by_size = {one.size: one.found for one in at_one.recalls if one.class_name is None}
    names = ("16 to 32", "32 to 64", "64 to 128", "from 128")
    lines += [line(f"recall {name}", by_size[one]) for name, one in zip(names, SIZES, strict=True)]
    lines.append(Line("its threshold", None, at_one.threshold))
    return lines


def times(model: Path, classifier: Path | None, result: DetectorResult) -> list[Line]:
    """Milliseconds of one thread for a photo."""
    detector = Detector(model, classifier, threads=1)
    finding, answering = [], []
    for number in result.numbers[:TIMED].tolist():
        photo = read_photo(result.photos.encoded(number))
        start = time.process_time()
        detector.finder.find(photo)
        found = time.process_time()
        detector(photo.image)  # finds them again, and answers
        finding.append(found - start)
        answering.append(time.process_time() - found - (found - start))
    medians = (1000 * float(np.median(one)) for one in (finding, answering))
    names = ("ms to find", "ms to answer for all faces of a photo")
    return [
        Line(name, ASKED.get(name), median, n=len(finding))
        for name, median in zip(names, medians, strict=True)
    ]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("detector", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--source", help="photos of this source alone")
    parser.add_argument("--classifier", type=Path)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    photos = PhotoDataset.open(options.data)
    if options.source:
        photos = of_source(photos, options.source)
    result = evaluate_detector(
        options.detector, photos, options.split, options.classifier, resamples=options.resamples
    )
    lines = quality(result, options.resamples)
    lines += times(options.detector, options.classifier, result)
    if not options.markdown:
        facts = {"photos": result.metrics.n_photos, "faces": result.metrics.n_faces}
        print(json.dumps({**facts, "figures": [one._asdict() for one in lines]}, indent=2))
        return
    print("| figure | asked | measured | 95% interval | n |\n| --- | --- | --- | --- | --- |")
    for one in lines:
        asked = "" if one.asked is None else f"{one.asked:g}"
        measured = "undefined" if one.measured is None else f"{one.measured:.3f}"
        bounds = "" if one.low is None else f"{one.low:.3f} to {one.high:.3f}"
        print(f"| {one.figure} | {asked} | {measured} | {bounds} | {one.n or ''} |")


if __name__ == "__main__":
    main()
