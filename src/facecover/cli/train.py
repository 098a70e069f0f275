"""`export`: from a run to a model file, in float32 or INT8."""

import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.table import Table

from facecover.cli.console import CONSOLE, show, show_json
from facecover.files import check_own_file
from facecover.inference.model_file import ModelFile, is_model_file
from facecover.inference.model_info import ModelInfo
from facecover.report import REPORT_NAME
from facecover.text import percent

if TYPE_CHECKING:
    from facecover.dataset.arrays import Dataset
    from facecover.training.config import Experiment


def train_command(
    experiment: Annotated[str, typer.Argument(help="net1, net2, maskresnet, or a YAML file.")],
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
    from facecover.dataset.opened import of_dataset
    from facecover.report.old_terminal import evaluation_text
    from facecover.report.run_page import write_run_report
    from facecover.training.experiments import load_experiment
    from facecover.workflows.measure_models import as_run, load_models, measure

    train(load_experiment(experiment, settings), Dataset.open(data), output, resume, device)
    (model,) = load_models([output])
    validation = of_dataset(
        data, [model.input_size_px], "val", model.classifier.info.classes, CONSOLE
    )
    evaluation = measure(model, validation, progress=CONSOLE)
    write_run_report(
        output / REPORT_NAME,
        as_run(model, evaluation, validation),
        validation.manifest,
        validation.drops,
    )
    show(evaluation_text(evaluation))
    info = model.classifier.info
    chosen = "temperature" if info.keeps_last_epoch else "weights"
    quoted = (
        "the model learned from the test split, too, so no split of this dataset gives a figure to "
        "quote: quote a run of the same experiment without training.refit"
        if info.is_refit
        else f"for a figure to quote, facecover evaluate {output} --data {data}"
    )
    CONSOLE.note(f"the validation split chose the {chosen}: {quoted}")
    CONSOLE.note(f"report: {output / REPORT_NAME}")


def train(
    experiment: "Experiment", dataset: "Dataset", run: Path, resume: bool, device: str
) -> None:
    """Print the layer table and train; see `training.fit.fit`."""
    from facecover.report.old_terminal import network_text
    from facecover.training.fit import fit
    from facecover.training.network import describe_network

    show(network_text(describe_network(experiment.network, len(dataset.manifest.info.class_names))))
    fit(experiment, dataset, run, resume=resume, device=device)


_TIMED = 100
"""Images that are answered one by one, on one thread, for the time that an image takes."""


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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write a run's model file, in float32 or INT8, and say what was measured of it."""
    from facecover.dataset.arrays import Dataset
    from facecover.training.run_folder import load_record

    check_own_file(output, is_model_file, "a model file")
    load_record(run)  # what is no run is refused at once; PyTorch takes seconds to import
    from facecover.training.run_export import export_run

    dataset = None if data is None else Dataset.open(data)
    exported = export_run(run, output, dataset, int8=int8)
    files = {"float32": exported.float32, exported.file.info.precision: exported.file}
    facts = _facts({name: file for name, file in files.items() if file is not None}, dataset)
    show_json(facts) if as_json else show(_table(facts), *_sentences(exported.file.info))
    CONSOLE.note(f"model file: {output}")


def _facts(files: dict[str, ModelFile], dataset: "Dataset | None") -> dict[str, Any]:
    """What was measured, by precision; times only where there are images."""
    return {
        precision: {
            "bytes": len(file.data),
            "temperature": file.info.temperature,
            "milliseconds": _milliseconds(file, dataset),
            "file_sha256": file.info.file_sha256,
            **_accuracy(files, precision),
            "difference_from_pytorch": file.info.parity.largest_difference,
            "label_agreement_with_pytorch": file.info.parity.label_agreement,
            "images_compared": file.info.parity.images,
        }
        for precision, file in files.items()
    }


def _accuracy(files: dict[str, ModelFile], precision: str) -> dict[str, Any]:
    measured = next((f.info.quantization for f in files.values() if f.info.quantization), None)
    if measured is None:
        return {}
    share = measured.int8_accuracy if precision == "int8" else measured.float32_accuracy
    return {"validation_accuracy": share, "validation_images": measured.images}


def _milliseconds(file: ModelFile, dataset: "Dataset | None") -> float | None:
    """The median time of one image on one thread."""
    if dataset is None:
        return None
    from facecover.inference.classifier import Model

    images = dataset.images(file.info.input_size_px)[:_TIMED]
    model, times = Model(file, threads=1), []
    for image in images:
        start = time.perf_counter()
        model.logits(np.array(image)[None])
        times.append(time.perf_counter() - start)
    return 1000 * median(times)


def _table(facts: dict[str, Any]) -> Table:
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
        "images compared with PyTorch": ("images_compared", "{:,}"),
    }
    for title, (key, form) in rows.items():
        values = [of_one.get(key) for of_one in facts.values()]
        if any(value is not None for value in values):
            table.add_row(title, *("" if value is None else form.format(value) for value in values))
    return table


def _sentences(info: ModelInfo) -> list[str]:
    found = []
    if info.quantization is not None:
        cost = info.quantization
        found.append(
            f"INT8 against float32 on {cost.images:,} validation images: accuracy "
            f"{percent(cost.int8_accuracy)} and {percent(cost.float32_accuracy)}, "
            f"{percent(cost.parity.label_agreement)} of the labels alike, probabilities at most "
            f"{cost.parity.largest_difference:.3f} apart."
        )
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
