"""Files whose names alone matter."""

from collections.abc import Iterable
from pathlib import Path


def put(root: Path, names: Iterable[str]) -> Path:
    """Empty files under a folder; a name that ends in a slash is an empty folder."""
    for name in names:
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return root
