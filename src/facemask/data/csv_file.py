"""Tables of samples as CSV files that any file name survives."""

import csv
from pathlib import Path

import pandas as pd

from facemask.files import written_file


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, each text in quotes.

    Raises:
        OutputError: if it cannot be written.
    """
    with written_file(path) as beside:
        # A name with a lone carriage return would end its line if it were not quoted, and a name
        # that is not UTF-8 could not be written at all.
        table.to_csv(beside, index=False, errors="backslashreplace", quoting=csv.QUOTE_NONNUMERIC)
