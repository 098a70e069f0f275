"""Labels in folder names: a folder a class, and splits over such folders."""

from facemask.data.layouts.draft import BESIDE_CLASSES, BESIDE_SPLITS, Draft
from facemask.data.layouts.parts import (
    Part,
    is_worded,
    known_classes,
    split_of,
    split_parts,
    unknown_folders,
    unwrapped,
)
from facemask.data.layouts.tree import Folder
from facemask.errors import DatasetError, LabelError, shown
from facemask.labels import is_known, known_names, resolve_label


def read_class_folders(top: Folder, draft: Draft) -> None:
    """A folder a class, photos at any depth below.

    Raises:
        DatasetError: if no folder is named like a class.
        LabelError: if a folder with photos is not named like a class, or lies in the folder of
            another class.
    """
    _read_part(Part(None, top), draft)


def read_split_folders(top: Folder, draft: Draft) -> None:
    """`train`, `val` or `test` over class folders.

    Raises:
        DatasetError: if no folder is named like a split, or one has no class folders.
        LabelError: as `read_class_folders`.
    """
    parts = split_parts(top)
    if parts[0].split is None:
        raise DatasetError(
            f"{shown(top.path)}: expected folders named train, val or test, found "
            f"{folder_list(top)}"
        )
    for part in parts:
        _read_part(part, draft)
    drop_beside_splits(top, draft)


def drop_beside_splits(top: Folder, draft: Draft) -> None:
    """Leave out what lies beside the split folders."""
    detail = "lies beside the folders train, val, test; move it into one of them"
    draft.drop_all(top.images, BESIDE_SPLITS, detail)
    for folder in top.folders:
        if split_of(folder.name) is None:
            draft.drop_all(folder.all_images(), BESIDE_SPLITS, detail)


def folder_list(folder: Folder) -> str:
    """What a folder holds, for a message: its first folders and its number of photos."""
    names = [f"{shown(child.name)}/" for child in folder.folders]
    more = [f"{len(names) - 5:,} more folders"] if len(names) > 5 else []
    images = [f"{len(folder.images):,} images"] if folder.images else []
    return ", ".join(names[:5] + more + images) or "nothing"


def unlabelled(folder: Folder, draft: Draft) -> LabelError:
    """The error for folders that name no classes: what was found, and every way out."""
    unknown = unknown_folders(folder, draft.mapping)
    found = ", ".join(repr(child.name) for child in unknown[:5])
    more = f" and {len(unknown) - 5:,} more" if len(unknown) > 5 else ""
    return LabelError(
        f"{shown(folder.path)}: expected folders named like classes ({known_names()}), found "
        f"{found}{more}; if they are classes, map each: --map {unknown[0].name + '=mask'!r}; if "
        f"all photos of the source are of one class: --label {draft.name + '=mask'!r}; if they "
        "are data sets, name each as a source of its own"
    )


def _read_part(part: Part, draft: Draft) -> None:
    folder = unwrapped(part.folder, draft.mapping)
    if unknown_folders(folder, draft.mapping):
        raise unlabelled(folder, draft)
    if not (classes := known_classes(folder, draft.mapping)) and part.split is None:
        raise DatasetError(
            f"{shown(folder.path)}: expected class folders such as with_mask and without_mask, "
            f"found {folder_list(folder)}"
        )
    for child in classes:
        label = draft.label_of(child.name, shown(folder.path))
        _check_nested(child, label, draft)
        draft.keep_all(child.all_images(), label, part.split)
    draft.drop_all(
        folder.images, BESIDE_CLASSES, "lies beside the class folders; move it into its class"
    )


def _check_nested(folder: Folder, label: int, draft: Draft) -> None:
    """Refuse a folder of one class inside the folder of another."""
    for child in folder.with_images():
        if is_worded(child.name) and is_known(child.name, draft.mapping):
            inner = resolve_label(child.name, draft.mapping)
            if inner != label:
                raise LabelError(
                    f"{shown(child.path)}: a folder named like one class in a folder named like "
                    f"another; expected one class a folder: move it out, or name {folder.name!r} "
                    "otherwise"
                )
        _check_nested(child, label, draft)
