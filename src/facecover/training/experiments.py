"""Experiments as YAML files: found by name or path, changed by overrides, written back whole."""

import difflib
import re
import reprlib
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from yaml.constructor import ConstructorError

import facecover
from facecover.errors import ConfigError
from facecover.training.config import Experiment

KeyPath = tuple[str, ...]
"""The keys that lead to a value, from the outermost in."""

_LEAD_IN = r"^\w+ should (?:be |have )?"
"""How pydantic begins a message: Input should be, String should match, String should have."""


def known_paths(model: type[BaseModel]) -> dict[KeyPath, bool]:
    """Every path into a model, and whether a section (and not a value) stands there."""
    return dict(_walk(model, ()))


def _walk(model: type[BaseModel], above: KeyPath) -> Iterator[tuple[KeyPath, bool]]:
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


def unknown_key(path: KeyPath, model: type[BaseModel]) -> str:
    """What is wrong with a path that leads nowhere, and the closest one that does not."""
    return f"{'.'.join(path)}: unknown key; {_closest(path, known_paths(model))}"


def _closest(path: KeyPath, known: dict[KeyPath, bool]) -> str:
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


def explained(
    error: ValidationError, model: type[BaseModel], where: Callable[[KeyPath], str]
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


def _one(path: KeyPath, detail: Any, model: type[BaseModel]) -> str:  # noqa: ANN401  (a TypedDict)
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


_SUFFIX = ".yaml"


def experiment_folder() -> Path:
    """Where the experiments lie that come with the package.

    A wheel carries them inside the package; in a checkout they stand at its top.
    """
    package = Path(facecover.__file__).parent
    inside = package / "experiments"
    return inside if inside.is_dir() else package.parents[1] / "experiments"


def experiment_names() -> tuple[str, ...]:
    """The names of the experiments that come with the package."""
    return yaml_names(experiment_folder())


def yaml_names(folder: Path) -> tuple[str, ...]:
    """The names of the YAML files in a folder, sorted."""
    return tuple(sorted(path.stem for path in folder.glob(f"*{_SUFFIX}")))


def load_experiment(
    name_or_path: str | Path | Experiment, overrides: Sequence[str] = ()
) -> Experiment:
    """An experiment, with some of its values changed.

    Args:
        name_or_path: a name of `experiment_names`, a YAML file, or an experiment.
        overrides: values to change, each as ``section.key=value`` with the value in YAML.

    Raises:
        ConfigError: if there is no such experiment, it is no YAML, or a key or a value of it
            or of an override is wrong.
    """
    if isinstance(name_or_path, Experiment):
        path, document = Path(name_or_path.name), name_or_path.model_dump()
    else:
        path = find_yaml(name_or_path, experiment_folder(), "experiment")
        document = read_document(path, "an experiment like net1")
    places: dict[KeyPath, str] = {}
    for override in overrides:
        places[_apply(document, override)] = f"--set {override}"
    try:
        return Experiment.model_validate(document)
    except ValidationError as error:
        raise explained(error, Experiment, lambda key: _place(key, places, path)) from None


def experiment_to_yaml(experiment: Experiment) -> str:
    """An experiment as YAML, every value written out: loading it gives the same experiment."""
    text: str = yaml.safe_dump(experiment.model_dump(), sort_keys=False)
    return text


def find_yaml(name_or_path: str | Path, folder: Path, kind: str) -> Path:
    """The YAML file that a name in a folder of ours, or a path, stands for.

    Args:
        name_or_path: the name of a file in `folder` without its suffix, or any YAML file.
        folder: where the files lie that come with the package.
        kind: what such a file is, for the message.

    Raises:
        ConfigError: if there is none.
    """
    path = Path(name_or_path)
    named = folder / f"{name_or_path}{_SUFFIX}"
    try:
        if path.is_file():
            return path
        if path.name == str(name_or_path) and named.is_file():
            return named
        is_folder = path.is_dir()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if is_folder:
        article = "an" if kind[0] in "aeiou" else "a"
        raise ConfigError(f"{path}: expected {article} {kind} as a YAML file, found a folder")
    names = yaml_names(folder)
    close = difflib.get_close_matches(str(name_or_path), names, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    raise ConfigError(
        f"{name_or_path}: no such {kind}{hint}; expected a YAML file or one of {', '.join(names)}"
    )


def read_document(path: Path, expected: str) -> dict[str, Any]:
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


def _apply(document: dict[str, Any], override: str) -> KeyPath:
    """Put one override into the document; gives the path that it changed."""
    where = f"--set {override}"
    name, equals, text = override.partition("=")
    if not equals or not name.strip():
        raise ConfigError(f"{where}: expected key=value, such as training.epochs=5")
    path = tuple(name.strip().split("."))
    if path not in known_paths(Experiment):
        raise ConfigError(f"{where}: {unknown_key(path, Experiment)}")
    value = read_yaml(text, where)
    section = document
    for key in path[:-1]:
        # What is no section where one belongs gives way; what is left out then is named.
        if not isinstance(section.get(key), dict):
            section[key] = {}
        section = section[key]
    section[path[-1]] = value
    return path


def _place(key: KeyPath, places: dict[KeyPath, str], path: Path) -> str:
    """The last override that the wrong key was given in, else the file."""
    given = [place for above, place in places.items() if key[: len(above)] == above]
    return given[-1] if given else str(path)
