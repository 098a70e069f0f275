"""Which folders of a tree stand for splits and for classes."""

from collections.abc import Mapping
from dataclasses import dataclass

from facemask.data.layouts.name_labels import are_labelled
from facemask.data.layouts.tree import Folder
from facemask.labels import is_known

_SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "trainset", "trainingset", "traindata"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "valset", "validationset"), "val"),
    **dict.fromkeys(("test", "testing", "testset", "testdata"), "test"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A folder whose photos all belong to one split, or to none in particular."""

    split: str | None
    folder: Folder


def split_of(name: str) -> str | None:
    """The split that a folder or a table calls so: `train`, `val`, `test`, or None."""
    return _SPLIT_NAMES.get("".join(c for c in name.casefold() if c not in " _-"))


def split_parts(top: Folder) -> list[Part]:
    """The folders of `top` that stand for splits, or `top` itself where there is none."""
    parts = [
        Part(split, folder) for folder in top.folders if (split := split_of(folder.name))
    ]  # fmt: skip
    return parts or [Part(None, top)]


def known_classes(folder: Folder, mapping: Mapping[str, str]) -> list[Folder]:
    """The folders directly in it that are named like a class, empty ones included."""
    return [child for child in folder.folders if is_known(child.name, mapping)]


def unknown_folders(folder: Folder, mapping: Mapping[str, str]) -> list[Folder]:
    """The folders directly in it that hold photos and are not named like a class."""
    return [child for child in folder.with_images() if not is_known(child.name, mapping)]


def is_worded(name: str) -> bool:
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
    if split_of(only.name) or len(known_classes(folder, mapping)) > 1:
        return None
    if is_known(only.name, mapping) and not _holds_structure(only, mapping):
        return None
    return only


def _holds_structure(folder: Folder, mapping: Mapping[str, str]) -> bool:
    names = [child.name for child in folder.with_images()]
    words = [name for name in names if is_worded(name) and is_known(name, mapping)]
    return (
        len(words) > 1
        or any(split_of(name) for name in names)
        or are_labelled(folder.images, mapping)
    )
