"""`predict`: the answer for each photo, in the order of the inputs.

Rich takes longer to import than an answer takes, and drawing a sheet likewise: both wait until they
are asked for.
"""

import csv
import io
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facecover.errors import LAYOUT, ConfigError, ImageError, shown
from facecover.inference.classifier import BATCH_SIZE
from facecover.inference.prediction import DIGITS, Answered
from facecover.photos import Broken
from facecover.workflows.answer_photos import (
    MAX_MEGAPIXELS,
    MEGAPIXELS_LIMIT,
    PhotoAnswers,
    predict,
)

if TYPE_CHECKING:
    from facecover.inference.outputs import Sheet, SortedCopies


NEEDS_A_LOOK = 3
"""The exit status where something that was named could not be answered."""

_FLUSH_SECONDS = 0.5


def predict_command(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT...",
            help="Photos, folders, patterns, zip or tar archives, or - for a photo on standard "
            "input.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="A model file, a run folder, or the name of a model in the package; its default "
            "without one.",
            show_default=False,
        ),
    ] = None,
    from_file: Annotated[
        Path | None,
        typer.Option(
            metavar="LIST",
            help="A text file with one more INPUT a line; - reads them from standard input.",
            show_default=False,
        ),
    ] = None,
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
    threads: Annotated[
        int | None, typer.Option(help="Threads; one a core by default.", min=1)
    ] = None,
    batch_size: Annotated[
        int, typer.Option(help="Photos that go through the network at once.", min=1)
    ] = BATCH_SIZE,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="The probability from which the answer is mask, in place of the model's own.",
            min=0,
            max=1,
            show_default=False,
        ),
    ] = None,
    uncertain_band: Annotated[
        tuple[float, float] | None,
        typer.Option(
            "--uncertain-band",
            metavar="LOW HIGH",
            help="The probabilities of a mask that are uncertain, as evaluate --target-accuracy "
            "chooses them.",
            show_default=False,
        ),
    ] = None,
    every_pixel: Annotated[
        bool,
        typer.Option(
            "--every-pixel",
            help="Never decode large JPEGs at reduced scale, which moves probabilities a little.",
        ),
    ] = False,
    max_megapixels: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Megapixels that are decoded at a time, over all threads; a photo with more is an "
            "error.",
            min=1,
            max=MEGAPIXELS_LIMIT,
        ),
    ] = MAX_MEGAPIXELS,
) -> None:
    """Say for each photo whether the face is covered.

    Exit status 3: some input could not be read; the others are answered all the same.
    """
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv: expected one of them", param_hint="--csv")
    names = [*(inputs or []), *read_list(from_file)]
    if not names:
        raise typer.BadParameter("expected at least one INPUT", param_hint="INPUT...")
    _check_places(names, copy_to)
    copies, sheet_ = _outputs(copy_to, sheet)
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
    _print(header)
    work = _Work(answers, line_of, copies, sheet_)
    try:
        work.run()
    except KeyboardInterrupt:
        work.end()
        of = "" if answers.total is None else f" of {answers.total:,}"
        raise KeyboardInterrupt(f"stopped after {work.done:,}{of}") from None
    work.end()
    if not work.done:
        raise ImageError(f"{', '.join(map(shown, names[:3]))}: no photo found{work.left_out()}")
    if work.broken:
        raise typer.Exit(NEEDS_A_LOOK)


def read_list(from_file: Path | None) -> list[str]:
    """The inputs in a list, one a line; empty lines are passed over."""
    if from_file is None:
        return []
    try:
        is_stdin = str(from_file) == "-"
        content = sys.stdin.buffer.read() if is_stdin else from_file.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"--from-file {shown(from_file)}: cannot be read: {error.strerror}"
        ) from error
    # A name need not be text: what is no UTF-8 stays the bytes that it is. The mark that editors
    # on Windows write at the start is no part of the first one.
    text = content.decode("utf-8-sig", "surrogateescape")
    return [line for raw in io.StringIO(text, newline=None) if (line := raw.rstrip("\n"))]


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


def _outputs(
    copy_to: Path | None, sheet: Path | None
) -> "tuple[SortedCopies | None, Sheet | None]":
    if copy_to is None and sheet is None:
        return None, None
    from facecover.inference.outputs import Sheet, SortedCopies

    return SortedCopies(copy_to) if copy_to else None, Sheet(sheet) if sheet else None


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
    mark = f"  uncertain: {given.explanation}" if given.is_uncertain else ""
    # A likelihood that rounds to 100% is not certainty.
    percent = min(given.probability * 100, 99.9) if given.probability < 1 else 100.0
    return f"{given.label:{width}}  {percent:5.1f}%  {shown(outcome.photo.name)}{mark}"


def json_line(outcome: Answered | Broken) -> str:
    """One JSON object; characters beyond ASCII are escaped, so any file name is kept."""
    return json.dumps(outcome.to_json(), allow_nan=False)


def csv_header(class_names: tuple[str, ...]) -> str:
    """A column for each class among them."""
    classes = (f"p_{name}" for name in class_names)
    return _row(
        ["path", "label", "probability", *classes, "is_uncertain", "reason", "explanation",
         "width", "height", "error"]
    )  # fmt: skip


def csv_line(class_names: tuple[str, ...], outcome: Answered | Broken) -> str:
    """Comma-separated values; of what is broken, all but the path and the error are empty."""
    if isinstance(outcome, Broken):
        return _row([outcome.name, *[""] * (len(class_names) + 7), outcome.reason])
    given = outcome.prediction
    numbers = [given.probability, *(given.probabilities[name] for name in class_names)]
    return _row(
        [outcome.photo.name, given.label, *(f"{number:.{DIGITS}f}" for number in numbers),
         str(given.is_uncertain).lower(), given.reason or "", given.explanation or "",
         *map(str, given.size_px), ""]
    )  # fmt: skip


def _row(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)  # quotes both characters of its line break, \r and \n
    return text.getvalue().removesuffix("\r\n")


class _Work:
    """What is done with the answers, and what was done so far."""

    def __init__(
        self,
        answers: PhotoAnswers,
        line_of: Callable[[Answered | Broken], str],
        copies: "SortedCopies | None",
        sheet: "Sheet | None",
    ) -> None:
        self._answers, self._line_of = answers, line_of
        self._copies, self._sheet = copies, sheet
        self._labels: Counter[str] = Counter()
        self._uncertain = 0
        self._started = time.perf_counter()
        self.broken = 0

    @property
    def done(self) -> int:
        """Inputs answered or reported."""
        return self._labels.total() + self.broken

    def run(self) -> None:
        """Print each outcome, and copy and collect its photo where that was asked for."""
        flushed = time.perf_counter()
        with _progress(self._answers) as advance:
            for outcome in self._answers:
                self._handle(outcome)
                advance(1)
                if (now := time.perf_counter()) - flushed > _FLUSH_SECONDS:
                    sys.stdout.flush()
                    flushed = now

    def end(self) -> None:
        """Flush, write the sheet, and say on standard error what was done."""
        sys.stdout.flush()
        if self._sheet is not None:
            count = self._sheet.write()
            if self._sheet.is_full and self._labels.total() > count:
                _note(f"the sheet shows the first {count} photos")
        if self.done:
            _note(self._summary() + self.left_out())

    def left_out(self) -> str:
        """How much was skipped, to stand at the end of a sentence."""
        counts = self._answers.skipped.most_common()
        return "".join(f"; skipped {count:,} {what}" for what, count in counts)

    def _handle(self, outcome: Answered | Broken) -> None:
        if isinstance(outcome, Answered):
            if self._copies is not None:
                self._copies.add(outcome)
            if self._sheet is not None:
                self._sheet.add(outcome, self._answers.budget)
        # Counted once it is printed: after Ctrl-C the count is that of the lines.
        _print(self._line_of(outcome))
        if isinstance(outcome, Broken):
            self.broken += 1
        else:
            self._labels[outcome.prediction.label] += 1
            self._uncertain += outcome.prediction.is_uncertain

    def _summary(self) -> str:
        n = self._labels.total()
        rate = n / max(time.perf_counter() - self._started, 1e-9)
        counts = [f"{count:,} {label}" for label, count in self._labels.most_common()]
        text = f"{n:,} photo{'s' * (n != 1)}: {', '.join(counts) or 'no answer'}"
        text += f" ({self._uncertain:,} uncertain)" if self._uncertain else ""
        text += f"; {self.broken:,} could not be read" if self.broken else ""
        return text + (f"; {rate:,.0f} photos/s" if n > 1 else "")


def _print(line: str) -> None:
    if line:
        # A program that reads CSV gets a name as it is; a terminal would obey what stands in it.
        sys.stdout.write((shown(line, LAYOUT) if sys.stdout.isatty() else line) + "\n")


def _note(text: str) -> None:
    # Not the console's note, which imports rich.
    sys.stderr.write(f"{shown(text)}\n")


@contextmanager
def _progress(answers: PhotoAnswers) -> Iterator[Callable[[int], object]]:
    """A bar where a person waits for a file; where the answers scroll by, they are the progress."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda _: None
        return

    from facecover.cli.console import CONSOLE

    with CONSOLE.bar("photos", answers.total) as advance:
        yield advance
