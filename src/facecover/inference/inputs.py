"""All photos that the inputs of a command name, in their order."""

import functools
import glob
import os
import stat
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from facecover.errors import ImageError, shown
from facecover.inference.archives import ArchiveKind, RefusedError, archive_kind
from facecover.inference.classifier import Classifier
from facecover.inference.model_info import ModelInfo
from facecover.inference.prediction import Prediction
from facecover.labels import MASK
from facecover.photos import (
    MAX_FILE_BYTES,
    NO_PHOTO,
    Broken,
    FoundPhoto,
    Item,
    photos_below,
    reason_to_skip,
)

STANDARD_INPUT = "-"
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class _Archive:
    path: Path
    kind: ArchiveKind


@dataclass(slots=True)
class Inputs:
    """The photos of some inputs; iterate over it once.

    Paths are listed at once and held; bytes are read one photo after the other.

    Attributes:
        skipped: how much was passed over, by reason; complete after the iteration.
    """

    skipped: Counter[str]
    _listed: list[Item | _Archive]

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
                from facecover.inference.archives import photos_counted

                total += photos_counted(item.path)
            else:
                total += 1
        return total


def find_inputs(names: Iterable[str], stdin: BinaryIO, *, leave_out: Path | None = None) -> Inputs:
    """What some inputs name.

    Args:
        names: files, folders, archives, patterns that no shell expanded, or ``-``.
        stdin: where the bytes of ``-`` come from.
        leave_out: a folder that is not looked into, such as the one that is written into; of
            what a pattern matches, all in it is left out.
    """
    skipped = Counter[str]()
    listed: list[Item | _Archive] = []
    for name in names:
        if name == STANDARD_INPUT:
            listed.append(_from_stream(name, stdin, "standard input"))
        else:
            listed += _found(name, skipped, leave_out)
    return Inputs(skipped, listed)


def _found(name: str, skipped: Counter[str], leave_out: Path | None) -> Iterator[Item | _Archive]:
    if not name:  # which a path takes for the working folder
        yield Broken(
            name, "an empty name; expected a file, a folder or a pattern: is a variable not set?"
        )
        return
    path = Path(name)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
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
    name: str, skipped: Counter[str], leave_out: Path | None
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
        elif (reason := reason_to_skip(path.name)) is not None and _kind(path) is None:
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


def _outside(matches: list[str], folder: Path | None) -> list[str]:
    """The matches that do not lie in a folder, whichever links lead there."""
    if folder is None:
        return matches
    real = Path(os.path.realpath(folder))
    return [one for one in matches if not Path(os.path.realpath(one)).is_relative_to(real)]


def _kind_of_file(path: Path) -> int | None:
    """`stat.S_IFREG`, `stat.S_IFDIR` or another; None where it cannot be told: a lost link."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except OSError:  # said when the photo is read
        return None


def _file(name: str, path: Path) -> Item | _Archive:
    kind = _kind(path)
    return FoundPhoto(name, path, path.name) if kind is None else _Archive(path, kind)


def _kind(path: Path) -> ArchiveKind | None:
    try:
        return archive_kind(path)
    except OSError:  # said when the photo is read
        return None


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
    # Imported where needed: most calls read no archive.
    from facecover.inference.archives import photos_in_tar, photos_in_zip

    try:
        if archive.kind == "zip":
            yield from photos_in_zip(archive.path, skipped)
        else:
            yield from photos_in_tar(archive.path, archive.kind, skipped)
    except RefusedError as error:
        yield Broken(str(archive.path), shown(str(error)))


def read_list(stream: Iterable[str]) -> Sequence[str]:
    """The inputs in a list of paths, one a line; empty lines are passed over.

    A byte order mark, which editors on Windows write, is no part of the first name.
    """
    lines = [raw.rstrip("\r\n") for raw in stream]
    lines[:1] = [line.removeprefix(_BYTE_ORDER_MARK) for line in lines[:1]]
    return [line for line in lines if line]


REDUCED_FACTOR = 4
"""A JPEG may be decoded at reduced scale as long as its sides keep this many times the model's
input. Measured by `benchmarks/reduced_scale.py`, on 1,649 photos and two models of 32 pixels: a
probability then moves by 0.001 on average and by 0.05 at most."""

MARGIN = 0.1
"""An answer from a reduced photo that lies this close to being another is settled from every
pixel: twice the largest difference seen."""

MAX_WAITING_BYTES = 256 * 2**20
"""Of photos that wait for their answers in memory: a few of the largest, and some dozens as
cameras make them, so that the threads that decode have enough to do."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A photo and its answer.

    Attributes:
        photo: what was answered.
        prediction: the answer.
    """

    photo: FoundPhoto
    prediction: Prediction


def answered(
    classifier: Classifier,
    items: Iterable[Item],
    batch_size: int,
    *,
    every_pixel: bool = False,
    max_waiting_bytes: int = MAX_WAITING_BYTES,
) -> Iterator[Answered | Broken]:
    """The answer to each item as soon as its batch is done, or why there is none.

    What waits for its answer is two batches, and fewer where the photos are large, so the items
    may be endless.

    Args:
        classifier: answers.
        items: the photos.
        batch_size: photos that go through the network at once.
        every_pixel: large JPEGs are not decoded at reduced scale first.
        max_waiting_bytes: no further photo is read while the bytes of those that wait are as many.

    Raises:
        ConfigError: if `batch_size` is not a positive number.
    """
    waiting = _Waiting(iter(items), max_waiting_bytes)
    at_least_px = None if every_pixel else REDUCED_FACTOR * classifier.info.input_size_px
    while not waiting.is_at_end:
        outcomes = classifier.predict(
            waiting.sources(), batch_size, on_error="return", at_least_px=at_least_px
        )
        for outcome in outcomes:
            while isinstance(item := waiting.next(), Broken):
                yield item
            if at_least_px is not None:
                outcome = _settled(classifier, item, outcome, at_least_px)
            yield _paired(item, outcome)
    yield from waiting.broken()


@dataclass(slots=True)
class _Waiting:
    """What was taken from some items and waits for its answer, in order.

    Attributes:
        items: where it is taken from.
        max_bytes: as `answered` has it.
        is_at_end: whether all items were taken.
    """

    items: Iterator[Item]
    max_bytes: int
    is_at_end: bool = False
    _taken: deque[Item] = field(default_factory=deque)
    _n_bytes: int = 0

    def sources(self) -> Iterator[Path | bytes]:
        """The photos, until the bytes of those that wait are too many.

        It ends there, since whoever reads ahead cannot be made to wait: what was taken is then
        answered to its end, and the next call goes on.
        """
        for item in self.items:
            self._taken.append(item)
            if isinstance(item, FoundPhoto):
                self._n_bytes += _bytes_in_memory(item)
                yield item.source
                if self._n_bytes >= self.max_bytes:  # of those that wait when the next is due
                    return
        self.is_at_end = True

    def next(self) -> Item:
        """What has waited longest; it waits no more."""
        item = self._taken.popleft()
        self._n_bytes -= _bytes_in_memory(item)
        return item

    def broken(self) -> Iterator[Broken]:
        """What is left behind the last photo."""
        return (item for item in self._taken if isinstance(item, Broken))


def _bytes_in_memory(item: Item) -> int:
    if isinstance(item, FoundPhoto) and isinstance(item.source, bytes):
        return len(item.source)
    return 0


def is_close(probabilities: Sequence[float], info: ModelInfo) -> bool:
    """Whether an answer would be another if a probability moved by `MARGIN`.

    Args:
        probabilities: of each class, 0..1.
        info: the model's threshold and uncertain band.
    """
    mask = probabilities[MASK]
    edges = [*(info.uncertain_band or ())]
    if len(probabilities) == 2:
        edges.append(info.threshold)
    else:
        first, second = sorted(probabilities, reverse=True)[:2]
        edges.append(mask + (first - second) / 2)
    return any(abs(mask - edge) <= MARGIN for edge in edges)


def _settled(
    classifier: Classifier, photo: FoundPhoto, outcome: Prediction | ImageError, at_least_px: int
) -> Prediction | ImageError:
    """The answer from every pixel where the one from a reduced photo is close to another."""
    if isinstance(outcome, ImageError) or min(outcome.size_px) < 2 * at_least_px:
        return outcome  # a smaller one was not reduced
    if not is_close(list(outcome.probabilities.values()), classifier.info):
        return outcome
    try:
        return classifier(photo.source)
    except ImageError as error:
        return error


def _paired(photo: FoundPhoto, outcome: Prediction | ImageError) -> Answered | Broken:
    if isinstance(outcome, Prediction):
        return Answered(photo, outcome)
    # The name stands before it anyway.
    place = "image bytes" if isinstance(photo.source, bytes) else shown(photo.source)
    return Broken(photo.name, str(outcome).removeprefix(f"{place}: "))
