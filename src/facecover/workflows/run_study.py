"""`study`: a question put to the data, with many runs behind one table and one sentence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from facecover.dataset.arrays import Dataset
from facecover.dataset.opened import Paths, SourceOptions, as_paths, is_dataset, read_labelled
from facecover.dataset.split import check_are_sources
from facecover.errors import ConfigError
from facecover.files import check_replaceable, written_file
from facecover.labels import parse_mapping
from facecover.locks import locked
from facecover.preparation.label_corrections import read_corrections
from facecover.preparation.pipeline import PrepareOptions
from facecover.progress import SILENT, Progress
from facecover.report import REPORT_NAME
from facecover.report.blocks import Section
from facecover.report.html import notebook_frame
from facecover.studies.definition import Study, changed_study, check_variants, read_study
from facecover.studies.divisions import Photos, photos_once, photos_with_copies
from facecover.studies.engine import StudySummary, run_study
from facecover.studies.runs import input_sizes
from facecover.studies.study_page import study_sections, write_study_report
from facecover.workflows.prepare_data import prepared_once
from facecover.yaml_text import to_yaml

DEFINITION_NAME = "study.yaml"


@dataclass(frozen=True, repr=False)  # its tables and images fill screens
class StudyResult:
    """What `study` found out.

    Attributes:
        summary: its runs, a row for each variant at each place, and the answer in words.
        folder: where its page, ``study.json`` and the runs are.
    """

    summary: StudySummary
    folder: Path

    @property
    def sentences(self) -> tuple[str, ...]:
        """The answer in plain words, the first one first."""
        return self.summary.result.sentences

    @property
    def sections(self) -> tuple[Section, ...]:
        """What the page and the terminal show."""
        return study_sections(self.summary)

    def to_json(self) -> dict[str, Any]:
        """What ``study.json`` holds."""
        return self.summary.result.to_json()

    def to_pandas(self) -> pd.DataFrame:
        """A row for each variant at each place: accuracy over the seeds, with 95% intervals."""
        return pd.DataFrame(
            [
                {
                    "division": row.division,
                    "source": row.source,
                    "variant": row.variant,
                    "accuracy": row.accuracy.value,
                    **_bounds("accuracy", row.accuracy.ci95),
                    "balanced_accuracy": row.balanced,
                    "difference": gap.difference if (gap := row.to_baseline) else math.nan,
                    **_bounds("difference", gap.ci95 if gap else None),
                    "seeds": len(row.accuracy.by_seed),
                    "n": row.accuracy.n,
                    "n_train": row.n_train,
                    "epochs": row.epochs,
                    "parameters": row.parameters,
                }
                for row in self.summary.rows
            ]
        )

    def _repr_html_(self) -> str:
        return notebook_frame(self.summary.study.question, self.sections)


def _bounds(name: str, bounds: tuple[float, float] | None) -> dict[str, float]:
    low, high = bounds or (math.nan, math.nan)
    return {f"{name}_low": low, f"{name}_high": high}


def study(
    name_or_path: str | Path,
    data: Paths,
    output: str | Path | None = None,
    *,
    settings: Sequence[str] = (),
    seeds: Sequence[int] = (),
    epochs: int | None = None,
    division: Sequence[str] = (),
    leave_out: Sequence[str] = (),
    judged_on: str | None = None,
    only: Sequence[str] = (),
    device: str = "auto",
    layout: Sequence[str] = (),
    label: Sequence[str] = (),
    mapping: Sequence[str] = (),
    relabel: Paths = (),
    workers: int | None = None,
    progress: Progress = SILENT,
) -> StudyResult:
    """Train every variant of a study on some photos, and answer in one table and one sentence.

    A study that was stopped goes on; a run that is finished is not trained again.

    Args:
        name_or_path: a study that comes with the package, or a YAML file.
        data: photos, or one dataset from `prepare`.
        output: everything is written here; ``studies/NAME`` by default.
        settings: values to change in every variant, each as ``section.key=value``.
        seeds: others than the study's.
        epochs: of every variant.
        division: other divisions than the study's.
        leave_out: sources that the division ``left-out`` leaves out; each by default.
        judged_on: ``test`` or ``val``, instead of the study's.
        only: variants to train now; others count if they are finished.
        device: ``auto``, ``cpu`` or ``cuda``.
        layout: as for `explore`.
        label: as for `explore`.
        mapping: as for `explore`.
        relabel: lists of corrected labels.
        workers: threads that decode; one a core by default.
        progress: told how far it is.

    Raises:
        ConfigError: if the study, a variant, an option or the device is wrong.
        DatasetError: if the photos cannot be read, divided or learned from.
        LabelError: if a class name is unknown.
        OutputError: if the folder holds something else, another process is at work in it, or it
            cannot be written.
        RunError: if a run in the folder was begun with another experiment, on other data or by
            another version.
        KeyboardInterrupt: on Ctrl-C, with a message that says how to go on.
    """
    changes: dict[str, Any] = {
        "seeds": list(seeds),
        "divisions": list(division),
        "leave_out": list(leave_out),
        "judged_on": judged_on,
    }
    chosen = changed_study(
        read_study(name_or_path), {key: value for key, value in changes.items() if value}
    )
    check_variants(chosen, only)
    overrides = [*settings, *([] if epochs is None else [f"training.epochs={epochs}"])]
    folder = Path("studies") / chosen.name if output is None else Path(output)
    # The same photos are looked into when they are prepared for use; here they are divided alone.
    options = PrepareOptions(
        sizes_px=input_sizes(chosen, overrides),
        split_by="random",
        relabel=tuple(as_paths(relabel)),
        class_map=parse_mapping(list(mapping)),
        workers=workers,
        audits=False,
    )
    reading = SourceOptions(layout, label, mapping)
    with locked(folder):
        dataset, photos = _photos(as_paths(data), folder, chosen, reading, options, progress)
        try:
            summary = run_study(
                chosen,
                dataset,
                photos,
                folder,
                overrides=overrides,
                only=only,
                device=device,
                progress=progress,
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"{folder}: the study was stopped; the same command goes on with it"
            ) from None
        write_study_report(folder / REPORT_NAME, summary)
    return StudyResult(summary, folder)


def _photos(
    paths: Sequence[Path],
    folder: Path,
    chosen: Study,
    reading: SourceOptions,
    options: PrepareOptions,
    progress: Progress,
) -> tuple[Dataset, Photos]:
    """The photos decoded, in the study's folder unless they are a dataset already."""
    prepared = [path for path in paths if is_dataset(path)]
    if prepared and len(paths) > 1:
        raise ConfigError("--data: expected one dataset or several sources, found both")
    if prepared and options.relabel:
        raise ConfigError(
            "--relabel: expected photos, found a dataset; prepare it with corrected labels"
        )
    if prepared:
        dataset = Dataset.open(prepared[0])
        photos = photos_once(dataset)
        for size_px in options.sizes_px:
            dataset.images(size_px)
        _begin(folder, chosen)
        return dataset, photos
    sources = read_labelled(paths, reading, progress)
    for path in options.relabel:
        read_corrections(path)  # a broken list is refused before anything is written
    check_are_sources(chosen.leave_out, [source.name for source in sources])
    _begin(folder, chosen)
    dataset = prepared_once(folder / "photos", sources, options, progress)
    progress.note(f"looking for copies among {len(dataset):,} photos")
    return dataset, photos_with_copies(dataset, workers=options.workers)


def _begin(folder: Path, chosen: Study) -> None:
    """Make the study's folder, or make sure that it is this study's."""
    check_replaceable(folder, replace_if=DEFINITION_NAME)
    definition = folder / DEFINITION_NAME
    if definition.is_file() and (name := read_study(definition).name) != chosen.name:
        raise ConfigError(
            f"{folder}: expected the study {chosen.name}, found {name}; name another folder with -o"
        )
    with written_file(definition) as beside:
        beside.write_text(to_yaml(chosen.model_dump()), "utf-8")
