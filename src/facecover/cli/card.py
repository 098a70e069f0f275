"""`card`: a model card, generated from a model and the data that it learned from."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated

import typer

from facecover.cli.console import CONSOLE
from facecover.errors import ConfigError, DatasetError, shown
from facecover.evaluation import RESAMPLES
from facecover.files import check_own_file, written_file
from facecover.inference.model_file import MODELS_FOLDER, find_model
from facecover.inference.model_info import ModelInfo
from facecover.sources.rows import SPLITS

if TYPE_CHECKING:
    from facecover.evaluation.card_facts import LeftOut
    from facecover.studies.results import StudyRun
    from facecover.workflows.measure_models import LoadedModel

_LEFT_OUT = "left-out"
_KEYS = ("title", "repository", "commit", "licence", "note")


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
    from facecover.dataset.manifest import load_manifest
    from facecover.dataset.opened import of_dataset
    from facecover.evaluation.card_facts import are_card_facts, card_facts
    from facecover.report.model_card import is_card
    from facecover.workflows.measure_models import load_models, measure

    if output.suffix == ".json":
        raise ConfigError(f"-o {output}: expected a name for the card such as card.md")
    if split not in SPLITS:
        raise ConfigError(f"--split {shown(split)!r}: expected one of {', '.join(SPLITS)}")
    check_own_file(output, is_card, "a card")
    check_own_file(output.with_suffix(".json"), are_card_facts, "a card's figures")
    about = {} if sources is None else _about(sources)
    (loaded,) = load_models([model])
    info = loaded.classifier.info
    images = of_dataset(data, [info.input_size_px], split, info.classes, CONSOLE)
    if images.digest != info.data.digest:
        raise DatasetError(
            f"{data}: expected the dataset that the model learned from, with the digest "
            f"{info.data.digest[:12]}, found {images.digest[:12]}; its test images may be others' "
            "training images"
        )
    left_out = None if study is None else _left_out(study, variant or info.name, info.data.sources)
    twin = _measurable(loaded, measured, split)
    evaluation = measure(twin, images, seed=seed, resamples=resamples, progress=CONSOLE)
    facts = card_facts(
        evaluation,
        load_manifest(data).table,
        about=about,
        left_out=left_out,
        file_sha256=info.file_sha256,
    )
    _write(find_model(model), info, facts, output, license_id)


def _measurable(model: "LoadedModel", measured: Path | None, split: str) -> "LoadedModel":
    """The model that did not learn from the split: itself, or the twin that is named.

    Raises:
        ConfigError: if it takes a twin and none is named, or the one named is none.
    """
    from facecover.training.run_folder import difference_of_twin
    from facecover.workflows.measure_models import load_models

    info = model.classifier.info
    takes_one = info.is_refit and split == "test"
    if takes_one and measured is None:
        raise ConfigError(
            f"{info.name}: it learned from the test images, too (training.refit), so they cannot "
            "judge it; expected --measured with a model of the same experiment without"
        )
    if measured is None:
        return model
    if not takes_one:
        raise ConfigError(
            f"--measured {measured}: expected it with a model that learned from the test images "
            f"(training.refit) and their split, found {info.name} and the {split} split; leave it "
            "out"
        )
    (twin,) = load_models([measured])
    difference = difference_of_twin(info, twin.classifier.info)
    if difference:
        raise ConfigError(
            f"--measured {measured}: expected the same experiment on the same data but for "
            f"training.refit, found another {difference}"
        )
    return twin


def _write(
    path: Path, info: ModelInfo, facts: Mapping[str, object], output: Path, license_id: str | None
) -> None:
    from facecover.report.model_card import card_text

    text = card_text(
        info,
        facts,
        load_as=path.stem if path.parent == MODELS_FOLDER else path.name,
        file_bytes=path.stat().st_size,
        license_id=license_id,
    )
    beside = output.with_suffix(".json")
    with written_file(beside) as file:
        file.write_text(json.dumps(facts, indent=1, allow_nan=False) + "\n", "utf-8")
    with written_file(output) as file:
        file.write_text(text, "utf-8")
    CONSOLE.note(f"card: {output}; its figures: {beside}")


def _about(path: Path) -> dict[str, dict[str, str]]:
    """What the user says of the sources, each key known and each value a text.

    Raises:
        ConfigError: if it is no YAML, or says something else.
    """
    from facecover.training.experiments import read_document

    found: dict[str, dict[str, str]] = {}
    for name, facts in read_document(path, "facts by source name").items():
        if not isinstance(facts, dict):
            raise ConfigError(f"{path}: {name}: expected {', '.join(_KEYS)}, found {facts!r}")
        for key, value in facts.items():
            if key not in _KEYS or not isinstance(value, str):
                raise ConfigError(
                    f"{path}: {name}.{key}: expected a text under one of {', '.join(_KEYS)}, "
                    f"found {value!r}"
                )
        found[name] = facts
    return found


def _left_out(path: Path, variant: str, sources: Sequence[str]) -> "tuple[LeftOut, ...]":
    """What a study found of one variant on sources that training never saw.

    Raises:
        RunError: if it is no study.
        ConfigError: if it has no such variant with that division, or is of other sources.
    """
    from facecover.studies.results import StudyRun, load_study

    found = load_study(path)
    if sorted(found.data.sources) != sorted(sources):
        raise ConfigError(
            f"{path}: expected a study of the model's sources, {', '.join(sorted(sources))}, "
            f"found {', '.join(sorted(found.data.sources))}; run it on those"
        )
    runs = [run for run in found.results if run.division == _LEFT_OUT]
    chosen: dict[str, list[StudyRun]] = {}
    for run in runs:
        if run.variant == variant:
            chosen.setdefault(run.source, []).append(run)
    if not chosen:
        known = ", ".join(sorted({run.variant for run in runs})) or "none"
        raise ConfigError(
            f"{path}: expected runs of the variant {variant!r} with the division {_LEFT_OUT}, "
            f"found those of {known}; name one with --variant"
        )
    return tuple(_joined(source, same) for source, same in chosen.items())


def _joined(source: str, runs: "list[StudyRun]") -> "LeftOut":
    from facecover.evaluation.card_facts import LeftOut

    bounds = [run.metrics["ci95"]["accuracy"] for run in runs]
    known = [pair for pair in bounds if pair is not None]
    return LeftOut(
        source=source,
        n=runs[0].n_test,
        seeds=len(runs),
        accuracy=fmean(run.metrics["accuracy"] for run in runs),
        ci95=(min(low for low, _ in known), max(high for _, high in known)) if known else None,
    )
