"""What `from facemask import ...` gives, and that asking for it is all it costs."""

import importlib
import subprocess
import sys

import pytest

import facemask

PUBLIC = {
    "Classifier": "facemask.inference.classifier",
    "ConfigError": "facemask.errors",
    "FacemaskError": "facemask.errors",
    "ImageError": "facemask.errors",
    "ModelFileError": "facemask.errors",
    "Prediction": "facemask.inference.prediction",
}


def test_the_public_names_are_these() -> None:
    assert set(facemask.__all__) == {*PUBLIC, "__version__"}
    assert facemask.__all__ == sorted(facemask.__all__)
    assert set(facemask.__all__) <= set(dir(facemask))


@pytest.mark.parametrize(("name", "place"), PUBLIC.items())
def test_a_public_name_is_what_stands_at_its_place(name: str, place: str) -> None:
    assert getattr(facemask, name) is getattr(importlib.import_module(place), name)


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'facemask' has no attribute 'Classifer'"):
        _ = facemask.Classifer


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, facemask; print(*(set(sys.modules) & {'numpy', 'PIL', 'onnxruntime'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
