"""The commands, by name; a command's module is imported when it is called."""

import importlib
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import facemask
from facemask.cli.interrupt import interruptible

_COMMANDS = {
    "demo": "facemask.cli.demo:demo_command",
    "draw": "facemask.cli.draw:draw_command",
    "explore": "facemask.cli.data:explore_command",
    "prepare": "facemask.cli.data:prepare_command",
    "train": "facemask.cli.training:train_command",
    "evaluate": "facemask.cli.evaluation:evaluate_command",
    "compare": "facemask.cli.evaluation:compare_command",
}
"""Where each command's function is, in the order of the work."""


class _LazyCommands(TyperGroup):
    """Commands that are imported one by one: pandas, SciPy and PyTorch take seconds."""

    # Typer brings a Click of its own, whose types have no public name.
    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, function = place.partition(":")
        alone = typer.Typer(rich_markup_mode="rich", add_completion=False)
        alone.command(cmd_name)(interruptible(getattr(importlib.import_module(module), function)))
        return typer.main.get_command(alone)


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
        typer.echo(facemask.__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    pass
