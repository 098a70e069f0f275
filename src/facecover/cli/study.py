"""`study`: a question put to the data, with many runs behind one table and one sentence."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facecover.cli.console import CONSOLE, show, show_json
from facecover.cli.options import ClassMapping, Labels, Layouts, Relabel, Workers
from facecover.errors import ConfigError
from facecover.files import check_replaceable, written_file
from facecover.labels import parse_mapping
from facecover.report import REPORT_NAME
from facecover.text import duration

if TYPE_CHECKING:
    from facecover.dataset.arrays import Dataset
    from facecover.dataset.opened import SourceOptions
    from facecover.preparation.pipeline import PrepareOptions
    from facecover.studies.definition import Study
    from facecover.studies.divisions import Photos

DEFINITION_NAME = "study.yaml"


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
    from facecover.dataset.opened import SourceOptions
    from facecover.preparation.pipeline import PrepareOptions
    from facecover.studies.definition import check_variants, read_study, study_names
    from facecover.studies.plan import input_sizes

    if list_them or study is None:
        show(*(f"{name}: {read_study(name).question}" for name in study_names()))
        return
    chosen = _changed(read_study(study), seeds, division, leave_out, judged_on)
    check_variants(chosen, only)
    overrides = [*settings, *([] if epochs is None else [f"training.epochs={epochs}"])]
    out = output or Path("studies") / chosen.name
    sizes = input_sizes(chosen, overrides)
    # The same photos are looked into when they are prepared for use; here they are divided alone.
    options = PrepareOptions(
        sizes_px=sizes,
        split_by="random",
        relabel=tuple(relabel),
        class_map=parse_mapping(mapping),
        workers=workers,
        audits=False,
    )
    dataset, photos = _photos(data, out, chosen, SourceOptions(layout, label, mapping), options)
    _answer(chosen, dataset, photos, out, overrides, only, device, as_json)


def _changed(
    study: "Study",
    seeds: str | None,
    divisions: Sequence[str],
    leave_out: Sequence[str],
    judged_on: str | None,
) -> "Study":
    from facecover.studies.definition import changed_study

    changes: dict[str, Any] = {}
    if seeds is not None:
        try:
            changes["seeds"] = [int(seed) for seed in seeds.split(",")]
        except ValueError:
            raise ConfigError(
                f"--seeds {seeds}: expected whole numbers with commas, such as 0,1,2"
            ) from None
    if divisions:
        changes["divisions"] = list(divisions)
    if leave_out:
        changes["leave_out"] = list(leave_out)
    if judged_on is not None:
        changes["judged_on"] = judged_on
    return changed_study(study, changes)


def _photos(
    paths: Sequence[Path],
    out: Path,
    study: "Study",
    reading: "SourceOptions",
    options: "PrepareOptions",
) -> "tuple[Dataset, Photos]":
    """The photos decoded, in the study's folder unless they are a dataset already."""
    from facecover.dataset.arrays import open_dataset
    from facecover.dataset.opened import is_dataset, read_labelled
    from facecover.dataset.split import check_are_sources
    from facecover.preparation.label_corrections import read_corrections
    from facecover.studies.divisions import photos_once, photos_with_copies
    from facecover.workflows.prepare_data import prepared_once

    prepared = [path for path in paths if is_dataset(path)]
    if prepared and len(paths) > 1:
        raise ConfigError("--data: expected one dataset or several sources, found both")
    if prepared and options.relabel:
        raise ConfigError(
            "--relabel: expected photos, found a dataset; prepare it with corrected labels"
        )
    if prepared:
        dataset = open_dataset(prepared[0])
        photos = photos_once(dataset)
        for size_px in options.sizes_px:
            dataset.images(size_px)
        _begin(out, study)
        return dataset, photos
    sources = read_labelled(paths, reading, CONSOLE)
    for path in options.relabel:
        read_corrections(path)  # a broken list is told of before anything is written
    check_are_sources(study.leave_out, [source.name for source in sources])
    _begin(out, study)
    dataset = prepared_once(out / "photos", sources, options, CONSOLE)
    CONSOLE.note(f"looking for copies among {len(dataset):,} photos")
    return dataset, photos_with_copies(dataset, workers=options.workers)


def _begin(out: Path, study: "Study") -> None:
    """Make the study's folder, or make sure that it is this study's."""
    import yaml

    from facecover.studies.definition import read_study

    check_replaceable(out, replace_if=DEFINITION_NAME)
    definition = out / DEFINITION_NAME
    if definition.is_file() and (name := read_study(definition).name) != study.name:
        raise ConfigError(
            f"{out}: expected the study {study.name}, found {name}; name another folder with -o"
        )
    with written_file(definition) as beside:
        beside.write_text(yaml.safe_dump(study.model_dump(), sort_keys=False), "utf-8")


def _answer(
    study: "Study",
    dataset: "Dataset",
    photos: "Photos",
    out: Path,
    overrides: Sequence[str],
    only: Sequence[str],
    device: str,
    as_json: bool,
) -> None:
    from facecover.report.study_page import study_text, write_study_report
    from facecover.studies.conclusion import study_facts
    from facecover.studies.engine import Step, run_study

    def tell(step: Step) -> None:
        left = "" if step.seconds_left is None else f"; about {duration(step.seconds_left)} left"
        CONSOLE.note(f"run {step.number} of {step.total}: {step.title}{left}")

    try:
        result = run_study(
            study,
            dataset,
            photos,
            out,
            overrides=overrides,
            only=only,
            device=device,
            on_step=tell,
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"{out}: the study was stopped; the same command goes on with it"
        ) from None
    facts = study_facts(study, result, out, photos=len(photos))
    write_study_report(out / REPORT_NAME, facts)
    if as_json:
        show_json(result.to_json())
    else:
        show(study_text(facts))
    CONSOLE.note(f"report: {out / REPORT_NAME}")
