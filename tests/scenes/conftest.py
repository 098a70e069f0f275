"""A detector and a classifier for the tests of this room, made without PyTorch."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.inference import example_model
from tests.scenes.example_detector import sealed_example

from facecover.scenes.detector import Detector


@pytest.fixture(autouse=True)
def any_size_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example knows squares of one size alone."""
    monkeypatch.setattr("facecover.scenes.detector.LEAST_SIDE_IN_LOW_PX", 0)


@pytest.fixture(scope="session")
def detector_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finds bright squares of 32 pixels."""
    path = tmp_path_factory.mktemp("detector") / "squares.onnx"
    path.write_bytes(sealed_example())
    return path


@pytest.fixture(scope="session")
def classifier_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers by the mean colour; without an uncertain band."""
    path = tmp_path_factory.mktemp("classifier") / "colours.onnx"
    info = replace(example_model.example_info(), uncertain_band=None)
    path.write_bytes(example_model.sealed_example(info))
    return path


@pytest.fixture(scope="session")
def detector(detector_path: Path, classifier_path: Path) -> Detector:
    """Both together; they look once, at the photo's own size."""
    return Detector(detector_path, classifier_path, threads=2)
