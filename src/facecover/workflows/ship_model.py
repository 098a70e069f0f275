"""`card`: a model card, generated from a model and the data that it learned from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from facecover.dataset.manifest import load_manifest
from facecover.dataset.opened import of_dataset
from facecover.documents import write_document
from facecover.errors import ConfigError, DatasetError, shown
from facecover.evaluation import RESAMPLES
from facecover.evaluation.card_facts import LeftOut, are_card_facts, card_facts
from facecover.files import check_own_file, written_file
from facecover.inference.model_file import MODELS_FOLDER, find_model
from facecover.progress import SILENT, Progress
from facecover.report.model_card import card_text, is_card
from facecover.sources.rows import SPLITS
from facecover.studies.results import StudyRun, load_study
from facecover.training.run_folder import difference_of_twin
from facecover.workflows.measure_models import LoadedModel, load_models, measure
from facecover.yaml_text import read_yaml_file

_LEFT_OUT = "left-out"
_KEYS = ("title", "repository", "commit", "licence", "note")


@dataclass(frozen=True)
class ModelCard:
    """A card, and the figures that it was made from.

    Attributes:
        text: Markdown, below YAML that Hugging Face's hub reads.
        facts: see `evaluation.card_facts.card_facts`.
    """

    text: str
    facts: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The figures."""
        return dict(self.facts)

    def _repr_markdown_(self) -> str:
        return self.text.split("---\n", 2)[-1]

    def write(self, path: Path) -> None:
        """Write the card, and its figures beside it.

        Raises:
            OutputError: if one of the two cannot be written.
        """
        write_document(path.with_suffix(".json"), self.facts)
        with written_file(path) as beside:
            beside.write_text(self.text, "utf-8")


def card(
    model: str | Path,
    data: str | Path,
    output: str | Path | None = None,
    *,
    study: str | Path | None = None,
    variant: str | None = None,
    sources: str | Path | None = None,
    license_id: str | None = None,
    measured: str | Path | None = None,
    split: str = "test",
    seed: int = 0,
    resamples: int = RESAMPLES,
    progress: Progress = SILENT,
) -> ModelCard:
    """A model's card: data, procedure, figures with intervals, calibration, limits, uses.

    Args:
        model: a model file, a run folder, or the name of a model in the package.
        data: the dataset that it learned from.
        output: where the card is written, ``.md``; its figures go beside it, ``.json``.
        study: of a study with the division left-out, its ``study.json``.
        variant: the study's; the model's own name by default.
        sources: YAML: title, repository, commit, licence and note by source name.
        license_id: of the weights, as the hub names it.
        measured: for a model that learned from the test images, too, one of the same experiment
            that did not; the figures are of that.
        split: ``train``, ``val`` or ``test``: the one to quote.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        progress: told how far it is.

    Raises:
        ConfigError: if an option is wrong, or the model cannot be measured on that split.
        DatasetError: if the model learned from other data.
        ModelFileError: if there is no such model, or it is none of ours.
        OutputError: if another file stands where the card or its figures go.
        RunError: if the study is none.
    """
    path = None if output is None else Path(output)
    if path is not None:
        _check_output(path)
    if split not in SPLITS:
        raise ConfigError(f"--split {shown(split)!r}: expected one of {', '.join(SPLITS)}")
    about = {} if sources is None else _about(Path(sources))
    (loaded,) = load_models([Path(model)])
    info = loaded.classifier.info
    images = of_dataset(Path(data), [info.input_size_px], split, info.classes, progress)
    if images.digest != info.data.digest:
        raise DatasetError(
            f"{data}: expected the dataset that the model learned from, with the digest "
            f"{info.data.digest[:12]}, found {images.digest[:12]}; its test images may be others' "
            "training images"
        )
    left_out = (
        None if study is None else _left_out(Path(study), variant or info.name, info.data.sources)
    )
    twin = _measurable(loaded, None if measured is None else Path(measured), split)
    evaluation = measure(twin, images, seed=seed, resamples=resamples, progress=progress)
    facts = card_facts(
        evaluation,
        load_manifest(Path(data)).table,
        about=about,
        left_out=left_out,
        file_sha256=info.file_sha256,
    )
    file = find_model(Path(model))
    text = card_text(
        info,
        facts,
        load_as=file.stem if file.parent == MODELS_FOLDER else file.name,
        file_bytes=file.stat().st_size,
        license_id=license_id,
    )
    found = ModelCard(text, facts)
    if path is not None:
        found.write(path)
    return found


def _check_output(path: Path) -> None:
    if path.suffix == ".json":
        raise ConfigError(f"-o {path}: expected a name for the card such as card.md")
    check_own_file(path, is_card, "a card")
    check_own_file(path.with_suffix(".json"), are_card_facts, "a card's figures")


def _measurable(model: LoadedModel, measured: Path | None, split: str) -> LoadedModel:
    """The model that did not learn from the split: itself, or the twin that is named.

    Raises:
        ConfigError: if it takes a twin and none is named, or the one named is none.
    """
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


def _about(path: Path) -> dict[str, dict[str, str]]:
    """What the user says of the sources, each key known and each value a text.

    Raises:
        ConfigError: if it is no YAML, or says something else.
    """
    found: dict[str, dict[str, str]] = {}
    for name, facts in read_yaml_file(path, "facts by source name").items():
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


def _left_out(path: Path, variant: str, sources: Sequence[str]) -> tuple[LeftOut, ...]:
    """What a study found of one variant on sources that training never saw.

    Raises:
        RunError: if it is no study.
        ConfigError: if it has no such variant with that division, or is of other sources.
    """
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


def _joined(source: str, runs: list[StudyRun]) -> LeftOut:
    bounds = [run.metrics["ci95"]["accuracy"] for run in runs]
    known = [pair for pair in bounds if pair is not None]
    return LeftOut(
        source=source,
        n=runs[0].n_test,
        seeds=len(runs),
        accuracy=fmean(run.metrics["accuracy"] for run in runs),
        ci95=(min(low for low, _ in known), max(high for _, high in known)) if known else None,
    )
