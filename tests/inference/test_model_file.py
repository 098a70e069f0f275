import errno
import json
import os
import re
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from onnx import TensorProto, external_data_helper, helper, numpy_helper
from tests.inference.example_model import WriteModel, example_graph, example_info, model_bytes

from facecover.errors import ModelFileError
from facecover.inference.classifier import Classifier
from facecover.inference.model_file import (
    is_model_file,
    packaged_models,
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
from facecover.inference.onnx_file import OPERATORS, PRODUCER, check_graph, read_header


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


def _written(path: Path, graph: onnx.GraphProto, *functions: onnx.FunctionProto) -> Path:
    model = helper.make_model(
        graph,
        producer_name=PRODUCER,
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
        functions=functions,
    )
    path.write_bytes(seal(model_bytes(model, info_to_json(example_info()))))
    return path


def _hostile(kind: str) -> onnx.GraphProto:
    """The example's graph, with something in it that our exporters do not write."""
    graph = example_graph().graph
    outside = numpy_helper.from_array(np.zeros(2, np.float32), "outside")
    external_data_helper.set_external_data(outside, "beside.bin")
    sparse = helper.make_sparse_tensor(outside, numpy_helper.from_array(np.array([0, 1]), "i"), [4])
    inner = helper.make_graph([], "inner", [], [])
    holder, holders = (helper.make_node("Relu", ["colour"], ["unused"]) for _ in range(2))
    holder.attribute.append(helper.make_attribute("body", inner))
    holders.attribute.append(helper.make_attribute("bodies", [inner]))
    part = {
        "an endless loop": _endless_loop(graph),
        "a graph in an attribute": holder,
        "graphs in an attribute": holders,
        "another domain": helper.make_node("Relu", ["colour"], ["unused"], domain="com.microsoft"),
        "external": outside,
        "external, sparse": sparse,
        "external, in a node": helper.make_node("Constant", [], ["unused"], value=outside),
        "external, sparse, in a node": helper.make_node("Constant", [], ["c"], sparse_value=sparse),
    }[kind]
    places = {
        onnx.NodeProto: graph.node,
        TensorProto: graph.initializer,
        onnx.SparseTensorProto: graph.sparse_initializer,
    }
    places[type(part)].append(part)
    return graph


def _endless_loop(graph: onnx.GraphProto) -> onnx.NodeProto:
    of_bool = partial(helper.make_tensor_value_info, elem_type=TensorProto.BOOL, shape=[])
    inputs = [helper.make_tensor_value_info("round", TensorProto.INT64, []), of_bool("go on")]
    node = helper.make_node("Identity", ["go on"], ["still"])
    body = helper.make_graph([node], "body", inputs, [of_bool("still")])
    graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    return helper.make_node("Loop", ["", "yes"], [], body=body)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("an endless loop", "the operator Loop"),
        ("a graph in an attribute", "a network inside it"),
        ("graphs in an attribute", "a network inside it"),
        ("another domain", r"operators of com\.microsoft"),
        ("external", "tensors in another file"),
        ("external, sparse", "tensors in another file"),
        ("external, in a node", "tensors in another file"),
        ("external, sparse, in a node", "tensors in another file"),
    ],
)
def test_what_our_exporters_do_not_write_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, found: str
) -> None:
    monkeypatch.chdir(tmp_path)
    np.zeros(2, np.float32).tofile("beside.bin")
    path = _written(tmp_path / "model.onnx", _hostile(kind))
    with pytest.raises(ModelFileError, match=rf"found {found}; export the model again") as caught:
        Classifier(path)
    assert "\n" not in str(caught.value)


def test_functions_are_refused(tmp_path: Path) -> None:
    opsets = [helper.make_opsetid("", 20)]
    node = helper.make_node("Relu", ["a"], ["b"])
    function = helper.make_function("mine", "Relu", ["a"], ["b"], [node], opsets)
    path = _written(tmp_path / "model.onnx", example_graph().graph, function)
    with pytest.raises(ModelFileError, match="found functions of its own"):
        read_model_file(path)


def test_every_graph_of_the_package_is_of_our_kind() -> None:
    for task in OPERATORS:
        for model in packaged_models(task):
            check_graph(model.path, model.path.read_bytes(), task)


@pytest.mark.fuzz
@given(st.data())
def test_a_damaged_graph_is_refused_or_of_our_kind(data: st.DataObject) -> None:
    whole = bytearray(example_graph().SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ModelFileError):
        check_graph(Path("model.onnx"), bytes(whole), "face")
