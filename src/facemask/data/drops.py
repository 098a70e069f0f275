"""The lists of what was left out, as CSV: source, path, reason, detail."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from facemask.data.csv_file import write_csv
from facemask.data.decode import BAD_BOX, UNREADABLE
from facemask.data.rows import Drop
from facemask.errors import DatasetError

DROPPED_NAME = "dropped.csv"
"""Everything that was left out of a dataset."""

UNREADABLE_NAME = "unreadable.csv"
"""What could not be read."""

_COLUMNS = ["source", "path", "reason", "detail"]


def drops_table(drops: Sequence[Drop]) -> pd.DataFrame:
    """One row for each drop, with the columns of the CSV."""
    records = [(drop.source, str(drop.path), drop.reason, drop.detail) for drop in drops]
    return pd.DataFrame.from_records(records, columns=_COLUMNS)


def write_drops(path: Path, drops: Sequence[Drop]) -> None:
    """Write drops as CSV.

    Raises:
        OutputError: if it cannot be written.
    """
    write_csv(path, drops_table(drops))


def read_drops(path: Path) -> list[Drop]:
    """The drops in a CSV that `write_drops` wrote.

    Raises:
        DatasetError: if it is missing or broken.
    """
    try:
        table = pd.read_csv(path, dtype="str", keep_default_na=False)
        return [
            Drop(Path(path), source, reason, detail)
            for source, path, reason, detail in table[_COLUMNS].to_numpy().tolist()
        ]
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(f"{path}: broken list: {error}; run prepare again") from error


def unreadable_among(drops: Sequence[Drop]) -> list[Drop]:
    """Those drops that could not be read."""
    return [drop for drop in drops if drop.reason in (UNREADABLE, BAD_BOX)]
