"""What a model card states, measured once: as JSON it lies beside the card.

| key | value |
| --- | --- |
| ``format_version`` | of this layout; 1 |
| ``file_sha256`` | of the model file that the card is of |
| ``test`` | `Evaluation.to_json` on the split, without the times; its ``model`` is that file, or \
where that learned from these images, too, its twin that did not |
| ``uncalibrated`` | ``ece``, ``log_loss`` and their ``ci95`` with a temperature of 1 |
| ``by_source``, ``by_measure`` | `CardSlice`s of the same images |
| ``left_out`` | a `LeftOut` for each source that a study trained without; null if none was made |
| ``sources`` | a `SourceFacts` for each source |
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.documents import to_document
from facecover.evaluation.answers import Answers, check_answers
from facecover.evaluation.intervals import Interval, Metrics, measure_answers
from facecover.evaluation.performance import Evaluation, uncalibrated
from facecover.sources.rows import SPLITS

FORMAT_VERSION = 1

PARTS = 4
"""Images are cut into so many parts of the same size by each measure of them."""

_TIMES = ("seconds", "images_per_second")


@dataclass(frozen=True)
class CardSlice:
    """A model on some of the images.

    Attributes:
        by: what they were chosen by: ``source``, ``brightness``, ``sharpness`` or ``side_px``.
        name: the source; empty for a measure.
        low: the least value of the measure among them; None for a source.
        high: the greatest.
        n: images.
        accuracy: the share answered right, 0..1.
        ci95: its 95% interval; None where there is none.
    """

    by: str
    name: str
    low: float | None
    high: float | None
    n: int
    accuracy: float
    ci95: Interval | None


@dataclass(frozen=True)
class LeftOut:
    """Models of the same kind on a source that they never saw.

    Attributes:
        source: the source.
        n: its images.
        seeds: how many models were trained, each with another seed.
        accuracy: the mean of their shares answered right, 0..1.
        ci95: from the lowest to the highest bound of their 95% intervals.
    """

    source: str
    n: int
    seeds: int
    accuracy: float
    ci95: Interval | None


@dataclass(frozen=True)
class SourceFacts:
    """A source of a dataset.

    Attributes:
        name: its name in the dataset.
        counts: samples kept, by split.
        sha256: over the sorted hashes of the files that its samples are from.
        about: what the user says of it: title, repository, commit, licence, note.
    """

    name: str
    counts: Mapping[str, int]
    sha256: str
    about: Mapping[str, str] = field(default_factory=dict)


def card_facts(
    evaluation: Evaluation,
    table: pd.DataFrame,
    *,
    about: Mapping[str, Mapping[str, str]],
    left_out: tuple[LeftOut, ...] | None,
    file_sha256: str | None = None,
) -> dict[str, Any]:
    """Everything that a card states, as plain values.

    Args:
        evaluation: the model on the split to quote.
        table: the manifest's; row i belongs to image i.
        about: what is to be said of sources, by their names.
        left_out: of a study; None if none was made.
        file_sha256: of the model file that the card is of, if it is another than was measured.
    """
    measured = {k: v for k, v in evaluation.to_json().items() if k not in _TIMES}
    document = {
        "format_version": FORMAT_VERSION,
        "file_sha256": file_sha256 or evaluation.model.file_sha256,
        "test": measured,
        "uncalibrated": _uncalibrated(evaluation),
        "by_source": list(_by_source(evaluation, table)),
        "by_measure": list(_by_measure(evaluation, table)),
        "left_out": None if left_out is None else list(left_out),
        "sources": [_source(name, part, about) for name, part in table.groupby("source")],
    }
    found: dict[str, Any] = to_document(document)
    return found


def are_card_facts(path: Path) -> bool:
    """Whether a file holds what `card_facts` gives.

    Raises:
        OSError: if it cannot be read.
    """
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    keys = {"file_sha256", "test", "uncalibrated", "by_source", "by_measure", "left_out", "sources"}
    return isinstance(found, dict) and keys <= found.keys()


def _uncalibrated(evaluation: Evaluation) -> dict[str, Any]:
    before = uncalibrated(evaluation.answers, evaluation.model.temperature)
    metrics = _measured(evaluation, before, evaluation.groups)
    keys = ("ece", "log_loss")
    return {
        **{key: metrics.values[key] for key in keys},
        "ci95": {key: metrics.ci95[key] for key in keys},
    }


def _measured(
    evaluation: Evaluation, answers: Answers, groups: npt.NDArray[np.int64] | None
) -> Metrics:
    known = evaluation.metrics
    return measure_answers(answers, seed=known.seed, resamples=known.resamples, groups=groups)


def _by_source(evaluation: Evaluation, table: pd.DataFrame) -> Iterator[CardSlice]:
    sources = table["source"].to_numpy()[evaluation.rows]
    for name in dict.fromkeys(table["source"]):
        chosen = np.flatnonzero(sources == name)
        if len(chosen):
            yield _slice(evaluation, chosen, by="source", name=str(name))


def _by_measure(evaluation: Evaluation, table: pd.DataFrame) -> Iterator[CardSlice]:
    own = table.iloc[evaluation.rows]
    measures = {
        "brightness": own["brightness"],
        "sharpness": own["sharpness"],
        "side_px": own[["width", "height"]].min(axis=1),
    }
    for by, column in measures.items():
        values = column.to_numpy(np.float64)
        order = np.argsort(values, kind="stable")
        for chosen in np.array_split(order, PARTS):
            if len(chosen):
                low, high = float(values[chosen].min()), float(values[chosen].max())
                yield _slice(evaluation, chosen, by=by, low=low, high=high)


def _slice(
    evaluation: Evaluation,
    chosen: npt.NDArray[np.int64],
    *,
    by: str,
    name: str = "",
    low: float | None = None,
    high: float | None = None,
) -> CardSlice:
    answers = evaluation.answers
    part = check_answers(
        answers.labels[chosen],
        answers.probabilities[chosen],
        threshold=0.5 if answers.threshold is None else answers.threshold,
        class_names=answers.class_names,
    )
    groups = None if evaluation.groups is None else evaluation.groups[chosen]
    metrics = _measured(evaluation, part, groups)
    accuracy = float(np.mean(part.is_right))
    return CardSlice(by, name, low, high, len(chosen), accuracy, metrics.ci95["accuracy"])


def _source(
    name: object, part: pd.DataFrame, about: Mapping[str, Mapping[str, str]]
) -> SourceFacts:
    files = "".join(f"{digest}\n" for digest in sorted(part["sha256"].unique()))
    counts = {split: int((part["split"] == split).sum()) for split in SPLITS}
    digest = hashlib.sha256(files.encode()).hexdigest()
    return SourceFacts(str(name), counts, digest, dict(about.get(str(name), {})))
