"""YAML 1.2 in and out, with errors in one line."""

import io
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver

from facecover.errors import ConfigError

_MOST_CHARACTERS = 1_000_000
"""No experiment has so many; a file of another kind may."""

_CORE = ("null", "bool", "int", "float", "str")


class _Core(VersionedResolver):
    """Plain scalars by the core schema (YAML 1.2.2, 10.3.2): no dates, no ``1_000``, no ``<<``."""

    processing_version = (1, 2)  # whatever a directive says

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:  # noqa: ANN401
        tag = super().resolve(kind, value, implicit)
        is_plain = kind is ScalarNode and implicit[0]
        is_core = str(tag).rpartition(":")[2] in _CORE and "_" not in value
        return self.DEFAULT_SCALAR_TAG if is_plain and not is_core else tag


def _yaml() -> YAML:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # typed as None
    return yaml


def to_yaml(document: object) -> str:
    """A document as YAML, its keys in their order; reading it gives the same again."""
    stream = io.StringIO()
    _yaml().dump(document, stream)
    return stream.getvalue()


def read_yaml(text: str, where: str) -> Any:  # noqa: ANN401  (whatever YAML can hold)
    """What a YAML text says.

    Args:
        text: the text.
        where: the file or option it came from, for the message.

    Raises:
        ConfigError: if it is not YAML, or a key stands twice.
    """
    if len(text) > _MOST_CHARACTERS:
        raise ConfigError(f"{where}: {len(text):,} characters; expected at most 1,000,000")
    yaml = _yaml()
    yaml.Resolver = _Core
    yaml.composer.warn_double_anchors = False
    try:
        return yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        reason = " ".join(str(error.problem).split())
        raise ConfigError(f"{where}: not YAML: {reason}{place}") from error
    # What an odd tag or value meets in its constructors is not always a YAML error.
    except (YAMLError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ConfigError(f"{where}: not YAML: {' '.join(str(error).split())}") from error
    except RecursionError:
        raise ConfigError(f"{where}: not YAML that can be read: nested too deep") from None


def read_yaml_file(path: Path, expected: str) -> dict[str, Any]:
    """The keys and values of a YAML file.

    Args:
        path: the file.
        expected: what it should hold, for the message.

    Raises:
        ConfigError: if it cannot be read, is not YAML, or holds no keys.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: expected YAML in UTF-8, found another encoding or no text (byte "
            f"{error.start:,})"
        ) from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    document = read_yaml(text, str(path))
    if document is None:
        raise ConfigError(f"{path}: the file is empty; expected {expected}")
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: expected keys with values, found a {type(document).__name__}")
    return document
