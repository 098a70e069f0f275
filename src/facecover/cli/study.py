"""`study`: a question put to the data, with many runs behind one table and one sentence."""

from pathlib import Path
from typing import Annotated

import typer

from facecover.cli.console import CONSOLE, show, show_json
from facecover.cli.options import ClassMapping, Labels, Layouts, Relabel, Workers
from facecover.errors import ConfigError
from facecover.report import REPORT_NAME


def study_command(
    study: Annotated[
        str | None, typer.Argument(help="A name of --list, or a YAML file.", show_default=False)
    ] = None,
    data: Annotated[
        list[Path],
        typer.Option(
            help="Photos, may be given several times; or one dataset from `facecover prepare`.",
            show_default=False,
        ),
    ] = [],  # noqa: B006  (Typer reads the default, nobody changes it)
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Everything is written here; studies/NAME by default."),
    ] = None,
    settings: Annotated[
        list[str],
        typer.Option("--set", metavar="KEY=VALUE", help="Change a value of every variant."),
    ] = [],  # noqa: B006
    seeds: Annotated[
        str | None, typer.Option(metavar="N,N,...", help="Other seeds than the study's.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of every variant.", min=1)] = None,
    division: Annotated[
        list[str],
        typer.Option(help="Other divisions than the study's; may be given several times."),
    ] = [],  # noqa: B006
    leave_out: Annotated[
        list[str],
        typer.Option(metavar="SOURCE", help="Sources that left-out leaves out; each by default."),
    ] = [],  # noqa: B006
    judged_on: Annotated[
        str | None, typer.Option(help="test or val, instead of the study's.")
    ] = None,
    only: Annotated[
        list[str],
        typer.Option(metavar="VARIANT", help="Train this variant; others count if finished."),
    ] = [],  # noqa: B006
    as_json: Annotated[bool, typer.Option("--json", help="Print study.json.")] = False,
    list_them: Annotated[
        bool, typer.Option("--list", help="List the studies that come with the package.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    layout: Layouts = [],  # noqa: B006
    label: Labels = [],  # noqa: B006
    mapping: ClassMapping = [],  # noqa: B006
    relabel: Relabel = [],  # noqa: B006
    workers: Workers = None,
) -> None:
    """Put a question to the data: train every variant, and answer in one table and one sentence.

    A study that was stopped goes on; a run that is finished is not trained again.
    """
    if not list_them and (study is None or not data):
        missing = "a study (--list names those that come with the package)" if data else "--data"
        raise typer.BadParameter(f"expected {missing}")
    from facecover.report.terminal import render
    from facecover.studies.definition import read_study, study_names
    from facecover.workflows.run_study import study as run

    if list_them or study is None:
        show(*(f"{name}: {read_study(name).question}" for name in study_names()))
        return
    answer = run(
        study,
        data,
        output,
        settings=settings,
        seeds=_whole_numbers(seeds),
        epochs=epochs,
        division=division,
        leave_out=leave_out,
        judged_on=judged_on,
        only=only,
        device=device,
        layout=layout,
        label=label,
        mapping=mapping,
        relabel=relabel,
        workers=workers,
        progress=CONSOLE,
    )
    if as_json:
        show_json(answer.to_json())
    else:
        show(*render(answer.sections))
    CONSOLE.note(f"report: {answer.folder / REPORT_NAME}")


def _whole_numbers(text: str | None) -> list[int]:
    try:
        return [] if text is None else [int(number) for number in text.split(",")]
    except ValueError:
        raise ConfigError(
            f"--seeds {text}: expected whole numbers with commas, such as 0,1,2"
        ) from None
