"""All photos that the inputs of a command name, in their order."""

import functools
import glob
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from facecover.errors import shown
from facecover.file_kinds import ArchiveKind, archive_kind
from facecover.photos import (
    MAX_FILE_BYTES,
    NO_PHOTO,
    Broken,
    FoundPhoto,
    Item,
    photos_below,
    reason_to_skip,
    web_address_advice,
)


class _Archive(Struct, frozen=True):
    path: Path
    kind: ArchiveKind


class Inputs:
    """The photos of some inputs; iterate over it once.

    Paths are listed at once and held; bytes are read one photo after the other.

    Attributes:
        skipped: how much was passed over, by reason; complete after the iteration.
    """

    def __init__(self, skipped: Counter[str], listed: list[Item | _Archive]) -> None:
        self.skipped = skipped
        self._listed = listed

    def __iter__(self) -> Iterator[Item]:
        for item in self._listed:
            if isinstance(item, _Archive):
                yield from _members(item, self.skipped)
            else:
                yield item

    @property
    def total(self) -> int | None:
        """How many photos and broken inputs there are.

        None if a tar archive is among them, which does not say before it is read.
        """
        total = 0
        for item in self._listed:
            if isinstance(item, _Archive):
                if item.kind != "zip":
                    return None
                # Imported where needed: most calls read no archive.
                from facecover.archives import photos_counted

                total += photos_counted(item.path)
            else:
                total += 1
        return total


def find_inputs(names: Iterable[str], stdin: BinaryIO, *, leave_out: Sequence[Path] = ()) -> Inputs:
    """What some inputs name.

    Args:
        names: files, folders, archives, patterns that no shell expanded, or ``-`` for `stdin`.
        stdin: gives the bytes of one image.
        leave_out: folders that are not looked into, such as those that are written into; of
            what a pattern matches, all in them is left out.
    """
    skipped = Counter[str]()
    listed: list[Item | _Archive] = []
    for name in names:
        if name == "-":
            listed.append(_from_stream(name, stdin, "standard input"))
        else:
            listed += _found(name, skipped, leave_out)
    return Inputs(skipped, listed)


def _found(
    name: str, skipped: Counter[str], leave_out: Sequence[Path]
) -> Iterator[Item | _Archive]:
    if not name:  # which a path takes for the working folder
        yield Broken(
            name, "an empty name; expected a file, a folder or a pattern: is a variable not set?"
        )
        return
    path = Path(name)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if advice := web_address_advice(name):
            yield Broken(name, advice)
        else:
            yield from _matching(name, skipped, leave_out)
        return
    except (OSError, ValueError) as error:  # too long a name, a loop of links, a null character
        reason = getattr(error, "strerror", None) or error
        yield Broken(name, f"cannot be opened: {reason}")
        return
    if stat.S_ISDIR(mode):
        yield from photos_below(path, skipped, leave_out)
    elif stat.S_ISREG(mode):
        yield _file(name, path)
    elif stat.S_ISFIFO(mode):
        yield _from_pipe(name, path)
    else:
        yield Broken(name, "expected a file or a folder, found a device or a socket")


def _matching(
    name: str, skipped: Counter[str], leave_out: Sequence[Path]
) -> Iterator[Item | _Archive]:
    """What a pattern stands for, by name; of files only those that may be photos or archives."""
    if not glob.has_magic(name):
        yield Broken(name, "no such file or folder")
        return
    matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207  (a pattern may be absolute)
    if not matches:
        yield Broken(name, "no file matches this pattern")
    for match in _outside(_listed_once(matches) if "**" in name else matches, leave_out):
        path = Path(match)
        kind = _kind_of_file(path)
        if kind == stat.S_IFDIR:
            if "**" not in name:  # which names every file below by itself
                yield from photos_below(path, skipped, leave_out)
        elif kind not in (stat.S_IFREG, None):  # opening a pipe would wait for its writer
            skipped[NO_PHOTO] += 1
        elif (reason := reason_to_skip(path.name)) is not None and archive_kind(path) is None:
            skipped[reason] += 1
        else:
            yield _file(match, path)


def _listed_once(matches: list[str]) -> list[str]:
    """The matches, each folder's under its shortest path alone, whichever links lead there.

    A pattern follows a loop of links until the system stops it: each photo has 41 names then.
    """
    real_folder = functools.cache(os.path.realpath)
    once: dict[tuple[str, str], str] = {}
    for match in sorted(matches, key=lambda match: (match.count(os.sep), match)):
        folder, last = os.path.split(match)
        once.setdefault((real_folder(folder), last), match)
    return sorted(once.values())


def _outside(matches: list[str], folders: Sequence[Path]) -> list[str]:
    """The matches that do not lie in some folders, whichever links lead there."""
    for folder in map(os.path.realpath, folders):
        matches = [one for one in matches if not Path(os.path.realpath(one)).is_relative_to(folder)]
    return matches


def _kind_of_file(path: Path) -> int | None:
    """`stat.S_IFREG`, `stat.S_IFDIR` or another; None where it cannot be told: a lost link."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except OSError:  # said when the photo is read
        return None


def _file(name: str, path: Path) -> Item | _Archive:
    kind = archive_kind(path)
    return FoundPhoto(name, path, path.name) if kind is None else _Archive(path, kind)


def _from_pipe(name: str, path: Path) -> Item:
    try:
        with path.open("rb") as stream:
            return _from_stream(name, stream, "the pipe")
    except OSError as error:  # it may not be read
        return Broken(name, f"cannot be opened: {error.strerror}")


def _from_stream(name: str, stream: BinaryIO, where: str) -> Item:
    content = stream.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        return Broken(name, f"{where} gave more than {MAX_FILE_BYTES:,} bytes; expected one image")
    if not content:
        return Broken(name, f"{where} gave no bytes; expected one image, and it is read once")
    return FoundPhoto(name, content, "stdin")


def _members(archive: _Archive, skipped: Counter[str]) -> Iterator[Item]:
    from facecover.archives import RefusedError, photos_in

    try:
        yield from photos_in(archive.path, archive.kind, skipped)
    except RefusedError as error:
        yield Broken(str(archive.path), shown(str(error)))
