"""Why an experiment is wrong, in words that name the key, its place, and what was expected."""

import difflib
import re
import reprlib
from collections.abc import Callable, Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from facemask.errors import ConfigError

Path = tuple[str, ...]
"""The keys that lead to a value, from the outermost in."""

_LEAD_IN = r"^\w+ should (?:be |have )?"
"""How pydantic begins a message: Input should be, String should match, String should have."""


def known_paths(model: type[BaseModel]) -> dict[Path, bool]:
    """Every path into a model, and whether a section (and not a value) stands there."""
    return dict(_walk(model, ()))


def _walk(model: type[BaseModel], above: Path) -> Iterator[tuple[Path, bool]]:
    for name, field in model.model_fields.items():
        path = (*above, name)
        section = _section(field.annotation)
        yield path, section is not None
        if section is not None:
            yield from _walk(section, path)


def _section(kind: Any) -> type[BaseModel] | None:  # noqa: ANN401  (any annotation)
    """The section that a field holds, always or instead of None."""
    for one in (kind, *get_args(kind)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def unknown_key(path: Path, model: type[BaseModel]) -> str:
    """What is wrong with a path that leads nowhere, and the closest one that does not."""
    return f"{'.'.join(path)}: unknown key; {_closest(path, known_paths(model))}"


def _closest(path: Path, known: dict[Path, bool]) -> str:
    """The closest key of the same section, else of the same name elsewhere, else all of them."""
    *above, wrong = path
    beside = [candidate[-1] for candidate in known if list(candidate[:-1]) == above]
    close = difflib.get_close_matches(wrong, beside, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    leaves = {candidate[-1]: candidate for candidate in reversed(known)}
    elsewhere = difflib.get_close_matches(wrong, leaves, n=1)
    if elsewhere:
        return f"did you mean {'.'.join(leaves[elsewhere[0]])!r}?"
    return f"expected one of {', '.join(beside or ('.'.join(path) for path in known))}"


def explain(
    error: ValidationError, model: type[BaseModel], where: Callable[[Path], str]
) -> ConfigError:
    """A validation error as one line.

    Args:
        error: what pydantic found.
        model: what it checked against.
        where: the file or option that a path was given in.
    """
    parts = []
    for detail in error.errors(include_url=False):
        path = tuple(str(part) for part in detail["loc"])
        parts.append(f"{where(path)}: {_one(path, detail, model)}")
    return ConfigError("; ".join(dict.fromkeys(parts)))


def _one(path: Path, detail: Any, model: type[BaseModel]) -> str:  # noqa: ANN401  (a TypedDict)
    if detail["type"] == "extra_forbidden":
        return unknown_key(path, model)
    name = ".".join(path)
    if detail["type"] == "missing":
        return f"{name}: missing"
    if detail["type"] == "value_error":
        # What does not fit together has no one key.
        return f"{name}: {detail['ctx']['error']}" if name else str(detail["ctx"]["error"])
    if detail["type"] in ("model_type", "model_attributes_type"):
        expected = "a section of keys"
    else:
        expected = re.sub(_LEAD_IN, "", detail["msg"])
    return f"{name}: expected {expected}, found {reprlib.repr(detail['input'])}"
