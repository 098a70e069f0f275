"""One outcome an input, printed as it comes: the loop that `predict` and `detect` share."""

import codecs
import csv
import glob
import io
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import typer

from facecover.errors import LAYOUT, ConfigError, ImageError, is_out_of_memory, shown
from facecover.inference.prediction import Prediction
from facecover.photos import Broken

NEEDS_A_LOOK = 3
"""The exit status where something that was named could not be answered."""

_FLUSH_SECONDS = 0.5


def named_inputs(
    inputs: list[str] | None, from_file: Path | None, *, as_json: bool, as_csv: bool
) -> list[str]:
    """The inputs as arguments and in a list, one at least, once the options go together."""
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv: expected one of them", param_hint="--csv")
    names = [*(inputs or []), *read_list(from_file)]
    if not names:
        raise typer.BadParameter("expected at least one INPUT", param_hint="INPUT...")
    return names


def read_list(from_file: Path | None) -> list[str]:
    """The inputs in a list, one a line, also one of Windows; empty lines are passed over."""
    if from_file is None:
        return []
    try:
        is_stdin = str(from_file) == "-"
        content = sys.stdin.buffer.read() if is_stdin else from_file.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"--from-file {shown(from_file)}: cannot be read: {error.strerror}"
        ) from error
    lines = io.StringIO(_text(content), newline=None)
    return [_of_windows(line) for raw in lines if (line := raw.rstrip("\n"))]


def _text(content: bytes) -> str:
    """What a list says, in UTF-8 or, as PowerShell writes it, in UTF-16."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    if len(content) > 1 and content[1::2].count(0) * 2 > len(content[1::2]):
        return content.decode("utf-16-le", "replace")  # without its mark; names have no zeros
    # A name need not be text: what is no UTF-8 stays the bytes that it is. The mark that editors
    # on Windows write at the start is no part of the first one.
    return content.decode("utf-8-sig", "surrogateescape")


def _of_windows(name: str) -> str:
    """A name with backslashes, with slashes instead where it is only found so, or is a pattern."""
    with_slashes = name.replace("\\", "/")
    if with_slashes == name or os.path.lexists(name):
        return name
    is_meant = os.path.lexists(with_slashes) or glob.has_magic(with_slashes)
    return with_slashes if is_meant else name


def csv_row(cells: list[str]) -> str:
    """Comma-separated values without the line break at their end."""
    text = io.StringIO()
    csv.writer(text).writerow(cells)  # quotes both characters of its line break, \r and \n
    return text.getvalue().removesuffix("\r\n")


class _HasJson(Protocol):
    def to_json(self) -> Any: ...  # noqa: ANN401


def json_line(outcome: _HasJson) -> str:
    """One JSON object; characters beyond ASCII are escaped, so any file name is kept."""
    return json.dumps(outcome.to_json(), allow_nan=False)


def remarks(given: Prediction) -> str:
    """What stands behind an answer for people: against which odds it is, and why uncertain."""
    odds = f"  {given.against_odds}" if given.against_odds else ""
    return odds + (f"  uncertain: {given.explanation}" if given.is_uncertain else "")


_Outcome = TypeVar("_Outcome")
_Given_co = TypeVar("_Given_co", covariant=True)


class Outcomes(Protocol[_Given_co]):
    """What `predict` and `detect` give: one outcome an input, in order."""

    skipped: Counter[str]

    def __iter__(self) -> Iterator[_Given_co | Broken]: ...

    @property
    def total(self) -> int | None:
        """How many there will be, where that is known."""


class Work(Generic[_Outcome]):
    """What is done with outcomes, and what was done so far; a command says how it counts them.

    Args:
        outcomes: of the inputs.
        line_of: what is printed of one.
    """

    def __init__(
        self, outcomes: Outcomes[_Outcome], line_of: Callable[[_Outcome | Broken], str]
    ) -> None:
        self.outcomes, self._line_of = outcomes, line_of
        self.started = time.perf_counter()
        self.read = self.broken = 0

    @property
    def done(self) -> int:
        """Inputs answered or reported."""
        return self.read + self.broken

    def use(self, outcome: _Outcome) -> None:
        """Do what was asked for with an outcome, before it is printed."""

    def count(self, outcome: _Outcome) -> None:
        """Count an outcome once it is printed: after Ctrl-C the count is that of the lines."""

    def summary(self) -> str:
        """What was found, in one line."""
        raise NotImplementedError

    def run(self) -> None:
        """Print each outcome, and do what else was asked for."""
        flushed = time.perf_counter()
        with _progress(self.outcomes.total) as advance:
            for outcome in self.outcomes:
                if not isinstance(outcome, Broken):
                    self.use(outcome)
                write_line(self._line_of(outcome))
                if isinstance(outcome, Broken):
                    self.broken += 1
                else:
                    self.read += 1
                    self.count(outcome)
                advance(1)
                if (now := time.perf_counter()) - flushed > _FLUSH_SECONDS:
                    sys.stdout.flush()
                    flushed = now

    def end(self) -> None:
        """Flush, and say on standard error what was done."""
        sys.stdout.flush()
        if self.done:
            broken = f"; {self.broken:,} could not be read" if self.broken else ""
            rate = self.read / max(time.perf_counter() - self.started, 1e-9)
            speed = f"; {rate:,.0f} photos/s" if self.read > 1 else ""
            write_note(self.summary() + broken + speed + self.left_out())

    def left_out(self) -> str:
        """How much was skipped, to stand at the end of a sentence."""
        counts = self.outcomes.skipped.most_common()
        return "".join(f"; skipped {count:,} {what}" for what, count in counts)


def run_to_end(work: Work[Any], names: list[str]) -> None:
    """Print what becomes of the named inputs, and leave with `NEEDS_A_LOOK` where some are broken.

    Raises:
        ImageError: if there was no photo.
        KeyboardInterrupt: on Ctrl-C, with how far it came.
        MemoryError: likewise, if there is too little.
    """
    try:
        work.run()
    except (Exception, KeyboardInterrupt) as stop:
        is_stopped = isinstance(stop, KeyboardInterrupt)
        if not is_stopped and not is_out_of_memory(stop):
            raise
        work.end()
        total = work.outcomes.total
        of = "" if total is None else f" of {total:,}"
        kind = KeyboardInterrupt if is_stopped else MemoryError
        raise kind(f"stopped after {work.done:,}{of}") from None
    work.end()
    if not work.done:
        raise ImageError(f"{', '.join(map(shown, names[:3]))}: no photo found{work.left_out()}")
    if work.broken:
        raise typer.Exit(NEEDS_A_LOOK)


def write_line(line: str) -> None:
    """Print a line to standard output, unless it is empty."""
    if line:
        # A program that reads CSV gets a name as it is; a terminal would obey what stands in it.
        sys.stdout.write((shown(line, LAYOUT) if sys.stdout.isatty() else line) + "\n")


def write_note(text: str) -> None:
    """Print a line to standard error."""
    # Not the console's note, which imports rich.
    sys.stderr.write(f"{shown(text)}\n")


@contextmanager
def _progress(total: int | None) -> Iterator[Callable[[int], object]]:
    """A bar where a person waits for a file; where the answers scroll by, they are the progress."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda _: None
        return

    from facecover.cli.console import CONSOLE

    with CONSOLE.bar("photos", total) as advance:
        yield advance
