"""YAML as people mean it: the core schema of YAML 1.2, and no key twice.

PyYAML speaks YAML 1.1, where `1e-3` is a text, `no` is false, `010` is eight, and of two equal
keys the last one wins without a word.
"""

import re
from collections.abc import Hashable
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from facemask.errors import ConfigError

_TOO_LONG = 1_000_000
"""No experiment has so many characters; a file of another kind may."""


class _CoreLoader(yaml.SafeLoader):
    """Reads plain scalars by the core schema (YAML 1.2.2, chapter 10.3.2)."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                raise ConstructorError(None, None, "expected a name as key", key_node.start_mark)
            if key in seen:
                raise ConstructorError(None, None, f"key {key!r} stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _resolve(tag: str, pattern: str, first: str) -> None:
    _CoreLoader.add_implicit_resolver(tag, re.compile(f"^(?:{pattern})$"), list(first))


_resolve("tag:yaml.org,2002:null", r"~|null|Null|NULL|", "~nN")
_CoreLoader.yaml_implicit_resolvers[""] = _CoreLoader.yaml_implicit_resolvers["~"]
_resolve("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF")
_resolve("tag:yaml.org,2002:int", r"[-+]?[0-9]+", "-+0123456789")
_resolve(
    "tag:yaml.org,2002:float",
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
    "-+.0123456789",
)
_CoreLoader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))
_CoreLoader.add_constructor("tag:yaml.org,2002:float", lambda _, node: float(node.value))


def read_yaml(text: str, where: str) -> Any:  # noqa: ANN401  (whatever YAML can hold)
    """What a YAML text says.

    Args:
        text: the text.
        where: the file or option it came from, for the message.

    Raises:
        ConfigError: if it is not YAML, or a key stands twice.
    """
    if len(text) > _TOO_LONG:
        raise ConfigError(f"{where}: {len(text):,} characters; expected at most {_TOO_LONG:,}")
    try:
        return yaml.load(text, Loader=_CoreLoader)  # noqa: S506  (a SafeLoader with fewer types)
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{where}: not YAML: {_explain(error)}") from error
    # What an odd tag or value meets in PyYAML's constructors, and its recursion, are not all
    # YAML errors; these were seen when it was fuzzed.
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{where}: not YAML: {reason}") from error
    except RecursionError:
        raise ConfigError(f"{where}: not YAML that can be read: nested too deep") from None


def _explain(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark
    place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
    return f"{' '.join(str(error.problem).split())}{place}"
