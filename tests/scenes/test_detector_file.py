import json
import shutil
from pathlib import Path

import onnx
import pytest
from msgspec.structs import replace
from tests.inference import example_model
from tests.scenes.example_detector import example_graph, example_info, sealed_example

from facecover.cli.models import models_command
from facecover.errors import ModelFileError
from facecover.inference import model_file
from facecover.inference.model_file import packaged_models, read_model_file
from facecover.inference.model_info import METADATA_KEY, NO_DIGEST
from facecover.inference.onnx_file import PRODUCER
from facecover.scenes.detector_file import read_detector_file, sealed


def test_facts_survive_the_file(tmp_path: Path) -> None:
    path = tmp_path / "faces.onnx"
    path.write_bytes(sealed_example())
    file = read_detector_file(path)
    assert file.data == path.read_bytes()
    assert replace(file.info, file_sha256=NO_DIGEST) == example_info()
    assert file.info.file_sha256 != NO_DIGEST


def test_sealing_keeps_the_graph_and_puts_our_name_on_it() -> None:
    model = onnx.load_from_string(sealed_example())
    assert model.producer_name == PRODUCER
    assert [one.key for one in model.metadata_props] == [METADATA_KEY]
    assert json.loads(model.metadata_props[0].value)["task"] == "faces"
    assert model.graph == example_graph().graph
    onnx.checker.check_model(model, full_check=True)


def test_what_was_sealed_is_sealed_again_with_other_facts(tmp_path: Path) -> None:
    path = tmp_path / "faces.onnx"
    path.write_bytes(sealed(sealed_example(), example_info(threshold=0.25)))
    assert read_detector_file(path).info.threshold == 0.25


@pytest.mark.parametrize("data", [b"", b"no ONNX", example_graph().SerializeToString()[:-9]])
def test_what_is_no_onnx_file_is_not_sealed(data: bytes) -> None:
    with pytest.raises(ModelFileError, match="expected a whole ONNX file, found"):
        sealed(data, example_info())


def test_a_file_for_another_task_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(sealed_example())
    with pytest.raises(ModelFileError, match=r"expected a classifier of .*, found a detector of"):
        read_model_file(path)
    path.write_bytes(example_model.sealed_example())
    with pytest.raises(ModelFileError, match=r"expected a detector of .*, found a classifier of"):
        read_detector_file(path)


def test_changed_and_cut_off_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "faces.onnx"
    data = sealed_example()
    path.write_bytes(data.replace(b'"photos": 3', b'"photos": 4'))
    with pytest.raises(ModelFileError, match=r"faces\.onnx: the model file was changed"):
        read_detector_file(path)
    path.write_bytes(data[:-20])
    with pytest.raises(ModelFileError, match=r"faces\.onnx: the model file is cut off"):
        read_detector_file(path)


def test_models_lists_detectors_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "faces.onnx").write_bytes(sealed_example())
    for model in packaged_models()[:1]:
        shutil.copy(model.path, tmp_path)
    monkeypatch.setattr(model_file, "MODELS_FOLDER", tmp_path)
    models_command()
    assert "faces finds faces, for `facecover detect`" in capsys.readouterr().out
    models_command(as_json=True)
    classifier, detector = json.loads(capsys.readouterr().out)
    assert (classifier["task"], detector["task"]) == ("face", "faces")
    assert detector["photos"] == 3
    assert detector["is_default"]
