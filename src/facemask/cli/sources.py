"""What `SOURCE...` on the command line means, and saying how each was read."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from facemask.cli.console import note
from facemask.data.layouts import LAYOUTS, parse_assignments, read_sources
from facemask.data.manifest import MANIFEST_NAME
from facemask.data.rows import Source
from facemask.errors import DatasetError, shown
from facemask.labels import class_name

Sources = Annotated[
    list[Path], typer.Argument(help="Folders of photos, or CSV files.", show_default=False)
]
Layouts = Annotated[
    list[str],
    typer.Option(
        "--layout",
        metavar="[NAME=]LAYOUT",
        help=f"Force a layout, for every source or for one by its name: {', '.join(LAYOUTS)}.",
        show_default=False,
    ),
]
Labels = Annotated[
    list[str],
    typer.Option(
        "--label",
        metavar="[NAME=]CLASS",
        help="The class of every photo in a source that has no class names of its own.",
        show_default=False,
    ),
]
Mapping = Annotated[
    list[str],
    typer.Option(
        "--map",
        metavar="THEIRS=CLASS",
        help="What a class name of your own means: no_mask, mask or incorrect_mask.",
        show_default=False,
    ),
]
Relabel = Annotated[
    list[Path],
    typer.Option(
        "--relabel",
        metavar="FILE.csv",
        help="Corrected labels: source, path, label, who, when, why; such as an edited "
        "suspects.csv. Repeatable. No photo is touched.",
        show_default=False,
    ),
]
MaxUnreadable = Annotated[
    float,
    typer.Option(help="Stop when more than this share of the photos cannot be read.", min=0, max=1),
]
Workers = Annotated[
    int | None, typer.Option(help="Threads that decode; one a core by default.", min=1)
]


def is_dataset(path: Path) -> bool:
    """Whether a path is a folder that `facemask prepare` wrote.

    Raises:
        DatasetError: if it cannot be looked up.
    """
    try:
        return (path / MANIFEST_NAME).is_file()
    except OSError as error:  # too long a name, or a folder that may not be looked into
        raise DatasetError(
            f"{shown(path)}: cannot be looked up: {error.strerror}; expected a folder or a file "
            "that can be read"
        ) from error


def read(
    paths: Sequence[Path], layouts: list[str], labels: list[str], mapping: list[str]
) -> tuple[Source, ...]:
    """Read sources as the options say, and note how each was recognised.

    Raises:
        ConfigError: if an option is wrong.
        DatasetError: if a source is missing, empty or in no known layout.
        LabelError: if a class name is unknown.
    """
    options = parse_assignments(layouts=layouts, labels=labels, maps=mapping)
    sources = read_sources(paths, options)
    for source in sources:
        note(_described(source))
    return sources


def _described(source: Source) -> str:
    counts = Counter(row.label for row in source.rows)
    classes = ", ".join(f"{counts[label]:,} {class_name(label)}" for label in sorted(counts))
    text = f"{source.name}: {source.layout}, {len(source.rows):,} faces ({classes})"
    if source.drops:
        reasons = Counter(drop.reason for drop in source.drops)
        left_out = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
        text += f"; left out: {left_out}"
    return text
