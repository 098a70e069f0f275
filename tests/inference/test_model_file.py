import errno
import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.inference.example_model import WriteModel, example_graph, example_info, model_bytes

from facecover.errors import ModelFileError
from facecover.inference.model_file import (
    PRODUCER,
    is_model_file,
    read_header,
    read_model_file,
    seal,
)
from facecover.inference.model_info import (
    FORMAT_VERSION,
    Parity,
    Quantization,
    TemperatureFit,
    info_from_json,
    info_to_json,
)


def _refused(path: Path, data: bytes, match: str) -> None:
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=match) as caught:
        read_model_file(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_metadata_survive_the_file(write_model: WriteModel) -> None:
    info = read_model_file(write_model()).info
    assert replace(info, file_sha256="0" * 64) == example_info()
    assert re.fullmatch(r"[0-9a-f]{64}", info.file_sha256)


def test_facts_of_int8_survive_json() -> None:
    parity = Parity(9, 0.02, 0.99)
    info = replace(
        example_info(),
        precision="int8",
        temperature_fit=TemperatureFit(9, 0.5, 0.4, 0.2, 0.1, "note"),
        quantization=Quantization("static", "f" * 64, 3, 9, 0.9, 0.89, parity),
    )
    assert info_from_json(info_to_json(info)) == info


def test_a_file_of_the_first_format_still_loads(tmp_path: Path) -> None:
    document = json.loads(info_to_json(example_info()))
    for key in ("precision", "temperature_fit", "quantization", "seen_photos"):
        del document[key]
    document["format_version"] = 1
    path = tmp_path / "model.onnx"
    path.write_bytes(seal(model_bytes(example_graph(), json.dumps(document))))
    info = read_model_file(path).info
    assert (info.precision, info.temperature_fit, info.quantization) == ("float32", None, None)


def test_metadata_survive_json_without_a_band() -> None:
    info = replace(example_info(), uncertain_band=None)
    assert info_from_json(info_to_json(info)) == info


def test_a_run_folder_stands_for_its_model(write_model: WriteModel) -> None:
    path = write_model()
    assert read_model_file(path.parent).path == path


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"nowhere\.onnx: no such model file or run folder"):
        read_model_file(tmp_path / "nowhere.onnx")


@pytest.mark.skipif(os.name == "nt", reason="Windows says of such names that they do not exist")
@pytest.mark.parametrize("name", ["m" * 300, "nul\0"])  # most file systems take 255 bytes
def test_a_name_that_the_system_refuses_is_one_line(name: str) -> None:
    with pytest.raises(ModelFileError, match=r"cannot be looked up: .*expected a model") as caught:
        read_model_file(Path(name))
    assert str(caught.value).isprintable()


def test_a_place_that_may_not_be_looked_into_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut = tmp_path / "shut"

    def refused(path: Path) -> os.stat_result:
        # As in a folder without the right to enter it, which does not stop root.
        if path.parent == shut:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return os.stat(path)  # noqa: PTH116  (what this stands in for)

    shut.mkdir()
    monkeypatch.setattr(Path, "stat", refused)
    for path in (shut / "model.onnx", shut):
        with pytest.raises(ModelFileError, match=r"shut.model\.onnx: cannot be looked up: Perm"):
            read_model_file(path)


def test_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"expected a run folder .* --resume"):
        read_model_file(tmp_path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    _refused(tmp_path / "model.onnx", b"", "the file is empty")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    _refused(tmp_path / "model.onnx", b"\x89PNG\r\n\x1a\n" + bytes(200), "found bytes")


def test_a_model_of_another_program_is_refused(tmp_path: Path) -> None:
    model = example_graph()
    model.producer_name = "pytorch"
    _refused(tmp_path / "model.onnx", model.SerializeToString(), "ONNX file of another program")


def test_every_cut_is_noticed(write_model: WriteModel) -> None:
    path = write_model()
    data = path.read_bytes()
    known_from = data.index(PRODUCER.encode()) + len(PRODUCER)
    for length in range(known_from, len(data), 7):
        _refused(path, data[:length], "cut off")


def test_a_cut_between_two_fields_is_noticed(tmp_path: Path) -> None:
    data = bytes(example_graph().SerializeToString())
    _refused(tmp_path / "model.onnx", data, f"cut off after {len(data):,} bytes")


def test_every_changed_byte_is_refused(write_model: WriteModel) -> None:
    path = write_model()
    data = path.read_bytes()
    for position in range(0, len(data), 11):
        changed = bytearray(data)
        changed[position] ^= 1
        path.write_bytes(changed)
        with pytest.raises(ModelFileError, match=r"model\.onnx: "):
            read_model_file(path)


def test_a_changed_weight_says_so(write_model: WriteModel) -> None:
    path = write_model()
    data = bytearray(path.read_bytes())
    data[data.index(b"mix") + 40] ^= 1
    _refused(path, bytes(data), "was changed after it was written")


def test_appended_bytes_say_so(write_model: WriteModel) -> None:
    path = write_model()
    extra = b"\x12\x09facecover"  # a second producer name
    _refused(path, path.read_bytes() + extra, "was changed after it was written")


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    document = json.loads(info_to_json(example_info()))
    document |= {"format_version": FORMAT_VERSION + 1, "version": "9.9"}
    data = seal(model_bytes(example_graph(), json.dumps(document, sort_keys=True)))
    _refused(
        tmp_path / "model.onnx",
        data,
        rf"found {FORMAT_VERSION + 1}, written by facecover 9\.9; update",
    )


def test_metadata_that_miss_a_field_are_refused(tmp_path: Path) -> None:
    document = json.loads(info_to_json(example_info()))
    del document["threshold"]
    data = seal(model_bytes(example_graph(), json.dumps(document, sort_keys=True)))
    _refused(tmp_path / "model.onnx", data, "broken metadata.*threshold")


@pytest.mark.parametrize(
    "field",
    ["name", "network", "data", "parity", "uncertain_band", "class_names", "config", "seen_photos"],
)
def test_metadata_of_another_kind_are_refused(field: str, tmp_path: Path) -> None:
    document = json.loads(info_to_json(example_info())) | {field: 5}
    data = seal(model_bytes(example_graph(), json.dumps(document)))
    _refused(tmp_path / "model.onnx", data, "broken metadata")


def test_metadata_that_are_no_utf8_are_refused(tmp_path: Path) -> None:
    data = model_bytes(example_graph(), info_to_json(example_info()))
    broken = data.replace(b"fully connected", b"fully \xff\xfennected")
    _refused(tmp_path / "model.onnx", seal(broken), "broken metadata")


def test_keys_that_a_later_version_adds_are_passed_over(tmp_path: Path) -> None:
    document = json.loads(info_to_json(example_info())) | {"colour_of_the_sky": "blue"}
    path = tmp_path / "model.onnx"
    path.write_bytes(seal(model_bytes(example_graph(), json.dumps(document))))
    assert replace(read_model_file(path).info, file_sha256="0" * 64) == example_info()


def test_only_one_place_can_be_sealed() -> None:
    with pytest.raises(ModelFileError, match="expected one empty file_sha256"):
        seal(b"nothing of ours")


@given(st.binary(max_size=300))
def test_any_bytes_have_a_header(data: bytes) -> None:
    header = read_header(data)
    assert header.is_whole or header.producer != PRODUCER or data.startswith(b"\x12\x08facemask")


@pytest.mark.parametrize(
    ("content", "is_ours"),
    [
        (b"\x08\x0a\x12\x09facecover", True),  # cut off behind its producer
        (b"\x08\x0a\x12\x08facemask", True),  # the package's former name
        (b"\x08\x0a\x12\x07pytorch\x1a\x09facecover", False),
        (b"facecover", False),
        (b"# Notes on facecover\n", False),
    ],
)
def test_a_model_file_is_known_by_its_producer(
    tmp_path: Path, content: bytes, is_ours: bool
) -> None:
    (tmp_path / "file").write_bytes(content)
    assert is_model_file(tmp_path / "file") == is_ours
