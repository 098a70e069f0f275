"""What the files are: formats by content, names that say otherwise, sizes on disk."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import pandas as pd

from facemask.data.exploring.counts import guess_share
from facemask.data.exploring.spread import Spread, spread_by_class, spread_of

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
