"""`draw`: the built-in data."""

from pathlib import Path
from typing import Annotated

import typer

from facemask.cli.console import progress, show
from facemask.data.drawn import draw_dataset


def draw_command(
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to make.")],
    train: Annotated[int, typer.Option(help="Training photos.")] = 4000,
    test: Annotated[int, typer.Option(help="Test photos.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed draws the same photos.")] = 0,
) -> None:
    """Write the built-in data, faces drawn by the program, as photos."""
    with progress("drawing", train + test) as advance:
        draw_dataset(output, train, test, seed, advance)
    show(f"{output}: {train:,} training and {test:,} test photos, <id>_<label>.jpg, 1 = mask")
