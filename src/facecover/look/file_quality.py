"""Photos that stand out: grey, dark, bright, flat or soft."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from facecover.look.class_balance import guess_share
from facecover.look.statistics import Spread, classes_of, spread_by_class, spread_of

_SUFFIXES: dict[str, frozenset[str]] = {
    # Pillow calls a JPEG that holds several pictures MPO; cameras name it like any other.
    "JPEG": frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".jif"}),
    "MPO": frozenset({".mpo", ".jpg", ".jpeg"}),
    "PNG": frozenset({".png", ".apng"}),
    "WEBP": frozenset({".webp"}),
    "BMP": frozenset({".bmp", ".dib"}),
    "GIF": frozenset({".gif"}),
}

_EXAMPLES = 5


@dataclass(frozen=True)
class WrongSuffix:
    """A file whose name says one format and whose content is another."""

    source: str
    path: str
    format: str


@dataclass(frozen=True)
class Files:
    """What the files are.

    Attributes:
        formats: the number of samples by format, by content.
        formats_by_class: the same by class, then format.
        modes: the number of samples by pixel mode in the file.
        format_guess_share: the accuracy, 0..1, of answering each format's largest class.
        wrong_suffixes: the number of samples whose file name says another format.
        wrong_suffix_examples: some of them.
        file_bytes: the size of the files.
        file_bytes_by_class: the same by class.
        jpeg_quality: the quality that the JPEG files were written with.
    """

    formats: dict[str, int]
    formats_by_class: dict[str, dict[str, int]]
    modes: dict[str, int]
    format_guess_share: float
    wrong_suffixes: int
    wrong_suffix_examples: tuple[WrongSuffix, ...]
    file_bytes: Spread | None
    file_bytes_by_class: dict[str, Spread | None]
    jpeg_quality: Spread | None


def describe_files(table: pd.DataFrame) -> Files:
    """The files of a described table."""
    wrong = table[[_lies(*pair) for pair in zip(table["path"], table["format"], strict=True)]]
    examples = wrong[["source", "path", "format"]].head(_EXAMPLES)
    return Files(
        formats=_count(table["format"]),
        formats_by_class={
            str(name): _count(rows["format"]) for name, rows in table.groupby("class", sort=False)
        },
        modes=_count(table["mode"]),
        format_guess_share=guess_share(table, "format"),
        wrong_suffixes=len(wrong),
        wrong_suffix_examples=tuple(
            WrongSuffix(str(source), str(path), str(kind))
            for source, path, kind in examples.itertuples(index=False)
        ),
        file_bytes=spread_of(table["file_bytes"]),
        file_bytes_by_class=spread_by_class(table, "file_bytes"),
        jpeg_quality=spread_of(table["jpeg_quality"]),
    )


def _lies(path: str, file_format: str) -> bool:
    """Whether a file name promises another format; one that promises none does not lie."""
    suffix = PurePosixPath(path).suffix.lower()
    promised = {name for name, suffixes in _SUFFIXES.items() if suffix in suffixes}
    return bool(promised) and file_format not in promised


def _count(values: "pd.Series[str]") -> dict[str, int]:
    return {str(name): int(count) for name, count in values.value_counts().items()}


_BOX = ("x0", "y0", "x1", "y1")


@dataclass(frozen=True)
class Copies:
    """Exact copies: the same bytes and, where there are boxes, the same box.

    Attributes:
        groups: the number of samples that have a copy, each counted once.
        extra: how many samples would go if one of each group stayed.
        across_sources: the number of groups that stand in more than one source.
        across_splits: the number of files that stand in more than one split.
        test_share: the share, 0..1, of test samples whose file stands in the training or
            validation data too; None without a test split.
        with_several_labels: the number of groups that carry more than one label.
        conflict_examples: the paths of some of those, a tuple a group.
    """

    groups: int
    extra: int
    across_sources: int
    across_splits: int
    test_share: float | None
    with_several_labels: int
    conflict_examples: tuple[tuple[str, ...], ...]


def find_copies(table: pd.DataFrame) -> Copies:
    """The exact copies in a described table."""
    group = table.groupby(["sha256", *_BOX], dropna=False, sort=False).ngroup()
    sizes = group.value_counts()
    sources = table.groupby(group)["source"].nunique()
    labels = table.groupby(group)["label"].nunique()
    splits = table.groupby("sha256")["split"].nunique()
    conflicts = labels.index[labels > 1]
    return Copies(
        groups=int((sizes > 1).sum()),
        extra=len(table) - len(sizes),
        across_sources=int((sources > 1).sum()),
        across_splits=int((splits > 1).sum()),
        test_share=_test_share(table),
        with_several_labels=len(conflicts),
        conflict_examples=tuple(
            tuple(f"{row.source}/{row.path}" for row in table[group == one].itertuples())
            for one in conflicts[:_EXAMPLES]
        ),
    )


def _test_share(table: pd.DataFrame) -> float | None:
    test = (table["split"] == "test").to_numpy()
    if not test.any():
        return None
    files = table["sha256"].to_numpy()
    seen = table["split"].isin(["train", "val"]).to_numpy()
    return float(np.isin(files[test].astype(str), files[seen].astype(str)).mean())


GREY_BELOW = 2 / 255
"""Saturation of a photo without colour: JPEG leaves a level or two of it in a grey one."""

DARK_BELOW, BRIGHT_ABOVE = 0.2, 0.85
"""Brightness: a face is hard to make out in the darker ones; the brighter ones are nearly all
white background. Set by looking at photos sorted by brightness."""

FLAT_BELOW = 0.08
"""Contrast; under it are drawings on white, silhouettes and photos behind fog."""

SOFT_BELOW = 0.006
"""Sharpness; under it eyes and lips have no crisp edge even at 64 x 64. Set by looking at photos
sorted by sharpness."""

BLANK_BELOW = 0.02
"""Contrast of a picture of nearly one colour."""


@dataclass(frozen=True)
class Flag:
    """Photos that stand out in one way.

    Attributes:
        name: ``grey``, ``dark``, ``bright``, ``flat``, ``soft`` or ``blank``.
        n: how many.
        share: their share of all photos, 0..1.
        share_by_class: their share of each class.
    """

    name: str
    n: int
    share: float
    share_by_class: dict[str, float]


def find_flags(table: pd.DataFrame) -> tuple[Flag, ...]:
    """The photos of a described table that stand out, one flag a way."""
    chosen = {
        "grey": table["saturation"] < GREY_BELOW,
        "dark": table["brightness"] < DARK_BELOW,
        "bright": table["brightness"] > BRIGHT_ABOVE,
        "flat": table["contrast"] < FLAT_BELOW,
        "soft": table["sharpness"] < SOFT_BELOW,
        "blank": table["contrast"] < BLANK_BELOW,
    }
    return tuple(
        Flag(
            name,
            int(mask.sum()),
            float(mask.mean()),
            {one: float(np.mean(mask[table["class"] == one])) for one in classes_of(table)},
        )
        for name, mask in chosen.items()
    )
