"""What the files are, and photos that stand out: grey, dark, bright, flat, soft or blank."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from facecover.images import BLANK_BELOW
from facecover.look.class_balance import Counts, guess_share
from facecover.look.finding import Finding
from facecover.look.statistics import MIN_GROUP, Spread, classes_of, spread_by_class, spread_of
from facecover.text import listed, percent

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


FORMAT_SHIFT = 0.25
FORMAT_SHARE = 0.01
"""A format counts from one photo in a hundred on, if its classes are shifted by 25 points."""

FORMAT_GAIN = 0.05
"""Points of accuracy over the majority class by answering from the format alone."""


def format_findings(files: Files, counts: Counts) -> Iterator[Finding]:
    """Whether format and label go together."""
    cases, figures = [], {}
    for name, n in files.formats.items():
        if n < max(MIN_GROUP, FORMAT_SHARE * counts.n):
            continue
        shares = {one: files.formats_by_class[one].get(name, 0) / n for one in counts.by_class}
        shift, one = max((shares[one] - counts.by_class[one] / counts.n, one) for one in shares)
        if shift > FORMAT_SHIFT:
            cases.append(f"{percent(shares[one])} of the {n:,} {name} photos are {one}")
            figures[name] = shares[one]
    if cases:
        gain = files.format_guess_share - counts.majority_share
        yield Finding(
            "formats_by_class",
            "warning" if gain > FORMAT_GAIN else "note",
            "Format and label go together",
            f"{listed(cases)}; of all photos {percent(counts.majority_share)} are "
            f"{counts.majority_class}.",
            "Formats leave traces in the pixels (JPEG blocks, flat PNG backgrounds) that a network "
            "can see.",
            figures,
        )


FLAG_SHARE = 0.01
"""Photos that stand out are worth a note from one in a hundred on."""

_FLAG_WORDS = {
    "grey": (
        "Grey photos", "are grey",
        "Colour cannot help with them, and misleads where it stands for the label.",
    ),
    "dark": (
        "Dark photos", "are dark", "A black mask and a shadow are easily confused in them.",
    ),
    "bright": (
        "Nearly white photos", "are nearly white",
        "Most are cut-outs before white, unlike photos taken outside.",
    ),
    "flat": (
        "Photos without contrast", "have hardly any contrast",
        "Drawings, silhouettes and fog are among such photos.",
    ),
    "soft": (
        "Blurred photos", "are blurred even at 64 x 64",
        "A network sees no edge of a mask in them.",
    ),
    "blank": (
        "Photos of one colour", "are of nearly one colour",
        "A face can hardly be seen in them: look at them, and leave out those that show none.",
    ),
}  # fmt: skip
"""By flag: a title, what the photos are, and what follows."""


def suffix_findings(files: Files) -> Iterator[Finding]:
    """Whether file names promise another format."""
    if files.wrong_suffixes:
        example = files.wrong_suffix_examples[0]
        yield Finding(
            "wrong_suffixes",
            "note",
            "File names",
            f"The names of {files.wrong_suffixes:,} files promise another format than they hold, "
            f"such as {example.path} in {example.source}, which is {example.format}.",
            "This package goes by the content; a tool that goes by the name may fail on them.",
            {"n": files.wrong_suffixes},
        )


def flag_findings(flags: Iterable[Flag]) -> Iterator[Finding]:
    """The photos that stand out and are many, or blank."""
    for flag in flags:
        if flag.share > FLAG_SHARE or (flag.name == "blank" and flag.n):
            yield _flag(flag)


def _flag(flag: Flag) -> Finding:
    title, what, reason = _FLAG_WORDS[flag.name]
    shares = [f"{percent(share)} of {name}" for name, share in flag.share_by_class.items()]
    return Finding(
        f"{flag.name}_photos",
        "note",
        title,
        f"{flag.n:,} photos ({percent(flag.share)}) {what}: {listed(shares)}.",
        reason,
        {"n": flag.n, "share": flag.share},
    )
