"""Experiments as YAML files: found by name or path, changed by overrides, written back whole."""

import difflib
import re
import reprlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

import facecover
from facecover.errors import ConfigError
from facecover.training.config import Experiment
from facecover.training.detector_config import AnyExperiment, DetectorExperiment
from facecover.yaml_text import read_yaml, read_yaml_file, to_yaml

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
    experiment = load_any_experiment(name_or_path, overrides)
    if not isinstance(experiment, Experiment):
        raise ConfigError(
            f"{name_or_path}: expected an experiment of a classifier, found one of a detector of "
            "faces; it is for 'facecover train' and a dataset of whole photos"
        )
    return experiment


def load_any_experiment(
    name_or_path: str | Path | AnyExperiment, overrides: Sequence[str] = ()
) -> AnyExperiment:
    """An experiment of a classifier or a detector; see `load_experiment`."""
    if isinstance(name_or_path, Experiment | DetectorExperiment):
        path, document = Path(name_or_path.name), name_or_path.model_dump()
    else:
        path = find_yaml(name_or_path, experiment_folder(), "experiment")
        document = read_yaml_file(path, "an experiment like net1")
    kind: type[AnyExperiment] = DetectorExperiment if "task" in document else Experiment
    places: dict[KeyPath, str] = {}
    for override in overrides:
        places[_apply(document, override, kind)] = f"--set {override}"
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise explained(error, kind, lambda key: _place(key, places, path)) from None


def experiment_to_yaml(experiment: AnyExperiment) -> str:
    """An experiment as YAML, every value written out: loading it gives the same experiment."""
    return to_yaml(experiment.model_dump())


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


def _apply(document: dict[str, Any], override: str, kind: type[BaseModel]) -> KeyPath:
    """Put one override into the document; gives the path that it changed."""
    where = f"--set {override}"
    name, equals, text = override.partition("=")
    if not equals or not name.strip():
        raise ConfigError(f"{where}: expected key=value, such as training.epochs=5")
    path = tuple(name.strip().split("."))
    if path not in known_paths(kind):
        raise ConfigError(f"{where}: {unknown_key(path, kind)}")
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
