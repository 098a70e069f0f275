"""Ways to cut a set of images into slices: by source, by what was measured of them, by column.

Measures are cut at fixed numbers, so that a slice means the same on every set of images. A numeric
column of the data's own is cut into quarters of the images at hand.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from facemask.data.manifest import COLUMNS

FEW_VALUES = 10
"""A column with this many different values or fewer is cut by value."""

MISSING = "missing"
"""The slice of images without a value."""

_NO_VALUE = frozenset({"", "nan", "na", "n/a", "null", "<na>"})
"""What stands for no value in a column of text, in lower case."""

_CODE = r"[+-]?0\d.*"
"""Numbers written with a leading zero, such as 0007, are names, not amounts."""

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cut:
    """One way to cut images into slices.

    Attributes:
        by: what they are cut by: ``source``, ``side_px``, ``aspect``, ``brightness``,
            ``sharpness``, ``format``, or the name of a column.
        title: the same for people.
        meaning: what is measured; empty where the title says it.
        is_column: whether it is a column of the data's own.
        names: of the slices.
        codes: ``int64 (N,)``, the slice of each image, as a place among the names.
    """

    by: str
    title: str
    meaning: str
    is_column: bool
    names: tuple[str, ...]
    codes: Codes


@dataclass(frozen=True, slots=True)
class Bands:
    """A measure and where it is cut; a number on an edge belongs to the band above.

    Attributes:
        by: the measure's key.
        title: the same for people.
        meaning: what is measured.
        edges: ascending.
        unit: stands after the numbers.
    """

    by: str
    title: str
    meaning: str
    edges: tuple[float, ...]
    unit: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the bands: ``under 32 px``, ``32 to 64 px``, ``64 px and over``."""
        inner = (
            f"{low:g} to {high:g}{self.unit}"
            for low, high in zip(self.edges, self.edges[1:], strict=False)
        )
        first, last = f"{self.edges[0]:g}{self.unit}", f"{self.edges[-1]:g}{self.unit}"
        return (f"under {first}", *inner, f"{last} and over")


BANDS = (
    # 32 and 64 are the input sizes of Net #1 and Net #2: below, a face is blown up.
    Bands("side_px", "Face size", "the shorter side of the face", (32, 64, 128), " px"),
    # Face crops of detectors are 3:4 to square; beyond 2:3 and 3:2 squeezing distorts them much.
    Bands("aspect", "Aspect", "width divided by height", (0.67, 0.9, 1.1, 1.5)),
    # Mean luma, 0 to 1: half of the photos of public data sets lie within 0.4 and 0.6.
    Bands("brightness", "Brightness", "mean luma, 0 to 1", (0.3, 0.4, 0.5, 0.6, 0.7)),
    # Mean absolute Laplacian at 64 x 64: about the 5th, 25th, 70th and 90th percentile there.
    Bands("sharpness", "Sharpness", "mean Laplacian at 64 x 64, 0 to 1", (0.005, 0.01, 0.02, 0.03)),
)
"""The measures that every manifest has, with the numbers that they are cut at."""


def cut_images(table: pd.DataFrame) -> tuple[tuple[Cut, ...], dict[str, str]]:
    """Every way to cut the images of a table, and for what cannot cut them the reason.

    Args:
        table: the manifest's rows of the images, with `manifest.COLUMNS` and any further ones.
    """
    found, refused = [], {}
    for cut in _cuts(table):
        filled = np.unique(cut.codes)
        if len(filled) > 1:
            found.append(cut)
        else:
            refused[cut.by] = f"all images are alike: {cut.names[filled[0]]}"
    for name in table.columns:
        if name not in COLUMNS and _is_too_varied(table[name]):
            refused[str(name)] = f"text of more than {FEW_VALUES} different values"
    return tuple(found), refused


def _cuts(table: pd.DataFrame) -> Iterator[Cut]:
    yield _by_value("source", "Source", table["source"])
    shorter = table[["width", "height"]].min(axis=1)
    measures = {
        "side_px": shorter,
        "aspect": table["width"] / table["height"],
        "brightness": table["brightness"],
        "sharpness": table["sharpness"],
    }
    for bands in BANDS:
        yield _by_band(bands, measures[bands.by].to_numpy(np.float64))
    yield _by_value("format", "File format", table["format"])
    for name in table.columns:
        if name not in COLUMNS and not _is_too_varied(table[name]):
            yield _by_column(str(name), table[name])


def _by_band(bands: Bands, values: npt.NDArray[np.float64]) -> Cut:
    places = np.digitize(values, bands.edges).astype(np.int64)
    codes: Codes = np.where(np.isfinite(values), places, len(bands.names))
    return Cut(bands.by, bands.title, bands.meaning, False, (*bands.names, MISSING), codes)


def _by_value(by: str, title: str, column: "pd.Series", *, is_column: bool = False) -> Cut:
    texts = _texts(column)
    names = [str(name) for name in sorted(texts.dropna().unique())]
    codes = texts.map({name: code for code, name in enumerate(names)}).fillna(len(names))
    return Cut(by, title, "", is_column, (*names, MISSING), np.asarray(codes, np.int64))


def _by_column(name: str, column: "pd.Series") -> Cut:
    title = f"Column {name}"
    if _texts(column).nunique() <= FEW_VALUES:
        return _by_value(name, title, column, is_column=True)
    numbers = _numbers(column)
    known = np.isfinite(numbers)
    edges = np.unique(np.quantile(numbers[known], (0.25, 0.5, 0.75)))
    codes: Codes = np.where(known, np.digitize(numbers, edges), len(edges) + 1)
    names = Bands(name, title, "", tuple(float(f"{edge:.4g}") for edge in edges)).names
    return Cut(name, title, "quarters of these images", True, (*names, MISSING), codes)


def _is_too_varied(column: "pd.Series") -> bool:
    """Whether a column is text of many values: names and identities slice nothing."""
    texts = _texts(column)
    if texts.nunique() <= FEW_VALUES:
        return False
    given = texts.dropna()
    numbers = pd.to_numeric(given, errors="coerce")
    are_names = given.str.fullmatch(_CODE).any() or numbers.isna().any()
    return bool(are_names) or not np.isfinite(_numbers(column)).any()


def _texts(column: "pd.Series") -> "pd.Series":
    """The values as text, without those that stand for none."""
    texts = column.astype("string").str.strip()
    return texts.mask(texts.str.lower().isin(_NO_VALUE))


def _numbers(column: "pd.Series") -> npt.NDArray[np.float64]:
    """The values as numbers; NaN where there is none: ``float64 (N,)``."""
    return pd.to_numeric(_texts(column), errors="coerce").to_numpy(np.float64, na_value=np.nan)
