import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from tests.cli.running import Ended, run_here
from tests.inference import example_model
from tests.scenes.conftest import any_size_again
from tests.scenes.example_detector import scene, sealed_example

from facecover.inference import model_file
from facecover.locks import locked
from facecover.workflows.answer_photos import SAMPLE

__all__ = ["any_size_again"]

CORNERS = (32, 64), (128, 96), (192, 0)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    """The options that name a detector of bright squares and a classifier by colour."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "faces.onnx").write_bytes(sealed_example())
    (folder / "model.onnx").write_bytes(example_model.sealed_example())
    return "--model", folder / "faces.onnx", "--classifier", folder / "model.onnx"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three faces, none, a file that is no image, and two faces in a turned photo."""
    folder = tmp_path / "photos"
    folder.mkdir()
    scene(*CORNERS).save(folder / "a.png")
    scene().save(folder / "b.png")
    (folder / "c.jpg").write_bytes(b"no image")
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = scene(*CORNERS[:2], size=(192, 160)).transpose(Image.Transpose.ROTATE_90)
    turned.save(folder / "d.png", exif=exif)
    return folder


def detected(*words: object, stdin: bytes = b"") -> Ended:
    return run_here("detect", *words, stdin=stdin)


def test_a_line_a_photo_then_its_faces(photos: Path, models: tuple[object, ...]) -> None:
    done = detected(photos, *models)
    lines = done.out.splitlines()
    heads = [line for line in lines if not line.startswith(" ")]
    assert heads == [
        f"{photos}/a.png: 3 faces: 2 no_mask, 1 mask",
        f"{photos}/b.png: no face",
        f"{photos}/c.jpg: error: a text file; expected JPEG, PNG, WEBP, BMP, GIF, TIFF, AVIF "
        "or HEIC",
        f"{photos}/d.png: 2 faces: 1 no_mask, 1 mask",
    ]
    assert any(line.split()[:1] == ["mask"] and "32 x 32 at 128, 96" in line for line in lines)
    assert done.status == 3
    summary = "3 photos: 5 faces, 3 no_mask, 2 mask; 1 without a face; 1 could not be read"
    assert done.errors.startswith(summary)


def test_json_has_one_object_a_photo(photos: Path, models: tuple[object, ...]) -> None:
    done = detected(photos, "--json", *models)
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert [one["path"][-5:] for one in answers] == ["a.png", "b.png", "c.jpg", "d.png"]
    assert [len(one.get("faces", ())) for one in answers] == [3, 0, 0, 2]
    assert set(answers[2]) == {"path", "error"}
    assert (answers[3]["width"], answers[3]["height"]) == (192, 160)
    face = answers[3]["faces"][0]
    assert list(face) == ["box", "score", "label", "probability", "probabilities", "is_uncertain",
                          "reason", "explanation"]  # fmt: skip
    assert face["box"] in ([32, 64, 64, 96], [128, 96, 160, 128])


def test_a_face_is_answered_in_predicts_own_words(
    photos: Path, models: tuple[object, ...], tmp_path: Path
) -> None:
    found = json.loads(detected(photos / "a.png", "--json", *models).out)["faces"][0]
    x0, y0, x1, y1 = found["box"]
    with Image.open(photos / "a.png") as image:
        image.crop((x0, y0, x1, y1)).save(tmp_path / "face.png")
    alone = json.loads(
        run_here("predict", tmp_path / "face.png", "--json", "--model", models[3]).out
    )
    shared = found.keys() - {"box", "score"}
    assert {key: alone[key] for key in shared} == {key: found[key] for key in shared}


def test_csv_has_a_row_a_face_and_one_for_what_has_none(
    photos: Path, models: tuple[object, ...]
) -> None:
    rows = list(csv.DictReader(io.StringIO(detected(photos, "--csv", *models).out)))
    assert [(row["path"][-5:], row["face"]) for row in rows] == [
        ("a.png", "1"), ("a.png", "2"), ("a.png", "3"), ("b.png", ""), ("c.jpg", ""),
        ("d.png", "1"), ("d.png", "2"),
    ]  # fmt: skip
    assert float(rows[0]["x1"]) - float(rows[0]["x0"]) == 32
    assert rows[0]["is_uncertain"] == "false"
    assert "p_mask" in rows[0]
    assert (rows[3]["width"], rows[3]["label"], rows[3]["error"]) == ("256", "", "")
    assert rows[4]["error"].startswith("a text file")


def test_a_photo_on_standard_input(photos: Path, models: tuple[object, ...]) -> None:
    done = detected("-", *models, stdin=(photos / "a.png").read_bytes())
    assert done.out.startswith("-: 3 faces")
    assert done.status == 0


def test_all_that_is_written_lies_where_it_was_asked_for_and_is_not_read_again(
    photos: Path, models: tuple[object, ...], tmp_path: Path
) -> None:
    words = photos, "--annotate", photos / "marked", "--crops", photos / "cut", *models
    first = detected(*words, "--write", "coco", tmp_path / "coco")
    again = detected(*words)
    assert first.out == again.out
    assert {path.name for path in (photos / "marked").glob("*.png")} == {"a.png", "b.png", "d.png"}
    assert len(list((photos / "cut").rglob("*.png"))) == 5
    assert len(json.loads((tmp_path / "coco/annotations.json").read_text())["annotations"]) == 5


@pytest.mark.parametrize("format", ["voc", "yolo", "coco"])
def test_annotations_are_read_by_prepare(
    photos: Path, models: tuple[object, ...], tmp_path: Path, format: str
) -> None:
    from facecover.sources.reading import read_source

    detected(photos, "--write", format, tmp_path / "out", *models)
    source = read_source(tmp_path / "out", format)
    rows = {(row.path.name, row.label, row.box) for row in source.rows}
    assert rows == {
        ("a.png", 0, (32, 64, 64, 96)), ("a.png", 1, (128, 96, 160, 128)),
        ("a.png", 0, (192, 0, 224, 32)), ("d.png", 0, (32, 64, 64, 96)),
        ("d.png", 1, (128, 96, 160, 128)),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said", "status"),
    [
        ((), "expected at least one INPUT", 2),
        (("a.png", "--json", "--csv"), "expected one of them", 2),
        (("a.png", "--write", "csv", "out"), "expected one of voc, yolo, coco, found 'csv'", 1),
        (("nowhere.png",), "nowhere.png", 3),
        (("a.png", "--threshold", "0"), "threshold: expected more than 0", 1),
        (("a.png", "--crops", "a.png"), "crops a.png: expected a folder, found a file", 1),
    ],
)
def test_wrong_words_are_said_in_one_line(
    photos: Path,
    models: tuple[object, ...],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    said: str,
    status: int,
) -> None:
    monkeypatch.chdir(photos)
    done = detected(*words, *models)
    assert done.status == status
    assert said in done.errors + done.out


def test_a_classifier_is_no_detector(photos: Path, models: tuple[object, ...]) -> None:
    done = detected(photos, "--model", models[3])
    assert done.refusals == [
        f"facecover: {models[3]}: expected a detector of faces, for `facecover detect` and "
        "Detector, found a classifier of one face, for `facecover predict` and Classifier"
    ]
    done = run_here("predict", photos, "--model", models[1])
    assert "found a detector of faces" in done.refusals[0]


@pytest.fixture
def packaged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, models: tuple[object, ...]) -> None:
    """A package whose only model is the detector of bright squares."""
    folder = tmp_path / "package"
    folder.mkdir()
    shutil.copy(str(models[1]), folder / "faces.onnx")
    monkeypatch.setattr(model_file, "MODELS_FOLDER", folder)


@pytest.mark.usefixtures("packaged")
@pytest.mark.parametrize(
    ("corners", "said"),
    [
        (CORNERS, "looked at 1 photo: several faces in 1, none found in 0"),
        ((), "looked at 1 photo: several faces in 0, none found in 1"),
        (CORNERS[:1], ""),
    ],
)
def test_predict_says_where_photos_are_no_single_faces(
    tmp_path: Path, models: tuple[object, ...], corners: tuple[tuple[int, int], ...], said: str
) -> None:
    scene(*corners).save(tmp_path / "a.png")
    done = run_here("predict", tmp_path / "a.png", "--model", models[3])
    assert done.status == 0
    assert len(done.out.splitlines()) == 1
    notes = [line for line in done.errors.splitlines() if "looked at" in line]
    assert [note[: len(said)] for note in notes] == [said][: len(notes)]
    assert len(notes) == (1 if said else 0)


@pytest.mark.usefixtures("packaged")
def test_a_few_photos_are_looked_at_once(tmp_path: Path, models: tuple[object, ...]) -> None:
    for number in range(SAMPLE + 3):
        scene(*CORNERS).save(tmp_path / f"{number:02}.png")
    done = run_here("predict", tmp_path, "--model", models[3])
    (note,) = (line for line in done.errors.splitlines() if "looked at" in line)
    assert note.startswith(f"looked at {SAMPLE} photos: several faces in {SAMPLE}, none found in 0")


@pytest.mark.usefixtures("packaged")
def test_the_packages_detector_is_the_default(photos: Path, models: tuple[object, ...]) -> None:
    done = detected(photos / "a.png", "--classifier", models[3])
    assert done.out.startswith(f"{photos}/a.png: 3 faces")


@pytest.mark.usefixtures("packaged")
def test_a_broken_detector_in_the_package_spoils_no_prediction(
    photos: Path, models: tuple[object, ...], tmp_path: Path
) -> None:
    (tmp_path / "package" / "faces.onnx").write_bytes(b"broken")
    done = run_here("predict", photos / "a.png", "--model", models[3])
    assert (done.status, len(done.out.splitlines())) == (0, 1)
    done = detected(photos / "a.png")
    assert "faces.onnx: expected a model file of this package" in done.refusals[0]


def test_what_was_written_before_ctrl_c_is_whole(
    photos: Path,
    models: tuple[object, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("facecover.cli.detect._Detecting.count", stop)
    done = detected(photos, "--write", "coco", tmp_path / "coco", *models)
    assert done.status == 130
    document = json.loads((tmp_path / "coco/annotations.json").read_text())
    assert [image["file_name"] for image in document["images"]] == ["a.png"]
    assert len(document["annotations"]) == 3


@pytest.mark.parametrize("option", ["--annotate", "--crops"])
def test_two_that_write_into_one_folder_at_once_are_one(
    option: str, photos: Path, models: tuple[object, ...], tmp_path: Path
) -> None:
    with locked(tmp_path / "out"):
        done = detected(photos, *models, option, tmp_path / "out")
    assert done.status == 1
    (line,) = done.refusals
    assert "out: expected a folder that nothing else is writing, found process" in line
    assert not (tmp_path / "out").exists()
    assert detected(photos, *models, "--annotate", tmp_path / "a", "--crops", tmp_path / "a").out
    assert not list((tmp_path / "a").rglob(".*"))
