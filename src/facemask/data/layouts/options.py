"""How sources are read: which layout, which single label, which names of classes."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from facemask.errors import ConfigError
from facemask.labels import parse_mapping, resolve_label

LAYOUTS = ("class-folders", "split-folders", "file-names", "csv", "voc", "single-class")
"""The layouts that are read; see the package's docstring."""


@dataclass(frozen=True)
class ReadOptions:
    """What the user says of the sources.

    Attributes:
        layouts: by source name, the layout to read it as; "" stands for every source.
        labels: by source name, the class name of all its photos; "" stands for every source
            that has no labels of its own.
        mapping: class names as found, each with a name known to `facemask.labels`.
    """

    layouts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    mapping: Mapping[str, str] = field(default_factory=dict)

    def layout_of(self, name: str) -> str | None:
        """The layout forced on a source, if any."""
        return self.layouts.get(name, self.layouts.get(""))

    def label_of(self, name: str) -> str | None:
        """The single class name given for a source, if any."""
        return self.labels.get(name, self.labels.get(""))


def parse_assignments(
    *, layouts: Sequence[str] = (), labels: Sequence[str] = (), maps: Sequence[str] = ()
) -> ReadOptions:
    """The options `--layout`, `--label` and `--map`, as typed.

    Args:
        layouts: each ``LAYOUT`` for every source or ``SOURCE=LAYOUT`` for one.
        labels: each ``CLASS`` for every source without labels, or ``SOURCE=CLASS``.
        maps: each ``THEIR_NAME=CLASS``.

    Raises:
        ConfigError: if one has no value, names an unknown layout, or contradicts another.
        LabelError: if a class name is unknown.
    """
    mapping = parse_mapping(list(maps))
    return ReadOptions(
        layouts=_assigned("--layout", layouts, _check_layout),
        labels=_assigned(
            "--label", labels, lambda label: resolve_label(label, mapping, where="--label")
        ),
        mapping=mapping,
    )


def _assigned(
    option: str, texts: Sequence[str], check: Callable[[str], object]
) -> dict[str, str]:  # fmt: skip
    assigned: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        if not value.strip() or (equals and not name.strip()):
            raise ConfigError(f"{option} {text!r}: expected VALUE or SOURCE=VALUE")
        check(value.strip())
        before = assigned.setdefault(name.strip(), value.strip())
        if before != value.strip():
            raise ConfigError(f"{option} {text!r}: {before!r} is given for it too; keep one")
    return assigned


def _check_layout(layout: str) -> None:
    if layout not in LAYOUTS:
        close = difflib.get_close_matches(layout, LAYOUTS, n=1, cutoff=0.4)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise ConfigError(
            f"--layout: unknown layout {layout!r}{hint}; expected one of {', '.join(LAYOUTS)}"
        )
