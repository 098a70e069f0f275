"""What the audit of a dataset's photos found, kept beside the dataset."""

import json
from collections.abc import Sequence
from pathlib import Path

from facemask.data.audit.conflicts import Conflicts
from facemask.data.audit.findings import Finding, findings_json
from facemask.data.audit.leakage import Leakage
from facemask.data.audit_tables import conflicts_table
from facemask.data.csv_file import write_csv
from facemask.files import written_file

AUDIT_NAME = "audit.json"
"""The findings in all photos as they were read, and what the dataset's own splits leak."""

CONFLICTS_NAME = "conflicts.csv"
"""The pictures with several labels."""

FORMAT_VERSION = 1
"""Of `AUDIT_NAME`."""


def write_audit(folder: Path, findings: Sequence[Finding], leakage: Leakage) -> None:
    """Write `AUDIT_NAME`.

    Args:
        folder: where.
        findings: in all photos, before any was dropped; none where they were not audited.
        leakage: of the splits that the dataset has.

    Raises:
        OutputError: if it cannot be written.
    """
    document = {
        "format_version": FORMAT_VERSION,
        "findings": findings_json(findings),
        "splits": leakage.facts,
    }
    with written_file(folder / AUDIT_NAME) as beside:
        beside.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", "utf-8")


def write_conflicts(folder: Path, conflicts: Conflicts) -> None:
    """Write `CONFLICTS_NAME`; edited, it can be given to `--relabel`.

    Raises:
        OutputError: if it cannot be written.
    """
    write_csv(folder / CONFLICTS_NAME, conflicts_table(conflicts))
