"""Studies as YAML files: found by name or path, checked, and changed from the command line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from facemask.errors import ConfigError
from facemask.studies.study import Expectation, Study, Variant
from facemask.training.experiments import (
    experiment_folder,
    find_yaml,
    read_document,
    yaml_names,
)
from facemask.training.explain import explain

_Model = TypeVar("_Model", bound=BaseModel)

_PARTS: dict[str, tuple[str, type[BaseModel]]] = {
    "variants": ("variant", Variant),
    "expects": ("expectation", Expectation),
}
"""The keys that hold lists of sections, with what one of them is called."""


def study_folder() -> Path:
    """Where the studies lie that come with the package."""
    return experiment_folder() / "studies"


def study_names() -> tuple[str, ...]:
    """The names of the studies that come with the package."""
    return yaml_names(study_folder())


def read_study(name_or_path: str | Path) -> Study:
    """A study.

    A variant's experiment that is a path is looked for beside the study's file first.

    Args:
        name_or_path: a name of `study_names`, or a YAML file.

    Raises:
        ConfigError: if there is no such study, it is no YAML, or a key or a value is wrong.
    """
    path = find_yaml(name_or_path, study_folder(), "study")
    document = read_document(path, "a study like splits")
    for key, (noun, model) in _PARTS.items():
        if isinstance(document.get(key), list):
            document[key] = [
                _checked(part, model, f"{path}: {noun} {number}")
                for number, part in enumerate(document[key], 1)
            ]
    study = _checked(document, Study, str(path))
    variants = [_beside(variant, path) for variant in study.variants]
    return study.model_copy(update={"variants": variants})


def changed_study(study: Study, changes: Mapping[str, Any]) -> Study:
    """A study with other seeds, divisions or data to judge on.

    Args:
        study: the study.
        changes: values by key.

    Raises:
        ConfigError: if they do not fit.
    """
    return _checked({**study.model_dump(), **changes}, Study, study.name)


def check_variants(study: Study, names: Sequence[str]) -> None:
    """Refuse a name that is no variant.

    Raises:
        ConfigError: if a study has no variant of that name.
    """
    known = [variant.name for variant in study.variants]
    for name in names:
        if name not in known:
            raise ConfigError(
                f"--only {name}: {study.name} has no such variant; expected one of "
                f"{', '.join(known)}"
            )


def _checked(document: object, model: type[_Model], where: str) -> _Model:
    if not isinstance(document, dict):
        raise ConfigError(f"{where}: expected keys with values, found {document!r}")
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise explain(error, model, lambda _: where) from None


def _beside(variant: Variant, study: Path) -> Variant:
    beside = study.parent / variant.experiment
    if not beside.is_file():
        return variant
    return variant.model_copy(update={"experiment": str(beside)})
