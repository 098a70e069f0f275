"""JSON in and out: facts as plain values, and files of ours read back as the type they hold."""

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from facecover.errors import FacecoverError, shown
from facecover.files import written_file

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_Facts = TypeVar("_Facts")


def to_document(facts: object) -> Any:  # noqa: ANN401  (whatever JSON can hold)
    """Facts as JSON has them: fields by name, lists, text, numbers; null for NaN and infinity.

    Args:
        facts: a dataclass, a `msgspec.Struct`, or mappings and sequences of such; arrays become
            lists, paths and other objects text.
    """
    return _finite(msgspec.to_builtins(facts, str_keys=True, enc_hook=_plain))


def to_text(facts: object, *, ensure_ascii: bool = True) -> str:
    """The same as JSON text, indented by two, with a line break at its end.

    What a terminal would obey, such as C1 controls or a turned direction of text, is escaped.
    Names of files that are not UTF-8 hold lone surrogates, which msgspec's own writer refuses.
    """
    text = json.dumps(to_document(facts), indent=2, ensure_ascii=ensure_ascii)
    return _BEYOND_ASCII.sub(_escaped, text) + "\n"


_BEYOND_ASCII = re.compile(r"[^ -~\n]")


def _escaped(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]


def write_document(path: Path, facts: object) -> None:
    """Write facts as a JSON file, beside it and renamed.

    Raises:
        OutputError: if the place cannot be written.
    """
    text = to_text(facts)
    with written_file(path) as beside:
        beside.write_text(text, "utf-8")


def read_document(
    path: Path, kind: type[_Facts], error: type[FacecoverError], advice: str
) -> _Facts:
    """A JSON file of ours, checked against the type that it holds.

    Args:
        path: the file.
        kind: a dataclass, a `msgspec.Struct`, or any type that msgspec converts to.
        error: raised if it cannot be read or holds something else.
        advice: what to do then, said at the end of the error.
    """
    with reading(path, "", error, advice):
        return msgspec.convert(json.loads(path.read_bytes()), kind)


@contextmanager
def reading(path: Path, what: str, error: type[FacecoverError], advice: str) -> Iterator[None]:
    """A block that reads a file of ours; whatever the file meets in a library is one error.

    Only what reads and converts belongs in it: libraries raise almost anything at damaged bytes.

    Args:
        path: the file.
        what: what it should be, such as ``manifest``.
        error: raised if it cannot be read or holds something else.
        advice: what to do then, said at the end of the error.
    """
    try:
        yield
    except FacecoverError:
        raise
    except Exception as reason:
        if isinstance(reason, OSError) and reason.strerror:
            found = f"cannot be read: {reason.strerror}"
        else:
            text = str(reason).strip() or type(reason).__name__
            found = f"{f'broken {what}'.strip()}: {shown(text.splitlines()[0][:_LONGEST])}"
        raise error(f"{shown(path)}: {found}; {advice}") from reason


_LONGEST = 300
"""Characters that are said of what a library says."""


def _plain(value: object) -> object:
    as_list = getattr(value, "tolist", None)  # arrays and their numbers; NumPy is not imported
    return str(value) if as_list is None else as_list()


def _finite(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
