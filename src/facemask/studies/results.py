"""What a study found, run by run, as it stands in its ``study.json``.

| key | value |
| --- | --- |
| ``format_version`` | of this layout; 1 |
| ``name``, ``question``, ``claim`` | of the study |
| ``version`` | of the package |
| ``judged_on`` | the split that was measured |
| ``data`` | ``sources``, their names, and ``digest``, the identity of all photos |
| ``results`` | a `StudyRun` for each variant, seed and part of a division |
| ``comparisons`` | a `StudyComparison` for each pair of variants and part, over all seeds |
| ``skipped`` | parts that cannot be made of these photos: ``division``, ``source``, ``reason`` |
| ``sentences`` | the answer in plain words, the first one first |
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import facemask
from facemask.errors import RunError
from facemask.evaluation.plain import plain_json
from facemask.files import written_file

STUDY_NAME = "study.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class StudyRun:
    """One variant trained with one seed on one part of a division, and measured.

    Attributes:
        division: how the photos were divided.
        source: the source it is about, or ``all``.
        variant: the variant's name.
        seed: of the training.
        n_train: training images.
        n_val: validation images.
        n_test: test images.
        groups_test: groups of test images that are not independent of each other.
        data_digest: the identity of the divided data.
        epochs: trained.
        best_epoch: whose weights were kept.
        seconds: of training.
        parameters: of the network.
        macs: its multiply-accumulates for one image.
        metrics: `Evaluation.to_json` on the images judged.
    """

    division: str
    source: str
    variant: str
    seed: int
    n_train: int
    n_val: int
    n_test: int
    groups_test: int
    data_digest: str
    epochs: int
    best_epoch: int
    seconds: float
    parameters: int
    macs: int
    metrics: Mapping[str, Any]


@dataclass(frozen=True)
class StudyComparison:
    """Two variants on the same images, over the seeds that both have.

    Attributes:
        division: how the photos were divided.
        source: the source it is about, or ``all``.
        variant: the one,
        baseline: and what it is compared with.
        n: images.
        seeds: how many seeds both have.
        difference: of the mean accuracies, the variant's minus the baseline's.
        ci95: its 95% interval; None where every resample gives the same.
        sentence: it in plain words.
    """

    division: str
    source: str
    variant: str
    baseline: str
    n: int
    seeds: int
    difference: float
    ci95: tuple[float, float] | None
    sentence: str


@dataclass(frozen=True)
class StudyResult:
    """All that a study found; see the module's table."""

    name: str
    question: str
    claim: str
    judged_on: str
    sources: tuple[str, ...]
    digest: str
    results: tuple[StudyRun, ...]
    comparisons: tuple[StudyComparison, ...] = ()
    skipped: tuple[Mapping[str, str], ...] = ()
    sentences: tuple[str, ...] = ()
    version: str = facemask.__version__
    format_version: int = FORMAT_VERSION

    def to_json(self) -> dict[str, Any]:
        """The study with the keys of the module's table."""
        document = dataclasses.asdict(self)
        document["data"] = {"sources": document.pop("sources"), "digest": document.pop("digest")}
        return {key: plain_json(value) for key, value in document.items()}

    def save(self, folder: Path) -> None:
        """Write ``study.json`` into a folder.

        Raises:
            OutputError: if it cannot be written.
        """
        text = json.dumps(self.to_json(), indent=2, allow_nan=False)
        with written_file(folder / STUDY_NAME) as beside:
            beside.write_text(text + "\n", "utf-8")


def load_study(path: Path) -> StudyResult:
    """What a study found.

    Args:
        path: its folder, or the ``study.json`` in it.

    Raises:
        RunError: if there is none, or it is broken or from a newer version.
    """
    file = path / STUDY_NAME if path.is_dir() else path
    try:
        document = json.loads(file.read_text("utf-8"))
        version = document["format_version"]
        if version != FORMAT_VERSION:
            raise RunError(
                f"{file}: expected study format {FORMAT_VERSION}, found {version}, written by "
                f"facemask {document.get('version')}; run the study again"
            )
        data = document.pop("data")
        return StudyResult(
            sources=tuple(data["sources"]),
            digest=data["digest"],
            results=tuple(StudyRun(**run) for run in document.pop("results")),
            comparisons=tuple(_comparison(one) for one in document.pop("comparisons")),
            skipped=tuple(document.pop("skipped", ())),
            sentences=tuple(document.pop("sentences", ())),
            **document,
        )
    except FileNotFoundError:
        raise RunError(
            f"{path}: expected a folder with a {STUDY_NAME}, found none; make one with "
            "'facemask study'"
        ) from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, RunError):
            raise
        raise RunError(f"{file}: broken study: {error!r}; run the study again") from error


def _comparison(document: Mapping[str, Any]) -> StudyComparison:
    bounds = document["ci95"]
    return StudyComparison(**{**document, "ci95": None if bounds is None else tuple(bounds)})
