"""`export`, `card` and `models`: model files, and what is known of them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from msgspec.structs import replace
from tests.training.small_dataset import THREE_SPLITS, write_dataset, write_experiment

from facecover.cli.models import card_command, models_command
from facecover.cli.train import export_command
from facecover.dataset.arrays import Dataset
from facecover.dataset.collect import DROPPED_NAME, write_drops
from facecover.dataset.manifest import Manifest
from facecover.errors import ConfigError, DatasetError, OutputError, RunError
from facecover.inference import model_file
from facecover.inference.classifier import Model
from facecover.inference.model_file import packaged_models, read_model_file
from facecover.inference.model_info import BandFit
from facecover.studies.results import StudyData, StudyDocument, StudyRun
from facecover.training.experiments import load_experiment
from facecover.training.fit import fit
from facecover.training.run_export import with_band
from facecover.workflows.ship_model import card
from facecover.workflows.train_run import banded
from facecover.yaml_text import read_yaml


def _dataset(folder: Path, digest: str = "d" * 64) -> Dataset:
    """A dataset of one source, `noise`."""
    known = write_dataset(folder, THREE_SPLITS, digest=digest).manifest
    table = known.table.assign(source=pd.array(["noise"] * len(known), dtype="string"))
    Manifest(table, known.info).save(folder)
    write_drops(folder / DROPPED_NAME, [])
    return Dataset.open(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `dataset` and a finished `run`; do not write into either."""
    folder = tmp_path_factory.mktemp("small")
    dataset = _dataset(folder / "dataset")
    experiment = load_experiment(write_experiment(folder / "small.yaml"))
    fit(experiment, dataset, folder / "run", device="cpu")
    return folder


def test_export_says_what_int8_costs(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "int8.onnx"
    export_command(folder / "run", path, int8=True, data=folder / "dataset", as_json=True)
    facts = json.loads(capsys.readouterr().out)
    assert list(facts) == ["float32", "int8"]
    info = read_model_file(path).info
    assert info.quantization is not None
    assert facts["int8"]["bytes"] == path.stat().st_size < facts["float32"]["bytes"]
    assert facts["int8"]["file_sha256"] == info.file_sha256
    assert facts["int8"]["validation_accuracy"] == info.quantization.int8_accuracy
    assert facts["float32"]["validation_accuracy"] == info.quantization.float32_accuracy
    assert all(of_one["milliseconds"] > 0 for of_one in facts.values())


def test_export_copies_in_words(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export_command(folder / "run", tmp_path / "copy.onnx")
    said = capsys.readouterr()
    assert "size (bytes)" in said.out
    assert "not fitted: 16 validation images" in said.out
    assert "copy.onnx" in said.err
    assert (tmp_path / "copy.onnx").read_bytes() == (folder / "run/model.onnx").read_bytes()


def test_export_chooses_an_uncertain_band(folder: Path, tmp_path: Path) -> None:
    path, data = tmp_path / "banded.onnx", folder / "dataset"
    with pytest.raises(ConfigError, match=r"--target-accuracy: expected the dataset .* --data"):
        export_command(folder / "run", path, target_accuracy=0.5)
    # Its 16 validation images are too few to choose on.
    with pytest.raises(ConfigError, match="expected 30 images or more to choose the band on"):
        export_command(folder / "run", path, data=data, target_accuracy=0.5)
    assert not path.exists()
    known = read_model_file(folder / "run")
    fit = BandFit(target=0.9, images=50, coverage=0.8, accuracy=0.95)
    file = with_band(known, (0.3, 0.7), fit, path)
    assert file.info == replace(
        known.info, uncertain_band=(0.3, 0.7), band_fit=fit, file_sha256=file.info.file_sha256
    )
    images = Dataset.open(data).images(file.info.input_size_px)[:8]
    assert np.array_equal(Model(file).logits(images), Model(known).logits(images))
    assert "30.0% to 70.0%; of 50 validation images the others are 80.0%" in file.info.band_in_words
    more = write_dataset(tmp_path / "more", {**THREE_SPLITS, "val": (20, 20)})
    write_drops(more.folder / DROPPED_NAME, [])
    chosen = banded(known, more.folder, 0.05, path).info
    assert chosen.band_fit == BandFit(0.05, 40, 1.0, chosen.band_fit.accuracy)  # type: ignore[union-attr]
    assert chosen.uncertain_band is None  # every answer is right often enough


def test_export_refuses_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"expected a run folder with a run\.json, found none"):
        export_command(tmp_path, tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_export_leaves_somebody_elses_file_alone(folder: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8\xff mine")
    with pytest.raises(OutputError, match=r"photo\.jpg: expected a model file of earlier"):
        export_command(folder / "run", photo)
    assert photo.read_bytes() == b"\xff\xd8\xff mine"
    export_command(folder / "run", tmp_path / "own.onnx")
    export_command(folder / "run", tmp_path / "own.onnx")


def test_export_replaces_only_what_is_surely_a_model_file_of_ours(
    folder: Path, tmp_path: Path
) -> None:
    notes, model = tmp_path / "notes.md", tmp_path / "model.onnx"
    notes.write_text("facecover: how I trained it")
    with pytest.raises(OutputError, match=r"notes\.md: expected a model file of earlier"):
        export_command(folder / "run", notes)
    assert notes.read_text() == "facecover: how I trained it"
    whole = (folder / "run" / model_file.MODEL_NAME).read_bytes()
    for earlier in (whole, whole[:1000]):  # one that was cut off is still ours
        model.write_bytes(earlier)
        export_command(folder / "run", model)
        assert read_model_file(model).info == read_model_file(folder / "run").info


@pytest.mark.parametrize("theirs", ["card.md", "card.json"])
def test_a_card_leaves_somebody_elses_files_alone(
    folder: Path, tmp_path: Path, theirs: str
) -> None:
    mine = (
        "---\ntags:\n- face-mask\n---\nby facecover card" if theirs == "card.md" else '{"test": 1}'
    )
    (tmp_path / theirs).write_text(mine)
    with pytest.raises(OutputError, match=f"{theirs}: expected a card"):
        card_command(folder / "run", folder / "dataset", tmp_path / "card.md", resamples=100)
    assert [path.name for path in tmp_path.iterdir()] == [theirs]
    assert (tmp_path / theirs).read_text() == mine


def test_a_card_is_of_one_split_and_a_file(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--split 'all': expected one of train, val, test"):
        card_command(folder / "run", folder / "dataset", tmp_path / "card.md", split="all")
    with pytest.raises(OutputError, match="expected a file for a card, found a folder"):
        card_command(folder / "run", folder / "dataset", tmp_path)
    assert not list(tmp_path.iterdir())
    assert not tmp_path.with_suffix(".json").exists()


def _study(path: Path, sources: tuple[str, ...] = ("noise",)) -> Path:
    """A study that left the source out with three seeds."""

    def run(seed: int, accuracy: float, division: str = "left-out") -> StudyRun:
        metrics: dict[str, Any] = {
            "n": 40,
            "accuracy": accuracy,
            "balanced_accuracy": accuracy,
            "ci95": {"accuracy": [accuracy - 0.1, accuracy + 0.1]},
        }
        return StudyRun(
            division, "noise", "small", seed, 9, 9, 40, 40, "d", 1, 1, 1.0, 9, 9, metrics
        )

    runs = (run(0, 0.5), run(1, 0.7), run(2, 0.6), run(0, 0.9, "merged-group"))
    StudyDocument("splits", "?", "", "test", runs, StudyData(sources, "d")).save(path)
    return path


def test_a_card_states_what_was_measured(folder: Path, tmp_path: Path) -> None:
    about = tmp_path / "about.yaml"
    about.write_text('noise: {title: "No|ise", licence: CC0, repository: "https://example.org"}')
    path = tmp_path / "card.md"
    card_command(
        folder / "run",
        folder / "dataset",
        path,
        study=_study(tmp_path / "study"),
        sources=about,
        license_id="mit",
        resamples=100,
    )
    text = path.read_text("utf-8")
    _, front, body = text.split("---\n", 2)
    head = read_yaml(front, "here")
    facts = json.loads(path.with_suffix(".json").read_text())
    info = read_model_file(folder / "run").info
    assert (head["license"], head["datasets"]) == ("mit", ["noise"])
    (result,) = head["model-index"][0]["results"]
    assert result["dataset"]["revision"] == info.data.digest == facts["test"]["data_digest"]
    assert result["metrics"][0]["value"] == round(facts["test"]["accuracy"], 4)
    assert facts["file_sha256"] == info.file_sha256
    assert f"`{info.file_sha256}`" in body
    assert "[No\\|ise](https://example.org) | CC0 |" in body
    assert "| noise | 40 | 3 | 60.0% | 40.0 to 80.0 |" in body
    assert facts["left_out"][0]["ci95"] == pytest.approx([0.4, 0.8])
    assert "random test split (16 images: 8 no_mask and 8 mask), which chose nothing" in body
    assert "{{" not in text
    assert "None" not in text


@pytest.fixture(scope="module")
def refit(folder: Path) -> Path:
    """A finished run like `run`, which learned from the test images, too."""
    experiment = load_experiment(folder / "small.yaml", ["training.refit=true"])
    fit(
        experiment,
        Dataset.open(folder / "dataset"),
        folder / "refit",
        device="cpu",
    )
    return folder / "refit"


def test_a_refit_models_card_quotes_its_twin(folder: Path, refit: Path, tmp_path: Path) -> None:
    own, twin = tmp_path / "refit.md", tmp_path / "run.md"
    card_command(refit, folder / "dataset", own, measured=folder / "run", resamples=100)
    card_command(folder / "run", folder / "dataset", twin, resamples=100)
    facts, of_twin = (json.loads(path.with_suffix(".json").read_text()) for path in (own, twin))
    info, weights = read_model_file(refit).info, of_twin["test"]["model"]["weights_sha256"]
    assert (info.is_refit, info.learned_images) == (True, 64)
    assert facts["file_sha256"] == info.file_sha256 != of_twin["file_sha256"]
    assert {**facts, "file_sha256": ""} == {**of_twin, "file_sha256": ""}
    text = own.read_text("utf-8")
    assert "It learned from the test images, too." in text
    assert "the same experiment without them, though perhaps" in text
    assert f"(weights `{weights[:16]}`)" in text
    assert "twin" not in twin.read_text("utf-8")
    result = read_yaml(text.split("---\n")[1], "here")["model-index"][0]["results"][0]
    assert all("of a twin that did not" in metric["name"] for metric in result["metrics"])


def test_a_refit_models_card_needs_its_twin(folder: Path, refit: Path, tmp_path: Path) -> None:
    data, path = folder / "dataset", tmp_path / "card.md"
    with pytest.raises(ConfigError, match=r"it learned from the test images, too.*--measured"):
        card_command(refit, data, path)
    with pytest.raises(ConfigError, match="found another model that learned from the test images"):
        card_command(refit, data, path, measured=refit)
    with pytest.raises(ConfigError, match="expected it with a model that learned from the test"):
        card_command(folder / "run", data, path, measured=refit)
    with pytest.raises(ConfigError, match=r"but for training\.refit, found another dataset"):
        card_command(refit, data, path, measured=Path("net1"))
    assert not path.exists()
    card_command(refit, data, path, split="val", resamples=100)


def test_models_says_whose_figures_it_quotes(
    folder: Path,
    refit: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    export_command(refit, tmp_path / "own.onnx")
    card_command(
        tmp_path / "own.onnx",
        folder / "dataset",
        tmp_path / "own.md",
        measured=folder / "run",
        resamples=100,
    )
    for place in (model_file, sys.modules["facecover.cli.models"]):
        monkeypatch.setattr(place, "MODELS_FOLDER", tmp_path)
    models_command()
    said = capsys.readouterr().out
    assert "64 images" in said
    assert ", by its twin" in said
    assert "A twin was trained alike, but without the test images" in said


def test_a_card_is_the_same_for_the_same_model(folder: Path, tmp_path: Path) -> None:
    for name in ("a.md", "b.md", "b.md"):
        card_command(folder / "run", folder / "dataset", tmp_path / name, resamples=100)
    assert (tmp_path / "a.md").read_bytes() == (tmp_path / "b.md").read_bytes()
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    text = (tmp_path / "a.md").read_text("utf-8")
    in_python = card(folder / "run", folder / "dataset", resamples=100)
    assert in_python.text == text
    assert in_python.to_json() == json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert in_python._repr_markdown_().startswith("\n# Model card of")
    assert "### On sources that training never saw\n\nNot measured.\n" in text
    assert "license" not in read_yaml(text.split("---\n")[1], "here")


def test_slices_hold_every_image_once(folder: Path, tmp_path: Path) -> None:
    card_command(folder / "run", folder / "dataset", tmp_path / "card.md", resamples=100)
    facts = json.loads((tmp_path / "card.json").read_text())
    counts = pd.DataFrame(facts["by_measure"]).groupby("by")["n"].sum()
    assert dict(counts) == {"brightness": 16, "sharpness": 16, "side_px": 16}
    accuracy = [
        np.average([one["accuracy"] for one in part], weights=[one["n"] for one in part])
        for part in (facts["by_measure"][:4], facts["by_source"])
    ]
    assert accuracy == pytest.approx([facts["test"]["accuracy"]] * 2)


def test_a_card_needs_the_dataset_of_its_model(folder: Path, tmp_path: Path) -> None:
    _dataset(tmp_path / "other", digest="f" * 64)
    with pytest.raises(DatasetError, match=r"the dataset that the model learned from.*dddd.*ffff"):
        card_command(folder / "run", tmp_path / "other", tmp_path / "card.md")
    assert not (tmp_path / "card.md").exists()


def test_a_study_of_other_networks_or_sources_is_refused(folder: Path, tmp_path: Path) -> None:
    run, dataset, path = folder / "run", folder / "dataset", tmp_path / "card.md"
    with pytest.raises(ConfigError, match=r"the variant 'net7' .* found those of small; name one"):
        card_command(run, dataset, path, study=_study(tmp_path / "a"), variant="net7")
    other = _study(tmp_path / "b", ("noise", "more"))
    with pytest.raises(ConfigError, match="the model's sources, noise, found more, noise"):
        card_command(run, dataset, path, study=other)
    with pytest.raises(RunError, match=r"expected a folder with a study\.json"):
        card_command(run, dataset, path, study=tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("noise: 3", "noise: expected title, repository"),
        ("noise: {commit: 7e50074}", "noise.commit: expected a text"),
        ("noise: {author: me}", "noise.author: expected a text under one of title"),
    ],
)
def test_wrong_facts_of_sources_are_refused(
    text: str, match: str, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "about.yaml").write_text(text)
    with pytest.raises(ConfigError, match=match):
        card_command(
            folder / "run",
            folder / "dataset",
            tmp_path / "card.md",
            sources=tmp_path / "about.yaml",
        )


def test_models_lists_what_is_in_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    models_command(as_json=True)
    every = json.loads(capsys.readouterr().out)
    listed = [model for model in every if model["task"] == "face"]
    assert [model["name"] for model in listed] == [model.name for model in packaged_models()]
    detectors = [model["name"] for model in every if model["task"] == "faces"]
    assert detectors == [model.name for model in packaged_models("faces")]
    for model in listed:
        info = read_model_file(Path(model["path"])).info
        assert model["parameters"] == info.network.parameters
        assert model["precision"] == info.precision
        low, high = model["test"]["ci95"]
        assert low < model["test"]["accuracy"] < high
        assert model["test"]["n"] == sum(info.data.counts["test"].values())
    models_command()
    table = capsys.readouterr().out
    assert "(default)" in table
    assert f"{listed[0]['test']['accuracy']:.1%}" in table


def test_models_does_not_quote_figures_of_another_file(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = packaged_models()[0]
    (tmp_path / "own.onnx").write_bytes((folder / "run/model.onnx").read_bytes())
    (tmp_path / "own.json").write_bytes(model.facts.read_bytes())
    for place in (model_file, sys.modules["facecover.cli.models"]):
        monkeypatch.setattr(place, "MODELS_FOLDER", tmp_path)
    models_command()
    assert "not measured" in capsys.readouterr().out


def test_models_needs_the_base_dependencies_alone() -> None:
    heavy = "torch pandas scipy sklearn matplotlib pyarrow onnx ruamel lightning jinja2"
    program = (
        "import sys; from facecover.cli.models import models_command; models_command(); "
        f"print([name for name in '{heavy}'.split() if name in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900)
    assert done.stderr.strip() == "[]"
