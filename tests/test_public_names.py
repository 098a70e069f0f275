"""What `from facecover import ...` gives, and that asking for it is all it costs."""

import importlib
import subprocess
import sys

import pytest

import facecover

PUBLIC = {
    "Classifier": "facecover.inference.classifier",
    "ConfigError": "facecover.errors",
    "FacecoverError": "facecover.errors",
    "ImageError": "facecover.errors",
    "ModelFileError": "facecover.errors",
    "Prediction": "facecover.inference.prediction",
    "Run": "facecover.workflows.train_run",
    "export": "facecover.workflows.train_run",
    "predict": "facecover.workflows.answer_photos",
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
