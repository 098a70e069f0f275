"""`explore` and `audit`: what is in photos, and what is wrong with them, before any training."""

import dataclasses
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.copies.duplicates import group_together
from facecover.dataset import MAX_UNREADABLE_SHARE, MEASURE_SIZE_PX
from facecover.dataset.arrays import Dataset
from facecover.dataset.collect import UNREADABLE_NAME, unreadable_among, write_drops
from facecover.dataset.manifest import AS_READ, Manifest
from facecover.dataset.opened import Paths, SourceOptions, as_paths, decoded, is_dataset
from facecover.documents import to_document, write_document
from facecover.errors import DatasetError, OutputError, RunError, shown
from facecover.files import check_replaceable, written_folder
from facecover.labels import CLASS_NAMES, class_name, parse_mapping
from facecover.look.audit_checks import Audit, run_checks
from facecover.look.audit_tables import AUDIT_NAME, write_tables
from facecover.look.exploration import Exploration, explore_dataset
from facecover.look.finding import Finding, audit_documents, rounded_document
from facecover.look.samples import read_samples
from facecover.look.shortcuts import FEWEST_GROUPS
from facecover.look.statistics import NOT_SPLIT
from facecover.look.suspect_images import rank_suspects
from facecover.photos import MAX_MEGAPIXELS, checked_megapixels
from facecover.preparation.label_corrections import apply_lists, read_corrections
from facecover.progress import SILENT, Progress
from facecover.report import REPORT_NAME
from facecover.report.audit_figures import Audited, write_sheets
from facecover.report.audit_page import audit_sections, write_audit_page
from facecover.report.blocks import Section
from facecover.report.exploration_page import explore_sections, write_explore_page
from facecover.report.html import notebook_frame
from facecover.sources.rows import Drop

EXPLORATION_NAME = "exploration.json"

_EXPLORATION_FILES = (UNREADABLE_NAME, REPORT_NAME)
"""What else the folder of an exploration holds."""

_AUDIT_FILES = (
    REPORT_NAME, "leakage.csv", "duplicates.*", "conflicts.*", "outliers.*", "suspects.*",
)  # fmt: skip
"""What else the folder of an audit holds: lists as CSV, contact sheets as PNG."""

AUDIT_FORMAT_VERSION = 1
"""Of the JSON that `audit` prints and writes."""


@dataclass(frozen=True, repr=False)  # its tables and images fill screens
class ExploreResult:
    """What `explore` found out.

    Attributes:
        exploration: the numbers.
        findings: of the audit's checks that need no trained model.
        drops: what was left out on the way.
    """

    exploration: Exploration
    findings: tuple[Finding, ...]
    drops: tuple[Drop, ...]

    def to_json(self) -> dict[str, Any]:
        """The numbers, the key insights, and under ``audit`` what the checks found."""
        document = self.exploration.to_json()
        if self.findings:
            document["audit"] = rounded_document(audit_documents(self.findings))
        return document

    def to_pandas(self) -> pd.DataFrame:
        """One row a photo: the manifest's columns and what was measured of each."""
        return self.exploration.table

    @property
    def sections(self) -> tuple[Section, ...]:
        """What there is to show of it, but for the photos themselves."""
        return explore_sections(self.exploration, None, self.drops, self.findings)

    def _repr_html_(self) -> str:
        return notebook_frame("The photos", self.sections)

    def write(self, folder: Path) -> Path:
        """Write the page, the numbers and the list of unreadable files; gives the page.

        Raises:
            OutputError: if the folder holds something else or cannot be written.
        """
        with written_folder(
            folder, replace_if=EXPLORATION_NAME, holding=_EXPLORATION_FILES
        ) as beside:
            write_document(beside / EXPLORATION_NAME, self.to_json())
            write_drops(beside / UNREADABLE_NAME, unreadable_among(self.drops))
            samples = read_samples(self.exploration.table, self.exploration.sources)
            page = beside / REPORT_NAME
            write_explore_page(page, self.exploration, samples, self.drops, self.findings)
        return folder / REPORT_NAME


def explore(
    sources: Paths,
    output: str | Path | None = None,
    *,
    layout: Sequence[str] = (),
    label: Sequence[str] = (),
    mapping: Sequence[str] = (),
    max_unreadable: float = MAX_UNREADABLE_SHARE,
    workers: int | None = None,
    max_megapixels: int = MAX_MEGAPIXELS,
    progress: Progress = SILENT,
) -> ExploreResult:
    """Look into photos, or into a prepared dataset, before anything is trained.

    Args:
        sources: folders of photos or CSV files, or one dataset.
        output: a folder for the page with its figures, and the numbers.
        layout: ``[NAME=]LAYOUT``, see `facecover.sources`.
        label: ``[NAME=]CLASS``, of every photo in a source without class names.
        mapping: ``THEIRS=CLASS``.
        max_unreadable: 0..1; a larger share of photos that cannot be read is an error.
        workers: threads that decode; one a core by default.
        max_megapixels: of large photos that are decoded at a time, 1..178; one with more is decoded
            at reduced scale if it is a JPEG, and cannot be read otherwise.
        progress: told how far it is.

    Raises:
        ConfigError: if an option is wrong.
        DatasetError: if the data cannot be read.
        LabelError: if a class name is unknown.
        OutputError: if the folder holds something else or cannot be written.
    """
    if output is not None:
        output = Path(output)
        check_replaceable(output, replace_if=EXPLORATION_NAME, holding=_EXPLORATION_FILES)
    max_pixels = checked_megapixels(max_megapixels)
    options = SourceOptions(layout, label, mapping, max_unreadable, workers, max_pixels)
    with decoded(as_paths(sources), options, progress) as (dataset, drops):
        found = explored(dataset, drops, workers=workers, progress=progress)
        if output is not None:
            found.write(output)
    return found


def explored(
    dataset: Dataset,
    drops: Sequence[Drop] = (),
    *,
    workers: int | None = None,
    progress: Progress = SILENT,
) -> ExploreResult:
    """The same of a dataset that is open; `drops` is what was left out of it."""
    exploration = explore_dataset(dataset)
    checked = _checked(dataset, workers, 0, progress)
    return ExploreResult(exploration, tuple(checked.findings), tuple(drops))


@dataclass(frozen=True, repr=False)  # its tables and images fill screens
class AuditResult:
    """What `audit` found out.

    Attributes:
        audited: the samples and every check.
        manifest: what is known of the samples.
    """

    audited: Audited
    manifest: Manifest

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What each check found."""
        return tuple(self.audited.found.findings)

    def to_json(self) -> dict[str, Any]:
        """``format_version``, ``sources``, ``counts`` and ``findings``."""
        table, info = self.manifest.table, self.manifest.info
        by_label = np.bincount(table["label"].to_numpy(np.int64)).tolist()
        counts = {
            "images": len(table),
            "by_class": {CLASS_NAMES[label]: n for label, n in enumerate(by_label) if n},
            "by_split": table["split"].fillna(NOT_SPLIT).value_counts().to_dict(),
            "left_out": {k: n for k, n in info.counts.items() if k not in ("read", "kept")},
            "relabelled": info.relabelled,
        }
        document: dict[str, Any] = to_document(
            {
                "format_version": AUDIT_FORMAT_VERSION,
                "sources": info.sources,
                "counts": counts,
                "findings": rounded_document(audit_documents(self.findings)),
            }
        )
        return document

    def to_pandas(self) -> pd.DataFrame:
        """One row a check: ``check``, ``is_failed``, ``is_measured``, ``sentence``."""
        return pd.DataFrame(
            [(one.key, one.is_warning, one.is_measured, one.sentence) for one in self.findings],
            columns=["check", "is_failed", "is_measured", "sentence"],
        )

    @property
    def sections(self) -> tuple[Section, ...]:
        """What there is to show of it."""
        return audit_sections(self.audited)

    def _repr_html_(self) -> str:
        return notebook_frame("What is wrong with the photos", self.sections)

    def write_into(self, folder: Path) -> None:
        """Write the page, the numbers, the lists and the contact sheets into a new folder."""
        roots = {source.name: Path(source.root) for source in self.manifest.info.sources}
        write_document(folder / AUDIT_NAME, self.to_json())
        write_tables(folder, self.audited.table, self.audited.found, roots)
        write_sheets(folder, self.audited)
        write_audit_page(folder / REPORT_NAME, self.audited)


def audit(
    sources: Paths,
    output: str | Path | None = None,
    *,
    relabel: Paths = (),
    seed: int = 0,
    no_suspects: bool = False,
    layout: Sequence[str] = (),
    label: Sequence[str] = (),
    mapping: Sequence[str] = (),
    max_unreadable: float = MAX_UNREADABLE_SHARE,
    workers: int | None = None,
    max_megapixels: int = MAX_MEGAPIXELS,
    progress: Progress = SILENT,
) -> AuditResult:
    """Check photos, or a prepared dataset: copies, leaks, wrong labels, shortcuts, outliers.

    Args:
        sources: folders of photos or CSV files, or one dataset.
        output: a folder for the page, the lists and the contact sheets.
        relabel: lists of corrected labels.
        seed: of folds, networks and samples.
        no_suspects: leave out the one check that trains networks.
        layout: as for `explore`.
        label: as for `explore`.
        mapping: as for `explore`.
        max_unreadable: as for `explore`.
        workers: as for `explore`.
        max_megapixels: as for `explore`.
        progress: told how far it is.

    Raises:
        ConfigError: if an option is wrong.
        DatasetError: if the data cannot be read.
        LabelError: if a class name is unknown.
        OutputError: if the folder holds something else or cannot be written.
    """
    if output is not None:
        output = Path(output)
        _check_audit_folder(output)
    lists = {path: read_corrections(path) for path in as_paths(relabel)}
    max_pixels = checked_megapixels(max_megapixels)
    options = SourceOptions(layout, label, mapping, max_unreadable, workers, max_pixels)
    # What cannot be written is said before the long checks.
    place = (
        nullcontext()
        if output is None
        else written_folder(output, replace_if=AUDIT_NAME, holding=_AUDIT_FILES, note=progress.note)
    )
    with decoded(as_paths(sources), options, progress) as (dataset, _), place as folder:
        if lists:
            dataset = _corrected(dataset, lists, mapping, progress)
        checked = _checked(dataset, workers, seed, progress)
        if not no_suspects:
            suspects, missing = _suspects(dataset, checked, seed, progress)
            checked = dataclasses.replace(checked, suspects=suspects, suspects_missing=missing)
        table, images = dataset.manifest.table, dataset.images(MEASURE_SIZE_PX)
        found = AuditResult(Audited(table, images, checked, seed), dataset.manifest)
        if folder is not None:
            found.write_into(folder)
    return found


def _check_audit_folder(folder: Path) -> None:
    # A dataset holds an audit.json, too, and must not be taken for the report of an audit.
    if is_dataset(folder):
        raise OutputError(
            f"{shown(folder)}: a prepared dataset stands there, and is left as it is: name "
            "another folder"
        )
    check_replaceable(folder, replace_if=AUDIT_NAME, holding=_AUDIT_FILES)


def _corrected(
    dataset: Dataset, lists: dict[Path, pd.DataFrame], mapping: Sequence[str], progress: Progress
) -> Dataset:
    table, changes = apply_lists(dataset.manifest.table, lists, parse_mapping(list(mapping)))
    progress.note(f"labels corrected: {len(changes):,}")
    info = dataclasses.replace(dataset.manifest.info, relabelled=len(changes))
    return Dataset(dataset.folder, Manifest(table, info))


def _checked(dataset: Dataset, workers: int | None, seed: int, progress: Progress) -> Audit:
    """Every check that needs no trained model."""
    table, info = dataset.manifest.table, dataset.manifest.info
    progress.note(f"checking {len(table):,} images")
    made = info.split_by if info.split_by == AS_READ else f"prepare, by {info.split_by}"
    images = dataset.images(MEASURE_SIZE_PX)
    return run_checks(table, images, split_by=made, workers=workers, seed=seed)


def _suspects(
    dataset: Dataset, checked: Audit, seed: int, progress: Progress
) -> tuple[pd.DataFrame | None, str]:
    """The labels that networks contradict, or None and why they cannot be judged."""
    table = dataset.manifest.table
    # What shows one picture or person is held out together.
    groups = group_together(table, checked.duplicates, checked.identities.identity)
    if missing := _too_little_to_judge(dataset.labels, groups):
        return None, missing
    # PyTorch takes seconds to import.
    from facecover.training.out_of_fold import out_of_fold_probabilities, plan_folds

    try:
        with progress.bar("judging labels", plan_folds(dataset, groups).epochs) as advance:
            probabilities = out_of_fold_probabilities(
                dataset, groups, seed=seed, on_progress=advance
            )
        return rank_suspects(table, probabilities), ""
    except (DatasetError, RunError) as error:
        return None, str(error)


def _too_little_to_judge(labels: npt.NDArray[np.int64], groups: npt.NDArray[np.int64]) -> str:
    present = np.unique(labels).tolist()
    if len(present) < 2:
        return f"every label is {class_name(present[0])!r}; two classes or more are needed"
    for label in present:
        count = len(np.unique(groups[labels == label]))
        if count < FEWEST_GROUPS:
            return (
                f"expected at least {FEWEST_GROUPS} different pictures or persons of "
                f"{class_name(label)!r} to judge labels by, found {count}; add photos"
            )
    return ""
