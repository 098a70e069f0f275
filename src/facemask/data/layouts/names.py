"""What sources are called: short, unique, and stable."""

import os
from collections.abc import Sequence
from pathlib import Path


def source_names(paths: Sequence[Path]) -> list[str]:
    """The last part of each path, with as many parts before it as make it unique.

    Equal paths are numbered: ``photos``, ``photos-2``.
    """
    parts = [_parts(path) for path in paths]
    return numbered([_short(own, parts) for own in parts])


def numbered(names: Sequence[str]) -> list[str]:
    """The names, those that occur again with a number: ``photos``, ``photos-2``."""
    taken: set[str] = set()
    unique = []
    for name in names:
        candidate, number = name, 1
        while candidate in taken or (number > 1 and candidate in names):
            number += 1
            candidate = f"{name}-{number}"
        taken.add(candidate)
        unique.append(candidate)
    return unique


def _parts(path: Path) -> tuple[str, ...]:
    # Without the links resolved: the user knows the folder by the name given.
    normal = Path(os.path.normpath(path.absolute()))
    return normal.parts[1:] or (normal.anchor,)


def _short(own: tuple[str, ...], every: Sequence[tuple[str, ...]]) -> str:
    others = [parts for parts in every if parts != own]
    for depth in range(1, len(own)):
        if all(parts[-depth:] != own[-depth:] for parts in others):
            return "/".join(own[-depth:])
    return "/".join(own)
