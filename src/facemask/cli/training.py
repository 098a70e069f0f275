"""`train`: from a dataset and an experiment to a run."""

from pathlib import Path
from typing import Annotated

import typer

from facemask.cli.console import note, show
from facemask.cli.labelled import of_dataset
from facemask.cli.measuring import as_run, measure
from facemask.cli.models import load_models
from facemask.data.arrays import Dataset, open_dataset
from facemask.evaluation.text import evaluation_text
from facemask.report import REPORT_NAME
from facemask.report.network_text import network_text
from facemask.report.run_page import write_run_report
from facemask.training.config import Experiment
from facemask.training.experiments import load_experiment


def train_command(
    experiment: Annotated[str, typer.Argument(help="net1, net2, maskresnet, or a YAML file.")],
    data: Annotated[Path, typer.Option(help="A dataset from `facemask prepare`.")],
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
    train(load_experiment(experiment, settings), open_dataset(data), output, resume, device)
    (model,) = load_models([output])
    validation = of_dataset(data, [model.input_size_px], "val", model.classifier.info.classes)
    evaluation = measure(model, validation)
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
        else f"for a figure to quote, facemask evaluate {output} --data {data}"
    )
    note(f"the validation split chose the {chosen}: {quoted}")
    note(f"report: {output / REPORT_NAME}")


def train(experiment: Experiment, dataset: Dataset, run: Path, resume: bool, device: str) -> None:
    """Print the layer table and train; see `training.fit.fit`."""
    from facemask.training.fit import fit  # Lightning takes seconds to import
    from facemask.training.layers import describe_network

    show(network_text(describe_network(experiment.network, len(dataset.manifest.info.class_names))))
    fit(experiment, dataset, run, resume=resume, device=device)
