"""`evaluate` on whole photos: of a detector that finds every bright square."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.running import run_here
from tests.inference.example_model import sealed_example as sealed_classifier
from tests.scenes.example_detector import CELL_PX, scene, sealed_example

from facecover.workflows.evaluate_detector import DetectorResult
from facecover.workflows.evaluate_model import evaluate
from facecover.workflows.prepare_data import prepare

# By position a square is bare, then covered, as the pictures colour them.
NAMES = ("without_mask", "with_mask")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A detector and a classifier."""
    folder = tmp_path_factory.mktemp("models")
    for name, content in (("faces", sealed_example()), ("masks", sealed_classifier())):
        (folder / f"{name}.onnx").write_bytes(content)
    return folder / "faces.onnx", folder / "masks.onnx"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of two squares each: one of the first has another label, one of the second none."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    places = [(x, y) for x in range(0, 1024, 32) for y in range(0, 640, 32)]
    lines = ["path,label,x0,y0,x1,y1"]
    for number in range(12):
        corners = [places[row] for row in rng.choice(len(places), 2, replace=False)]
        # Of a size that is looked at as it is.
        scene(*corners, size=(1024, 640)).save(folder / f"{number}.png")
        for position, (x, y) in enumerate(corners):
            name = NAMES[0] if number == 0 else NAMES[position]
            if number != 1 or position != 1:
                lines.append(f"{number}.png,{name},{x},{y},{x + CELL_PX},{y + CELL_PX}")
    (folder / "labels.csv").write_text("\n".join(lines))
    prepare(folder, folder / "photos", whole_photos=1024)
    return folder / "photos"


def evaluated(models: tuple[Path, Path], dataset: Path, **options: object) -> DetectorResult:
    settings = {"split": "all", "resamples": 100, "classifier": models[1], **options}
    found = evaluate(models[0], data=dataset, **settings)  # type: ignore[arg-type]
    assert isinstance(found, DetectorResult)
    return found


def test_what_is_found_and_answered_is_counted(models: tuple[Path, Path], dataset: Path) -> None:
    metrics = evaluated(models, dataset).metrics
    assert (metrics.n_photos, metrics.n_faces) == (12, 23)
    assert metrics.found[0.5].value == 1
    assert metrics.found_and_right[0.5].value == pytest.approx(22 / 23)
    assert metrics.false_alarms.value == pytest.approx(1 / 12)
    assert metrics.answers is not None
    assert metrics.answers.values["accuracy"] == pytest.approx(22 / 23)


def test_the_page_json_and_table_say_the_same(
    models: tuple[Path, Path], dataset: Path, tmp_path: Path
) -> None:
    found = evaluated(models, dataset, output=tmp_path / "out")
    document = json.loads((tmp_path / "out/evaluation.json").read_text())
    assert document["name"] == "example"
    assert document["found_and_right"]["0.5"]["value"] == pytest.approx(22 / 23)
    page = (tmp_path / "out/report.html").read_text()
    assert "example finds 100.0% of 23 faces in 12 photos (all) and answers 95.7% right." in page
    assert "a figure on photos that this one has met flatters it." in page
    assert page.count("<img ") == 2  # the wrong answer, and the face that nobody annotated
    table = found.to_pandas()
    assert table.loc[table["class"].isna() & table["from_px"].isna(), "n"].tolist() == [23]
    assert "<iframe" in found._repr_html_()


def test_the_command_shows_sections_and_prints_json(
    models: tuple[Path, Path], dataset: Path
) -> None:
    words = ["evaluate", models[0], "--data", dataset, "--classifier", models[1],
             "--split", "all", "--resamples", 100]  # fmt: skip
    shown = run_here(*words)
    assert shown.status == 0
    assert "AP50" in shown.out
    assert "found and answered" not in shown.errors
    as_json = run_here(*words, "--json")
    assert json.loads(as_json.out)["n_faces"] == 23


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--robustness"], "whole photos measure a detector, which has no --robustness"),
        (["--split", "tests"], "split 'tests': expected one of train, val, test"),
    ],
)
def test_options_of_a_classifier_are_refused(
    models: tuple[Path, Path], dataset: Path, arguments: list[str], message: str
) -> None:
    done = run_here("evaluate", models[0], "--data", dataset, *arguments)
    assert done.status == 1
    assert [message in line for line in done.refusals] == [True]


def test_a_model_for_the_other_task_is_one_line(
    models: tuple[Path, Path], dataset: Path, few_photos: Path
) -> None:
    done = run_here("evaluate", models[1], "--data", dataset)
    assert (done.status, len(done.refusals)) == (1, 1)
    done = run_here("evaluate", models[0], "--data", few_photos)
    assert (done.status, len(done.refusals)) == (1, 1)
    done = run_here("evaluate", models[1], "--data", few_photos, "--classifier", models[1])
    assert "--classifier: expected --data with a dataset of whole photos" in done.errors
