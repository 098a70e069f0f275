"""What a study found, run by run, as it stands in its ``study.json``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

import facecover
from facecover.documents import read_document, to_document, write_document
from facecover.errors import RunError

STUDY_NAME = "study.json"
FORMAT_VERSION = 1


class _Judged(msgspec.Struct):
    """What is read of a run's metrics."""

    n: int
    accuracy: float
    balanced_accuracy: float | None
    ci95: "_Intervals"


class _Intervals(msgspec.Struct):
    accuracy: tuple[float, float] | None


@dataclass(frozen=True)
class StudyRun:
    """One variant trained with one seed on one part of a division, and measured.

    Attributes:
        source: the source it is about, or ``all``.
        n_train: training images, as ``n_val`` and ``n_test``.
        groups_test: groups of test images that are not independent of each other.
        data_digest: the identity of the divided data.
        best_epoch: whose weights were kept.
        macs: the network's multiply-accumulates for one image.
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
    metrics: dict[str, Any]

    def __post_init__(self) -> None:
        msgspec.convert(self.metrics, _Judged)


@dataclass(frozen=True)
class StudyComparison:
    """Two variants on the same images, over the seeds that both have.

    Attributes:
        source: the source it is about, or ``all``.
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
class SkippedPart:
    """A part of a division that cannot be made of these photos, and why."""

    division: str
    source: str
    reason: str


@dataclass(frozen=True)
class StudyData:
    """The photos: the names of their sources, and the identity of them all."""

    sources: tuple[str, ...]
    digest: str


@dataclass(frozen=True)
class StudyDocument:
    """All that a study found.

    Attributes:
        judged_on: the split that was measured.
        results: one for each variant, seed and part of a division.
        comparisons: one for each pair of variants and part, over all seeds.
        sentences: the answer in plain words, the first one first.
        version: of the package.
        format_version: of the file.
    """

    name: str
    question: str
    claim: str
    judged_on: str
    results: tuple[StudyRun, ...]
    data: StudyData
    comparisons: tuple[StudyComparison, ...] = ()
    skipped: tuple[SkippedPart, ...] = ()
    sentences: tuple[str, ...] = ()
    version: str = facecover.__version__
    format_version: int = FORMAT_VERSION

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        document: dict[str, Any] = to_document(self)
        return document

    def save(self, folder: Path) -> None:
        """Write ``study.json`` into a folder.

        Raises:
            OutputError: if it cannot be written.
        """
        write_document(folder / STUDY_NAME, self)


@dataclass(frozen=True)
class _Header:
    format_version: int
    version: str = ""


def load_study(path: Path) -> StudyDocument:
    """What a study found.

    Args:
        path: its folder, or the ``study.json`` in it.

    Raises:
        RunError: if there is none, or it is broken or from a newer version.
    """
    file = path / STUDY_NAME if path.is_dir() else path
    if not file.exists():
        raise RunError(
            f"{path}: expected a folder with a {STUDY_NAME}, found none; make one with "
            "'facecover study'"
        )
    header = read_document(file, _Header, RunError, "run the study again")
    if header.format_version != FORMAT_VERSION:
        raise RunError(
            f"{file}: expected study format {FORMAT_VERSION}, found {header.format_version}, "
            f"written by facecover {header.version}; run the study again"
        )
    return read_document(file, StudyDocument, RunError, "run the study again")
