"""Where things are printed: results to standard output, progress and notes to standard error.

Rich takes longer to import than a photo to answer, so it is imported only to draw a table, or
where somebody watches.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from facecover.documents import to_text
from facecover.errors import LAYOUT, shown
from facecover.progress import OnProgress, Progress

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress as RichProgress

_NARROWEST = 100
"""Tables written to a file or a pipe, which have no width, get this one."""


def show(*results: "RenderableType") -> None:
    """Print results to standard output."""
    for result in results:
        if isinstance(result, str):
            sys.stdout.write(shown(result, LAYOUT) + "\n")
            sys.stdout.flush()  # a reader who has gone (`| head`) shows here, not at exit
        else:
            _console(stderr=False).print(result, markup=False)


def show_json(facts: object) -> None:
    """Print one JSON document to standard output."""
    show(to_text(facts, ensure_ascii=False).rstrip("\n"))


class _ConsoleProgress:
    def __init__(self) -> None:
        self._drawn: RichProgress | None = None

    def note(self, text: str) -> None:
        text = shown(text, LAYOUT)
        if sys.stderr.isatty():
            # Above a bar that is being drawn, if there is one.
            console = _console(stderr=True) if self._drawn is None else self._drawn.console
            console.print(text, soft_wrap=True, markup=False, style="dim")
        else:
            sys.stderr.write(text + "\n")

    @contextmanager
    def bar(self, what: str, total: int | None) -> Iterator[OnProgress]:
        """A bar with speed and time left; nothing where standard error is no terminal."""
        if not sys.stderr.isatty():
            yield lambda count: None
            return
        with _bar(_console(stderr=True)) as drawn:
            task = drawn.add_task(shown(what), total=total)
            outer, self._drawn = self._drawn, drawn
            try:
                yield lambda count: drawn.advance(task, count)
            finally:
                self._drawn = outer


CONSOLE: Progress = _ConsoleProgress()
"""Notes and bars on standard error."""


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _NARROWEST)
    return console


def _bar(console: "Console") -> "RichProgress":
    from rich import progress
    from rich.text import Text

    class Speed(progress.ProgressColumn):
        def render(self, task: progress.Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:,.0f}/s" if speed else "", style="progress.data.speed")

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        Speed(),
        progress.TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        # Redirected, what is printed meanwhile would go to the bar's terminal and not to a file.
        redirect_stdout=False,
        redirect_stderr=False,
    )
