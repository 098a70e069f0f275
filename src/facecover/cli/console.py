"""Where things are printed: results to standard output, progress and notes to standard error.

Rich takes longer to import than a photo to answer, so it is imported only to draw a table, or
where somebody watches.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from facecover.dataset.decode import OnProgress


class _SpeedColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="progress.data.speed")


def bar(console: Console) -> Progress:
    """A bar, not yet begun."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _SpeedColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        # Redirected, what is printed meanwhile would go to the bar's terminal and not to a file.
        redirect_stdout=False,
        redirect_stderr=False,
    )


_NARROWEST = 100
"""Tables written to a file or a pipe, which have no width, get this one."""


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _NARROWEST)
    return console


def show(*results: "RenderableType") -> None:
    """Print results to standard output."""
    for result in results:
        if isinstance(result, str):
            sys.stdout.write(result + "\n")
            sys.stdout.flush()  # a reader who has gone (`| head`) shows here, not at exit
        else:
            _console(stderr=False).print(result, markup=False)


def show_json(document: Any) -> None:  # noqa: ANN401  (whatever JSON can hold)
    """Print one JSON document to standard output; NaN and infinity are refused."""
    text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False)
    show(text)


def note(text: str) -> None:
    """Print a remark to standard error."""
    if sys.stderr.isatty():
        _console(stderr=True).print(text, soft_wrap=True, markup=False, style="dim")
    else:
        sys.stderr.write(text + "\n")


@contextmanager
def progress(what: str, total: int | None) -> Iterator["OnProgress"]:
    """A bar on standard error with speed and time left; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return

    with bar(_console(stderr=True)) as drawn:
        task = drawn.add_task(what, total=total)
        yield lambda count: drawn.advance(task, count)
