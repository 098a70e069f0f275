"""Commands run in this process: one of its own takes seconds to start.

That they are processes with a status and two streams is tested beside these, a few of each kind.
"""

import sys
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, StringIO, TextIOWrapper
from typing import NamedTuple
from unittest.mock import patch

from facecover.cli import main


class Ended(NamedTuple):
    """A command that is done."""

    status: int
    out: str
    errors: str

    @property
    def refusals(self) -> list[str]:
        """The lines that say why it stopped."""
        return [line for line in self.errors.splitlines() if line.startswith("facecover: ")]


def run_here(*arguments: object, stdin: bytes = b"") -> Ended:
    """Run `facecover` with these words: its status, standard output and standard error."""
    status, out, errors = 0, StringIO(), StringIO()
    words = ["facecover", *map(str, arguments)]
    with (
        patch.object(sys, "argv", words),
        patch.object(sys, "stdin", TextIOWrapper(BytesIO(stdin))),
        redirect_stdout(out),
        redirect_stderr(errors),
    ):
        try:
            main()
        except SystemExit as stop:
            status = int(stop.code or 0)
    return Ended(status, out.getvalue(), errors.getvalue())
