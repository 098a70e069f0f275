"""A model that answers by the mean colour, and one server for many tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.inference.example_model import sealed_example
from tests.scenes import example_detector
from tests.serving.running import Running, running

from facecover.serving import Settings


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file; do not write into it."""
    path = tmp_path_factory.mktemp("served") / "model.onnx"
    path.write_bytes(sealed_example())
    return path


@pytest.fixture(scope="session")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector's model file; do not write into it."""
    path = tmp_path_factory.mktemp("served") / "squares.onnx"
    path.write_bytes(example_detector.sealed_example())
    return path


@pytest.fixture(scope="session")
def served(model: Path, detector: Path) -> Iterator[Running]:
    """A server with the defaults, but little room."""
    settings = Settings(
        model=str(model),
        detector=str(detector),
        threads=2,
        max_upload_bytes=2**20,
        max_waiting=80,
        max_pixels=10**6,
    )
    with running(settings) as server:
        yield server
