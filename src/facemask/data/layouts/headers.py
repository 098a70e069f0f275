"""The headers of the pictures that boxes lie in."""

from pathlib import Path

from facemask.errors import ImageError
from facemask.images import Header, read_header


class Headers:
    """Headers by path, each file opened once; None where it cannot be read.

    Such a picture keeps its rows here, so that decoding lists it as unreadable.
    """

    def __init__(self) -> None:
        self._found: dict[Path, Header | None] = {}

    def __getitem__(self, path: Path) -> Header | None:
        if path not in self._found:
            try:
                self._found[path] = read_header(path)
            except ImageError:
                self._found[path] = None
        return self._found[path]
