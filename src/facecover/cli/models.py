"""`models`: what comes in the package. It needs the base dependencies alone."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facecover.cli.console import CONSOLE, show, show_json
from facecover.evaluation import RESAMPLES
from facecover.inference.model_file import (
    MODELS_FOLDER,
    ModelFile,
    PackagedModel,
    packaged_models,
    read_facts,
    read_model_file,
)
from facecover.scenes.detector_file import read_detector_file
from facecover.text import percent, photos

if TYPE_CHECKING:
    from rich.table import Table


def models_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the models that come in the package, with what was measured of them."""
    models = [_facts(model) for model in packaged_models()]
    detectors = [_detector_facts(model) for model in packaged_models("faces")]
    if as_json:
        show_json([*models, *detectors])
    elif models:
        show(_table(models), f"Their cards, with data, limits and uses: {MODELS_FOLDER}")
        if any(model["test"] and model["test"]["of_twin"] for model in models):
            show("A twin was trained alike, but without the test images, to be measured on them.")
        for model in detectors:
            show(
                f"{model['name']} finds faces, for `facecover detect`: {model['parameters']:,} "
                f"parameters, {model['bytes']:,} bytes, learned from {model['faces']:,} faces in "
                f"{photos(model['photos'])}"
            )
    else:
        show("There is no model in this package.")


def _facts(model: PackagedModel) -> dict[str, Any]:
    file: ModelFile = read_model_file(model.path)
    return {
        **file.info.to_json(),
        **_place(model, file.data),
        "test": _measured(model, file.info.file_sha256),
    }


def _detector_facts(model: PackagedModel) -> dict[str, Any]:
    file = read_detector_file(model.path)
    return {**file.info.to_json(), **_place(model, file.data)}


def _place(model: PackagedModel, data: bytes) -> dict[str, Any]:
    return {
        "name": model.name,
        "task": model.task,
        "is_default": model.is_default,
        "path": str(model.path),
        "card": str(model.card),
        "bytes": len(data),
    }


def _measured(model: PackagedModel, file_sha256: str) -> dict[str, Any] | None:
    """Accuracy, its 95% interval and the images of the test split; None if never measured.

    It is that of a twin where the model learned from those images, too.
    """
    facts = read_facts(model)
    if facts is None or facts.get("file_sha256") != file_sha256:
        return None
    test = facts["test"]
    return {
        "accuracy": test["accuracy"],
        "ci95": test["ci95"]["accuracy"],
        "n": test["n"],
        "of_twin": test["model"]["file_sha256"] != file_sha256,
    }


def _table(models: list[dict[str, Any]]) -> "Table":
    """A column for each model."""
    from rich.table import Table

    table = Table()
    table.add_column("")
    for model in models:
        # Rich breaks lines at spaces alone, and cuts off a name that is too long for one.
        name = model["name"].replace("-", "-\n")
        table.add_column(f"{name}{' (default)' if model['is_default'] else ''}")
    for title, cell in _ROWS.items():
        table.add_row(title, *map(cell, models))
    return table


def _accuracy(test: dict[str, Any] | None) -> str:
    if test is None:
        return "not measured"
    bounds = [percent(bound, unit=False) for bound in test["ci95"] or ()]
    between = f" ({' to '.join(bounds)})" if bounds else ""
    return f"{percent(test['accuracy'])}{between}{', by its twin' if test['of_twin'] else ''}"


def _band(band: tuple[float, float] | None) -> str:
    return "never" if band is None else f"mask from {percent(band[0])} to {percent(band[1])}"


def _answered(fit: dict[str, Any] | None) -> str:
    if fit is None:
        return "not measured"
    return (
        f"{percent(fit['coverage'])} of {fit['images']:,} validation images, "
        f"{percent(fit['accuracy'])} right"
    )


_ROWS: dict[str, Callable[[dict[str, Any]], str]] = {
    "input": lambda model: f"{model['input_size_px']} x {model['input_size_px']} RGB",
    "parameters": lambda model: f"{model['parameters']:,}",
    "precision": lambda model: str(model["precision"]),
    "file": lambda model: f"{model['bytes']:,} bytes",
    "classes": lambda model: ", ".join(model["classes"]),
    "learned from": lambda model: f"{model['training_images']:,} images",
    "sources": lambda model: ", ".join(model["sources"]),
    "uncertain": lambda model: _band(model["uncertain_band"]),
    "answered besides": lambda model: _answered(model["band_fit"]),
    "test images": lambda model: f"{model['test']['n']:,}" if model["test"] else "none",
    "accuracy on them": lambda model: _accuracy(model["test"]),
}


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
