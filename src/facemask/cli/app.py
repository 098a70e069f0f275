"""The commands, by name."""

from typing import Annotated

import typer

import facemask
from facemask.cli.console import show
from facemask.cli.data import draw_command, explore_command, prepare_command
from facemask.cli.demo import demo_command
from facemask.cli.evaluation import compare_command, evaluate_command
from facemask.cli.training import train_command

app = typer.Typer(
    help="Is this face covered? Look into face photos, train two small networks on them, and "
    "learn how far to trust the answer.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        show(facemask.__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    pass


app.command("demo")(demo_command)
app.command("draw")(draw_command)
app.command("explore")(explore_command)
app.command("prepare")(prepare_command)
app.command("train")(train_command)
app.command("evaluate")(evaluate_command)
app.command("compare")(compare_command)
