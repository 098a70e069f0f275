"""A model file for the tests of this room."""

from pathlib import Path

import pytest
from tests.inference.example_model import WriteModel, example_graph, example_info, model_bytes

from facecover.inference.model_file import seal
from facecover.inference.model_info import info_to_json


@pytest.fixture
def write_model(tmp_path: Path) -> WriteModel:
    """Writes a whole and sealed model file."""

    def write(n_classes: int = 2, temperature: float = 1.0) -> Path:
        info = example_info(n_classes, temperature)
        path = tmp_path / "model.onnx"
        path.write_bytes(seal(model_bytes(example_graph(n_classes), info_to_json(info))))
        return path

    return write
