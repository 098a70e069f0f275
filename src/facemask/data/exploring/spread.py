"""How a quantity is spread: its quantiles and mean."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from facemask.data.exploring.columns import classes_of

_QUANTILES = (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1)


@dataclass(frozen=True)
class Spread:
    """How a quantity is spread over `n` samples that have it."""

    n: int
    min: float
    p5: float
    p25: float
    median: float
    p75: float
    p95: float
    max: float
    mean: float


def spread_of(values: "pd.Series[float]") -> Spread | None:
    """The spread of a column; None if no sample has the quantity."""
    numbers = values.dropna().to_numpy(dtype=np.float64)
    if not numbers.size:
        return None
    low, p5, p25, median, p75, p95, high = np.quantile(numbers, _QUANTILES).tolist()
    return Spread(numbers.size, low, p5, p25, median, p75, p95, high, float(numbers.mean()))


def spread_by_class(table: pd.DataFrame, column: str) -> dict[str, Spread | None]:
    """The spread of a column of a described table in each class that occurs."""
    by_class = table.groupby("class", sort=False)[column]
    return {name: spread_of(by_class.get_group(name)) for name in classes_of(table)}
