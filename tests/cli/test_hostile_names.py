"""No name in the data, and no word of a command, reaches a terminal or a page as what it obeys."""

import csv
import json
import os
import shutil
from pathlib import Path

import pytest
from tests.cli.running import Ended, run_here
from tests.scenes.example_detector import sealed_example

from facecover.errors import LAYOUT

pytestmark = [
    pytest.mark.usefixtures("exported_once"),
    pytest.mark.skipif(os.name == "nt", reason="no such names are allowed there"),
]

HOSTILE = "\x1b[2J\x1b]0;t\x07\x9b31m\x7f\u202egpj\u2066\u061c"
"""Clears a screen, names a window, rings, turns red by a C1 control, and turns the direction."""

FEW = ("--resamples", 100)


@pytest.fixture(scope="module")
def photos(few_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders of hostile names in a folder of one; with a list of other sources beside."""
    root = tmp_path_factory.mktemp("hostile") / f"faces{HOSTILE}"
    rows = []
    for label, folder in enumerate(("without_mask", "with_mask")):
        (root / folder).mkdir(parents=True)
        for number, photo in enumerate(sorted((few_photos / folder).iterdir())):
            path = root / folder / f"{HOSTILE}\n{number}.jpg"
            shutil.copy(photo, path)
            rows.append([str(path), label, f"{HOSTILE}{number % 2}", HOSTILE, number])
    (root / "with_mask" / f"broken{HOSTILE}.jpg").write_bytes(b"\xff\xd8\xff nothing")
    with (root.parent / f"list{HOSTILE}.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["path", "label", "source", f"camera{HOSTILE}", f"{HOSTILE}angle"])
        table.writerows(rows)
    return root


@pytest.fixture(scope="module")
def dataset(photos: Path) -> Path:
    folder = photos.parent / f"dataset{HOSTILE}"
    _clean(run_here("prepare", photos.parent / f"list{HOSTILE}.csv", "-o", folder))
    return folder


def _obeyed(text: str) -> set[str]:
    return {c for c in text if not (c.isprintable() or c in LAYOUT)}


def _clean(done: Ended, status: int = 0) -> Ended:
    assert done.status == status, done.errors
    assert not _obeyed(done.out)
    assert not _obeyed(done.errors)
    return done


def _clean_folder(folder: Path) -> None:
    pages = [path for kind in ("html", "json", "md") for path in folder.rglob(f"*.{kind}")]
    assert pages
    for path in pages:
        assert not _obeyed(path.read_text("utf-8")), path


@pytest.mark.parametrize("command", ["explore", "audit"])
def test_a_look_at_photos(command: str, photos: Path, tmp_path: Path) -> None:
    data = (photos, photos.parent / f"list{HOSTILE}.csv", "--max-unreadable", 1)
    options = ("--no-suspects",) if command == "audit" else ()
    said = _clean(run_here(command, *data, *options, "-o", tmp_path / HOSTILE))
    assert r"faces\x1b[2J" in said.errors
    _clean_folder(tmp_path / HOSTILE)
    found = _clean(run_here(command, photos, *options, "--json", "--max-unreadable", 1))
    assert json.loads(found.out)


def test_a_look_at_a_dataset(dataset: Path, tmp_path: Path) -> None:
    _clean(run_here("explore", dataset, "-o", tmp_path / HOSTILE))
    _clean_folder(tmp_path / HOSTILE)
    found = _clean(run_here("explore", dataset, "--json"))
    assert HOSTILE in "".join(_strings(json.loads(found.out)))


def _strings(document: object) -> list[str]:
    if isinstance(document, dict):
        return [text for pair in document.items() for one in pair for text in _strings(one)]
    if isinstance(document, list):
        return [text for one in document for text in _strings(one)]
    return [document] if isinstance(document, str) else []


@pytest.mark.parametrize("command", ["evaluate", "compare"])
def test_what_is_measured(command: str, dataset: Path, photos: Path, tmp_path: Path) -> None:
    models = ["net1"] if command == "evaluate" else ["net1", "net2"]
    for data in (dataset, photos) if command == "evaluate" else (dataset,):
        options = (*models, "--data", data, "--split", "all", *FEW, "--max-unreadable", 1)
        output = tmp_path / f"{data.name[:5]}{HOSTILE}"
        _clean(run_here(command, *options, "--min-slice", 1, "-o", output))
        _clean_folder(output)
        assert json.loads(_clean(run_here(command, *options, "--json")).out)


def test_what_is_predicted(photos: Path) -> None:
    said = _clean(run_here("predict", photos), 3)
    assert r"\x1b[2J" in said.out
    lines = _clean(run_here("predict", photos, "--json"), 3).out.splitlines()
    assert any(HOSTILE in json.loads(line)["path"] for line in lines)
    _clean(run_here("predict", photos / HOSTILE, f"{HOSTILE}.zip"), 3)


def test_faces_that_are_found(photos: Path, tmp_path: Path) -> None:
    model = tmp_path / f"{HOSTILE}.onnx"
    model.write_bytes(sealed_example())
    command = ("detect", photos, "--model", model, "--classifier", "net1")
    assert r"\x1b[2J" in _clean(run_here(*command), 3).out
    lines = _clean(run_here(*command, "--json"), 3).out.splitlines()
    assert any(HOSTILE in json.loads(line)["path"] for line in lines)


def test_what_is_trained(dataset: Path, tmp_path: Path) -> None:
    run, settings = tmp_path / f"run{HOSTILE}", ["--set", "training.epochs=1"]
    options = ("net1", "--data", dataset, *settings, "--set", "network.width=0.05", "-o", run)
    _clean(run_here("train", *options))
    _clean_folder(run)
    refused = _clean(run_here("train", *options), 1)
    assert r"run\x1b[2J" in refused.errors
    _clean(run_here("export", run, "-o", tmp_path / f"{HOSTILE}.onnx"))
    card = ("card", run, "--data", dataset, *FEW, "-o", tmp_path / f"card{HOSTILE}.md")
    _clean(run_here(*card))
    _clean_folder(tmp_path)
    _clean(run_here("train", *options, "--resume", "--set", "network.width=0.1"), 1)


@pytest.mark.parametrize(
    "words",
    [
        ("explore", HOSTILE),
        ("audit", HOSTILE, "--relabel", HOSTILE),
        ("audit", "x", "--fail-on", HOSTILE),
        ("prepare", HOSTILE, "-o", HOSTILE),
        ("prepare", ".", "-o", "x", "--layout", HOSTILE, "--label", HOSTILE, "--map", HOSTILE),
        ("train", HOSTILE, "--data", HOSTILE, "-o", HOSTILE),
        ("train", "net1", "--data", HOSTILE, "-o", HOSTILE),
        ("train", "net1", "--data", HOSTILE, "-o", HOSTILE, "--set", HOSTILE),
        ("train", "net1", "--data", HOSTILE, "-o", HOSTILE, "--set", f"seed={HOSTILE}"),
        ("evaluate", HOSTILE, "--data", HOSTILE),
        ("evaluate", "--data", HOSTILE, "--split", HOSTILE),
        ("compare", HOSTILE, "net1", "--data", HOSTILE),
        ("study", HOSTILE, "--data", HOSTILE),
        ("study", "width", "--data", HOSTILE, "--seeds", HOSTILE),
        ("study", "width", "--data", HOSTILE, "--division", HOSTILE),
        ("export", HOSTILE, "-o", HOSTILE),
        ("card", HOSTILE, "--data", HOSTILE, "-o", HOSTILE),
        ("predict", "--model", HOSTILE, "x"),
        ("predict", "--from-file", HOSTILE),
        ("detect", "--model", HOSTILE, "x"),
        ("detect", "--classifier", HOSTILE, "x"),
        ("serve", "--model", HOSTILE),
        ("serve", "--api-key-file", HOSTILE),
    ],
    ids=lambda words: " ".join(word for word in words if word is not HOSTILE),
)
def test_what_is_refused(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(_clean(run_here(*words), 1).refusals) == 1


@pytest.mark.parametrize(
    "words",
    [(HOSTILE,), ("explore", f"--{HOSTILE}"), ("demo", HOSTILE), ("draw", "--seed", HOSTILE)],
)
def test_wrong_usage(words: tuple[str, ...]) -> None:
    assert r"\x1b" in _clean(run_here(*words), 2).errors
