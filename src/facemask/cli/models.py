"""What `MODEL` means on the command line: a model file, a run folder, or a model of the package."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from facemask.inference.classifier import Classifier
from facemask.inference.packaged import MODELS_FOLDER
from facemask.training.run import METRICS_NAME, RECORD_NAME, RunRecord, load_record

Models = Annotated[
    list[Path],
    typer.Argument(
        metavar="MODEL...", help="Run folders, model files, or names of `facemask models`."
    ),
]


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to answer.

    Attributes:
        name: for people: the experiment's name, with the place where two would be the same.
        classifier: answers.
        record: what its run says of itself; None where the model is no run folder.
        curves: the run's `metrics.csv`; None likewise.
    """

    name: str
    classifier: Classifier
    record: RunRecord | None
    curves: pd.DataFrame | None

    @property
    def input_size_px(self) -> int:
        """The side of the square images that it takes."""
        return self.classifier.info.input_size_px


def load_models(paths: list[Path]) -> list[LoadedModel]:
    """Load models, each with a name of its own.

    Raises:
        ModelFileError: if there is no such file, or it is not one of ours.
        RunError: if a run's record is broken.
    """
    classifiers = [Classifier(path) for path in paths]
    names = [classifier.info.name for classifier in classifiers]
    unique = [
        name if names.count(name) == 1 else f"{name} ({_place(path)})"
        for name, path in zip(names, paths, strict=True)
    ]
    return [_loaded(*parts) for parts in zip(unique, classifiers, paths, strict=True)]


def _place(path: Path) -> str:
    """Where a model lies, for people; where the package lies says nothing to them."""
    return f"{path.stem} of the package" if path.parent == MODELS_FOLDER else str(path)


def _loaded(name: str, classifier: Classifier, path: Path) -> LoadedModel:
    is_run = (path / RECORD_NAME).is_file()
    record = load_record(path) if is_run else None
    curves = pd.read_csv(path / METRICS_NAME) if is_run else None
    return LoadedModel(name, classifier, record, curves)
