"""A model file for the tests of this room."""

from pathlib import Path

import pytest
from tests.inference.example_model import WriteModel, example_info, sealed_example


@pytest.fixture
def write_model(tmp_path: Path) -> WriteModel:
    """Writes a whole and sealed model file."""

    def write(n_classes: int = 2, temperature: float = 1.0) -> Path:
        path = tmp_path / "model.onnx"
        path.write_bytes(sealed_example(example_info(n_classes, temperature)))
        return path

    return write
