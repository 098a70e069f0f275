"""How much of a split shows what another split shows too."""

import pandas as pd


def crossing_share(table: pd.DataFrame, split: str = "test") -> float:
    """The share of a split's samples, 0..1, whose group has samples in another split too."""
    inside = table["split"] == split
    if not inside.any():
        return 0.0
    splits_of = table.groupby("group")["split"].nunique()
    return float((table.loc[inside, "group"].map(splits_of) > 1).mean())
