"""Where things are printed: results to standard output, progress and notes to standard error."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
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

from facemask.data.decode import OnProgress

_NARROWEST = 100
"""Tables written to a file or a pipe, which have no width, get this one."""


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _NARROWEST)
    return console


def show(*results: RenderableType) -> None:
    """Print results to standard output."""
    console = _console(stderr=False)
    for result in results:
        console.print(result, soft_wrap=isinstance(result, str), markup=False)


def show_json(document: Any) -> None:  # noqa: ANN401  (whatever JSON can hold)
    """Print one JSON document to standard output; NaN and infinity are refused."""
    text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False)
    show(text)


def note(text: str) -> None:
    """Print a remark to standard error."""
    _console(stderr=True).print(text, soft_wrap=True, markup=False, style="dim")


class _SpeedColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="progress.data.speed")


@contextmanager
def progress(what: str, total: int) -> Iterator[OnProgress]:
    """A bar on standard error with speed and time left; nothing where that is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _SpeedColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    console = _console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)
