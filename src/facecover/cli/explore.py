"""`audit`: what is wrong with photos, or with a prepared dataset, before anything is trained."""

import dataclasses
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from facecover.cli.console import CONSOLE, show, show_json
from facecover.cli.options import (
    ClassMapping,
    Labels,
    Layouts,
    MaxUnreadable,
    Relabel,
    Sources,
    Workers,
)
from facecover.dataset import MAX_UNREADABLE_SHARE
from facecover.errors import ConfigError, OutputError, shown
from facecover.files import check_replaceable, written_folder
from facecover.labels import CLASS_NAMES, parse_mapping
from facecover.look import CHECKS
from facecover.report import REPORT_NAME
from facecover.sources.rows import Drop

if TYPE_CHECKING:
    import pandas as pd

    from facecover.dataset.arrays import Dataset
    from facecover.look.audit_checks import Audit
    from facecover.look.exploration import Exploration
    from facecover.look.finding import Finding
    from facecover.report.audit_sections import Audited

_AUDIT_FILES = (
    REPORT_NAME, "leakage.csv", "duplicates.*", "conflicts.*", "outliers.*", "suspects.*",
)  # fmt: skip
"""What else the folder of an audit holds: lists as CSV, contact sheets as PNG."""

FORMAT_VERSION = 1
"""Of the JSON that `audit` prints and writes."""

FOUND_STATUS = 3
"""The exit status where a check named to `--fail-on` failed."""


def audit_command(
    sources: Sources,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Write the page, the lists and the contact sheets here."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    fail_on: Annotated[
        str,
        typer.Option(
            metavar="CHECK,...",
            help=f"End with status {FOUND_STATUS} if one of these finds something: "
            f"{', '.join(CHECKS)}.",
            show_default=False,
        ),
    ] = "",
    relabel: Relabel = [],  # noqa: B006  (Typer reads the default, nobody changes it)
    seed: Annotated[int, typer.Option(help="Of folds, networks and samples.", min=0)] = 0,
    no_suspects: Annotated[
        bool, typer.Option("--no-suspects", help="Leave out the one check that trains networks.")
    ] = False,
    layout: Layouts = [],  # noqa: B006
    label: Labels = [],  # noqa: B006
    mapping: ClassMapping = [],  # noqa: B006
    max_unreadable: MaxUnreadable = MAX_UNREADABLE_SHARE,
    workers: Workers = None,
) -> None:
    """Check photos, or a prepared dataset: copies, leaks, wrong labels, shortcuts, outliers."""
    from facecover.dataset.opened import SourceOptions, decoded
    from facecover.preparation.label_corrections import read_corrections
    from facecover.report.terminal import audit_text

    gates = _gates(fail_on, no_suspects)
    if output is not None:
        _check_output(output)
    lists = {path: read_corrections(path) for path in relabel}
    reading = SourceOptions(layout, label, mapping, max_unreadable, workers)
    with decoded(sources, reading, CONSOLE) as (dataset, _), _opened(output) as folder:
        if lists:
            dataset = _corrected(dataset, lists, mapping)
        audited = _audited(dataset, seed, workers, asks_models=not no_suspects)
        document = _audit_document(dataset, audited.found)
        if as_json:
            show_json(document)
        else:
            show(audit_text(audited))
        if folder is not None:
            _write(folder, document, audited, dataset)
    if output is not None:
        CONSOLE.note(f"report: {output / REPORT_NAME}")
    _judge(audited.found.findings, gates)


def _gates(fail_on: str, no_suspects: bool) -> tuple[str, ...]:
    """The checks named to `--fail-on`, in the order of `CHECKS`."""
    names = {name.strip() for name in fail_on.split(",")} - {""}
    unknown = sorted(names - set(CHECKS))
    if unknown or (fail_on and not names):
        raise ConfigError(
            f"--fail-on {shown(fail_on)!r}: expected one or more of {', '.join(CHECKS)}"
            + (f"; found {', '.join(map(repr, unknown))}" if unknown else "")
        )
    if no_suspects and "suspects" in names:
        raise ConfigError("--fail-on suspects: expected that check, found --no-suspects; drop one")
    return tuple(check for check in CHECKS if check in names)


def _check_output(folder: Path) -> None:
    from facecover.dataset.opened import is_dataset
    from facecover.look.audit_tables import AUDIT_NAME

    # A dataset holds an audit.json, too, and must not be taken for the report of an audit.
    if is_dataset(folder):
        raise OutputError(
            f"{shown(folder)}: a prepared dataset stands there, and is left as it is: name "
            "another folder"
        )
    check_replaceable(folder, replace_if=AUDIT_NAME, holding=_AUDIT_FILES)


def _corrected(
    dataset: "Dataset", lists: "dict[Path, pd.DataFrame]", mapping: list[str]
) -> "Dataset":
    from facecover.dataset.arrays import Dataset
    from facecover.dataset.manifest import Manifest
    from facecover.preparation.label_corrections import apply_lists

    table, changes = apply_lists(dataset.manifest.table, lists, parse_mapping(mapping))
    CONSOLE.note(f"labels corrected: {len(changes):,}")
    info = dataclasses.replace(dataset.manifest.info, relabelled=len(changes))
    return Dataset(dataset.folder, Manifest(table, info))


def fast_checks(dataset: "Dataset", workers: int | None = None, seed: int = 0) -> "Audit":
    """Every check that needs no trained model; `explore` makes them, too.

    Args:
        dataset: from `decoded`.
        workers: threads; by default one a core.
        seed: of what is drawn at random.
    """
    from facecover.dataset.arrays import MEASURE_SIZE_PX
    from facecover.dataset.opened import AS_READ
    from facecover.look.audit_checks import audit

    table, info = dataset.manifest.table, dataset.manifest.info
    CONSOLE.note(f"checking {len(table):,} images")
    made = info.split_by if info.split_by == AS_READ else f"prepare, by {info.split_by}"
    images = dataset.images(MEASURE_SIZE_PX)
    return audit(table, images, split_by=made, workers=workers, seed=seed)


def _audited(dataset: "Dataset", seed: int, workers: int | None, *, asks_models: bool) -> "Audited":
    """Every check that was asked for."""
    from facecover.dataset.arrays import MEASURE_SIZE_PX
    from facecover.report.audit_sections import Audited
    from facecover.workflows.inspect_data import find_suspects

    table = dataset.manifest.table
    images = dataset.images(MEASURE_SIZE_PX)
    found = fast_checks(dataset, workers, seed)
    if asks_models:
        suspects, missing = find_suspects(dataset, found, seed, CONSOLE)
        found = dataclasses.replace(found, suspects=suspects, suspects_missing=missing)
    return Audited(table, images, found, seed)


def _audit_document(dataset: "Dataset", found: "Audit") -> dict[str, Any]:
    """What `--json` prints and `audit.json` holds."""
    from facecover.look.exploration import as_json
    from facecover.look.finding import findings_json
    from facecover.look.statistics import NOT_SPLIT

    info = dataset.manifest.info
    labels = dataset.labels
    counts = {
        "images": len(dataset),
        "by_class": {
            CLASS_NAMES[label]: int((labels == label).sum()) for label in np.unique(labels)
        },
        "by_split": dataset.manifest.table["split"].fillna(NOT_SPLIT).value_counts().to_dict(),
        "left_out": {
            reason: count for reason, count in info.counts.items() if reason not in ("read", "kept")
        },
        "relabelled": info.relabelled,
    }
    return {
        "format_version": FORMAT_VERSION,
        "sources": as_json(info.sources),
        "counts": counts,
        "findings": as_json(findings_json(found.findings)),
    }


def _opened(output: Path | None) -> AbstractContextManager[Path | None]:
    """The folder to write into: what cannot be written is said before the long checks."""
    from facecover.look.audit_tables import AUDIT_NAME

    if output is None:
        return nullcontext()
    return written_folder(output, replace_if=AUDIT_NAME, holding=_AUDIT_FILES)


def _write(folder: Path, document: dict[str, Any], audited: "Audited", dataset: "Dataset") -> None:
    from facecover.look.audit_tables import AUDIT_NAME, write_tables
    from facecover.report.audit_page import write_audit_page, write_sheets

    roots = {source.name: Path(source.root) for source in dataset.manifest.info.sources}
    text = json.dumps(document, indent=2, allow_nan=False)
    (folder / AUDIT_NAME).write_text(text + "\n", "utf-8")
    write_tables(folder, audited.table, audited.found, roots)
    write_sheets(folder, audited)
    write_audit_page(folder / REPORT_NAME, audited)


def _judge(findings: "Sequence[Finding]", gates: Sequence[str]) -> None:
    """End with `FOUND_STATUS` if a check that was named failed; say which were not made."""
    named = [one for one in findings if one.check in gates]
    for one in named:
        if not one.is_measured:
            CONSOLE.note(f"--fail-on {one.check}: {shown(one.sentence)}")
    failed = [one.check for one in named if one.is_failed]
    if failed:
        CONSOLE.note(f"--fail-on: {', '.join(failed)} found something that needs a look")
        raise typer.Exit(FOUND_STATUS)


EXPLORATION_NAME = "exploration.json"
_EXPLORATION_FILES = ("unreadable.csv", REPORT_NAME)
"""What else the folder of an exploration holds."""


def explore_command(
    sources: Sources,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write the page with its figures into this folder."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
    layout: Layouts = [],  # noqa: B006  (Typer reads the default, nobody changes it)
    label: Labels = [],  # noqa: B006
    mapping: ClassMapping = [],  # noqa: B006
    max_unreadable: MaxUnreadable = MAX_UNREADABLE_SHARE,
    workers: Workers = None,
) -> None:
    """Look into photos, or into a prepared dataset, before anything is trained."""
    from facecover.dataset.opened import SourceOptions, decoded
    from facecover.look.exploration import explore_dataset
    from facecover.report.terminal import explore_text, findings_text

    if output is not None:
        check_replaceable(output, replace_if=EXPLORATION_NAME, holding=_EXPLORATION_FILES)
    reading = SourceOptions(layout, label, mapping, max_unreadable, workers)
    with decoded(sources, reading, CONSOLE) as (dataset, drops):
        exploration = explore_dataset(dataset)
        findings = fast_checks(dataset, workers).findings
    if as_json:
        show_json(_exploration_document(exploration, findings))
    else:
        show(explore_text(exploration), "", findings_text(findings))
    if output is not None:
        CONSOLE.note(f"report: {write_exploration(output, exploration, drops, findings)}")


def write_exploration(
    folder: Path,
    exploration: "Exploration",
    drops: Sequence[Drop],
    findings: "Sequence[Finding]" = (),
) -> Path:
    """Write an exploration's page, numbers and unreadable files into a folder; gives the page.

    Args:
        folder: where.
        exploration: what was found.
        drops: what was left out on the way.
        findings: of an audit of the same photos, if there was one.

    Raises:
        OutputError: if the folder holds something else or cannot be written.
    """
    from facecover.dataset.collect import UNREADABLE_NAME, unreadable_among, write_drops
    from facecover.look.exploration import read_samples
    from facecover.report.exploration_page import write_explore_page

    with written_folder(folder, replace_if=EXPLORATION_NAME, holding=_EXPLORATION_FILES) as beside:
        numbers = json.dumps(
            _exploration_document(exploration, findings), indent=2, allow_nan=False
        )
        (beside / EXPLORATION_NAME).write_text(numbers + "\n", "utf-8")
        write_drops(beside / UNREADABLE_NAME, unreadable_among(drops))
        samples = read_samples(exploration)
        write_explore_page(beside / REPORT_NAME, exploration, samples, drops, findings)
    return folder / REPORT_NAME


def _exploration_document(
    exploration: "Exploration", findings: "Sequence[Finding]"
) -> dict[str, object]:
    """The numbers, the key insights, and under ``audit`` what the checks found."""
    from facecover.look.exploration import as_json
    from facecover.look.finding import findings_json
    from facecover.look.insights import exploration_json

    audited = {"audit": as_json(findings_json(findings))} if findings else {}
    return {**exploration_json(exploration), **audited}
