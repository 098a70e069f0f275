"""The commands, by name; a command's module is imported when it is called."""

import ast
import functools
import importlib
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import facecover
from facecover.errors import LAYOUT, shown


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


_COMMANDS = {
    "demo": "facecover.cli.demo:demo_command",
    "draw": "facecover.cli.prepare:draw_command",
    "explore": "facecover.cli.explore:explore_command",
    "audit": "facecover.cli.explore:audit_command",
    "prepare": "facecover.cli.prepare:prepare_command",
    "train": "facecover.cli.train:train_command",
    "evaluate": "facecover.cli.evaluate:evaluate_command",
    "compare": "facecover.cli.evaluate:compare_command",
    "study": "facecover.cli.study:study_command",
    "predict": "facecover.cli.predict:predict_command",
    "detect": "facecover.cli.detect:detect_command",
    "serve": "facecover.cli.serve:serve_command",
    "export": "facecover.cli.train:export_command",
    "card": "facecover.cli.models:card_command",
    "models": "facecover.cli.models:models_command",
    "page": "facecover.cli.page:page_command",
}
"""Where each command's function is, in the order of the work."""


# Typer brings a Click of its own, whose types have no public name: hence Any below.
class _LazyCommands(TyperGroup):
    """Commands that are imported one by one: pandas, SciPy and PyTorch take seconds."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401
        super().__init__(**settings)
        self.commands = {name: TyperCommand(name) for name in _COMMANDS}

    def make_context(self, *arguments: Any, **settings: Any) -> Any:  # noqa: ANN401
        """What was called."""
        with _printable():
            return super().make_context(*arguments, **settings)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Call it."""
        with _printable():
            return super().invoke(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        """A command's name and summary, which is all that a list of commands shows."""
        place = _COMMANDS.get(cmd_name)
        return None if place is None else TyperCommand(cmd_name, help=_summary(place))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401
        """The command that was called, imported."""
        place = _COMMANDS.get(args[0])
        if place is None:
            return super().resolve_command(ctx, args)
        return args[0], _imported(args[0], place), args[1:]


@contextmanager
def _printable() -> Iterator[None]:
    """What Typer says of wrong usage, without what a terminal would obey: words may be files'."""
    try:
        yield
    except Exception as error:
        if isinstance(getattr(error, "message", None), str):  # as of Click's exceptions
            error.message = shown(error.message, LAYOUT)  # type: ignore[attr-defined]
        raise


def _imported(name: str, place: str) -> Any:  # noqa: ANN401
    module, _, function = place.partition(":")
    alone = typer.Typer(rich_markup_mode="rich", add_completion=False)
    alone.command(name)(interruptible(getattr(importlib.import_module(module), function)))
    return typer.main.get_command(alone)


def _summary(place: str) -> str:
    """The first paragraph of a function's docstring, read from the source without importing it."""
    module, _, function = place.partition(":")
    spec = importlib.util.find_spec(module)
    source = Path(spec.origin).read_text("utf-8") if spec and spec.origin else ""
    docstrings = (
        ast.get_docstring(node)
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    return (next(docstrings, None) or "").partition("\n\n")[0]


app = typer.Typer(
    cls=_LazyCommands,
    help="Is this face covered? Look into face photos, train two small networks on them, and "
    "learn how far to trust the answer.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(facecover.__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    pass
