"""`explore` and `audit`: a look into photos before anything is trained."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facecover.cli.console import CONSOLE, show, show_json
from facecover.cli.options import (
    ClassMapping,
    Labels,
    Layouts,
    MaxMegapixels,
    MaxUnreadable,
    Relabel,
    Sources,
    Workers,
)
from facecover.dataset import MAX_UNREADABLE_SHARE
from facecover.errors import ConfigError, shown
from facecover.look import CHECKS
from facecover.photos import MAX_MEGAPIXELS
from facecover.report import REPORT_NAME

if TYPE_CHECKING:
    from facecover.look.finding import Finding

FOUND_STATUS = 3
"""The exit status where a check named to `--fail-on` failed."""

NOT_CHECKED_STATUS = 4
"""The exit status where none failed, and one of them could not be made."""


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
    max_megapixels: MaxMegapixels = MAX_MEGAPIXELS,
) -> None:
    """Look into photos, or into a prepared dataset, before anything is trained."""
    from facecover.report.terminal import render
    from facecover.workflows.inspect_data import explore

    found = explore(
        sources,
        output,
        layout=layout,
        label=label,
        mapping=mapping,
        max_unreadable=max_unreadable,
        workers=workers,
        max_megapixels=max_megapixels,
        progress=CONSOLE,
    )
    if as_json:
        show_json(found.to_json())
    else:
        show(*render(found.sections))
    if output is not None:
        CONSOLE.note(f"report: {output / REPORT_NAME}")


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
            help=f"End with status {FOUND_STATUS} if one of these finds something, with "
            f"{NOT_CHECKED_STATUS} if one could not be made: {', '.join(CHECKS)}.",
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
    max_megapixels: MaxMegapixels = MAX_MEGAPIXELS,
) -> None:
    """Check photos, or a prepared dataset: copies, leaks, wrong labels, shortcuts, outliers."""
    from facecover.report.terminal import render
    from facecover.workflows.inspect_data import audit

    gates = _gates(fail_on, no_suspects)
    found = audit(
        sources,
        output,
        relabel=relabel,
        seed=seed,
        no_suspects=no_suspects,
        layout=layout,
        label=label,
        mapping=mapping,
        max_unreadable=max_unreadable,
        workers=workers,
        max_megapixels=max_megapixels,
        progress=CONSOLE,
    )
    if as_json:
        show_json(found.to_json())
    else:
        show(*render(found.sections))
    if output is not None:
        CONSOLE.note(f"report: {output / REPORT_NAME}")
    _judge([one for one in found.findings if one.key in gates])


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


def _judge(named: "Sequence[Finding]") -> None:
    """End with a status of its own if a check that was named failed, or could not be made."""
    for one in named:
        if not one.is_measured:
            CONSOLE.note(f"--fail-on {one.key}: {shown(one.sentence)}")
    failed = [one.key for one in named if one.is_warning]
    if failed:
        CONSOLE.note(f"--fail-on: {', '.join(failed)} found something that needs a look")
        raise typer.Exit(FOUND_STATUS)
    missing = [one.key for one in named if not one.is_measured]
    if missing:
        CONSOLE.note(f"--fail-on: {', '.join(missing)} could not be checked, which is no pass")
        raise typer.Exit(NOT_CHECKED_STATUS)
