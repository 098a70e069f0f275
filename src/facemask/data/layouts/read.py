"""Sources from paths: named, recognised, read."""

import difflib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from facemask.data.layouts.csv_table import read_csv_table
from facemask.data.layouts.csv_text import SUFFIXES
from facemask.data.layouts.detect import recognise, tables_in
from facemask.data.layouts.draft import Draft
from facemask.data.layouts.file_names import read_file_names
from facemask.data.layouts.folders import read_class_folders, read_split_folders
from facemask.data.layouts.names import numbered, source_names
from facemask.data.layouts.options import LAYOUTS, ReadOptions
from facemask.data.layouts.parts import unwrapped
from facemask.data.layouts.single import read_single_class
from facemask.data.layouts.tree import Folder, list_folder
from facemask.data.layouts.voc import read_voc
from facemask.data.rows import Source
from facemask.errors import ConfigError, DatasetError, LabelError, shown
from facemask.labels import CLASS_NAMES

_DEFAULTS = ReadOptions()

_FOLDER_READERS: Mapping[str, Callable[[Folder, Draft], None]] = {
    "class-folders": read_class_folders,
    "split-folders": read_split_folders,
    "file-names": read_file_names,
    "single-class": read_single_class,
}


def read_sources(paths: Sequence[Path], options: ReadOptions = _DEFAULTS) -> tuple[Source, ...]:
    """Every folder or table of photos, as rows.

    A table with a column `source` gives one source for each of its values.

    Args:
        paths: folders, or CSV files.
        options: what the user says of them.

    Raises:
        DatasetError: if a path is not there, is no such thing, or has nothing to read.
        LabelError: if a class name is unknown, or nothing tells the labels.
        ConfigError: if an option concerns no source.
    """
    if not paths:
        raise DatasetError("expected at least one folder or CSV file of photos, found none")
    names = source_names(paths)
    _check_names(options, names)
    found = [
        read_source(path, name, options) for path, name in zip(paths, names, strict=True)
    ]  # fmt: skip
    if "" in options.labels and not any(source.layout == "single-class" for source in found):
        raise ConfigError(
            f"--label {options.labels['']!r}: every source has labels of its own; leave it out, "
            "or name the source whose labels are to be ignored with --layout NAME=single-class"
        )
    return _separated(found)


def read_source(path: Path, name: str, options: ReadOptions = _DEFAULTS) -> Source:
    """One folder or table of photos, as rows; those of a table may name sources of their own.

    Args:
        path: a folder or a CSV file.
        name: what to call it.
        options: what the user says of it.

    Raises:
        DatasetError: as `read_sources`.
        LabelError: as `read_sources`.
        ConfigError: if a label is given for a source that has labels of its own.
    """
    path = path.resolve() if ".." in path.parts else path.absolute()
    # A folder's name that is not UTF-8 cannot stand in a table as it is.
    name = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    draft = Draft(name, path, options.mapping, options.label_of(name))
    layout = options.layout_of(name)
    source = (
        _read_folder(path, layout, draft) if _is_folder(path) else _read_table(path, layout, draft)
    )
    if name in options.labels and name and source.layout != "single-class":
        raise ConfigError(
            f"--label {name}={options.labels[name]}: the source has labels of its own, read as "
            f"{source.layout}; leave the option out, or add --layout {name}=single-class"
        )
    return source


def check_classes(sources: Iterable[Source]) -> None:
    """Refuse sources that show fewer than two classes together: nothing can be learned from them.

    Raises:
        LabelError: if there is one class only, or none.
    """
    sources = tuple(sources)
    counts = Counter(row.label for source in sources for row in source.rows)
    if len(counts) > 1:
        return
    names = ", ".join(shown(source.name) for source in sources) or "no source"
    found = ", ".join(f"{count:,} x {CLASS_NAMES[label]}" for label, count in counts.items())
    raise LabelError(
        f"{names}: expected photos of at least two classes, found {found or 'none'}; add a "
        "source that shows the other class, or check the class names and --label"
    )


def _is_folder(path: Path) -> bool:
    try:
        if path.is_dir():
            return True
        is_there = path.exists()
    except (OSError, ValueError):  # a name too long, a null character
        is_there = False
    if not is_there:
        raise DatasetError(f"{shown(path)}: no such folder or file{_similar(path)}")
    return False


def _similar(path: Path) -> str:
    try:
        beside = [entry.name for entry in path.parent.iterdir()]
    except (OSError, ValueError):
        return ""
    close = difflib.get_close_matches(path.name, beside, n=1)
    return f"; did you mean {shown(path.parent / close[0])}?" if close else ""


def _read_table(path: Path, layout: str | None, draft: Draft) -> Source:
    if layout not in (None, "csv") or (layout is None and path.suffix.lower() not in SUFFIXES):
        wanted = "a folder" if layout else "a folder or a CSV file (.csv, .tsv)"
        raise DatasetError(
            f"{shown(path)}: expected {wanted}{f' to read as {layout}' if layout else ''}, found "
            "a file; name the folder that it lies in"
        )
    draft.root = path.parent
    read_csv_table(path, draft)
    return _rooted(draft.finished("csv"))


def _read_folder(path: Path, layout: str | None, draft: Draft) -> Source:
    tree = list_folder(path)
    top = unwrapped(tree, draft.mapping)
    layout = layout or recognise(tree, top, draft)
    if layout == "csv":
        read_csv_table(_only_table(tree, top), draft)
        return _rooted(draft.finished(layout))
    if layout == "voc":
        read_voc(tree, draft)
    elif layout in _FOLDER_READERS:
        _FOLDER_READERS[layout](top, draft)
    else:
        raise ConfigError(f"unknown layout {layout!r}; expected one of {', '.join(LAYOUTS)}")
    return draft.finished(layout)


def _only_table(tree: Folder, top: Folder) -> Path:
    for folder in (tree, top):
        tables = tables_in(folder)
        if len(tables) == 1:
            return tables[0]
    found = ", ".join(shown(path.name) for path in tables_in(tree)) or "none"
    raise DatasetError(
        f"{shown(tree.path)}: expected one CSV file with the columns path and label, found "
        f"{found}; name the CSV file itself as the source"
    )


def _rooted(source: Source) -> Source:
    """The source with a root that its rows' paths do stand under, wherever a table points."""
    outside = [row.path.parent for row in source.rows if not row.path.is_relative_to(source.root)]
    return replace(source, root=Path(os.path.commonpath([source.root, *outside])))


def _check_names(options: ReadOptions, names: Sequence[str]) -> None:
    for option, given in (("--layout", options.layouts), ("--label", options.labels)):
        for name in given:
            if name and name not in names:
                close = difflib.get_close_matches(name, names, n=1)
                hint = f" (did you mean {close[0]!r}?)" if close else ""
                raise ConfigError(
                    f"{option} {name}={given[name]}: no source is called {name!r}{hint}; the "
                    f"sources are {', '.join(names)}"
                )


def _separated(sources: Sequence[Source]) -> tuple[Source, ...]:
    """One source for each name that the rows and drops of a table carry."""
    pieces = [(source, inner) for source in sources for inner in _names_in(source)]
    names = numbered([inner for _, inner in pieces])
    return tuple(
        _piece(source, inner, name) for (source, inner), name in zip(pieces, names, strict=True)
    )


def _names_in(source: Source) -> list[str]:
    rows = (row.source for row in source.rows)
    drops = (drop.source for drop in source.drops)
    return list(dict.fromkeys((*rows, *drops)))


def _piece(source: Source, inner: str, name: str) -> Source:
    return replace(
        source,
        name=name,
        rows=tuple(replace(row, source=name) for row in source.rows if row.source == inner),
        drops=tuple(replace(drop, source=name) for drop in source.drops if drop.source == inner),
    )
