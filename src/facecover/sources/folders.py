"""Labels in folder names: a folder a class, and splits over such folders."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from facecover.errors import ConfigError, DatasetError, LabelError, shown
from facecover.labels import is_ignored, is_known, known_names, proposals, resolve_label
from facecover.photos import Folder
from facecover.sources.rows import IGNORED, Draft, Row
from facecover.text import counted


def _label_in_name(path: Path, mapping: Mapping[str, str]) -> str | None:
    """The class name at the end of ``<id>_<label>``, or None.

    The longest known one counts, so that ``7_no_mask`` is not read as `mask`; and before a word
    there must be a number, so that ``not_wearing_a_mask`` is not read at all.
    """
    parts = path.stem.split("_")
    for start in range(1, len(parts)):
        name = "_".join(parts[start:])
        if is_known(name, mapping) and parts[start - 1]:
            is_labelled = name.isdecimal() or any(c.isdecimal() for c in parts[start - 1])
            return name if is_labelled else None
    return None


def _are_labelled(images: Iterable[Path], mapping: Mapping[str, str]) -> bool:
    """Whether most names end in a label, and do not merely count: ``photo_0``, ``photo_1``."""
    ids: set[str] = set()
    labelled = count = 0
    for path in images:
        count += 1
        name = _label_in_name(path, mapping)
        if name is not None:
            labelled += 1
            ids.add(path.stem.removesuffix(name))
    return labelled * 2 > count and (len(ids) > 1 or labelled == 1)


_SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "trainset", "trainingset", "traindata"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "valset", "validationset"), "val"),
    **dict.fromkeys(("test", "testing", "testset", "testdata"), "test"),
}


def split_of(name: str) -> str | None:
    """The split that a folder or a table calls so: `train`, `val`, `test`, or None."""
    return _SPLIT_NAMES.get("".join(c for c in name.casefold() if c not in " _-"))


def split_folders(top: Folder) -> list[tuple[str | None, Folder]]:
    """The folders of `top` that stand for splits, each with its split, or `top` itself."""
    found = [(split_of(folder.name), folder) for folder in top.folders]
    return [one for one in found if one[0]] or [(None, top)]


def _known_classes(folder: Folder, mapping: Mapping[str, str]) -> list[Folder]:
    """The folders directly in it that are named like a class, empty ones included."""
    return [child for child in folder.folders if is_known(child.name, mapping)]


def unknown_folders(folder: Folder, mapping: Mapping[str, str]) -> list[Folder]:
    """The folders directly in it that hold photos and are not named like a class."""
    return [child for child in folder.with_images() if not is_known(child.name, mapping)]


def _is_worded(name: str) -> bool:
    """Whether a class name is a word; a bare number may as well count persons."""
    return any(c.isalpha() for c in name)


def unwrapped(folder: Folder, mapping: Mapping[str, str]) -> Folder:
    """The folder that the layout starts in: past folders that hold just one other folder.

    Archives often unpack to ``data/dataset/with_mask``. A lone folder that is named like a class
    is such a wrapper too when it holds class folders, split folders or labelled file names itself
    (``Face Mask/with_mask``).
    """
    while (inner := _only_folder(folder, mapping)) is not None:
        folder = inner
    return folder


def _only_folder(folder: Folder, mapping: Mapping[str, str]) -> Folder | None:
    inside = folder.with_images()
    if folder.images or len(inside) != 1:
        return None
    (only,) = inside
    if split_of(only.name) or len(_known_classes(folder, mapping)) > 1:
        return None
    if is_known(only.name, mapping) and not _holds_structure(only, mapping):
        return None
    return only


def _holds_structure(folder: Folder, mapping: Mapping[str, str]) -> bool:
    names = [child.name for child in folder.with_images()]
    words = [name for name in names if _is_worded(name) and is_known(name, mapping)]
    return (
        len(words) > 1
        or any(split_of(name) for name in names)
        or _are_labelled(folder.images, mapping)
    )


def layout_of_names(top: Folder, draft: Draft) -> str | None:
    """The layout whose labels the names of folders and files tell; None if they tell none."""
    parts = split_folders(top)
    is_split = parts[0][0] is not None
    if any(_has_classes(folder, draft) for _, folder in parts):
        return "split-folders" if is_split else "class-folders"
    names = (path for _, folder in parts for path in folder.all_images())
    if (is_split or not top.with_images()) and _are_labelled(names, draft.mapping):
        return "file-names"
    return "single-class" if draft.label is not None else None


def _has_classes(folder: Folder, draft: Draft) -> bool:
    """Whether a folder holds class folders, be it beside folders of unknown names.

    Bare numbers among unknown names are persons or series (``0001``, ``1``, ``2``, ``3``) where
    the user says that all photos are of one class.
    """
    folder = unwrapped(folder, draft.mapping)
    known = _known_classes(folder, draft.mapping)
    if draft.label is not None and unknown_folders(folder, draft.mapping):
        known = [child for child in known if _is_worded(child.name)]
    return any(child.image_count for child in known)


def read_class_folders(top: Folder, draft: Draft) -> None:
    """A folder a class, photos at any depth below."""
    _read_classes(top, None, draft)


def read_split_folders(top: Folder, draft: Draft) -> None:
    """`train`, `val` or `test` over class folders."""
    for split, folder in split_folders(top):
        if split is None:
            raise DatasetError(
                f"{shown(top.path)}: expected folders named train, val or test, found "
                f"{folder_list(top)}"
            )
        _read_classes(folder, split, draft)
    _drop_beside_splits(top, draft)


def _drop_beside_splits(top: Folder, draft: Draft) -> None:
    if not any(split_of(folder.name) for folder in top.folders):
        return
    detail = "lies beside the folders train, val, test; move it into one of them"
    draft.drop_all(top.images, "beside the split folders", detail)
    for folder in top.folders:
        if split_of(folder.name) is None:
            draft.drop_all(folder.all_images(), "beside the split folders", detail)


def folder_list(folder: Folder) -> str:
    """What a folder holds, for a message: its first folders and its number of photos."""
    names = [f"{shown(child.name)}/" for child in folder.folders]
    more = [f"{len(names) - 5:,} more folders"] if len(names) > 5 else []
    images = [counted(len(folder.images), "image")] if folder.images else []
    return ", ".join(names[:5] + more + images) or "nothing"


def unlabelled(folder: Folder, draft: Draft) -> LabelError:
    """The error for folders that name no classes: what was found, and every way out."""
    unknown = unknown_folders(folder, draft.mapping)
    found = ", ".join(repr(child.name) for child in unknown[:5])
    more = f" and {len(unknown) - 5:,} more" if len(unknown) > 5 else ""
    return LabelError(
        f"{shown(folder.path)}: found {found}{more}, expected folders named like classes; if they "
        f"are classes, map each: {proposals('--map', unknown[0].name)}; if all photos of the "
        f"source are of one class: {proposals('--label', draft.name)}; if they are data sets, name "
        f"each as a source of its own; known are {known_names()}"
    )


def _read_classes(top: Folder, split: str | None, draft: Draft) -> None:
    folder = unwrapped(top, draft.mapping)
    if unknown_folders(folder, draft.mapping):
        raise unlabelled(folder, draft)
    if not (classes := _known_classes(folder, draft.mapping)) and split is None:
        raise DatasetError(
            f"{shown(folder.path)}: expected class folders such as with_mask and without_mask, "
            f"found {folder_list(folder)}"
        )
    for child in classes:
        if is_ignored(child.name, draft.mapping):
            draft.drop_all(child.all_images(), IGNORED, "its folder is mapped to ignore")
        else:
            label = draft.label_of(child.name, shown(folder.path))
            _read_class(child, label, split, draft)
    detail = "lies beside the class folders; move it into its class"
    draft.drop_all(folder.images, "beside the class folders", detail)


def _read_class(folder: Folder, label: int, split: str | None, draft: Draft) -> None:
    """The photos of a class, at any depth; below it may lie `train` and further splits."""
    draft.rows += [Row(path, draft.name, label, split=split) for path in folder.images]
    inside = folder.with_images()
    is_divided = split is None and any(split_of(child.name) == "train" for child in inside)
    for child in inside:
        is_class = _is_worded(child.name) and is_known(child.name, draft.mapping)
        if is_class and is_ignored(child.name, draft.mapping):
            draft.drop_all(child.all_images(), IGNORED, "its folder is mapped to ignore")
            continue
        if is_class and resolve_label(child.name, draft.mapping) != label:
            raise LabelError(
                f"{shown(child.path)}: a folder named like one class in a folder named like "
                f"another; expected one class a folder: move it out, or name {folder.name!r} "
                "otherwise"
            )
        _read_class(child, label, split_of(child.name) if is_divided else split, draft)


def read_single_class(top: Folder, draft: Draft) -> None:
    """Every photo with the one label given by the user.

    The folder that a photo lies in is kept as its column `folder`; what it stands for, perhaps a
    person, is not known.
    """
    if draft.label is None:
        raise ConfigError(
            f"source {draft.name!r}: read as single-class, expected its class; name it: "
            f"{proposals('--label', draft.name)}"
        )
    label = draft.label_of(draft.label, "--label")
    for split, folder in split_folders(top):
        for path in folder.all_images():
            extra = {"folder": path.parent.relative_to(folder.path).as_posix()}
            draft.rows.append(Row(path, draft.name, label, split=split, extra=extra))
    _drop_beside_splits(top, draft)


def read_file_names(top: Folder, draft: Draft) -> None:
    """Photos labelled by the end of their names; those without a label are left out."""
    for split, folder in split_folders(top):
        for path in folder.all_images():
            name = _label_in_name(path, draft.mapping)
            if name is None:
                detail = "expected a name such as 12_1.jpg or 12_no_mask.jpg; rename it"
                draft.drop(path, "no label in its name", detail)
            else:
                with draft.dropping(path):
                    label = draft.label_of(name, shown(path))
                    draft.rows.append(Row(path, draft.name, label, split=split))
    _drop_beside_splits(top, draft)


FOLDER_READERS: Mapping[str, Callable[[Folder, Draft], None]] = {
    "class-folders": read_class_folders,
    "split-folders": read_split_folders,
    "file-names": read_file_names,
    "single-class": read_single_class,
}
