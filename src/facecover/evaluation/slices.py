"""A model on parts of the images: where it is weak."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from facecover.dataset.manifest import COLUMNS
from facecover.documents import Json, to_document
from facecover.errors import ConfigError, DatasetError
from facecover.evaluation import MIN_SLICE
from facecover.evaluation.intervals import Metrics
from facecover.evaluation.performance import Evaluation

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
    """A measure and the ascending edges that it is cut at; an edge belongs to the band above."""

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
    """Every way to cut a manifest's images, and for each column that cuts nothing the reason."""
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


RANKED_BY = "accuracy, the lowest first"
"""Not the interval's upper end: by that, large slices that are hardly worse than all images stand
before small ones that are much worse."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A model on some of the images; what is not said here is as in `Cut`.

    Attributes:
        name: which part: ``under 32 px``, the name of a source, ``missing``.
        too_few: why nothing can be said of it; empty where something can.
    """

    by: str
    title: str
    meaning: str
    name: str
    is_column: bool
    metrics: Metrics
    too_few: str

    @property
    def label(self) -> str:
        """For people: ``Face size: under 32 px``."""
        return f"{self.title}: {self.name}"

    def to_json(self) -> dict[str, Json]:
        """The metrics' keys, and what the slice is."""
        return {
            "by": self.by,
            "name": self.name,
            "is_column": self.is_column,
            "units": self.metrics.n_units,
            "too_few": self.too_few or None,
            **self.metrics.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Slices:
    """A model on every slice.

    Attributes:
        whole: on all of the images.
        min_n: slices of fewer images are too few to judge.
        not_sliced: for each column that cuts nothing, why.
    """

    whole: Metrics
    min_n: int
    slices: tuple[Slice, ...]
    not_sliced: dict[str, str]

    @property
    def judged(self) -> tuple[Slice, ...]:
        """Those of enough images, the worst first, see `RANKED_BY`."""
        return tuple(sorted((one for one in self.slices if not one.too_few), key=_badness))

    @property
    def too_few(self) -> tuple[Slice, ...]:
        """The others, in the order of the cuts."""
        return tuple(one for one in self.slices if one.too_few)

    def to_json(self) -> dict[str, Json]:
        """The worst slice first; those that are too few to judge last."""
        return {
            "min_n": self.min_n,
            "ranked_by": RANKED_BY,
            "slices": [one.to_json() for one in (*self.judged, *self.too_few)],
            "not_sliced": to_document(self.not_sliced),
        }


def measure_slices(
    evaluation: Evaluation,
    table: pd.DataFrame,
    *,
    min_n: int = MIN_SLICE,
    on_images: Callable[[int], None] | None = None,
) -> Slices:
    """Every metric on every slice of the images that were evaluated.

    Args:
        evaluation: of the images.
        table: the manifest's; row i belongs to image i of the dataset's arrays.
        min_n: slices of fewer images are too few to judge.
        on_images: called after each slice with the number of images in it.

    Raises:
        ConfigError: if `min_n` is not positive.
        DatasetError: if the table has no row for an image.
    """
    if min_n < 1:
        raise ConfigError(f"--min-slice {min_n}: expected 1 or more")
    if evaluation.rows.max() >= len(table):
        raise DatasetError(
            f"expected a row for each image, found {len(table):,} rows and image "
            f"{evaluation.rows.max():,}"
        )
    cuts, not_sliced = cut_images(table.iloc[evaluation.rows])
    slices = []
    for cut in cuts:
        for code in np.unique(cut.codes):
            chosen = np.flatnonzero(cut.codes == code)
            slices.append(_slice(evaluation, cut, int(code), chosen, min_n))
            if on_images:
                on_images(len(chosen))
    return Slices(evaluation.metrics, min_n, tuple(slices), not_sliced)


def _slice(
    evaluation: Evaluation, cut: Cut, code: int, chosen: npt.NDArray[np.int64], min_n: int
) -> Slice:
    metrics = evaluation.part(chosen)
    few = ""
    if metrics.n < min_n:
        few = f"{metrics.n:,} images, fewer than {min_n}"
    elif metrics.ci95["accuracy"] is None:
        few = f"its {metrics.n:,} images are {metrics.n_units:,} group, which has no interval"
    return Slice(cut.by, cut.title, cut.meaning, cut.names[code], cut.is_column, metrics, few)


def _badness(one: Slice) -> tuple[float, float]:
    """Of equal accuracies the one with the lower upper end stands first."""
    interval, accuracy = one.metrics.ci95["accuracy"], one.metrics.values["accuracy"]
    return 1.0 if accuracy is None else accuracy, (interval or (0.0, 1.0))[1]
