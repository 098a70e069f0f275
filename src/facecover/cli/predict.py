"""`predict`: the answer for each photo, in the order of the inputs.

Rich takes longer to import than an answer takes, and drawing a sheet likewise: both wait until they
are asked for.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facecover.cli.options import (
    AnsweringModel,
    EveryPixel,
    FromFile,
    Inputs,
    MaskThreshold,
    MegapixelsAtATime,
    Threads,
    UncertainBand,
)
from facecover.cli.outcomes import (
    Work,
    csv_row,
    json_line,
    named_inputs,
    remarks,
    run_to_end,
    write_line,
    write_note,
)
from facecover.errors import ConfigError, shown
from facecover.inference.classifier import BATCH_SIZE
from facecover.inference.prediction import DIGITS, Answered
from facecover.photos import MAX_MEGAPIXELS, Broken, FoundPhoto
from facecover.text import photos
from facecover.workflows.answer_photos import (
    SAMPLE,
    PhotoAnswers,
    framing_note,
    predict,
)

if TYPE_CHECKING:
    from facecover.inference.outputs import Sheet, SortedCopies


def predict_command(
    inputs: Inputs = None,
    model: AnsweringModel = None,
    from_file: FromFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")] = False,
    copy_to: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Copy each photo into DIR/mask, DIR/no_mask or DIR/uncertain.",
            show_default=False,
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png", help="Write a contact sheet with labels.", show_default=False
        ),
    ] = None,
    threads: Threads = None,
    batch_size: Annotated[
        int, typer.Option(help="Photos that go through the network at once.", min=1)
    ] = BATCH_SIZE,
    threshold: MaskThreshold = None,
    uncertain_band: UncertainBand = None,
    every_pixel: EveryPixel = False,
    max_megapixels: MegapixelsAtATime = MAX_MEGAPIXELS,
) -> None:
    """Say for each photo whether the face is covered.

    Exit status 3: some input could not be read; the others are answered all the same.
    """
    names = named_inputs(inputs, from_file, as_json=as_json, as_csv=as_csv)
    _check_places(names, copy_to)
    with _outputs(copy_to, sheet) as (copies, sheet_):
        answers = predict(
            names,
            model=model,
            threads=threads,
            batch_size=batch_size,
            threshold=threshold,
            uncertain_band=uncertain_band,
            every_pixel=every_pixel,
            max_megapixels=max_megapixels,
            leave_out=copy_to,
        )
        header, line_of = _lines(as_json, as_csv, answers.info.class_names)
        write_line(header)
        run_to_end(_Predicting(answers, line_of, copies, sheet_), names)


def _check_places(names: list[str], copy_to: Path | None) -> None:
    if copy_to is None:
        return
    try:
        is_file = copy_to.exists() and not copy_to.is_dir()
    except OSError as error:  # too long a name, or a folder that may not be looked into
        raise ConfigError(
            f"--copy-to {shown(copy_to)}: cannot be looked up: {error.strerror}; "
            "name another folder"
        ) from error
    if is_file:
        raise ConfigError(f"--copy-to {shown(copy_to)}: expected a folder, found a file")
    # Neither an empty name, which a path takes for the working folder, nor one with a null
    # character is a folder; both are reported in their place.
    # Not Path.resolve, which raises for a link to itself; that one, too, is reported in its place.
    read = [os.path.realpath(name) for name in names if name and "\0" not in name]
    if os.path.realpath(copy_to) in read:
        raise ConfigError(
            f"--copy-to {shown(copy_to)}: expected another folder than the one that is read; "
            "one inside it will do"
        )


@contextmanager
def _outputs(
    copy_to: Path | None, sheet: Path | None
) -> "Iterator[tuple[SortedCopies | None, Sheet | None]]":
    if copy_to is None and sheet is None:
        yield None, None
        return
    from facecover.inference.outputs import Sheet, SortedCopies, added_to

    sheet_ = Sheet(sheet) if sheet else None
    with added_to([copy_to] if copy_to else [], write_note):
        yield SortedCopies(copy_to) if copy_to else None, sheet_


def _lines(
    as_json: bool, as_csv: bool, class_names: tuple[str, ...]
) -> tuple[str, Callable[[Answered | Broken], str]]:
    """What stands above the lines, and what makes one; without the line break at their end."""
    if as_json:
        return "", json_line
    if as_csv:
        return csv_header(class_names), partial(csv_line, class_names)
    return "", partial(text_line, max(map(len, (*class_names, "error"))))


def text_line(width: int, outcome: Answered | Broken) -> str:
    """For people, such as ``mask      98.7%  photos/a.jpg``; the first word has so many places."""
    if isinstance(outcome, Broken):
        return f"{'error':{width}}          {shown(f'{outcome.name}: {outcome.reason}')}"
    given = outcome.prediction
    name = shown(outcome.photo.name)
    return f"{given.label:{width}}  {given.in_percent:>6}  {name}{remarks(given)}"


def csv_header(class_names: tuple[str, ...]) -> str:
    """A column for each class among them."""
    classes = (f"p_{name}" for name in class_names)
    return csv_row(
        ["path", "label", "probability", *classes, "is_uncertain", "reason", "explanation",
         "width", "height", "error"]
    )  # fmt: skip


def csv_line(class_names: tuple[str, ...], outcome: Answered | Broken) -> str:
    """Comma-separated values; of what is broken, all but the path and the error are empty."""
    if isinstance(outcome, Broken):
        return csv_row([outcome.name, *[""] * (len(class_names) + 7), outcome.reason])
    given = outcome.prediction
    numbers = [given.probability, *(given.probabilities[name] for name in class_names)]
    return csv_row(
        [outcome.photo.name, given.label, *(f"{number:.{DIGITS}f}" for number in numbers),
         str(given.is_uncertain).lower(), given.reason or "", given.explanation or "",
         *map(str, given.size_px), ""]
    )  # fmt: skip


class _Predicting(Work[Answered]):
    def __init__(
        self,
        answers: PhotoAnswers,
        line_of: Callable[[Answered | Broken], str],
        copies: "SortedCopies | None",
        sheet: "Sheet | None",
    ) -> None:
        super().__init__(answers, line_of)
        self._copies, self._sheet, self._budget = copies, sheet, answers.budget
        self._labels: Counter[str] = Counter()
        self._uncertain = 0
        self._sample: list[FoundPhoto] = []

    def use(self, outcome: Answered) -> None:
        """Copy and collect the photo where that was asked for."""
        if self._copies is not None:
            self._copies.add(outcome)
        if self._sheet is not None:
            self._sheet.add(outcome, self._budget)

    def count(self, outcome: Answered) -> None:
        """Count the answers."""
        self._labels[outcome.prediction.label] += 1
        if len(self._sample) < SAMPLE:
            self._sample.append(outcome.photo)
        self._uncertain += outcome.prediction.is_uncertain

    def end(self) -> None:
        """Write the sheet, and say what was done."""
        if self._sheet is not None:
            sys.stdout.flush()
            count = self._sheet.write()
            if self._sheet.is_full and self.read > count:
                write_note(f"the sheet shows the first {count} photos")
        super().end()
        if note := framing_note(self._sample, self._budget):
            write_note(note)

    def summary(self) -> str:
        """``3 photos: 2 mask, 1 no_mask (1 uncertain)``."""
        counts = [f"{count:,} {label}" for label, count in self._labels.most_common()]
        text = f"{photos(self.read)}: {', '.join(counts) or 'no answer'}"
        return text + (f" ({self._uncertain:,} uncertain)" if self._uncertain else "")
