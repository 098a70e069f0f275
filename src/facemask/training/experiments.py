"""Experiments as YAML files: found by name or path, changed by overrides, written back whole."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

import facemask
from facemask.errors import ConfigError
from facemask.training import explain
from facemask.training.config import Experiment
from facemask.training.yaml_text import read_yaml

_SUFFIX = ".yaml"


def experiment_folder() -> Path:
    """Where the experiments lie that come with the package.

    A wheel carries them inside the package; in a checkout they stand at its top.
    """
    package = Path(facemask.__file__).parent
    inside = package / "experiments"
    return inside if inside.is_dir() else package.parents[1] / "experiments"


def experiment_names() -> tuple[str, ...]:
    """The names of the experiments that come with the package."""
    return yaml_names(experiment_folder())


def yaml_names(folder: Path) -> tuple[str, ...]:
    """The names of the YAML files in a folder, sorted."""
    return tuple(sorted(path.stem for path in folder.glob(f"*{_SUFFIX}")))


def load_experiment(name_or_path: str | Path, overrides: Sequence[str] = ()) -> Experiment:
    """An experiment, with some of its values changed.

    Args:
        name_or_path: a name of `experiment_names`, or a YAML file.
        overrides: values to change, each as ``section.key=value`` with the value in YAML.

    Raises:
        ConfigError: if there is no such experiment, it is no YAML, or a key or a value of it
            or of an override is wrong.
    """
    path = find_yaml(name_or_path, experiment_folder(), "experiment")
    document = read_document(path, "an experiment like net1")
    places: dict[explain.Path, str] = {}
    for override in overrides:
        places[_apply(document, override)] = f"--set {override}"
    try:
        return Experiment.model_validate(document)
    except ValidationError as error:
        raise explain.explain(error, Experiment, lambda key: _place(key, places, path)) from None


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


def _apply(document: dict[str, Any], override: str) -> explain.Path:
    """Put one override into the document; gives the path that it changed."""
    where = f"--set {override}"
    name, equals, text = override.partition("=")
    if not equals or not name.strip():
        raise ConfigError(f"{where}: expected key=value, such as training.epochs=5")
    path = tuple(name.strip().split("."))
    if path not in explain.known_paths(Experiment):
        raise ConfigError(f"{where}: {explain.unknown_key(path, Experiment)}")
    value = read_yaml(text, where)
    section = document
    for key in path[:-1]:
        # What is no section where one belongs gives way; what is left out then is named.
        if not isinstance(section.get(key), dict):
            section[key] = {}
        section = section[key]
    section[path[-1]] = value
    return path


def _place(key: explain.Path, places: dict[explain.Path, str], path: Path) -> str:
    """The last override that the wrong key was given in, else the file."""
    given = [place for above, place in places.items() if key[: len(above)] == above]
    return given[-1] if given else str(path)
