"""Sources from paths: named, recognised, read."""

import difflib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from facecover.errors import ConfigError, DatasetError, LabelError, did_you_mean, shown
from facecover.labels import CLASS_NAMES, parse_mapping, proposals, resolve_label
from facecover.photos import Folder, folder_tree, web_address_advice
from facecover.sources import LAYOUTS
from facecover.sources.coco import has_instances, read_coco
from facecover.sources.csv_tables import SUFFIXES, problem_of, read_csv_table
from facecover.sources.folders import (
    FOLDER_READERS,
    folder_list,
    layout_of_names,
    split_folders,
    unknown_folders,
    unlabelled,
    unwrapped,
)
from facecover.sources.rows import Draft, Source
from facecover.sources.voc import has_annotations, read_voc
from facecover.sources.yolo import has_labels, read_yolo


@dataclass(frozen=True)
class ReadOptions:
    """What the user says of the sources, by their names; "" stands for every source.

    Attributes:
        layouts: to read them as.
        labels: the class name of all photos of a source that has no labels of its own.
        mapping: class names as found, each with a name known to `facecover.labels`.
    """

    layouts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    mapping: Mapping[str, str] = field(default_factory=dict)


def parse_assignments(
    *, layouts: Sequence[str] = (), labels: Sequence[str] = (), maps: Sequence[str] = ()
) -> ReadOptions:
    """The options `--layout`, `--label` and `--map`, as typed.

    Args:
        layouts: each ``LAYOUT`` for every source or ``SOURCE=LAYOUT`` for one.
        labels: each ``CLASS`` for every source without labels, or ``SOURCE=CLASS``.
        maps: each ``THEIR_NAME=CLASS``.

    Raises:
        ConfigError: if one has no value, names an unknown layout, or contradicts another.
        LabelError: if a class name is unknown.
    """
    options = ReadOptions(
        _assigned("--layout", layouts), _assigned("--label", labels), parse_mapping(list(maps))
    )
    for layout in options.layouts.values():
        _check_layout(layout)
    for label in options.labels.values():
        resolve_label(label, options.mapping, where="--label")
    return options


def _assigned(option: str, texts: Sequence[str]) -> dict[str, str]:
    assigned: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        if not value.strip() or (equals and not name.strip()):
            raise ConfigError(f"{option} {text!r}: expected VALUE or SOURCE=VALUE")
        before = assigned.setdefault(name.strip(), value.strip())
        if before != value.strip():
            raise ConfigError(f"{option} {text!r}: {before!r} is given for it too; keep one")
    return assigned


def _check_layout(layout: str) -> None:
    if layout not in LAYOUTS:
        hint = did_you_mean(layout, LAYOUTS, cutoff=0.4)
        raise ConfigError(
            f"--layout: unknown layout {layout!r}{hint}; expected one of {', '.join(LAYOUTS)}"
        )


def source_names(paths: Sequence[Path]) -> list[str]:
    """The last part of each path, with as many parts before it as make it unique.

    Equal paths are numbered: ``photos``, ``photos-2``.
    """
    # Without the links resolved: the user knows the folder by the name given.
    normal = [Path(os.path.normpath(path.absolute())) for path in paths]
    parts = [path.parts[1:] or (path.anchor,) for path in normal]
    return numbered([_short(own, parts) for own in parts])


def numbered(names: Sequence[str]) -> list[str]:
    """The names, those that occur again with a number: ``photos``, ``photos-2``."""
    unique: dict[str, None] = {}
    for name in names:
        candidate, number = name, 1
        while candidate in unique or (number > 1 and candidate in names):
            number += 1
            candidate = f"{name}-{number}"
        unique[candidate] = None
    return list(unique)


def _short(own: tuple[str, ...], every: Sequence[tuple[str, ...]]) -> str:
    others = [parts for parts in every if parts != own]
    for depth in range(1, len(own)):
        if all(parts[-depth:] != own[-depth:] for parts in others):
            return "/".join(own[-depth:])
    return "/".join(own)


_ANNOTATIONS: dict[str, tuple[Callable[[Folder], bool], Callable[[Folder, Draft], None]]] = {
    "voc": (has_annotations, read_voc),
    "coco": (has_instances, read_coco),
    "yolo": (has_labels, read_yolo),
}
"""How each layout of annotation files is recognised, and read."""

_MAX_TABLES = 20
"""So many CSV files of a folder are looked into."""


def _tables(folder: Folder) -> dict[Path, str | None]:
    """The CSV files directly in a folder, each with why it is no table of photos; None if it is."""
    files = [path for path in folder.others if path.suffix.lower() in SUFFIXES]
    return {path: problem_of(path) for path in files[:_MAX_TABLES]}


def _tables_of(tree: Folder, top: Folder) -> list[tuple[str | None, Path]]:
    """The only table of photos in the one folder or else in the other, or else in each split's."""
    for parts in ([(None, tree)], [(None, top)], split_folders(top)):
        found = []
        for split, folder in parts:
            tables = [path for path, problem in _tables(folder).items() if problem is None]
            found += [(split, table) for table in tables if len(tables) == 1]
        if found:
            return found
    return []


def recognise(tree: Folder, top: Folder, draft: Draft) -> str:
    """The layout of a folder: one of `LAYOUTS`.

    The order is from the most explicit to the least: a table, annotations, class folders in
    splits, class folders, labels in file names, and last the single label given by the user.

    Args:
        tree: the whole folder.
        top: where the photos begin in it, see `unwrapped`.
        draft: its name, the mapping of class names, and the label given for it.
    """
    if _tables_of(tree, top):
        return "csv"
    if not tree.image_count:
        raise _no_image(tree, top)
    annotated = (name for name, (is_it, _) in _ANNOTATIONS.items() if is_it(tree))
    layout = next(annotated, None) or layout_of_names(top, draft)
    if layout is None:
        raise _no_labels(tree, top, draft)
    return layout


def _no_image(tree: Folder, top: Folder) -> DatasetError:
    found = ", ".join(repr(shown(path.name)) for path in tree.others[:5])
    return DatasetError(
        f"{shown(tree.path)}: expected photos, found no image in it or below"
        f"{', only ' + found if found else ''}{_table_hint(tree, top)}; name the folder that "
        "holds the photos"
    )


def _no_labels(tree: Folder, top: Folder, draft: Draft) -> LabelError:
    hint = _table_hint(tree, top)
    if unknown_folders(top, draft.mapping):
        return LabelError(f"{unlabelled(top, draft)}{hint}")
    return LabelError(
        f"{shown(top.path)}: expected labels in class folders, in file names such as 12_1.jpg, in "
        f"a CSV with path,label or in annotations of Pascal VOC, COCO or YOLO (at least one for "
        f"every two photos), found {folder_list(top)}{hint}; if all photos of the source are of "
        f"one class: {proposals('--label', draft.name)}"
    )


def _table_hint(tree: Folder, top: Folder) -> str:
    """Why the CSV files in two folders cannot be the table of the photos."""
    problems = {**_tables(tree), **_tables(top)}
    fitting = [shown(path.name) for path, problem in problems.items() if problem is None]
    if len(fitting) > 1:
        return f"; {', '.join(fitting)} are all tables of photos: name each as a source of its own"
    return next((f"; {problem}" for problem in problems.values() if problem), "")


_DEFAULTS = ReadOptions()


def read_sources(paths: Sequence[Path], options: ReadOptions = _DEFAULTS) -> tuple[Source, ...]:
    """Every folder or CSV table of photos, as rows.

    A table with a column `source` gives one source for each of its values.

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

    Raises:
        DatasetError, LabelError, ConfigError: as `read_sources`.
    """
    if (advice := web_address_advice(path)) and not path.parent.exists():
        raise DatasetError(f"{shown(path)}: {advice}")
    path = path.resolve() if ".." in path.parts else path.absolute()
    # A folder's name that is not UTF-8 cannot stand in a table as it is.
    name = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    labels, layouts = options.labels, options.layouts
    draft = Draft(name, path, options.mapping, labels.get(name, labels.get("")))
    layout = layouts.get(name, layouts.get(""))
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
    tree = folder_tree(path, draft.skipped)
    top = unwrapped(tree, draft.mapping)
    layout = layout or recognise(tree, top, draft)
    if layout == "csv":
        draft.skipped.clear()  # the table says which photos are meant
        if not (found := _tables_of(tree, top)):
            tables = [shown(path.name) for path, why in _tables(tree).items() if why is None]
            raise DatasetError(
                f"{shown(path)}: expected one CSV file with the columns path and label, found "
                f"{', '.join(tables) or 'none'}; name the CSV file itself as the source"
            )
        for split, table in found:
            read_csv_table(table, draft, split)
        return _rooted(draft.finished(layout))
    if layout in _ANNOTATIONS:
        _ANNOTATIONS[layout][1](tree, draft)
    elif layout in FOLDER_READERS:
        FOLDER_READERS[layout](top, draft)
    else:
        raise ConfigError(f"unknown layout {layout!r}; expected one of {', '.join(LAYOUTS)}")
    return draft.finished(layout)


def _rooted(source: Source) -> Source:
    """The source with a root that its rows' paths do stand under, wherever a table points."""
    outside = [row.path.parent for row in source.rows if not row.path.is_relative_to(source.root)]
    return replace(source, root=Path(os.path.commonpath([source.root, *outside])))


def _check_names(options: ReadOptions, names: Sequence[str]) -> None:
    for option, given in (("--layout", options.layouts), ("--label", options.labels)):
        for name in given:
            if name and name not in names:
                raise ConfigError(
                    f"{option} {name}={given[name]}: no source is called {name!r}"
                    f"{did_you_mean(name, names)}; the sources are {', '.join(names)}"
                )


def _separated(sources: Sequence[Source]) -> tuple[Source, ...]:
    """One source for each name that the rows and drops of a table carry."""
    pieces = [
        (source, inner)
        for source in sources
        for inner in dict.fromkeys(
            [*(row.source for row in source.rows), *(drop.source for drop in source.drops)]
        )
    ]
    names = numbered([inner for _, inner in pieces])
    return tuple(
        replace(
            source,
            name=name,
            rows=tuple(replace(row, source=name) for row in source.rows if row.source == inner),
            drops=tuple(replace(one, source=name) for one in source.drops if one.source == inner),
        )
        for (source, inner), name in zip(pieces, names, strict=True)
    )
