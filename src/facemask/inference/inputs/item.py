"""One thing found in an input: a photo to answer, or something that cannot be."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

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
