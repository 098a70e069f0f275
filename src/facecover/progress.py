"""How work tells its caller how far it is, without printing: `Progress`, and `SILENT`."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

OnProgress = Callable[[int], None]
"""Called with the number of items that are done since the last call."""


class Progress(Protocol):
    """What a workflow calls while it works; the command line draws bars and writes notes."""

    def note(self, text: str) -> None:
        """Take a remark: one sentence, without a line break."""

    def bar(self, what: str, total: int | None) -> AbstractContextManager[OnProgress]:
        """Begin one piece of work.

        Args:
            what: the work in a word or two.
            total: how many items it has; None where nobody knows.
        """


class _Silent:
    def note(self, text: str) -> None:
        del text

    def bar(self, what: str, total: int | None) -> AbstractContextManager[OnProgress]:
        del what, total
        return nullcontext(lambda _: None)


SILENT: Progress = _Silent()
"""Says nothing: what Python callers get who pass none."""
