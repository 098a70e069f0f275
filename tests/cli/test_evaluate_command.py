"""`evaluate` and `compare` on photos that are few, of one class, or not what the model knows."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from PIL import Image
from tests.cli.running import run_here
from tests.inference.example_model import example_graph, example_info, model_bytes

from facecover.inference.model_file import DEFAULT_MODEL, MODEL_NAME, packaged_file, seal
from facecover.inference.model_info import info_to_json
from facecover.workflows.measure_models import load_models

CLASSES = ("no_mask", "mask", "incorrect_mask")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A model of two classes and one of three; both answer by the colour of the photo."""
    folder = tmp_path_factory.mktemp("models")
    found = {n: folder / f"{n} classes.onnx" for n in (2, 3)}
    for n, path in found.items():
        text = info_to_json(example_info(n, 1.5))
        path.write_bytes(seal(model_bytes(example_graph(n), text)))
    return found


def photos(folder: Path, labels: Sequence[str], seed: int = 0, **columns: Sequence[object]) -> Path:
    """Photos of the class's colour, and some of another's, in a table with these columns."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label", *columns])
        for number, label in enumerate(labels):
            pixels = rng.integers(60, 120, (40, 36, 3), dtype=np.uint8)
            if rng.random() < 0.85 and label in CLASSES:
                pixels[..., CLASSES.index(label)] += 60
            Image.fromarray(pixels).save(folder / f"{number}.png")
            writer.writerow([f"{number}.png", label, *(c[number] for c in columns.values())])
    return folder / "labels.csv"


def document(text: str) -> dict[str, Any]:
    """JSON without a number that is none."""

    def refuse(constant: str) -> NoReturn:
        raise AssertionError(constant)

    found: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return found


def evaluated(*arguments: object) -> dict[str, Any]:
    status, out, errors = run_here("evaluate", *arguments, "--resamples", 100, "--json")
    assert status == 0, errors
    return document(out)


def refused(*arguments: object) -> str:
    """The one line that says why."""
    ended = run_here(*arguments, "--resamples", 100)
    assert ended.status == 1
    assert not ended.out
    (line,) = ended.refusals
    return line


@pytest.mark.slow
def test_one_class_leaves_metrics_undefined_with_the_reason(
    models: dict[int, Path], tmp_path: Path
) -> None:
    table = photos(tmp_path / "p", ["mask"] * 12)
    found = evaluated(models[2], "--data", table, "-o", tmp_path / "r")
    assert found["roc_auc"] is None
    assert found["undefined"]["roc_auc"] == "no image of 12 is no_mask"
    assert found["accuracy"] is not None
    assert found == document((tmp_path / "r/evaluation.json").read_text())


def test_three_photos_are_measured_and_no_slice_is_judged(
    models: dict[int, Path], tmp_path: Path
) -> None:
    table = photos(tmp_path / "p", ["mask", "no_mask", "mask"], pose=["left", "right", "left"])
    found = evaluated(models[2], "--data", table, "-o", tmp_path / "r")
    assert found["n"] == 3
    assert found["slices"]["slices"]
    assert all("fewer than 50" in one["too_few"] for one in found["slices"]["slices"])


def test_nan_in_a_column_is_a_slice_of_its_own(models: dict[int, Path], tmp_path: Path) -> None:
    angle = ["NaN", "", *range(22)]
    table = photos(tmp_path / "p", ["mask", "no_mask"] * 12, angle=angle)
    slices = evaluated(models[2], "--data", table)["slices"]["slices"]
    counts = {one["name"]: one["n"] for one in slices if one["by"] == "angle"}
    assert counts["missing"] == 2
    assert sum(counts.values()) == 24


def test_a_class_that_the_model_does_not_know_is_left_out_and_said(
    models: dict[int, Path], tmp_path: Path
) -> None:
    table = photos(tmp_path / "p", ["mask", "no_mask", "incorrect_mask"] * 4)
    status, out, errors = run_here(
        "evaluate", models[2], "--data", table, "--resamples", 100, "--json"
    )
    assert status == 0
    assert document(out)["n"] == 8
    assert document(out)["left_out"] == {"class left out": 4}
    assert "left out: 4 incorrect_mask" in errors
    only = photos(tmp_path / "q", ["incorrect_mask"] * 4)
    assert "no labelled image to read" in refused("evaluate", models[2], "--data", only)


def test_a_class_name_that_nobody_knows_is_an_error_that_says_what_to_do(
    models: dict[int, Path], tmp_path: Path
) -> None:
    table = photos(tmp_path / "p", ["mask", "no_mask", "visor"])
    line = refused("evaluate", models[2], "--data", table)
    assert "visor" in line
    assert "--map" in line


@pytest.mark.slow
def test_what_a_dataset_has_of_a_third_class_is_left_out_for_a_model_of_two(
    models: dict[int, Path], tmp_path: Path
) -> None:
    splits = ["train", "val", "test"] * 12
    labels = [CLASSES[number // 3 % 3] for number in range(36)]
    table = photos(tmp_path / "p", labels, split=splits)
    prepared = ("prepare", table, "-o", tmp_path / "d", "--size", 8, "--keep-incorrect")
    assert run_here(*prepared)[0] == 0
    by_class = evaluated(models[3], "--data", tmp_path / "d")["n_by_class"]
    assert by_class[2] > 0
    status, out, errors = run_here(
        "evaluate", models[2], "--data", tmp_path / "d", "--json", "--resamples", 100
    )
    assert status == 0, errors
    assert document(out)["n_by_class"] == by_class[:2]
    assert f"left out: {by_class[2]} incorrect_mask" in errors


def test_a_model_of_three_classes_on_two_says_what_is_undefined(
    models: dict[int, Path], tmp_path: Path
) -> None:
    table = photos(tmp_path / "p", ["mask", "no_mask"] * 8)
    found = evaluated(models[3], "--data", table)
    assert found["balanced_accuracy"] is None
    assert found["undefined"]["balanced_accuracy"] == "no image of 16 is incorrect_mask"
    line = refused("evaluate", models[3], "--data", table, "--cost-miss", 5, "--cost-alarm", 1)
    assert "expected a model of two classes" in line


@pytest.mark.slow
def test_models_of_other_classes_are_compared_by_what_both_have(
    models: dict[int, Path], tmp_path: Path
) -> None:
    table = photos(tmp_path / "p", ["mask", "no_mask"] * 8)
    pair = ("compare", *models.values(), "--data", table, "--resamples", 100)
    status, out, errors = run_here(*pair, "--json", "-o", tmp_path / "r")
    assert status == 0, errors
    (found,) = document(out)["pairs"]
    assert found["n"] == 16
    assert "accuracy" in found["differences"]
    assert "balanced_accuracy" not in found["differences"]


def test_a_threshold_and_a_band_are_chosen_on_validation_photos(
    models: dict[int, Path], tmp_path: Path
) -> None:
    splits = ["val"] * 60 + ["test"] * 40
    table = photos(tmp_path / "p", ["mask", "no_mask"] * 50, split=splits)
    wishes = ("--cost-miss", 5, "--cost-alarm", 1, "--target-accuracy", 0.9)
    found = evaluated(models[2], "--data", table, *wishes, "-o", tmp_path / "r")
    assert (found["costs"]["chosen_on"], found["costs"]["chosen_n"]) == ("val", 60)
    assert not found["costs"]["same_images"]
    assert found["uncertain_band"]["chosen_on"]["split"] == "val"
    assert found["uncertain_band"]["measured"]["answered"] <= 40
    assert "Risk and coverage" in (tmp_path / "r/report.html").read_text()


def test_without_validation_photos_a_formula_chooses_and_a_band_is_refused(
    models: dict[int, Path], tmp_path: Path
) -> None:
    table = photos(tmp_path / "p", ["mask", "no_mask"] * 20)
    costs = ("--cost-miss", 3, "--cost-alarm", 1)
    found = evaluated(models[2], "--data", table, *costs)["costs"]
    assert found["threshold"] == 0.25
    assert found["chosen_on"] is None
    target = ("evaluate", models[2], "--data", table, "--target-accuracy", 0.9)
    assert "found no validation split" in refused(*target)
    same = evaluated(*target[1:], "--choose-on", "all")["uncertain_band"]
    assert same["same_images"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--cost-miss", 3), "expected both or none, found one"),
        (("--cost-miss", 3, "--cost-alarm", -1), "--cost-alarm -1: expected a number greater"),
        (("--target-accuracy", 99.5), "expected a share of 0 to 1"),
        (("--choose-on", "test"), "expected --cost-miss or --target-accuracy with it"),
        (("--target-accuracy", 0.9, "--choose-on", "dev"), "expected one of train, val, test"),
        (("--target-accuracy", 0.9, "--choose-on", "val"), "the photos bring no such split"),
    ],
)
def test_wishes_that_do_not_fit_are_refused(
    models: dict[int, Path], tmp_path: Path, options: tuple[object, ...], message: str
) -> None:
    table = photos(tmp_path / "p", ["mask", "no_mask"] * 3)
    assert message in refused("evaluate", models[2], "--data", table, *options)


def test_with_no_model_named_the_packages_default_is_measured(tmp_path: Path) -> None:
    table = photos(tmp_path / "p", ["mask", "no_mask"] * 4)
    found = evaluated("--data", table)
    named = evaluated(DEFAULT_MODEL, "--data", table)
    assert found["model"]["name"] == DEFAULT_MODEL
    assert {key: found[key] for key in ("accuracy", "n")} == {
        key: named[key] for key in ("accuracy", "n")
    }


def test_what_nobody_named_is_the_packages_own_whatever_lies_in_the_working_folder(
    models: dict[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = photos(tmp_path / "p", ["mask", "no_mask"] * 4)
    for name in (DEFAULT_MODEL, "net1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / MODEL_NAME).write_bytes(models[2].read_bytes())
    monkeypatch.chdir(tmp_path)
    found = evaluated("--data", table, "--robustness")
    assert found["model"]["name"] == DEFAULT_MODEL
    assert found["robustness"]["reference"] == "net1"
    assert evaluated(DEFAULT_MODEL, "--data", table)["model"]["name"] == "example"


def test_models_of_one_name_are_told_apart_by_their_place() -> None:
    paths = [packaged_file(DEFAULT_MODEL), Path(f"{DEFAULT_MODEL}-float32")]
    assert [model.name for model in load_models(paths)] == [
        f"{DEFAULT_MODEL} ({DEFAULT_MODEL} of the package)",
        f"{DEFAULT_MODEL} ({DEFAULT_MODEL}-float32)",
    ]


@pytest.mark.parametrize(
    ("model", "reference"),
    [("two", "net1"), ("three", ""), ("net1", ""), ("net2", "net1")],
    ids=["of its own", "of other classes", "Net #1 itself", "of the package"],
)
def test_errors_on_spoilt_photos_are_compared_with_net1_where_that_makes_sense(
    models: dict[int, Path], tmp_path: Path, model: str, reference: str
) -> None:
    table = photos(tmp_path / "p", ["mask", "no_mask"] * 4)
    path = {"two": models[2], "three": models[3]}.get(model, model)
    found = evaluated(path, "--data", table, "--robustness")["robustness"]
    assert found["reference"] == (reference or None)
    why = {"three": "Net #1 has other classes", "net1": "this is Net #1"}
    assert why.get(model, "") in (found["mce_undefined"] or "")


def test_another_reference_can_be_named(models: dict[int, Path], tmp_path: Path) -> None:
    table = photos(tmp_path / "p", ["mask", "no_mask"] * 4)
    named = ("--data", table, "--reference", models[2])
    assert evaluated("net1", *named, "--robustness")["robustness"]["reference"] == "example"
    assert "expected --robustness" in refused("evaluate", "net1", *named)


def test_a_photo_that_cannot_be_read_is_left_out_and_said(
    models: dict[int, Path], tmp_path: Path
) -> None:
    table = photos(tmp_path / "p", ["mask", "no_mask"] * 12)
    (tmp_path / "p" / "3.png").write_bytes(b"no photo")
    for command in (("evaluate", models[2]), ("compare", models[2], "net1")):
        out = tmp_path / command[0]
        status, said, errors = run_here(
            *command, "--data", table, "--json", "--resamples", 100, "-o", out
        )
        assert status == 0, errors
        assert document(said)["left_out"] == {"unreadable image": 1}
        assert "left out: 1 that cannot be read: " in errors
        assert "3.png" in (out / "report.html").read_text("utf-8")


def test_copies_in_raw_photos_do_not_count_as_independent(
    models: dict[int, Path], tmp_path: Path
) -> None:
    table = photos(tmp_path / "once", ["mask", "no_mask"] * 20)
    single = evaluated(models[2], "--data", table)
    folder = tmp_path / "thrice"
    for label in ("mask", "no_mask"):
        (folder / label).mkdir(parents=True)
    for number in range(40):
        label = ("mask", "no_mask")[number % 2]
        for copy in range(3):
            name = folder / label / f"{number}-{copy}.png"
            name.write_bytes((table.parent / f"{number}.png").read_bytes())
    status, out, errors = run_here(
        "evaluate",
        models[2],
        "--data",
        folder,
        "--resamples",
        100,
        "-o",
        tmp_path / "out",
        "--json",
    )
    assert status == 0
    assert "40 groups of images (80 of 120 are not independent of another" in (
        tmp_path / "out" / "report.html"
    ).read_text("utf-8")
    assert "80 of 120 images show what others show (a copy, an edit, one photo or person)" in errors
    found = document(out)
    assert (found["n"], found["bootstrap"]["units"]) == (120, 40)
    low, high = found["ci95"]["accuracy"]
    once_low, once_high = single["ci95"]["accuracy"]
    assert high - low == pytest.approx(once_high - once_low, abs=0.08)
