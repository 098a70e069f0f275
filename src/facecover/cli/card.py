"""`card`: a model card, generated from a model and the data that it learned from."""

from pathlib import Path
from typing import Annotated

import typer

from facecover.cli.console import CONSOLE
from facecover.evaluation import RESAMPLES


def card_command(
    model: Annotated[Path, typer.Argument(help="A model file, a run folder, or a name.")],
    data: Annotated[Path, typer.Option(help="The dataset that it learned from.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The card, .md; its figures go beside it, .json.")
    ],
    study: Annotated[
        Path | None, typer.Option(help="A study with the division left-out: study.json.")
    ] = None,
    variant: Annotated[
        str | None, typer.Option(help="The study's variant; the model's own name by default.")
    ] = None,
    sources: Annotated[
        Path | None,
        typer.Option(help="YAML: title, repository, commit, licence and note by source name."),
    ] = None,
    license_id: Annotated[
        str | None, typer.Option("--license", help="Of the weights, as the hub names it: mit.")
    ] = None,
    measured: Annotated[
        Path | None,
        typer.Option(
            help="For a model with training.refit: one of the same experiment without it, which "
            "never learned from the test images; the figures are of that."
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="train, val or test: the one to quote.")] = "test",
    seed: Annotated[int, typer.Option(help="Of the bootstrap.", min=0)] = 0,
    resamples: Annotated[int, typer.Option(help="Of the bootstrap.", min=100)] = RESAMPLES,
) -> None:
    """Write a model's card: data, procedure, figures with intervals, calibration, limits, uses."""
    from facecover.workflows.ship_model import card

    card(
        model,
        data,
        output,
        study=study,
        variant=variant,
        sources=sources,
        license_id=license_id,
        measured=measured,
        split=split,
        seed=seed,
        resamples=resamples,
        progress=CONSOLE,
    )
    CONSOLE.note(f"card: {output}; its figures: {output.with_suffix('.json')}")
