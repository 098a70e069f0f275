"""`compare`: what several model files answer on the same labelled photos."""

from dataclasses import dataclass
from typing import Any

from facemask.cli.console import note, progress, show, show_json
from facemask.cli.labelled import Reading
from facemask.cli.measure_options import (
    AsJson,
    Data,
    Output,
    Resamples,
    Seed,
    Split,
    measured_images,
)
from facemask.cli.measuring import (
    COMPARISON_NAME,
    RESAMPLES,
    as_runs,
    measure,
    write_json,
)
from facemask.cli.models import Models, load_models
from facemask.cli.sources import Labels, Layouts, Mapping, MaxUnreadable, Workers
from facemask.cli.trusting import MinSlice
from facemask.data.collect import MAX_UNREADABLE_SHARE
from facemask.errors import ConfigError
from facemask.evaluation.compare import Comparison, compare
from facemask.evaluation.slices import MIN_SLICE, measure_slices
from facemask.evaluation.text import comparison_text
from facemask.files import check_replaceable, written_folder
from facemask.report import REPORT_NAME
from facemask.report.compare_page import write_compare_report
from facemask.report.run_page import run_chapter


def compare_command(
    models: Models,
    data: Data,
    split: Split = None,
    output: Output = None,
    as_json: AsJson = False,
    seed: Seed = 0,
    resamples: Resamples = RESAMPLES,
    min_slice: MinSlice = MIN_SLICE,
    layout: Layouts = [],  # noqa: B006  (Typer reads the default, nobody changes it)
    label: Labels = [],  # noqa: B006
    mapping: Mapping = [],  # noqa: B006
    max_unreadable: MaxUnreadable = MAX_UNREADABLE_SHARE,
    workers: Workers = None,
) -> None:
    """Put models side by side on the same images, with the test of the difference."""
    if len(models) < 2:
        raise ConfigError(f"compare: expected two models or more, found {len(models)}")
    if output is not None:
        check_replaceable(output, replace_if=COMPARISON_NAME, holding=[REPORT_NAME])
    loaded = load_models(models)
    reading = Reading(layout, label, mapping, max_unreadable, workers)
    with measured_images(loaded, data, split, reading) as images:
        evaluations = [measure(one, images, seed=seed, resamples=resamples) for one in loaded]
        comparison = compare(evaluations)
        found = _Found(comparison, images.left_out)
        if as_json:
            show_json(found.to_json())
        else:
            show(comparison_text(comparison))
        if output is not None:
            with written_folder(
                output, replace_if=COMPARISON_NAME, holding=[REPORT_NAME]
            ) as beside:
                write_json(beside / COMPARISON_NAME, found)
                runs = as_runs(loaded, evaluations, images)
                with progress("slicing", None) as advance:
                    slices = [
                        measure_slices(one, images.table, min_n=min_slice, on_images=advance)
                        for one in evaluations
                    ]
                write_compare_report(
                    beside / REPORT_NAME,
                    comparison,
                    runs,
                    images.manifest,
                    images.drops,
                    slices=slices,
                    more=[run_chapter(run, f"run{place}") for place, run in enumerate(runs, 1)],
                )
            note(f"report: {output / REPORT_NAME}")


@dataclass(frozen=True)
class _Found:
    """What `compare` writes and prints as JSON."""

    comparison: Comparison
    left_out: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """The comparison's keys, and ``left_out``: how many files, by reason."""
        return {**self.comparison.to_json(), "left_out": self.left_out}
