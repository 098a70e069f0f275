"""`--robustness` and `--explain` of `evaluate`: spoilt images, and where the evidence lies."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import RenderableType

from facemask.cli.console import progress
from facemask.cli.labelled import LabelledImages
from facemask.cli.models import LoadedModel
from facemask.evaluation.evaluation import Evaluation
from facemask.evaluation.explanation import Explanation, explain, explained_images
from facemask.evaluation.explanation_text import explanation_text
from facemask.evaluation.robustness import measure_robustness
from facemask.evaluation.robustness_answers import corruption_size, corruption_steps
from facemask.evaluation.robustness_facts import Robustness
from facemask.evaluation.robustness_text import robustness_text
from facemask.report.blocks import Section
from facemask.report.occlusion_section import occlusion_section
from facemask.report.robustness_section import robustness_section


@dataclass(frozen=True)
class Examination:
    """What was asked for beyond the metrics.

    Attributes:
        evaluation: of the same model on the same images.
        robustness: None where it was not asked for.
        explanation: likewise.
    """

    evaluation: Evaluation
    robustness: Robustness | None
    explanation: Explanation | None

    def to_json(self) -> dict[str, Any]:
        """The evaluation's keys, and ``robustness`` and ``explanation`` where there are any."""
        document = self.evaluation.to_json()
        if self.robustness is not None:
            document["robustness"] = self.robustness.to_json()
        if self.explanation is not None:
            document["explanation"] = self.explanation.to_json()
        return document

    def texts(self) -> list[RenderableType]:
        """What is printed after the metrics."""
        texts = []
        if self.robustness is not None:
            texts.append(robustness_text(self.robustness))
        if self.explanation is not None:
            texts.append(explanation_text(self.explanation))
        return texts

    def sections(self, data: LabelledImages) -> list[Section]:
        """What the report shows of it."""
        sections = []
        if self.robustness is not None:
            images, row = data.images[self.robustness.size_px], _example(self.evaluation)
            sections.append(robustness_section(self.robustness, np.array(images[row]), row))
        if self.explanation is not None:
            images = data.images[max(data.images)]
            sections.append(
                occlusion_section(self.explanation, self.evaluation, images, data.names)
            )
        return sections


def spoil(
    model: LoadedModel,
    reference: LoadedModel | None,
    data: LabelledImages,
    *,
    no_reference: str,
    seed: int,
    resamples: int,
) -> Robustness:
    """A model, and the one that it is compared with, on the chosen rows, spoilt in every way.

    Where it is compared with none, `no_reference` says why.
    """
    inputs = [one.input_size_px for one in (model, reference) if one is not None]
    images = data.images[corruption_size(sorted(data.images), inputs)]
    with progress("spoiling", len(data.rows) * corruption_steps()) as advance:
        return measure_robustness(
            model.classifier,
            images,
            data.labels,
            rows=data.rows,
            groups=data.groups,
            reference=None if reference is None else reference.classifier,
            reference_name="" if reference is None else reference.name,
            no_reference=no_reference,
            seed=seed,
            resamples=resamples,
            on_images=advance,
        )


def explain_answers(
    model: LoadedModel, evaluation: Evaluation, data: LabelledImages, *, seed: int, resamples: int
) -> Explanation:
    """Where the evidence lies for the surest mistakes, for a sample, and by class."""
    count = sum(len(chosen) for chosen in explained_images(evaluation, seed).values())
    with progress("covering", count) as advance:
        return explain(
            model.classifier,
            data.images[model.input_size_px],
            evaluation,
            seed=seed,
            resamples=resamples,
            on_images=advance,
        )


def _example(evaluation: Evaluation) -> int:
    """The row of an image to show spoilt: the first that was answered right with a mask."""
    answers = evaluation.answers
    fitting = np.flatnonzero(answers.is_right & (answers.labels == 1))
    return int(evaluation.rows[fitting[0] if len(fitting) else 0])
