"""A folder's files, listed once: what may be a photo, and what is clearly something else."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from facemask.errors import DatasetError, shown
from facemask.photo_names import OTHER_FOLDERS, may_be_photo

MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder and all that lies below it, each list sorted by name.

    Attributes:
        path: where it lies.
        images: the files directly in it that may be photos.
        others: the files directly in it that are clearly something else; hidden ones left out.
        folders: the folders directly in it.
        image_count: of files that may be photos, in it and below.
    """

    path: Path
    images: tuple[Path, ...]
    others: tuple[Path, ...]
    folders: tuple["Folder", ...]
    image_count: int

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.name

    def all_images(self) -> Iterator[Path]:
        """Every file that may be a photo, here and below."""
        yield from self.images
        for folder in self.folders:
            yield from folder.all_images()

    def all_others(self, suffix: str) -> Iterator[Path]:
        """Every other file with this extension (lower case, with its dot), here and below."""
        yield from (path for path in self.others if path.suffix.lower() == suffix)
        for folder in self.folders:
            yield from folder.all_others(suffix)

    def with_images(self) -> list["Folder"]:
        """The folders directly in it that hold photos at any depth."""
        return [folder for folder in self.folders if folder.image_count]


def list_folder(root: Path) -> Folder:
    """All files in a folder and below.

    Symbolic links are followed, but each real folder is listed once: a link into what is listed
    anyway, or to a folder around it, is passed over.

    Raises:
        DatasetError: if a folder cannot be listed or lies deeper than `MAX_DEPTH`.
    """
    real = os.path.realpath(root)
    return _list(root, real, _Walk(Path(real), set()), 0)


@dataclass(frozen=True, slots=True)
class _Walk:
    """The real path of the folder that is walked, and those of the folders listed so far."""

    root: Path
    listed: set[str]


def _list(path: Path, real: str, walk: _Walk, depth: int) -> Folder:
    if depth > MAX_DEPTH:
        raise DatasetError(
            f"{shown(path)}: expected folders at most {MAX_DEPTH} deep; name a folder further down"
        )
    walk.listed.add(real)
    images: list[Path] = []
    others: list[Path] = []
    folders: list[Folder] = []
    for entry in _entries(path):
        if _is_folder(entry):
            inner = _real_folder(entry, real, walk)
            if inner is not None:
                folders.append(_list(Path(entry.path), inner, walk, depth + 1))
        elif _is_file(entry):
            (images if may_be_photo(entry.name) else others).append(Path(entry.path))
    count = len(images) + sum(folder.image_count for folder in folders)
    return Folder(path, tuple(images), tuple(others), tuple(folders), count)


def _entries(path: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(path) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise DatasetError(
            f"{shown(path)}: this folder cannot be listed: {error.strerror}; make it readable or "
            "name another"
        ) from error
    return sorted(visible, key=lambda entry: entry.name)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a symbolic link to itself
        return False


def _is_file(entry: "os.DirEntry[str]") -> bool:
    """Whether it is a regular file, or a link that leads nowhere: a photo that went missing."""
    try:
        if entry.is_file():
            return True
    except OSError:  # a symbolic link to itself
        return entry.is_symlink()
    return entry.is_symlink() and not Path(entry.path).exists()


def _real_folder(entry: "os.DirEntry[str]", real: str, walk: _Walk) -> str | None:
    """The real path of a folder that is to be listed, or None to pass it over."""
    if entry.name.lower() in OTHER_FOLDERS:
        return None
    inner = f"{real}{os.sep}{entry.name}"
    if entry.is_symlink():
        inner = os.path.realpath(entry.path)
        if _is_listed_anyway(Path(inner), walk.root):
            return None
    return None if inner in walk.listed else inner


def _is_listed_anyway(target: Path, root: Path) -> bool:
    """Whether a link's target is around the root, or in it and not hidden."""
    if root.is_relative_to(target):
        return True
    return target.is_relative_to(root) and not any(
        part.startswith(".") or part.lower() in OTHER_FOLDERS
        for part in target.relative_to(root).parts
    )
