"""Sources from paths: named, recognised, read."""

import difflib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from facecover.errors import ConfigError, DatasetError, LabelError, shown
from facecover.labels import CLASS_NAMES, parse_mapping, resolve_label
from facecover.photos import Folder, folder_tree
from facecover.sources import LAYOUTS
from facecover.sources.csv_tables import SUFFIXES, problem_of, read_csv_table
from facecover.sources.folders import (
    Part,
    are_labelled,
    folder_list,
    is_worded,
    known_classes,
    read_class_folders,
    read_file_names,
    read_single_class,
    read_split_folders,
    split_parts,
    unknown_folders,
    unlabelled,
    unwrapped,
)
from facecover.sources.rows import Draft, Source
from facecover.sources.voc import has_annotations, read_voc


@dataclass(frozen=True)
class ReadOptions:
    """What the user says of the sources.

    Attributes:
        layouts: by source name, the layout to read it as; "" stands for every source.
        labels: by source name, the class name of all its photos; "" stands for every source
            that has no labels of its own.
        mapping: class names as found, each with a name known to `facecover.labels`.
    """

    layouts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    mapping: Mapping[str, str] = field(default_factory=dict)

    def layout_of(self, name: str) -> str | None:
        """The layout forced on a source, if any."""
        return self.layouts.get(name, self.layouts.get(""))

    def label_of(self, name: str) -> str | None:
        """The single class name given for a source, if any."""
        return self.labels.get(name, self.labels.get(""))


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
    mapping = parse_mapping(list(maps))
    return ReadOptions(
        layouts=_assigned("--layout", layouts, _check_layout),
        labels=_assigned(
            "--label", labels, lambda label: resolve_label(label, mapping, where="--label")
        ),
        mapping=mapping,
    )


def _assigned(
    option: str, texts: Sequence[str], check: Callable[[str], object]
) -> dict[str, str]:  # fmt: skip
    assigned: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        if not value.strip() or (equals and not name.strip()):
            raise ConfigError(f"{option} {text!r}: expected VALUE or SOURCE=VALUE")
        check(value.strip())
        before = assigned.setdefault(name.strip(), value.strip())
        if before != value.strip():
            raise ConfigError(f"{option} {text!r}: {before!r} is given for it too; keep one")
    return assigned


def _check_layout(layout: str) -> None:
    if layout not in LAYOUTS:
        close = difflib.get_close_matches(layout, LAYOUTS, n=1, cutoff=0.4)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise ConfigError(
            f"--layout: unknown layout {layout!r}{hint}; expected one of {', '.join(LAYOUTS)}"
        )


def source_names(paths: Sequence[Path]) -> list[str]:
    """The last part of each path, with as many parts before it as make it unique.

    Equal paths are numbered: ``photos``, ``photos-2``.
    """
    parts = [_parts(path) for path in paths]
    return numbered([_short(own, parts) for own in parts])


def numbered(names: Sequence[str]) -> list[str]:
    """The names, those that occur again with a number: ``photos``, ``photos-2``."""
    taken: set[str] = set()
    unique = []
    for name in names:
        candidate, number = name, 1
        while candidate in taken or (number > 1 and candidate in names):
            number += 1
            candidate = f"{name}-{number}"
        taken.add(candidate)
        unique.append(candidate)
    return unique


def _parts(path: Path) -> tuple[str, ...]:
    # Without the links resolved: the user knows the folder by the name given.
    normal = Path(os.path.normpath(path.absolute()))
    return normal.parts[1:] or (normal.anchor,)


def _short(own: tuple[str, ...], every: Sequence[tuple[str, ...]]) -> str:
    others = [parts for parts in every if parts != own]
    for depth in range(1, len(own)):
        if all(parts[-depth:] != own[-depth:] for parts in others):
            return "/".join(own[-depth:])
    return "/".join(own)


_MAX_TABLES = 20
"""So many CSV files of a folder are looked into."""


def tables_in(folder: Folder) -> list[Path]:
    """The CSV files directly in a folder that have the columns of a table of photos."""
    return [path for path in _csv_files(folder)[:_MAX_TABLES] if problem_of(path) is None]


def recognise(tree: Folder, top: Folder, draft: Draft) -> str:
    """The layout of a folder: one of `options.LAYOUTS`.

    The order is from the most explicit to the least: a table, annotations, class folders in
    splits, class folders, labels in file names, and last the single label given by the user.

    Args:
        tree: the whole folder.
        top: where the photos begin in it, see `parts.unwrapped`.
        draft: its name, the mapping of class names, and the label given for it.

    Raises:
        DatasetError: if there is no photo.
        LabelError: if nothing tells the labels.
    """
    if any(len(tables_in(folder)) == 1 for folder in (tree, top)):
        return "csv"
    if not tree.image_count:
        raise _no_image(tree, top)
    if has_annotations(tree):
        return "voc"
    parts = split_parts(top)
    is_split = parts[0].split is not None
    if any(_has_classes(part, draft) for part in parts):
        return "split-folders" if is_split else "class-folders"
    if (is_split or not top.with_images()) and _names_are_labels(parts, draft):
        return "file-names"
    if draft.label is not None:
        return "single-class"
    raise _no_labels(tree, top, draft)


def _has_classes(part: Part, draft: Draft) -> bool:
    """Whether a folder holds class folders, be it beside folders of unknown names.

    Bare numbers among unknown names are persons or series (``0001``, ``1``, ``2``, ``3``) where
    the user says that all photos are of one class.
    """
    folder = unwrapped(part.folder, draft.mapping)
    known = known_classes(folder, draft.mapping)
    if draft.label is not None and unknown_folders(folder, draft.mapping):
        known = [child for child in known if is_worded(child.name)]
    return any(child.image_count for child in known)


def _names_are_labels(parts: list[Part], draft: Draft) -> bool:
    images = (path for part in parts for path in part.folder.all_images())
    return are_labelled(images, draft.mapping)


def _csv_files(folder: Folder) -> list[Path]:
    return [path for path in folder.others if path.suffix.lower() in SUFFIXES]


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
        f"a CSV with path,label or in Pascal VOC XML (at least one for every two photos), found "
        f"{folder_list(top)}{hint}; if all photos of the source are of one class: --label "
        f"{draft.name + '=mask'!r}"
    )


def _table_hint(*folders: Folder) -> str:
    """Why the CSV files in some folders cannot be the table of the photos."""
    files = dict.fromkeys(path for folder in folders for path in _csv_files(folder))
    problems = {path: problem_of(path) for path in list(files)[:_MAX_TABLES]}
    fitting = [shown(path.name) for path, problem in problems.items() if problem is None]
    if len(fitting) > 1:
        return f"; {', '.join(fitting)} are all tables of photos: name each as a source of its own"
    return next((f"; {problem}" for problem in problems.values() if problem), "")


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
    tree = folder_tree(path, draft.skipped)
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
