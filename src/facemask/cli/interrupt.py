"""Ctrl-C: what a command says when it is stopped."""

import functools
from collections.abc import Callable
from typing import Any


class Interrupted(Exception):
    """A command was stopped with Ctrl-C; the message says how to go on, if there is a way."""


def interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """The command, with Ctrl-C as `Interrupted`: Typer would print `Aborted!` and nothing else."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:  # noqa: ANN401  (any command's own)
        try:
            command(*arguments, **options)
        except KeyboardInterrupt as stop:
            raise Interrupted(str(stop)) from None

    return run
