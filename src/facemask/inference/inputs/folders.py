"""The photos in a folder and below, as paths."""

import os
from collections.abc import Iterator
from pathlib import Path

from facemask.errors import shown
from facemask.inference.inputs.item import Broken, FoundPhoto, Item, Skipped
from facemask.photo_names import OTHER_FOLDERS, may_be_photo


def photos_below(root: Path, skipped: Skipped, leave_out: Path | None = None) -> Iterator[Item]:
    """Every file below a folder that may be a photo: by name, files before folders.

    Links to folders are followed, but each real folder is looked into once, so that a loop of
    links ends. Hidden files and folders are passed over.

    Args:
        root: the folder.
        skipped: counts what is passed over.
        leave_out: a folder that is not looked into.
    """
    listed = set() if leave_out is None else {os.path.realpath(leave_out)}
    waiting = [str(root)]
    while waiting:
        folder = waiting.pop()
        real = os.path.realpath(folder)
        if real in listed:
            continue
        listed.add(real)
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            reason = f"this folder cannot be listed: {error.strerror}"
            yield Broken(folder, reason)
            continue
        inner = [entry.path for entry in found if _is_folder(entry) and _is_looked_into(entry.name)]
        yield from _files(found, root, skipped)
        waiting.extend(reversed(inner))


def _files(entries: list["os.DirEntry[str]"], root: Path, skipped: Skipped) -> Iterator[Item]:
    for entry in entries:
        if _is_folder(entry):
            continue
        if not may_be_photo(entry.name):
            skipped.add(entry.name)
        elif _is_lost(entry):
            yield Broken(entry.path, f"a link that leads nowhere: {shown(_target(entry))}")
        elif not entry.is_file():
            skipped.add(entry.name)
        else:
            path = Path(entry.path)
            yield FoundPhoto(entry.path, path, path.relative_to(root).as_posix())


def _is_looked_into(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in OTHER_FOLDERS


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a symbolic link to itself
        return False


def _is_lost(entry: "os.DirEntry[str]") -> bool:
    """Whether it is a link to nothing, or to itself: a photo that went missing."""
    try:
        return entry.is_symlink() and not os.path.exists(entry.path)  # noqa: PTH110  (no copy)
    except OSError:
        return True


def _target(entry: "os.DirEntry[str]") -> str:
    try:
        return str(Path(entry.path).readlink())
    except OSError:
        return entry.name
