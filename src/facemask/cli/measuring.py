"""Models on labelled images: what is measured, as evaluations and as runs for a report."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from facemask.cli.console import progress
from facemask.cli.labelled import LabelledImages
from facemask.cli.models import LoadedModel
from facemask.evaluation.evaluate import evaluate
from facemask.evaluation.evaluation import Evaluation
from facemask.files import written_file
from facemask.report.run import Run, mistakes_of

EVALUATION_NAME = "evaluation.json"
COMPARISON_NAME = "comparison.json"

RESAMPLES = 1000


def measure(
    model: LoadedModel, data: LabelledImages, *, seed: int = 0, resamples: int = RESAMPLES
) -> Evaluation:
    """One model on the chosen rows, at the threshold that stands in its file."""
    with progress(f"evaluating {model.name}", len(data.rows)) as advance:
        return evaluate(
            model.classifier,
            data.images[model.input_size_px],
            data.labels,
            name=model.name,
            split=data.split,
            data_digest=data.digest,
            rows=data.rows,
            groups=data.groups,
            threshold=model.classifier.info.threshold,
            seed=seed,
            resamples=resamples,
            on_batch=advance,
        )


def as_run(
    model: LoadedModel, evaluation: Evaluation, data: LabelledImages, position: int = 0
) -> Run:
    """A model with what was measured of it, for a report."""
    largest = data.images[max(data.images)]
    return Run(
        name=model.name,
        info=model.classifier.info,
        evaluations=(evaluation,),
        curves=model.curves,
        mistakes=mistakes_of(evaluation, largest, data.names),
        training_seconds=model.record.seconds if model.record else None,
        device=model.record.device if model.record else "",
        position=position,
    )


def as_runs(
    models: Sequence[LoadedModel], evaluations: Sequence[Evaluation], data: LabelledImages
) -> list[Run]:
    """A run for each model, each with a colour of its own."""
    pairs = enumerate(zip(models, evaluations, strict=True))
    return [as_run(model, evaluation, data, place) for place, (model, evaluation) in pairs]


class Facts(Protocol):
    """What is written as JSON: an evaluation, a comparison, an examination."""

    def to_json(self) -> dict[str, Any]:
        """The facts, ready for `json.dumps`."""


def write_json(path: Path, facts: Facts) -> None:
    """Write facts as JSON; NaN and infinity are refused.

    Raises:
        OutputError: if the place cannot be written.
    """
    text = json.dumps(facts.to_json(), indent=2, allow_nan=False)
    with written_file(path) as beside:
        beside.write_text(text + "\n", "utf-8")
