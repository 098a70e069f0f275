"""`compare`: models side by side on the same labelled photos."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from facecover.dataset import MAX_UNREADABLE_SHARE
from facecover.dataset.opened import (
    LabelledImages,
    Paths,
    SourceOptions,
    as_paths,
)
from facecover.documents import write_document
from facecover.errors import ConfigError
from facecover.evaluation import MIN_SLICE, RESAMPLES
from facecover.evaluation.comparison import Comparison, compare_evaluations
from facecover.files import check_replaceable, written_folder
from facecover.progress import SILENT, Progress
from facecover.report import REPORT_NAME
from facecover.report.blocks import Section
from facecover.report.comparison_page import compare_sections, write_compare_report
from facecover.report.html import notebook_frame
from facecover.report.run_page import run_chapter
from facecover.workflows.measure_models import (
    LoadedModel,
    as_runs,
    load_models,
    measure,
    measured_images,
    metrics_table,
    sliced,
)

COMPARISON_NAME = "comparison.json"


@dataclass(frozen=True, repr=False)  # its tables and images fill screens
class CompareResult:
    """What `compare` found out.

    Attributes:
        models: that were measured.
        images: that they were measured on.
        comparison: every two against each other.
        min_slice: slices of fewer images are too few to judge.
    """

    models: tuple[LoadedModel, ...]
    images: LabelledImages
    comparison: Comparison
    min_slice: int

    def to_json(self) -> dict[str, Any]:
        """The comparison's keys, and ``left_out``: how many files, by reason."""
        return {**self.comparison.to_json(), "left_out": self.images.left_out}

    def to_pandas(self) -> pd.DataFrame:
        """One row a model and metric, see `metrics_table`."""
        return metrics_table(self.comparison.evaluations)

    def sections(self) -> tuple[Section, ...]:
        """What there is to show of it, on a page or in a terminal; slices are in the report."""
        runs = as_runs(self.models, self.comparison.evaluations, self.images)
        return compare_sections(self.comparison, runs)

    def _repr_html_(self) -> str:
        return notebook_frame("Comparison", self.sections())

    def write(self, folder: Path, progress: Progress = SILENT) -> None:
        """Write the figures as JSON, and the report.

        Raises:
            OutputError: if the folder holds something else or cannot be written.
        """
        with written_folder(folder, replace_if=COMPARISON_NAME, holding=[REPORT_NAME]) as beside:
            write_document(beside / COMPARISON_NAME, self.to_json())
            evaluations = self.comparison.evaluations
            runs = as_runs(self.models, evaluations, self.images)
            write_compare_report(
                beside / REPORT_NAME,
                self.comparison,
                runs,
                self.images.manifest,
                self.images.drops,
                slices=[sliced(e, self.images, self.min_slice, progress) for e in evaluations],
                more=[run_chapter(run, f"run{place}") for place, run in enumerate(runs, 1)],
            )


def compare(
    models: Paths,
    *,
    data: Paths,
    split: str | None = None,
    output: str | Path | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    min_slice: int = MIN_SLICE,
    layout: Sequence[str] = (),
    label: Sequence[str] = (),
    mapping: Sequence[str] = (),
    max_unreadable: float = MAX_UNREADABLE_SHARE,
    workers: int | None = None,
    progress: Progress = SILENT,
) -> CompareResult:
    """Put models side by side on the same images, with the test of the difference.

    Args:
        models: two or more run folders, model files, or names of models in the package.
        data: as for `evaluate`; so are the other options.
        split: as for `evaluate`.
        output: as for `evaluate`.
        seed: as for `evaluate`.
        resamples: as for `evaluate`.
        min_slice: as for `evaluate`.
        layout: as for `evaluate`.
        label: as for `evaluate`.
        mapping: as for `evaluate`.
        max_unreadable: as for `evaluate`.
        workers: as for `evaluate`.
        progress: as for `evaluate`.

    Raises:
        ConfigError: if there are fewer than two models, or an option is wrong.
        DatasetError: if the data cannot be read or has no such split.
        ModelFileError: if there is no such model, or it is none of ours.
        OutputError: if the folder holds something else or cannot be written.
    """
    named = as_paths(models)
    if len(named) < 2:
        raise ConfigError(f"compare: expected two models or more, found {len(named)}")
    if output is not None:
        output = Path(output)
        check_replaceable(output, replace_if=COMPARISON_NAME, holding=[REPORT_NAME])
    loaded = load_models(named)
    options = SourceOptions(layout, label, mapping, max_unreadable, workers)
    with measured_images(loaded, as_paths(data), split, options, progress=progress) as images:
        evaluations = [
            measure(one, images, seed=seed, resamples=resamples, progress=progress)
            for one in loaded
        ]
        found = CompareResult(tuple(loaded), images, compare_evaluations(evaluations), min_slice)
        if output is not None:
            found.write(Path(output), progress)
    return found
