"""Which layout a folder has, judged by what it holds."""

from pathlib import Path

from facemask.data.layouts.csv_text import SUFFIXES, problem_of
from facemask.data.layouts.draft import Draft
from facemask.data.layouts.folders import folder_list, unlabelled
from facemask.data.layouts.name_labels import are_labelled
from facemask.data.layouts.parts import (
    Part,
    is_worded,
    known_classes,
    split_parts,
    unknown_folders,
    unwrapped,
)
from facemask.data.layouts.tree import Folder
from facemask.data.layouts.voc import has_annotations
from facemask.errors import DatasetError, LabelError, shown

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
