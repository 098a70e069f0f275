"""The models that come in the package."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facemask.errors import ModelFileError

MODELS_FOLDER = Path(__file__).parents[1] / "models"
"""Where they lie; a wheel is always unpacked, so they are plain files."""

DEFAULT_MODEL = "maskresnet"
"""The model that answers where none is named."""


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model in the package.

    Attributes:
        name: what it is called on the command line.
        path: the model file.
        card: its model card, Markdown.
        facts: what its card was made from, JSON; see `evaluation.card_facts`.
    """

    name: str
    path: Path
    card: Path
    facts: Path

    @property
    def is_default(self) -> bool:
        """Whether it answers where no model is named."""
        return self.name == DEFAULT_MODEL


def packaged_models() -> tuple[PackagedModel, ...]:
    """Every model in the package, the default first, then by name; none is read."""
    models = [
        PackagedModel(path.stem, path, path.with_suffix(".md"), path.with_suffix(".json"))
        for path in MODELS_FOLDER.glob("*.onnx")
    ]
    return tuple(sorted(models, key=lambda model: (not model.is_default, model.name)))


def find_packaged(name: str) -> PackagedModel | None:
    """The model in the package that has this name; None where there is none."""
    return next((model for model in packaged_models() if model.name == name), None)


def packaged_file(name: str) -> Path:
    """The file of a model in the package, whatever bears its name in the working folder.

    Raises:
        ModelFileError: if the package has no such model.
    """
    model = find_packaged(name)
    if model is None:
        raise ModelFileError(
            f"{MODELS_FOLDER}: expected {name}.onnx, which comes with the package, found none; "
            "install facemask again"
        )
    return model.path


def read_facts(model: PackagedModel) -> dict[str, Any] | None:
    """What a packaged model's card was made from; None where it has none.

    Raises:
        ModelFileError: if the file is broken.
    """
    try:
        facts = json.loads(model.facts.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{model.facts}: broken: {error}; install facemask again") from error
    if not isinstance(facts, dict):
        raise ModelFileError(f"{model.facts}: expected an object; install facemask again")
    return facts
