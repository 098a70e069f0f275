"""What becomes of answered photos: copies by answer, and a contact sheet."""

import errno
import io
import os
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from facecover.contact_sheet import SheetTile, contact_sheet, is_sheet, save_sheet
from facecover.errors import ConfigError, ImageError, OutputError, shown
from facecover.files import OnNote, check_own_file, ignore_note, new_file, remove_dead, written_file
from facecover.images import PixelBudget, open_image
from facecover.inference.prediction import Answered, Prediction
from facecover.locks import locked
from facecover.photos import COPIES_NAME, FoundPhoto

_MAX_NAME_BYTES = 180
"""Of a copy's name; file systems take 255, and a number may be added."""

_FORBIDDEN = frozenset('<>:"/\\|?*')
"""What Windows forbids in a name; a slash is forbidden everywhere."""


_COPIES_TEXT = """\
facecover copied these photos here. Where it reads a folder around this one, it passes them over, so
that none counts twice; delete this file to have them read. Named itself, this folder is read.
"""


class NewFiles:
    """Puts files into folders, and overwrites none.

    Where a name is taken by other bytes, a number is added; where it is taken by the same bytes,
    that file is the one.

    Args:
        folders: those that are still empty get the file `COPIES_NAME` with the first copy.
    """

    def __init__(self, *folders: Path | None) -> None:
        self._unmarked = [folder for folder in folders if folder is not None]
        self._next_number: dict[Path, int] = {}

    def add(self, wanted: Path, source: Path | bytes) -> Path:
        """Write a file's bytes to a place, or to a numbered one beside it; gives that.

        Raises:
            OutputError: if it cannot be written.
        """
        try:
            self._mark(wanted)
            wanted.parent.mkdir(parents=True, exist_ok=True)
            for path in self._candidates(wanted):
                if _copied(source, path):
                    return path
        except OutputError:
            raise
        except OSError as error:
            reason = error.strerror or error
            raise OutputError(
                f"{shown(wanted)}: the copy cannot be written: {reason}; name another place"
            ) from error
        raise OutputError(f"{shown(wanted)}: every numbered name is taken; name another place")

    def _mark(self, wanted: Path) -> None:
        for folder in [one for one in self._unmarked if wanted.is_relative_to(one)]:
            self._unmarked.remove(folder)
            folder.mkdir(parents=True, exist_ok=True)
            if all(path.name.startswith(".") for path in folder.iterdir()):
                (folder / COPIES_NAME).write_text(_COPIES_TEXT, "utf-8")

    def _candidates(self, wanted: Path) -> Iterator[Path]:
        """The name, then numbered ones, going on where the last photo of that name ended."""
        yield wanted  # each time: a photo that is named twice has its copy there
        while (number := self._next_number.get(wanted, 2)) < 10**7:
            self._next_number[wanted] = number + 1
            yield wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")


@contextmanager
def added_to(folders: Iterable[Path], note: OnNote = ignore_note) -> Iterator[None]:
    """A block in which this process alone adds files to some folders, made if need be.

    Args:
        folders: which.
        note: called with what killed processes had left there, and was removed.

    Raises:
        OutputError: if another process adds to one, or it cannot be written.
    """
    once = {os.path.realpath(folder): folder for folder in folders}
    with ExitStack() as held:
        for folder in once.values():
            held.enter_context(locked(folder))
            remove_dead(folder.rglob(".*"), note)
        try:
            yield
        finally:  # Ctrl-C may come while a file is being removed
            for folder in once.values():
                for path in folder.rglob(f".*.{os.getpid()}-????????.facecover"):
                    path.unlink(missing_ok=True)


class SortedCopies:
    """Copies photos into ``DIR/mask``, ``DIR/no_mask``, ``DIR/uncertain``, ...; see `NewFiles`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = NewFiles(folder)

    def add(self, answered: Answered) -> Path:
        """Copy one photo; gives the copy's path.

        Raises:
            OutputError: if the copy cannot be written.
        """
        given = answered.prediction
        folder = self._folder / ("uncertain" if given.is_uncertain else given.label)
        return self._files.add(folder / safe_name(answered.photo), answered.photo.source)


def safe_name(photo: FoundPhoto) -> str:
    """A name for a photo's copy: its path in the folder or archive, as one readable name.

    The parts are joined by two underscores, ``..`` and what cannot stand in a name is left out
    or replaced, and the name is neither hidden nor too long, so that it never leaves its folder.
    """
    parts = photo.inner.replace("\\", "/").split("/")
    kept = [part for part in parts if part.strip(" .")]
    name = "".join(map(_safe, "__".join(kept))).strip(" .") or "photo"
    if photo.inner == "stdin":
        name += suffix_of(photo.source)
    return _shortened(name)


def _safe(char: str) -> str:
    is_odd = char in _FORBIDDEN or unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    return "_" if is_odd else char


def _shortened(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix) > 10:
        stem, dot, suffix = name, "", ""
    room = _MAX_NAME_BYTES - len((dot + suffix).encode())
    return stem.encode()[:room].decode(errors="ignore") + dot + suffix


def suffix_of(source: Path | bytes) -> str:
    """What the name of such an image ends in, by its content: ``.jpg``; empty if it is none."""
    try:
        with open_image(_stream(source), "") as image:
            return f".{(image.format or '').lower()}".replace("jpeg", "jpg")
    except (ImageError, OSError):
        return ""


def _stream(source: Path | bytes) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _copied(source: Path | bytes, path: Path) -> bool:
    """Whether the path now holds the source's bytes; False where it holds others."""
    if os.path.lexists(path):
        return path.is_file() and _are_equal(source, path)
    try:
        with new_file(path) as beside:
            with _stream(source) as original, beside.open("wb") as copy:
                shutil.copyfileobj(original, copy)
            if isinstance(source, Path):
                _keep_times(source, beside)
    except FileExistsError:  # put there meanwhile
        return path.is_file() and _are_equal(source, path)
    return True


def _keep_times(source: Path, path: Path) -> None:
    """The copy gets the photo's dates where the file system lets it."""
    try:
        shutil.copystat(source, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EACCES):
            raise


def _are_equal(source: Path | bytes, path: Path) -> bool:
    if isinstance(source, bytes):
        return path.stat().st_size == len(source) and path.read_bytes() == source
    same_size = path.stat().st_size == source.stat().st_size
    return same_size and path.read_bytes() == source.read_bytes()


MAX_TILES = 400
"""Photos on one sheet: 50 rows, a picture of about 1,100 x 8,500 pixels."""

_TILE_PX = 128

_COLOURS = {"mask": "#0072b2", "no_mask": "#d55e00", "incorrect_mask": "#a8518a"}
_UNCERTAIN_COLOUR = "#999999"

_NO_BREAK = {ord("\n"): "?"}
"""A name keeps to its line of a title."""


def colour_of(given: Prediction) -> str:
    """An answer's colour, as ``#rrggbb``: told apart by the colour-blind, too (Okabe and Ito)."""
    return _UNCERTAIN_COLOUR if given.is_uncertain else _COLOURS[given.label]


class Sheet:
    """Collects the first `MAX_TILES` photos, as small as they are shown, and writes them.

    Args:
        path: the PNG file to write.

    Raises:
        ConfigError: if the name does not end in ``.png``.
        OutputError: if a picture that is no sheet stands there.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() != ".png":
            raise ConfigError(f"--sheet {shown(path)}: expected a name that ends in .png")
        check_own_file(path, is_sheet, "a contact sheet")
        self._path = path
        self._tiles: list[SheetTile] = []

    def add(self, answered: Answered, budget: PixelBudget) -> None:
        """Take one photo, if there is room; it is decoded within the budget."""
        if self.is_full:
            return
        try:
            with budget.photo(answered.photo.source, 2 * _TILE_PX) as photo:
                photo.image.thumbnail((_TILE_PX, _TILE_PX))
                image = photo.image.copy()  # a WebP's own holds its decoder, in full size
                del photo
        except ImageError:  # it was there when it was answered
            return
        given = answered.prediction
        mark = "?" if given.is_uncertain else ""
        last = answered.photo.inner.rsplit("/", maxsplit=1)[-1]
        title = f"{given.label}{mark} {given.in_percent}\n{last.translate(_NO_BREAK)}"
        self._tiles.append(SheetTile(image, title, colour_of(given)))

    @property
    def is_full(self) -> bool:
        """Whether no further photo finds a place."""
        return len(self._tiles) >= MAX_TILES

    def write(self) -> int:
        """Write the sheet, unless there is no photo; gives how many are on it.

        Raises:
            OutputError: if it cannot be written; what stood there before still stands.
        """
        if self._tiles:
            with written_file(self._path) as beside:
                save_sheet(contact_sheet(self._tiles, tile_px=_TILE_PX), beside)
        return len(self._tiles)
