import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facecover.errors import ModelFileError
from facecover.inference import model_file
from facecover.inference.classifier import Classifier
from facecover.inference.model_file import (
    DEFAULT_MODEL,
    MODELS_FOLDER,
    PackagedModel,
    find_model,
    packaged_file,
    packaged_models,
    read_facts,
    read_model_file,
)
from facecover.inference.model_info import info_from_json, info_to_json, with_choices
from facecover.inference.onnx_file import read_header

MODELS = packaged_models()
MOST_BYTES_INT8 = 4_200_000
"""Of the INT8 models and the detector, and what comes with them."""

MOST_BYTES = 6_500_000
"""With the default model in float32 besides: the wheel stays small."""

each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


def test_the_studys_networks_are_there_and_one_is_the_default() -> None:
    assert {"net1", "net2"} <= {model.name for model in MODELS}
    assert [model.name for model in MODELS if model.is_default] == [DEFAULT_MODEL]


def test_all_models_together_are_small() -> None:
    sizes = {path: path.stat().st_size for path in MODELS_FOLDER.rglob("*") if path.is_file()}
    assert 0 < sum(sizes.values()) < MOST_BYTES
    int8 = [size for path, size in sizes.items() if "float32" not in path.stem]
    assert 0 < sum(int8) < MOST_BYTES_INT8


def test_the_default_comes_in_float32_too() -> None:
    by_name = {model.name: read_model_file(model.path).info for model in MODELS}
    int8, float32 = by_name[DEFAULT_MODEL], by_name[f"{DEFAULT_MODEL}-float32"]
    assert (int8.precision, float32.precision) == ("int8", "float32")
    assert int8.weights_sha256 == float32.weights_sha256
    assert int8.data == float32.data


def test_nothing_else_lies_among_them() -> None:
    expected = {path for model in MODELS for path in (model.path, model.card, model.facts)}
    for detector in packaged_models("faces"):
        expected |= {detector.path, detector.card} | ({detector.facts} & {*MODELS_FOLDER.iterdir()})
    assert set(MODELS_FOLDER.iterdir()) == expected


@each_model
def test_a_name_stands_for_its_file(
    model: PackagedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_model(Path(model.name)) == model.path


def test_a_folder_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net1").mkdir()
    (tmp_path / "net1" / "model.onnx").touch()
    assert find_model(Path("net1")) == Path("net1/model.onnx")


def test_the_packages_own_file_is_found_past_that_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net1").mkdir()
    assert packaged_file("net1") == MODELS_FOLDER / "net1.onnx"
    with pytest.raises(ModelFileError, match=r"expected net9\.onnx.* install facecover again"):
        packaged_file("net9")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    names = ", ".join(model.name for model in MODELS)
    with pytest.raises(ModelFileError, match=rf"net9: no such .* of the package \({names}\)"):
        find_model(Path("net9"))


@each_model
def test_the_card_and_the_facts_are_of_this_file(model: PackagedModel) -> None:
    info = read_model_file(model.path).info
    facts = read_facts(model)
    assert facts is not None
    assert facts["file_sha256"] == info.file_sha256
    assert facts["test"]["data_digest"] == info.data.digest
    assert facts["test"]["split"] == "test"
    assert facts["test"]["n"] == sum(info.data.counts["test"].values())
    card = model.card.read_text("utf-8")
    assert info.file_sha256 in card
    assert f"{model.path.stat().st_size:,} bytes" in card


@each_model
def test_its_facts_are_written_down_as_they_were_read(model: PackagedModel) -> None:
    header = read_header(model.path.read_bytes())
    before = json.loads(header.facts)
    after = json.loads(info_to_json(info_from_json(header.facts)))
    assert after == before
    assert list(after) == list(before)


@each_model
def test_what_shipped_passed_the_bar(model: PackagedModel) -> None:
    info = read_model_file(model.path).info
    assert info.temperature_fit is not None
    if info.quantization is None:
        assert info.parity.largest_difference < 1e-4
    else:
        lost = info.quantization.float32_accuracy - info.quantization.int8_accuracy
        assert lost <= 0.003 + 1e-9
        assert info.quantization.images == sum(info.data.counts["val"].values())


@each_model
def test_it_says_which_answers_are_uncertain_and_on_what_that_was_chosen(
    model: PackagedModel,
) -> None:
    info = read_model_file(model.path).info
    fit, band = info.band_fit, info.uncertain_band
    assert fit is not None
    assert band is not None
    assert 0 < band[0] < info.threshold < band[1] < 1
    assert fit.images == sum(info.data.counts["val"].values())
    assert fit.accuracy >= fit.target >= (0.995 if model.is_default else 0.98)
    assert fit.coverage > 0.75
    assert info.band_in_words in model.card.read_text("utf-8")
    # Around another threshold it is not the band that was measured.
    assert with_choices(info, threshold=0.55).band_fit is None


@each_model
def test_it_answers(model: PackagedModel) -> None:
    classifier = Classifier(model.path)
    size_px = classifier.info.input_size_px
    images = np.random.default_rng(0).integers(0, 256, (3, size_px, size_px, 3), dtype=np.uint8)
    probabilities = classifier.classify_images(images)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


@each_model
def test_nothing_of_the_machine_that_made_it_is_in_it(model: PackagedModel) -> None:
    for path in (model.path, model.card, model.facts):
        assert not re.search(rb"/(home|root|work|tmp|Users)/|[A-Z]:\\\\", path.read_bytes())


def test_broken_facts_are_refused(tmp_path: Path) -> None:
    facts = tmp_path / "net1.json"
    model = PackagedModel(tmp_path / "net1.onnx")
    assert read_facts(model) is None
    facts.write_text("{")
    with pytest.raises(ModelFileError, match=r"net1\.json: broken: .*install facecover again"):
        read_facts(model)
    facts.write_text("[]")
    with pytest.raises(ModelFileError, match=r"net1\.json: broken: .*object.*install"):
        read_facts(model)


def test_models_are_listed_without_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b.onnx").touch()
    (tmp_path / "a.onnx").touch()
    monkeypatch.setattr(model_file, "MODELS_FOLDER", tmp_path)
    (tmp_path / f"{DEFAULT_MODEL}.onnx").touch()
    assert [model.name for model in packaged_models()] == [DEFAULT_MODEL, "a", "b"]


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a test writes what it made of a shipped file."""
    return tmp_path_factory.mktemp("spoilt") / "model.onnx"


WHOLE = MODELS[0].path.read_bytes()


@given(length=st.integers(0, len(WHOLE) - 1))
def test_a_shipped_file_that_was_cut_off_never_loads(spoilt: Path, length: int) -> None:
    spoilt.write_bytes(WHOLE[:length])
    with pytest.raises(ModelFileError, match=r"model\.onnx: "):
        read_model_file(spoilt)


@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(1, 255)),
        min_size=1,
        max_size=4,
        unique_by=lambda change: change[0],
    )
)
def test_a_shipped_file_with_changed_bytes_never_loads(
    spoilt: Path, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(WHOLE)
    for position, mask in changes:
        data[position] ^= mask
    spoilt.write_bytes(data)
    with pytest.raises(ModelFileError, match=r"model\.onnx: "):
        read_model_file(spoilt)


# The metadata stand at the end of the file, behind the weights.
@given(position=st.integers(len(WHOLE) - 6000, len(WHOLE) - 1), value=st.integers(0, 255))
def test_changed_metadata_never_load(spoilt: Path, position: int, value: int) -> None:
    if WHOLE[position] == value:
        value = (value + 1) % 256
    spoilt.write_bytes(WHOLE[:position] + bytes([value]) + WHOLE[position + 1 :])
    with pytest.raises(ModelFileError, match=r"model\.onnx: "):
        read_model_file(spoilt)
