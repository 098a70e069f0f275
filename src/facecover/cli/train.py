"""`train` and `export`: from a dataset to a run, and from a run to a model file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facecover.cli.console import CONSOLE, show, show_json
from facecover.report import REPORT_NAME
from facecover.text import percent

if TYPE_CHECKING:
    from rich.table import Table

    from facecover.inference.model_info import ModelInfo
    from facecover.workflows.train_run import Run


def train_command(
    experiment: Annotated[
        str, typer.Argument(help="net1, net2, maskresnet, faces (a detector), or a YAML file.")
    ],
    data: Annotated[Path, typer.Option(help="A dataset from `facecover prepare`.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The run folder to make.")],
    settings: Annotated[
        list[str],
        typer.Option("--set", metavar="KEY=VALUE", help="Change a value: training.epochs=5."),
    ] = [],  # noqa: B006  (Typer reads the default, nobody changes it)
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was stopped.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Train a network, keep its best or last weights, and export them as one model file."""
    from facecover.dataset.arrays import Dataset
    from facecover.report.run_page import network_section
    from facecover.report.terminal import render
    from facecover.training.config import Experiment
    from facecover.training.experiments import load_any_experiment
    from facecover.training.network import describe_network
    from facecover.workflows.train_run import train

    chosen = load_any_experiment(experiment, settings)
    if isinstance(chosen, Experiment):
        classes = Dataset.open(data).manifest.info.class_names
        show(*render([network_section(describe_network(chosen.network, len(classes)))]))
    run = train(chosen, data, output, resume=resume, device=device, progress=CONSOLE)
    show(*render(run.sections()))
    if not run.is_detector:
        _note_choice(run, data)
    CONSOLE.note(f"report: {output / REPORT_NAME}")


def _note_choice(run: "Run", data: Path) -> None:
    quoted = (
        "the model learned from the test split, too, so no split of this dataset gives a figure to "
        "quote: quote a run of the same experiment without training.refit"
        if run.info.is_refit
        else f"for a figure to quote, facecover evaluate {run.folder} --data {data}"
    )
    decided = "temperature" if run.info.keeps_last_epoch else "weights"
    CONSOLE.note(f"the validation split chose the {decided}: {quoted}")


def export_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The model file to write.")],
    int8: Annotated[
        bool, typer.Option("--int8", help="Write static INT8, if it answers as well; needs --data.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(help="The dataset that the run learned from: makes the file anew."),
    ] = None,
    target_accuracy: Annotated[
        float | None,
        typer.Option(
            help="Call answers uncertain until the rest is this right on validation images, as "
            "0.995; needs --data."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write a run's model file, in float32 or INT8, and say what was measured of it."""
    from facecover.workflows.train_run import export

    exported = export(run, output, int8=int8, data=data, target_accuracy=target_accuracy)
    if as_json:
        show_json(exported.to_json())
    else:
        show(_table(exported.measured), *_sentences(exported.file.info))
    CONSOLE.note(f"model file: {output}")


def _table(facts: dict[str, Any]) -> "Table":
    from rich.table import Table

    table = Table()
    table.add_column("")
    for precision in facts:
        table.add_column(precision, justify="right")
    rows = {
        "size (bytes)": ("bytes", "{:,}"),
        "accuracy on validation": ("validation_accuracy", "{:.2%}"),
        "milliseconds an image, one thread": ("milliseconds", "{:.2f}"),
        "temperature": ("temperature", "{:.3f}"),
        "largest difference from PyTorch": ("difference_from_pytorch", "{:.2g}"),
        "labels as PyTorch's": ("label_agreement_with_pytorch", "{:.2%}"),
        "answered, of validation": ("answered", "{:.1%}"),
        "right among them": ("answered_right", "{:.1%}"),
        "images compared with PyTorch": ("images_compared", "{:,}"),
    }
    for title, (key, form) in rows.items():
        values = [of_one.get(key) for of_one in facts.values()]
        if any(value is not None for value in values):
            table.add_row(title, *("" if value is None else form.format(value) for value in values))
    return table


def _sentences(info: "ModelInfo") -> list[str]:
    found = []
    if info.quantization is not None:
        cost = info.quantization
        found.append(
            f"INT8 against float32 on {cost.images:,} validation images: accuracy "
            f"{percent(cost.int8_accuracy)} and {percent(cost.float32_accuracy)}, "
            f"{percent(cost.parity.label_agreement)} of the labels alike, probabilities at most "
            f"{cost.parity.largest_difference:.3f} apart."
        )
    if info.uncertain_band is not None:
        found.append(f"Uncertain: {info.band_in_words}.")
    fit = info.temperature_fit
    if fit is None:
        found.append("Its temperature was never fitted: name the dataset with --data to fit it.")
    else:
        found.append(
            f"Temperature {info.temperature:g} on {fit.images:,} validation images: log loss "
            f"{fit.log_loss_before:.4f} before, {fit.log_loss_after:.4f} after; calibration error "
            f"{fit.ece_before:.4f} before, {fit.ece_after:.4f} after"
            f"{f' ({fit.note})' if fit.note else ''}."
        )
    return found
