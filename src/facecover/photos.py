"""Photos in folders: what is taken for one, and the one walk over a folder and all below it."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from msgspec import Struct, field

from facecover.errors import ConfigError, DatasetError, shown

OTHER_SUFFIXES = frozenset(
    ("xml", "csv", "tsv", "txt", "json", "jsonl", "yaml", "yml", "toml", "ini", "cfg", "conf",
     "md", "rst", "html", "htm", "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "rtf", "log",
     "py", "pyc", "pyi", "ipynb", "sh", "bat", "js", "css", "cpp", "java", "exe", "dll", "so",
     "zip", "tar", "gz", "tgz", "bz2", "xz", "7z", "rar", "tmp", "part", "lock", "cache",
     "npy", "npz", "pkl", "pickle", "mat", "h5", "hdf5", "parquet", "tfrecord", "db", "sqlite",
     "pt", "pth", "onnx", "ckpt", "pb", "tflite", "caffemodel", "prototxt", "weights", "names",
     "labels",
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


MAX_DEPTH = 64
"""Folders further down are not looked into."""

MAX_FILE_BYTES = 64 * 2**20
"""A member of an archive, or a stream, with more bytes is refused. They are read into memory;
the largest photos that are decoded, of 100 million pixels, have about as many as JPEGs."""

MAX_MEGAPIXELS = 100
"""Decoded at a time: 0.4 GB of JPEGs and PNGs, 1.6 GB of WebPs. Photos of phones, up to 108
megapixels, are JPEGs and have fewer at reduced scale."""

MEGAPIXELS_LIMIT = 178
"""Pillow opens no image with more."""

OUTPUT_NAMES = frozenset(
    ("manifest.parquet", "audit.json", "exploration.json", "evaluation.json", "comparison.json",
     "run.json", "study.json")
)  # fmt: skip
COPIES_NAME = "copies-by-facecover.txt"
"""Stands in a folder of copies that was new when it was first written into."""

BESIDE_OUTPUT = frozenset(("dropped.csv", "report.html", "config.yaml", "study.yaml"))
"""A folder with files of both sets was written by `facecover`; the images in it are no photos, nor
are those beside a file of the name above."""

HIDDEN, NO_PHOTO, LINKED = "hidden", "no photo by name", "link to a folder that is read anyway"
OWN_OUTPUT = "folder written by facecover"
"""Why something is passed over, as it is counted."""


def checked_megapixels(max_megapixels: int) -> int:
    """The pixels that may be decoded at a time.

    Raises:
        ConfigError: if they are none, or more than Pillow opens.
    """
    if not 1 <= max_megapixels <= MEGAPIXELS_LIMIT:
        raise ConfigError(
            f"max_megapixels: expected 1 to {MEGAPIXELS_LIMIT}, found {max_megapixels}"
        )
    return round(max_megapixels * 1e6)


_WEB_ADDRESS = re.compile(r"(https?|ftps?|s3|gs):/", re.IGNORECASE)


def web_address_advice(name: str | Path) -> str:
    """What to say of a name that is a web address; empty if it is none."""
    if not _WEB_ADDRESS.match(str(name)):
        return ""
    return "a web address, and nothing is fetched from the network: download it and name the file"


def reason_to_skip(name: str) -> str | None:
    """Why a file of this name is not taken for a photo, see `OTHER_SUFFIXES`; None if it is."""
    lower = name.lower()
    _, dot, suffix = lower.rpartition(".")
    if lower.startswith("."):
        return HIDDEN
    return NO_PHOTO if lower in OTHER_NAMES or (dot and suffix in OTHER_SUFFIXES) else None


def reason_to_skip_folder(name: str) -> str | None:
    """Why a folder of this name is not looked into; None if it is."""
    if name.startswith("."):
        return HIDDEN
    return NO_PHOTO if name.lower() in OTHER_FOLDERS else None


class Folder(Struct, eq=False, dict=True):
    """What lies directly in a folder, each list sorted by name, and what lies below it.

    Attributes:
        location: the folder, by way of the root that the walk began with.
        photos: locations of the files that may be photos.
        lost: those of them that are links to nothing, each with what it says.
        other_files: locations of those that are clearly something else; hidden ones left out.
        problem: why it could not be listed; empty if it could.
        folders: those in it; `folder_tree` puts them there.
    """

    location: str
    photos: list[str] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)
    other_files: list[str] = field(default_factory=list)
    problem: str = ""
    folders: list["Folder"] = field(default_factory=list)

    @cached_property
    def path(self) -> Path:
        """Where it lies."""
        return Path(self.location)

    @cached_property
    def images(self) -> list[Path]:
        """The files directly in it that may be photos."""
        return list(map(Path, self.photos))

    @cached_property
    def others(self) -> list[Path]:
        """The files directly in it that are clearly something else."""
        return list(map(Path, self.other_files))

    @cached_property
    def image_count(self) -> int:
        """How many files may be photos, in it and below."""
        return len(self.photos) + sum(folder.image_count for folder in self.folders)

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


def walk(root: Path, skipped: Counter[str], leave_out: Sequence[Path] = ()) -> Iterator[Folder]:
    """Every folder from a root down, each before those in it, by name.

    Hidden folders, `OTHER_FOLDERS` and outputs of our own below the root are not looked into.
    Links to folders are followed, but each real folder is listed once and under its own path if it
    has one below the root: a link to what is listed anyway, or to a folder around it, is passed
    over. So a loop of links ends.

    Args:
        root: a folder.
        skipped: counts what is passed over, by reason.
        leave_out: folders that are not looked into, whichever links lead there; of one around the
            root only the rest is left out.
    """
    top = os.path.realpath(root)
    outs = [Path(os.path.realpath(folder)) for folder in leave_out]
    left_out = {str(folder) for folder in outs}
    listed = {*left_out}
    waiting = [(str(root), top, 0)]
    while waiting:
        path, real, depth = waiting.pop()
        if real in listed:
            skipped[LINKED] += real not in left_out
            continue
        listed.add(real)
        if depth > MAX_DEPTH:
            problem = f"expected folders at most {MAX_DEPTH} deep; name a folder further down"
            yield Folder(path, problem=problem)
            continue
        inside = Counter[str]()
        folder, folders = _list(path, inside)
        if depth and _is_own_output(folder):
            skipped[OWN_OUTPUT] += 1
            continue
        skipped.update(inside)
        yield folder
        for entry in reversed(folders):
            is_link = entry.is_symlink()
            inner = os.path.realpath(entry.path) if is_link else f"{real}{os.sep}{entry.name}"
            if is_link and _is_listed_anyway(Path(inner), Path(top), outs):
                skipped[LINKED] += 1
            else:
                waiting.append((entry.path, inner, depth + 1))


def _is_own_output(folder: Folder) -> bool:
    names = {os.path.basename(path) for path in folder.other_files}  # noqa: PTH119  (no Path each)
    return COPIES_NAME in names or bool(names & OUTPUT_NAMES and names & BESIDE_OUTPUT)


def _is_listed_anyway(target: Path, root: Path, left_out: Sequence[Path]) -> bool:
    """Whether a link's target is around the root, or in it and not hidden, or left out."""
    outside = (folder for folder in left_out if not root.is_relative_to(folder))
    if any(map(target.is_relative_to, outside)):
        return True
    if not target.is_relative_to(root):
        return root.is_relative_to(target)
    return not any(map(reason_to_skip_folder, target.relative_to(root).parts))


def _list(path: str, skipped: Counter[str]) -> tuple[Folder, list["os.DirEntry[str]"]]:
    """A folder's files, and the folders in it that are looked into."""
    folders: list[os.DirEntry[str]] = []
    try:
        with os.scandir(path) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        problem = (
            f"this folder cannot be listed: {error.strerror}; make it readable or name another"
        )
        return Folder(path, problem=problem), folders
    folder = Folder(path)
    for entry in found:
        is_folder = _is_folder(entry)
        reason = reason_to_skip_folder(entry.name) if is_folder else _sort_file(entry, folder)
        if reason is not None:
            skipped[reason] += 1
        elif is_folder:
            folders.append(entry)
    return folder, folders


def _sort_file(entry: "os.DirEntry[str]", folder: Folder) -> str | None:
    """Put a file where it belongs in its folder; why it is no photo, if it is none."""
    reason = reason_to_skip(entry.name)
    if reason == HIDDEN:
        return reason
    if _is_lost(entry):
        if reason is None:
            folder.lost[entry.path] = _target(entry)
    elif not entry.is_file():  # opening a pipe would wait for its writer
        return NO_PHOTO
    (folder.photos if reason is None else folder.other_files).append(entry.path)
    return reason


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


def folder_tree(root: Path, skipped: Counter[str]) -> Folder:
    """A folder with all that `walk` finds below it; `skipped` counts what is passed over.

    Raises:
        DatasetError: if a folder cannot be listed or lies deeper than `MAX_DEPTH`.
    """
    found: dict[Path, Folder] = {}
    for folder in walk(root, skipped):
        if folder.problem:
            raise DatasetError(f"{shown(folder.location)}: {folder.problem}")
        if found:
            found[folder.path.parent].folders.append(folder)
        found[folder.path] = folder
    return found[root]


class FoundPhoto(Struct, frozen=True):
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


class Broken(Struct, frozen=True):
    """Something that was named but cannot be answered, and why, in one line."""

    name: str
    reason: str

    def to_json(self) -> dict[str, str]:
        """``path`` and ``error``."""
        return {"path": self.name, "error": self.reason}


Item = FoundPhoto | Broken


def photos_below(
    root: Path, skipped: Counter[str], leave_out: Sequence[Path] = ()
) -> Iterator[Item]:
    """Every file below a folder that may be a photo, and what is lost, as `walk` finds them."""
    inner_from = len(os.path.join(root, ""))  # noqa: PTH118  (no Path for each photo)
    for folder in walk(root, skipped, leave_out):
        if folder.problem:
            yield Broken(folder.location, folder.problem)
        for name in folder.photos:
            if name in folder.lost:
                yield Broken(name, f"a link that leads nowhere: {shown(folder.lost[name])}")
            else:
                yield FoundPhoto(name, Path(name), name[inner_from:].replace(os.sep, "/"))
