"""`facecover predict`: in this process, and as one where signals, pipes or modules matter."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from PIL import Image
from tests.cli.running import Ended, run_here
from tests.inference.example_answers import given_answer, uncertain
from tests.inference.example_model import sealed_example

from facecover.cli.outcomes import json_line, read_list
from facecover.cli.predict import csv_header, csv_line, text_line
from facecover.drawn.drawn_dataset import draw_face
from facecover.inference.classifier import Classifier
from facecover.inference.prediction import Input, Prediction
from facecover.photos import Broken

CLASSES = ("no_mask", "mask")
GREEN, RED, GREY = (0, 220, 0), (220, 0, 0), (120, 120, 120)  # mask, no_mask, uncertain


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    path.write_bytes(sealed_example())
    return path


def draw(path: Path, colour: tuple[int, int, int]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not blank: brighter from left to right.
    ramp = np.tile(np.linspace(0, 35, 20).reshape(1, 20, 1), (24, 1, 1))
    Image.fromarray((np.array(colour) + ramp).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three photos, one broken file, one text."""
    draw(tmp_path / "photos/a.png", GREEN)
    draw(tmp_path / "photos/b.png", RED)
    draw(tmp_path / "photos/sub/d.png", GREY)
    (tmp_path / "photos/c.jpg").write_bytes(b"\xff\xd8\xff no more")
    (tmp_path / "photos/notes.txt").write_text("notes")
    return tmp_path / "photos"


def predict(
    model: Path, *arguments: object, status: int = 0, stdin: bytes = b"", cwd: Path | None = None
) -> Ended:
    with chdir(cwd or "."):
        done = run_here("predict", *arguments, "--model", model, "--threads", 1, stdin=stdin)
    assert done.status == status, done.errors
    return done


def test_text_for_people(model: Path, photos: Path) -> None:
    done = predict(model, "photos", status=3, cwd=photos.parent)
    a, b, c, d = done.out.splitlines()
    assert a.startswith("mask     ")
    assert b.startswith("no_mask  ")
    assert a.index("photos") == b.index("photos") == c.index("photos")
    assert a.endswith("%  photos/a.png")
    assert c.startswith("error ")
    assert "photos/c.jpg: " in c
    assert "  uncertain: " in d
    assert "3 photos: " in done.errors
    assert "1 could not be read" in done.errors
    assert "skipped 1 no photo by name" in done.errors


def test_json_lines_and_csv_agree_and_keep_the_order(model: Path, photos: Path) -> None:
    names = [photos / "sub/d.png", photos / "c.jpg", photos / "a.png", photos / "none.jpg"]
    lines = [
        json.loads(line) for line in predict(model, *names, "--json", status=3).out.splitlines()
    ]
    assert [line["path"] for line in lines] == list(map(str, names))
    assert set(lines[1]) == set(lines[3]) == {"path", "error"}
    assert lines[2]["label"] == "mask"
    assert (lines[2]["width"], lines[2]["height"]) == (20, 24)
    assert lines[0]["is_uncertain"]
    rows = list(csv.DictReader(io.StringIO(predict(model, *names, "--csv", status=3).out)))
    assert [row["path"] for row in rows] == list(map(str, names))
    assert [row["label"] for row in rows] == [line.get("label", "") for line in lines]
    assert float(rows[2]["p_mask"]) == pytest.approx(lines[2]["probabilities"]["mask"])
    assert rows[3]["error"] == "no such file or folder"


def test_standard_input_and_lists(model: Path, photos: Path) -> None:
    content = (photos / "b.png").read_bytes()
    assert json.loads(predict(model, "-", "--json", stdin=content).out)["label"] == "no_mask"
    listed = f"{photos}/a.png\n\n{photos}/b.png\n".encode()
    lines = predict(model, "--from-file", "-", "--json", stdin=listed).out.splitlines()
    assert [json.loads(line)["label"] for line in lines] == ["mask", "no_mask"]
    (photos / "list.txt").write_bytes(listed)
    again = predict(model, "--from-file", photos / "list.txt", "--json").out.splitlines()
    assert again == lines
    (photos / "list.txt").write_bytes(b"\xef\xbb\xbf" + listed)  # as editors on Windows save it
    marked = predict(model, "--from-file", photos / "list.txt", "--json").out.splitlines()
    assert marked == lines


def test_a_list_on_standard_input_may_hold_names_that_are_no_text(
    model: Path, photos: Path
) -> None:
    listed = os.fsencode(photos) + b"/\xff.png\r\n" + os.fsencode(photos / "a.png")
    lines = predict(model, "--from-file", "-", "--json", stdin=listed, status=3).out.splitlines()
    missing, found = map(json.loads, lines)
    assert missing["error"] == "no such file or folder"
    assert found["label"] == "mask"


def test_an_empty_name_is_reported_and_reads_nothing(model: Path, photos: Path) -> None:
    # As from "$PHOTOS" where the variable is not set; `.` would be all below the working folder.
    for options in ((), ("--copy-to", ".")):
        done = predict(model, "", "--json", *options, status=3, cwd=photos)
        (line,) = map(json.loads, done.out.splitlines())
        assert line["path"] == ""
        assert "an empty name; expected a file" in line["error"]


def test_archives_are_answered_without_being_unpacked(model: Path, photos: Path) -> None:
    with zipfile.ZipFile(photos / "p.zip", "w") as archive:
        archive.write(photos / "a.png", "../../escape.png")
        archive.write(photos / "c.jpg", "c.jpg")
    with tarfile.open(photos / "p.tgz", "w:gz") as tar:
        tar.add(photos / "b.png", "in/b.png")
    before = set(photos.parent.rglob("*"))
    done = predict(model, "p.zip", "p.tgz", "--json", status=3, cwd=photos)
    assert [json.loads(line)["path"] for line in done.out.splitlines()] == [
        "p.zip!../../escape.png", "p.zip!c.jpg", "p.tgz!in/b.png",
    ]  # fmt: skip
    assert set(photos.parent.rglob("*")) == before
    predict(model, "p.zip", "p.tgz", "--copy-to", "out", status=3, cwd=photos)
    copies = {
        path.relative_to(photos / "out").as_posix() for path in (photos / "out").rglob("*.png")
    }
    assert copies == {"mask/escape.png", "no_mask/in__b.png"}
    assert set(photos.parent.rglob("*")) - before == {photos / "out", *(photos / "out").rglob("*")}


def test_copies_and_the_sheet(model: Path, photos: Path) -> None:
    for _ in range(2):  # the folder may lie in the one that is read: it is not read itself
        done = predict(
            model,
            photos,
            "--copy-to",
            photos / "sorted",
            "--sheet",
            photos.parent / "s.png",
            status=3,
        )
        assert len(done.out.splitlines()) == 4
    copies = {
        path.relative_to(photos / "sorted").as_posix()
        for path in (photos / "sorted").rglob("*.png")
    }
    assert copies == {"mask/a.png", "no_mask/b.png", "uncertain/sub__d.png"}
    with Image.open(photos.parent / "s.png") as sheet:
        assert sheet.format == "PNG"


def test_copies_inside_what_a_pattern_matches_are_made_once(model: Path, photos: Path) -> None:
    for _ in range(2):
        done = predict(model, "**/*.png", "--copy-to", "sorted", cwd=photos)
        assert len(done.out.splitlines()) == 3
    copies = {path.relative_to(photos).as_posix() for path in (photos / "sorted").rglob("*.png")}
    assert copies == {"sorted/mask/a.png", "sorted/no_mask/b.png", "sorted/uncertain/d.png"}


def test_a_threshold_of_ones_own(model: Path, photos: Path) -> None:
    photo = draw(photos / "e.png", GREY)
    labels = [
        json.loads(predict(model, photo, "--json", "--threshold", threshold).out)["label"]
        for threshold in (0.1, 0.9)
    ]
    assert labels == ["mask", "no_mask"]


def test_a_band_of_ones_own(model: Path, photos: Path) -> None:
    photo = draw(photos / "e.png", GREY)
    said = [
        json.loads(predict(model, photo, "--json", "--uncertain-band", low, 0.999).out)
        for low in (0.001, 0.5)
    ]
    probability = said[0]["probabilities"]["mask"]
    assert said[0]["is_uncertain"]
    assert said[1]["is_uncertain"] == (probability >= 0.5)


def test_a_photo_is_no_sheet_to_be_replaced(model: Path, tmp_path: Path) -> None:
    first, second = (draw(tmp_path / name, GREEN) for name in ("a.png", "b.png"))
    content = first.read_bytes()
    done = predict(model, str(second), "--sheet", str(first), status=1)
    assert "a.png: expected a contact sheet of earlier, or nothing" in done.errors
    assert first.read_bytes() == content
    for _ in range(2):  # a sheet replaces a sheet
        predict(model, str(second), "--sheet", str(tmp_path / "sheet.png"))


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("{photos}/empty",), 1, "no photo found"),
        (("{photos}/only",), 1, "skipped 1 no photo by name"),
        (("{photos}/none",), 3, "1 could not be read"),
        (("{photos}", "--copy-to", "{photos}"), 1, "one inside it will do"),
        (("{photos}", "--copy-to", "{photos}/notes.txt"), 1, "found a file"),
        (("{photos}", "--sheet", "sheet.jpg"), 1, "ends in .png"),
        (("{photos}", "--json", "--csv"), 2, "--csv"),
        (("{photos}", "--threshold", "2"), 2, "--threshold"),
        (("{photos}", "--uncertain-band", "0.6", "0.9"), 1, "low <= threshold <= high"),
        ((), 2, "at least one INPUT"),
        (("--from-file", "{photos}/none.txt"), 1, "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(
    arguments: tuple[str, ...], status: int, message: str, model: Path, photos: Path
) -> None:
    (photos / "empty").mkdir()
    (photos / "only").mkdir()
    (photos / "only/x.txt").write_text("x")
    done = predict(model, *(a.format(photos=photos) for a in arguments), status=status)
    assert message in done.errors


def test_a_missing_model_is_one_line(photos: Path, tmp_path: Path) -> None:
    done = predict(tmp_path / "none.onnx", photos, status=1)
    assert "none.onnx" in done.errors
    assert done.out == ""
    done = predict(Path("m" * 300), photos, status=1)
    assert "cannot be looked up" in done.errors
    assert len(done.errors.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_that_is_not_unicode_comes_back(model: Path, photos: Path) -> None:
    odd = os.fsencode(photos) + b"/\xff\n.png"
    with open(odd, "wb") as stream:  # noqa: PTH123  (a path of bytes)
        stream.write((photos / "a.png").read_bytes())
    (photos / "c.jpg").unlink()
    lines = predict(model, photos, "--json").out.splitlines()
    assert odd in [os.fsencode(json.loads(line)["path"]) for line in lines]
    assert len(predict(model, photos).out.splitlines()) == len(lines)
    command = [
        sys.executable,
        "-m",
        "facecover",
        "predict",
        str(photos),
        "--csv",
        "--model",
        str(model),
    ]
    strict = os.environ | {"PYTHONIOENCODING": "ascii:strict"}
    done = subprocess.run(command, capture_output=True, check=True, env=strict)
    assert odd in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_ctrl_c_keeps_what_is_answered(model: Path, photos: Path, tmp_path: Path) -> None:
    for number in range(3000):
        os.link(photos / "a.png", photos / f"n{number:05}.png")
    out = tmp_path / "out.jsonl"
    command = [
        sys.executable, "-m", "facecover", "predict", str(photos), "--json", "--model", str(model),
        "--threads", "1", "--batch-size", "1", "--copy-to", str(tmp_path / "copies"),
        "--sheet", str(tmp_path / "sheet.png"),
    ]  # fmt: skip
    with (
        out.open("wb") as stream,
        subprocess.Popen(command, stdout=stream, stderr=subprocess.PIPE, text=True) as process,
    ):
        while not out.stat().st_size:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=900)
    assert process.returncode == 130
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert 0 < len(lines) < 3004
    assert errors.splitlines()[-1] == f"facecover: stopped after {len(lines):,} of 3,004"
    assert "Traceback" not in errors
    assert (tmp_path / "sheet.png").is_file()


def test_without_memory_what_is_answered_stays_and_the_rest_is_one_line(
    model: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Classifier.answers

    def run_short(self: Classifier, inputs: list[Input]) -> list[Prediction]:
        if short.pop(0):
            raise RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc")
        return answers(self, inputs)

    short = [False, True]
    monkeypatch.setattr(Classifier, "answers", run_short)
    done = run_here(
        "predict", photos, "--model", model, "--batch-size", 1, "--sheet", tmp_path / "sheet.png"
    )
    assert done.status == 1
    assert len(done.out.splitlines()) == 1
    assert (tmp_path / "sheet.png").is_file()
    (line,) = done.refusals
    assert line.startswith("facecover: not enough memory: stopped after 1 of 4; close other")


@pytest.mark.skipif(os.name == "nt", reason="pipes are POSIX")
def test_a_reader_that_has_gone_is_no_error(model: Path, photos: Path) -> None:
    for number in range(1500):
        os.link(photos / "a.png", photos / f"n{number:05}.png")
    command = [
        sys.executable,
        "-m",
        "facecover",
        "predict",
        str(photos),
        "--csv",
        "--model",
        str(model),
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert errors == ""


def test_predicting_needs_neither_pandas_nor_torch(model: Path, photos: Path) -> None:
    code = (
        "import sys\n"
        "from facecover.cli.app import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        "banned = {'torch', 'pandas', 'onnx', 'sklearn', 'scipy', 'matplotlib', 'rich.progress'}\n"
        "sys.exit(', '.join(banned & set(sys.modules)) or 0)"
    )
    command = [sys.executable, "-c", code, "predict", str(photos / "a.png"), "--model", str(model)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@settings(max_examples=40)
@given(st.text(min_size=1), st.text(), st.floats(0, 1))
def test_lines_are_one_line_and_programs_get_the_name_back(
    name: str, reason: str, p: float
) -> None:
    for outcome in (
        given_answer(name=name, p=p),
        Broken(name, "why"),
        uncertain(given_answer(name)),
    ):
        text = text_line(7, outcome)
        assert text.isprintable()
        line = json_line(outcome)
        assert line.isascii()
        assert "\n" not in line
        assert json.loads(line)["path"] == name
    written = "\n".join([csv_header(CLASSES), csv_line(CLASSES, given_answer(name))])
    (row,) = csv.DictReader(io.StringIO(written, newline=""))
    assert row["path"] == name
    assert float(row["p_mask"]) == pytest.approx(0.75)


def test_an_answer_that_is_not_sure_is_not_called_so() -> None:
    assert "  99.9%  " in text_line(7, given_answer(p=0.99999))
    assert "  99.9%  " in text_line(7, given_answer(p=1.0))


def test_a_threshold_that_overrules_the_odds_is_said_without_a_low_number() -> None:
    overruled = Prediction("no_mask", 0.001, {"no_mask": 0.001, "mask": 0.999}, None, None, (9, 9))
    line = text_line(7, replace(given_answer(), prediction=overruled))
    assert line == "no_mask          a.jpg  by the threshold, though mask is at 99.9%"


def test_a_broken_row_has_as_many_cells_as_the_header() -> None:
    rows = list(csv.reader([csv_header(CLASSES), csv_line(CLASSES, Broken("a", "why"))]))
    assert len(rows[0]) == len(rows[1])
    assert rows[1][-1] == "why"


def test_a_list_has_one_input_a_line(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    for text, expected in {
        "a b.jpg\n\nc.jpg\r\n d.jpg": ["a b.jpg", "c.jpg", " d.jpg"],
        "\ufeffa.jpg\r\n\ufeffb.jpg": ["a.jpg", "\ufeffb.jpg"],  # a byte order mark, and a name
        "\ufeff\na\x0b.jpg": ["a\x0b.jpg"],
        "": [],
    }.items():
        path.write_bytes(text.encode())
        assert read_list(path) == expected
    assert read_list(None) == []


@pytest.fixture
def drawn_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photo in the working folder."""
    monkeypatch.chdir(tmp_path)
    draw_face(np.random.default_rng(0), 1, (48, 60)).save("a.jpg")
    return Path("a.jpg")


def test_a_folder_for_copies_with_too_long_a_name_is_one_line(drawn_photo: Path) -> None:
    ended = run_here("predict", drawn_photo, "--copy-to", "n" * 300)
    assert ended.status == 1
    (line,) = ended.errors.splitlines()
    assert line.startswith("facecover: --copy-to nnn")
    assert line.endswith("n: cannot be looked up: File name too long; name another folder")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_to_itself_is_reported_beside_the_copies(drawn_photo: Path) -> None:
    Path("self.jpg").symlink_to("self.jpg")
    ended = run_here("predict", drawn_photo, "self.jpg", "--copy-to", "out")
    assert ended.status == 3
    answer, error = ended.out.splitlines()
    assert answer.endswith("  a.jpg")
    assert "self.jpg: cannot be opened" in error
    assert len(list(Path("out").rglob("*.jpg"))) == 1


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_to_the_folder_that_is_read_is_no_place_for_copies(drawn_photo: Path) -> None:
    Path("link").symlink_to(".")
    ended = run_here("predict", ".", "--copy-to", "link")
    assert ended.status == 1
    assert "one inside it will do" in ended.errors
