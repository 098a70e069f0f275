"""`detect`: every face in each photo, in the order of the inputs."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from facecover.cli.options import FromFile, Inputs, MegapixelsAtATime, Threads
from facecover.cli.outcomes import (
    Work,
    csv_row,
    json_line,
    named_inputs,
    remarks,
    run_to_end,
    write_line,
)
from facecover.errors import shown
from facecover.photos import MAX_MEGAPIXELS, Broken
from facecover.scenes.detections import PhotoDetections
from facecover.scenes.detector import LONGEST_SIDE_PX, MIN_SIDE_PX
from facecover.text import counted, photos
from facecover.workflows.detect_faces import DetectedFaces, detect, rows


def detect_command(
    inputs: Inputs = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="A detector's model file, or the name of one in the package.", show_default=False
        ),
    ] = None,
    classifier: Annotated[
        str | None,
        typer.Option(
            help="What answers for each face: a model file, a run folder, or a name.",
            show_default=False,
        ),
    ] = None,
    from_file: FromFile = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a photo and line.")
    ] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV with a header, a row a face.")
    ] = False,
    annotate: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write copies with the faces marked.", show_default=False),
    ] = None,
    crops: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write each face into DIR/mask, DIR/no_mask or DIR/uncertain.",
            show_default=False,
        ),
    ] = None,
    write: Annotated[
        tuple[str, Path] | None,
        typer.Option(
            metavar="voc|yolo|coco DIR",
            help="Write the photos with annotations into a new folder, to correct them.",
            show_default=False,
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="The score from which a place is taken for a face, in place of the model's own.",
            min=0,
            max=1,
            show_default=False,
        ),
    ] = None,
    min_side_px: Annotated[
        int, typer.Option(help="Faces with a shorter side are left out.", min=1)
    ] = MIN_SIDE_PX,
    longest_side_px: Annotated[
        int, typer.Option(help="Larger photos are looked at in this size.", min=32, max=8192)
    ] = LONGEST_SIDE_PX,
    threads: Threads = None,
    max_megapixels: MegapixelsAtATime = MAX_MEGAPIXELS,
) -> None:
    """Find every face in each photo, and say whether it is covered.

    A photo without a face is no error.

    Exit status 3: some input could not be read; the others are answered all the same.
    """
    names = named_inputs(inputs, from_file, as_json=as_json, as_csv=as_csv)
    found = detect(
        names,
        model=model,
        classifier=classifier,
        threshold=threshold,
        min_side_px=min_side_px,
        longest_side_px=longest_side_px,
        annotate=annotate,
        crops=crops,
        write=write,
        threads=threads,
        max_megapixels=max_megapixels,
    )
    columns = _columns(found.detector.classifier.info.class_names)
    write_line(csv_row(columns) if as_csv else "")
    line_of: Callable[[PhotoDetections | Broken], str] = text_lines
    if as_json or as_csv:
        line_of = json_line if as_json else partial(csv_lines, columns)
    run_to_end(_Detecting(found, line_of), names)


def text_lines(outcome: PhotoDetections | Broken) -> str:
    """For people: what a photo holds, then each face with its answer and its place."""
    if isinstance(outcome, Broken):
        return shown(f"{outcome.name}: error: {outcome.reason}")
    seen = outcome.detections
    lines = [f"{shown(outcome.photo.name)}: {seen.in_words()}"]
    for (x0, y0, x1, y1), given in zip(seen.boxes.tolist(), seen.predictions, strict=True):
        place = f"{x1 - x0:.0f} x {y1 - y0:.0f} at {x0:.0f}, {y0:.0f}"
        lines.append(f"  {given.label:8}  {given.in_percent:>6}  {place}{remarks(given)}")
    return "\n".join(lines)


def _columns(class_names: tuple[str, ...]) -> list[str]:
    classes = (f"p_{name}" for name in class_names)
    return [
        "path", "width", "height", "face", "x0", "y0", "x1", "y1", "score", "label", "probability",
        *classes, "is_uncertain", "reason", "explanation", "error",
    ]  # fmt: skip


def csv_lines(columns: list[str], outcome: PhotoDetections | Broken) -> str:
    """A row a face; one for a photo without, where all that is of a face is empty."""
    return "\n".join(
        csv_row([_cell(row.get(column)) for column in columns]) for row in rows(outcome)
    )


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


class _Detecting(Work[PhotoDetections]):
    def __init__(
        self, found: DetectedFaces, line_of: Callable[[PhotoDetections | Broken], str]
    ) -> None:
        super().__init__(found, line_of)
        self._found = found
        self._counts: Counter[str] = Counter()
        self._faces = self._without = 0

    def count(self, outcome: PhotoDetections) -> None:
        """Count the faces by answer, and the photos that have none."""
        self._counts.update(outcome.detections.counts())
        self._faces += len(outcome.detections)
        self._without += not len(outcome.detections)

    def end(self) -> None:
        """Complete what is written, also after Ctrl-C, and say what was done."""
        self._found.close()
        super().end()

    def summary(self) -> str:
        """``3 photos: 7 faces, 4 mask, 3 no_mask; 1 without a face``."""
        counts = [f"{count:,} {answer}" for answer, count in self._counts.most_common()]
        text = ", ".join([f"{photos(self.read)}: {counted(self._faces, 'face')}", *counts])
        return text + (f"; {self._without:,} without a face" if self._without else "")
