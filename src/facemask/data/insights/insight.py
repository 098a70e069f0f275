"""One insight, and how its figures read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["note", "warning"]


@dataclass(frozen=True)
class Insight:
    """A sentence that the data's figures warrant.

    Attributes:
        key: what it is about, in snake case; stable, for programs.
        level: ``warning`` where it can spoil what is learned or measured, else ``note``.
        title: what it is about, in a few words.
        text: the sentence, with its figures.
        reason: what follows from it.
        figures: the numbers in it, by name; shares in 0..1.
    """

    key: str
    level: Level
    title: str
    text: str
    reason: str
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_warning(self) -> bool:
        """Whether it is a warning."""
        return self.level == "warning"


def percent(share: float) -> str:
    """A share as people read it: 57.7%, or 0.04% where one decimal would hide it."""
    return f"{share:.2%}" if 0 < share < 0.001 or 0.999 < share < 1 else f"{share:.1%}"


def listed(items: Sequence[str], most: int = 5) -> str:
    """Items as a sentence lists them; those over `most` are only counted."""
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most:,} more"
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def photos(count: int) -> str:
    """A number of photos."""
    return f"{count:,} photo" + ("" if count == 1 else "s")
