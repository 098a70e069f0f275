"""Photos that a model learned from are known again, wherever they are read from."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.running import run_here

from facecover.dataset.arrays import Dataset
from facecover.drawn.drawn_dataset import draw_face
from facecover.inference.model_file import read_model_file


@pytest.fixture(scope="module")
def run(class_folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Net #1 after one epoch on the photos in folders; the dataset stands beside it."""
    folder = tmp_path_factory.mktemp("trained")
    for command in (
        ("prepare", class_folders, "-o", folder / "dataset"),
        ("train", "net1", "--data", folder / "dataset", "-o", folder / "run",
         "--set", "training.epochs=1", "--device", "cpu"),
    ):  # fmt: skip
        ended = run_here(*command)
        assert ended.status == 0, ended.errors
    return folder / "run"


def evaluated(*arguments: object) -> tuple[dict[str, object], str]:
    """What `evaluate` says of images seen in training: as JSON, and as text."""
    options = ("--resamples", 100)
    as_json = run_here("evaluate", *arguments, *options, "--json")
    assert as_json.status == 0, as_json.errors
    text = run_here("evaluate", *arguments, *options).out
    found: dict[str, object] = json.loads(as_json.out)
    return found, " ".join(text.split())


def learned(run: Path) -> int:
    return len(Dataset.open(run.parent / "dataset").rows_of("train"))


def test_the_folder_that_it_learned_from_is_known(run: Path, class_folders: Path) -> None:
    found, text = evaluated(run, "--data", class_folders)
    seen = found["seen_in_training"]
    assert isinstance(seen, dict)
    n, others = learned(run), 120 - learned(run)
    assert (seen["n"], seen["n_others"]) == (n, others)
    low, high = seen["ci95"]
    assert 0 <= low <= seen["accuracy_on_others"] <= high <= 1
    assert f"{n} of these 120 images were seen in training; on the other {others}" in text


def test_its_photos_are_known_under_other_names_and_without_loss(
    run: Path, class_folders: Path, tmp_path: Path
) -> None:
    for number, path in enumerate(sorted(class_folders.rglob("*.jpg"))):
        folder = tmp_path / "moved" / path.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        if number % 2:
            shutil.copyfile(path, folder / f"{number}.jpg")
        else:
            with Image.open(path) as photo:
                photo.save(folder / f"{number}.png")
    found, _ = evaluated(run, "--data", tmp_path / "moved")
    seen = found["seen_in_training"]
    assert isinstance(seen, dict)
    assert seen["n"] == learned(run)


def test_its_dataset_is_known_split_by_split(run: Path) -> None:
    dataset = run.parent / "dataset"
    by_split = {
        split: evaluated(run, "--data", dataset, "--split", split)[0]["seen_in_training"]
        for split in ("train", "test")
    }
    train, test = by_split["train"], by_split["test"]
    assert isinstance(train, dict)
    assert isinstance(test, dict)
    assert train == {
        "n": learned(run), "accuracy_on_others": None, "ci95": None, "n_others": 0
    }  # fmt: skip
    assert test["n"] == 0


def test_other_photos_are_not_taken_for_them(run: Path, tmp_path: Path) -> None:
    for label, name in enumerate(("without_mask", "with_mask")):
        (tmp_path / "others" / name).mkdir(parents=True)
        for number in range(20):
            photo = draw_face(np.random.default_rng(5000 + 100 * label + number), label, (60, 70))
            photo.save(tmp_path / "others" / name / f"face {number}.jpg", quality=88)
    found, text = evaluated(run, "--data", tmp_path / "others")
    seen = found["seen_in_training"]
    assert isinstance(seen, dict)
    assert seen["n"] == 0
    assert "seen in training" not in text


def test_the_same_run_has_the_same_fingerprints_and_compare_tells_them(
    run: Path, class_folders: Path, tmp_path: Path
) -> None:
    path = tmp_path / "again.onnx"
    dataset = run.parent / "dataset"
    ended = run_here("export", run, "--data", dataset, "-o", path)
    assert ended.status == 0, ended.errors
    info = read_model_file(path).info
    assert info.seen_photos == read_model_file(run).info.seen_photos
    assert len(info.seen_photos or "") == 8 * learned(run)
    options = ("--data", class_folders, "--resamples", 100, "-o", tmp_path / "report")
    ended = run_here("compare", run, path, "net1", *options)
    assert ended.status == 0, ended.errors
    facts = json.loads((tmp_path / "report" / "comparison.json").read_text())
    first, second, packaged = (one["seen_in_training"] for one in facts["evaluations"])
    assert first == second
    assert first["n"] == learned(run)
    assert packaged is None  # the packaged file does not say
    said = f"{learned(run)} of these 120 images were seen in training"
    assert said in " ".join(ended.out.split())
    assert said in (tmp_path / "report" / "report.html").read_text("utf-8")
