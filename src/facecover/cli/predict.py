"""`facecover predict`: the answer for each photo, in the order of the inputs."""

import io
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facecover.errors import ConfigError, ImageError, shown
from facecover.inference.classifier import BATCH_SIZE, Classifier
from facecover.inference.inputs import Answered, Inputs, answered, find_inputs, read_list
from facecover.inference.outputs import Copies, CsvLines, JsonLines, LineFormat, TextLines
from facecover.photos import Broken

if TYPE_CHECKING:
    from facecover.inference.outputs import Sheet


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
) -> None:
    """Say for each photo whether the face is covered.

    Exit status 3: some input could not be read; the others are answered all the same.
    """
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv: expected one of them", param_hint="--csv")
    names = [*(inputs or []), *_listed(from_file)]
    if not names:
        raise typer.BadParameter("expected at least one INPUT", param_hint="INPUT...")
    _check_places(names, copy_to)
    sheet_ = None if sheet is None else _sheet(sheet)
    classifier = Classifier(model, threads, threshold=threshold, uncertain_band=uncertain_band)
    found = find_inputs(names, sys.stdin.buffer, leave_out=copy_to)
    work = _Work(
        lines=_format(as_json, as_csv, classifier),
        copies=None if copy_to is None else Copies(copy_to),
        sheet=sheet_,
    )
    outcomes = answered(classifier, found, batch_size, every_pixel=every_pixel)
    try:
        work.run(outcomes, found)
    except KeyboardInterrupt:
        work.end(found)
        of = "" if found.total is None else f" of {found.total:,}"
        raise KeyboardInterrupt(f"stopped after {work.done:,}{of}") from None
    work.end(found)
    if not work.done:
        raise ImageError(f"{', '.join(map(shown, names[:3]))}: no photo found{_left_out(found)}")
    if work.broken:
        raise typer.Exit(NEEDS_A_LOOK)


def _listed(from_file: Path | None) -> list[str]:
    if from_file is None:
        return []
    if str(from_file) == "-":
        # A name need not be text: what is no UTF-8 stays the bytes that it is, as in a file.
        text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
        return list(read_list(io.StringIO(text, newline=None)))
    try:
        with from_file.open(encoding="utf-8", errors="surrogateescape") as stream:
            return list(read_list(stream))
    except OSError as error:
        raise ConfigError(
            f"--from-file {shown(from_file)}: cannot be read: {error.strerror}"
        ) from error


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


def _format(as_json: bool, as_csv: bool, classifier: Classifier) -> LineFormat:
    if as_json:
        return JsonLines()
    return (CsvLines if as_csv else TextLines)(classifier.info.class_names)


def _sheet(path: Path) -> "Sheet":
    # Few ask for one, and drawing takes a while to import.
    from facecover.inference.outputs import Sheet

    return Sheet(path)


@dataclass
class _Work:
    """What is done with the outcomes, and what was done so far."""

    lines: LineFormat
    copies: Copies | None
    sheet: "Sheet | None"
    labels: Counter[str] = field(default_factory=Counter)
    uncertain: int = 0
    broken: int = 0
    started: float = field(default_factory=time.perf_counter)

    @property
    def done(self) -> int:
        """Inputs answered or reported."""
        return self.labels.total() + self.broken

    def run(self, outcomes: Iterator[Answered | Broken], found: Inputs) -> None:
        """Print each outcome, and copy and collect its photo where that was asked for."""
        flushed = time.perf_counter()
        _print(self.lines.first())
        with _progress(found) as advance:
            for outcome in outcomes:
                self._handle(outcome)
                advance(1)
                if (now := time.perf_counter()) - flushed > _FLUSH_SECONDS:
                    sys.stdout.flush()
                    flushed = now

    def end(self, found: Inputs) -> None:
        """Flush, write the sheet, and say on standard error what was done."""
        sys.stdout.flush()
        if self.sheet is not None:
            shown_ = self.sheet.write()
            if self.sheet.is_full and self.labels.total() > shown_:
                _note(f"the sheet shows the first {shown_} photos")
        if self.done:
            _note(self._summary() + _left_out(found))

    def _handle(self, outcome: Answered | Broken) -> None:
        if isinstance(outcome, Answered):
            self._keep(outcome)
        # Counted once it is printed: after Ctrl-C the count is that of the lines.
        _print(self.lines.line(outcome))
        if isinstance(outcome, Broken):
            self.broken += 1
        else:
            self.labels[outcome.prediction.label] += 1
            self.uncertain += outcome.prediction.is_uncertain

    def _keep(self, outcome: Answered) -> None:
        if self.copies is not None:
            self.copies.add(outcome)
        if self.sheet is not None:
            self.sheet.add(outcome)

    def _summary(self) -> str:
        n = self.labels.total()
        rate = n / max(time.perf_counter() - self.started, 1e-9)
        counts = [f"{count:,} {label}" for label, count in self.labels.most_common()]
        text = f"{n:,} photo{'s' * (n != 1)}: {', '.join(counts) or 'no answer'}"
        text += f" ({self.uncertain:,} uncertain)" if self.uncertain else ""
        text += f"; {self.broken:,} could not be read" if self.broken else ""
        return text + (f"; {rate:,.0f} photos/s" if n > 1 else "")


def _left_out(found: Inputs) -> str:
    return "".join(f"; skipped {count:,} {what}" for what, count in found.skipped.most_common())


def _print(line: str) -> None:
    if line:
        sys.stdout.write(line + "\n")


def _note(text: str) -> None:
    # Not the console's note: it would import rich, which takes longer than an answer.
    sys.stderr.write(f"{text}\n")


@contextmanager
def _progress(found: Inputs) -> Iterator[Callable[[int], object]]:
    """A bar where a person waits for a file; where the answers scroll by, they are the progress."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda _: None
        return

    from facecover.cli.console import CONSOLE

    with CONSOLE.bar("photos", found.total) as advance:
        yield advance
