"""What `from facecover import ...` gives, and that asking for it is all it costs."""

import importlib
import inspect
import subprocess
import sys

import pytest

import facecover
from facecover.cli.app import _COMMANDS

OTHER_NAMES = {"study": "name_or_path"}
"""Options that a function has under another name: `study(...)` cannot take a `study`."""

PUBLIC = {
    "Classifier": "facecover.inference.classifier",
    "ConfigError": "facecover.errors",
    "Dataset": "facecover.dataset.arrays",
    "DatasetError": "facecover.errors",
    "Detections": "facecover.scenes.detections",
    "Detector": "facecover.scenes.detector",
    "FacecoverError": "facecover.errors",
    "ImageError": "facecover.errors",
    "ModelFileError": "facecover.errors",
    "PhotoDataset": "facecover.dataset.photo_dataset",
    "Prediction": "facecover.inference.prediction",
    "Run": "facecover.workflows.train_run",
    "RunError": "facecover.errors",
    "audit": "facecover.workflows.inspect_data",
    "compare": "facecover.workflows.compare_models",
    "detect": "facecover.workflows.detect_faces",
    "evaluate": "facecover.workflows.evaluate_model",
    "explore": "facecover.workflows.inspect_data",
    "export": "facecover.workflows.train_run",
    "page": "facecover.serving.write_page",
    "predict": "facecover.workflows.answer_photos",
    "prepare": "facecover.workflows.prepare_data",
    "serve": "facecover.serving.server",
    "study": "facecover.workflows.run_study",
    "train": "facecover.workflows.train_run",
}


def test_the_public_names_are_these() -> None:
    assert set(facecover.__all__) == {*PUBLIC, "__version__"}
    assert facecover.__all__ == sorted(facecover.__all__)
    assert set(facecover.__all__) <= set(dir(facecover))


@pytest.mark.parametrize(("name", "place"), PUBLIC.items())
def test_a_public_name_is_what_stands_at_its_place(name: str, place: str) -> None:
    assert getattr(facecover, name) is getattr(importlib.import_module(place), name)


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'facecover' has no attribute 'Classifer'"):
        _ = facecover.Classifer


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, facecover; print(*(set(sys.modules) & {'numpy', 'PIL', 'onnxruntime'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    "name", ["audit", "compare", "detect", "evaluate", "explore", "export", "page", "predict",
             "prepare", "serve", "study", "train"]
)  # fmt: skip
def test_a_command_and_its_function_have_the_same_options_and_defaults(name: str) -> None:
    place, _, function = _COMMANDS[name].partition(":")
    command = inspect.signature(getattr(importlib.import_module(place), function)).parameters
    asked = inspect.signature(getattr(facecover, name)).parameters
    printed = {"as_json", "as_csv", "fail_on", "list_them", "from_file", "sheet", "copy_to"}
    assert {*command} - printed - OTHER_NAMES.keys() <= {*asked}
    for option in {*command} & {*asked}:
        default, own = command[option].default, asked[option].default
        empty: tuple[object, ...] = (inspect.Parameter.empty, [], (), None)
        assert default == own or (default in empty and own in empty), option
