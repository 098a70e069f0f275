"""One thing found in an input: a photo to answer, or something that cannot be."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from facecover.errors import DatasetError, shown

OTHER_SUFFIXES = frozenset(
    ("xml", "csv", "tsv", "txt", "json", "jsonl", "yaml", "yml", "toml", "ini", "cfg", "conf",
     "md", "rst", "html", "htm", "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "rtf", "log",
     "py", "pyc", "pyi", "ipynb", "sh", "bat", "js", "css", "cpp", "java", "exe", "dll", "so",
     "zip", "tar", "gz", "tgz", "bz2", "xz", "7z", "rar", "tmp", "part", "lock", "cache",
     "npy", "npz", "pkl", "pickle", "mat", "h5", "hdf5", "parquet", "tfrecord", "db", "sqlite",
     "pt", "pth", "onnx", "ckpt", "pb", "tflite", "caffemodel", "prototxt", "weights",
     "mp4", "avi", "mov", "mkv", "webm", "mp3", "wav")
)  # fmt: skip
"""A file with one of these extensions is no photo, whatever the case of its letters.

Every other regular file that is not hidden is taken for one, because photos in the wild have odd
extensions or none; what then proves to be no image is listed as unreadable, never lost.
"""

OTHER_NAMES = frozenset(
    ("thumbs.db", "desktop.ini", "icon\r", "readme", "license", "licence", "copying", "notice",
     "authors", "citation", "makefile", "dockerfile", "md5sums", "sha256sums")
)  # fmt: skip
"""Files of these names (lower case) are no photos either."""

OTHER_FOLDERS = frozenset(("__macosx", "__pycache__", "$recycle.bin"))
"""Folders of these names (lower case) are not looked into, nor are hidden ones."""


def may_be_photo(name: str) -> bool:
    """Whether a file of this name is taken for a photo: see `OTHER_SUFFIXES`."""
    lower = name.lower()
    _, dot, suffix = lower.rpartition(".")
    return not lower.startswith(".") and lower not in OTHER_NAMES and not (
        dot and suffix in OTHER_SUFFIXES
    )  # fmt: skip


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


MAX_FILE_BYTES = 64 * 2**20
"""A member of an archive, or a stream, with more bytes is refused. They are read into memory;
the largest photos that are decoded, of 100 million pixels, have about as many as JPEGs."""


@dataclass(frozen=True, slots=True)
class FoundPhoto:
    """A file that may be a photo.

    Attributes:
        name: for people and programs: the path as it was given or found, or
            ``archive.zip!inner/name.jpg``, or ``-`` for standard input.
        source: where its bytes are.
        inner: its path inside the folder or the archive that was named, with ``/`` between the
            parts; of a file that was named itself, its last part.
    """

    name: str
    source: Path | bytes
    inner: str


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that was named but cannot be answered.

    Attributes:
        name: as `FoundPhoto`.
        reason: why, in one line.
    """

    name: str
    reason: str


@dataclass(slots=True)
class Skipped:
    """Files that were passed over, counted.

    Attributes:
        counts: by what they are: ``hidden``, or ``no photo by name``.
    """

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, name: str) -> None:
        """Count one file, by the last part of its path."""
        self.counts["hidden" if name.startswith(".") else "no photo by name"] += 1


Item = FoundPhoto | Broken


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
