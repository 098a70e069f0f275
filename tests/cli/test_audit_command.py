"""`audit`, and its parts as calls."""

import json
from pathlib import Path

import pandas as pd
import pytest
from PIL import ImageOps
from tests.cli.running import run_here
from tests.copies.audit_pictures import picture
from typer.testing import CliRunner, Result

from facecover.cli import explore as command
from facecover.cli.app import app
from facecover.errors import ConfigError, DatasetError, OutputError
from facecover.look import CHECKS
from facecover.preparation.pipeline import write_dataset
from facecover.sources.reading import parse_assignments, read_sources

LISTS = {"duplicates.csv", "leakage.csv", "conflicts.csv", "outliers.csv"}
FAST = ("--no-suspects", "--workers", "1")


def write_photos(folder: Path, count: int, classes: tuple[str, ...] = ("mask", "no_mask")) -> Path:
    for number in range(count):
        place = folder / classes[number % len(classes)] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        picture(number).save(place)
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """18 different pictures, too few to measure shortcuts, which takes seconds.

    A mirrored copy of the first stands under the other class.
    """
    folder = write_photos(tmp_path_factory.mktemp("photos") / "faces", 18)
    ImageOps.mirror(picture(0)).save(folder / "no_mask" / "copy.png")
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["audit", *map(str, arguments)])


def failed(kind: type[Exception], *arguments: object) -> str:
    done = run(*arguments)
    assert isinstance(done.exception, kind), done.output
    message = str(done.exception)
    assert "\n" not in message
    return message


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_findings_are_printed_and_written_and_the_photos_untouched(
    photos: Path, tmp_path: Path
) -> None:
    before = snapshot(photos)
    done = run(photos, "-o", tmp_path / "report", "--json", *FAST)
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert list(document) == ["format_version", "sources", "counts", "findings"]
    assert document["counts"]["images"] == 19
    assert document["counts"]["by_class"] == {"no_mask": 10, "mask": 9}
    assert [one["check"] for one in document["findings"]] == [
        check for check in CHECKS if check != "suspects"
    ]
    assert all(
        set(one) == {"check", "is_failed", "sentence", "facts"} for one in document["findings"]
    )
    written = {path.name for path in (tmp_path / "report").iterdir()}
    sheets = {"duplicates.png", "conflicts.png"}
    assert written == {"audit.json", "report.html", *LISTS, *sheets}
    assert json.loads((tmp_path / "report/audit.json").read_text("utf-8")) == document
    assert snapshot(photos) == before
    again = run(photos, "-o", tmp_path / "report", *FAST)
    assert again.exit_code == 0, again.output
    assert "1 picture carries more than one label." in again.stdout


def test_a_named_check_that_fails_ends_with_its_status_after_all_is_written(
    photos: Path, tmp_path: Path
) -> None:
    done = run(photos, "-o", tmp_path / "out", "--fail-on", "conflicts, outliers", *FAST)
    assert done.exit_code == command.FOUND_STATUS == 3
    assert done.stderr.splitlines()[-1] == "--fail-on: conflicts found something that needs a look"
    assert (tmp_path / "out/report.html").is_file()
    assert "1 picture carries more than one label." in done.stdout
    assert run(photos, "--fail-on", "outliers", *FAST).exit_code == 0


@pytest.mark.parametrize("check", ["leakage", "shortcuts", "suspects"])
def test_a_gate_that_could_not_look_is_not_green(tmp_path: Path, check: str) -> None:
    folder = write_photos(tmp_path / "few", 1, ("mask",))
    done = run(folder, "--fail-on", check, "--workers", "1")
    assert done.exit_code == command.NOT_CHECKED_STATUS == 4
    assert f"--fail-on {check}: Not measured: " in done.stderr
    assert done.stderr.splitlines()[-1] == (
        f"--fail-on: {check} could not be checked, which is no pass"
    )


def test_what_was_found_goes_before_what_could_not_be_checked(photos: Path) -> None:
    done = run(photos, "--fail-on", "shortcuts,conflicts", *FAST)
    assert done.exit_code == command.FOUND_STATUS
    assert "--fail-on shortcuts: Not measured: " in done.stderr


@pytest.mark.parametrize("named", ["nothing", "conflicts,leaks", ","])
def test_an_unknown_check_is_refused_with_the_list(photos: Path, named: str) -> None:
    message = failed(ConfigError, photos, "--fail-on", named)
    assert ", ".join(CHECKS) in message


def test_a_check_that_is_left_out_cannot_fail(photos: Path) -> None:
    assert "--no-suspects" in failed(ConfigError, photos, "--fail-on", "suspects", *FAST)


def test_corrections_change_what_is_found_and_no_file(photos: Path, tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    assert run(photos, "-o", lists, *FAST).exit_code == 0
    conflicts = pd.read_csv(lists / "conflicts.csv", keep_default_na=False)
    signed = {"label": "mask", "who": "a person", "when": "2024-05-31", "why": "looked"}
    conflicts.assign(**signed).to_csv(tmp_path / "edited.csv", index=False)
    before = snapshot(photos)
    done = run(photos, "--relabel", tmp_path / "edited.csv", "--json", *FAST)
    document = json.loads(done.stdout)
    assert document["counts"]["relabelled"] == 1
    assert document["counts"]["by_class"] == {"no_mask": 9, "mask": 10}
    by_check = {one["check"]: one for one in document["findings"]}
    assert not by_check["conflicts"]["is_failed"]
    assert snapshot(photos) == before


def test_a_list_that_is_no_list_is_refused_before_decoding(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.csv").write_text("a,b\n1,2\n")
    message = failed(DatasetError, photos, "--relabel", tmp_path / "broken.csv")
    assert "expected the columns" in message


def test_a_dataset_is_audited_by_its_own_splits_and_never_replaced(
    photos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "dataset"
    write_dataset(read_sources([photos], parse_assignments()), folder)
    before = snapshot(folder)
    document = json.loads(run(folder, "--json", *FAST).stdout)
    leakage = next(one for one in document["findings"] if one["check"] == "leakage")
    assert leakage["facts"]["split_by"] == "prepare, by group"
    assert not leakage["is_failed"]
    assert "prepared dataset" in failed(OutputError, photos, "-o", folder, *FAST)
    assert "both" in failed(ConfigError, folder, photos, *FAST)
    assert snapshot(folder) == before


def test_somebodys_folder_is_left_alone(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    assert "audit.json" in failed(OutputError, photos, "-o", tmp_path, *FAST)
    (tmp_path / "note.txt").rename(tmp_path / "file")
    assert "found a file" in failed(OutputError, photos, "-o", tmp_path / "file", *FAST)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("count", "classes"), [(1, ("mask",)), (4, ("mask",)), (3, ("mask", "no_mask"))]
)
def test_what_cannot_be_measured_says_so(
    tmp_path: Path, count: int, classes: tuple[str, ...]
) -> None:
    folder = write_photos(tmp_path / "few", count, classes)
    done = run(folder, "-o", tmp_path / "out", "--json", "--workers", "1")
    assert done.exit_code == 0, done.output
    findings = {one["check"]: one for one in json.loads(done.stdout)["findings"]}
    for check in ("shortcuts", "suspects"):
        assert findings[check]["sentence"].startswith("Not measured: ")
    assert findings["leakage"]["sentence"].startswith("Not measured: ") or count > 2
    assert (tmp_path / "out/report.html").is_file()


def test_the_same_picture_everywhere_is_told(tmp_path: Path) -> None:
    for number in range(6):
        place = tmp_path / "same" / ("mask", "no_mask")[number % 2] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        picture(0).save(place)
    done = run(tmp_path / "same", "-o", tmp_path / "out", "--workers", "1")
    assert done.exit_code == 0, done.output
    assert "6 images show 1 different picture: 5 are copies (83%)." in done.stdout
    assert "1 picture carries more than one label." in done.stdout


def test_explore_tells_the_same_findings(photos: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["explore", str(photos), "-o", str(tmp_path / "out"), "--json"])
    told = json.loads(done.stdout)["audit"]
    assert told == json.loads(run(photos, "--json", *FAST).stdout)["findings"]
    page = (tmp_path / "out/report.html").read_text("utf-8")
    assert "<h2>Audit</h2>" in page
    text = CliRunner().invoke(app, ["explore", str(photos)]).stdout
    assert "1 picture carries more than one label." in text


@pytest.mark.slow
def test_flipped_labels_are_suspects(tmp_path: Path) -> None:
    # Bright pictures are masked and dark ones bare, but for one of each.
    for number in range(120):
        is_mask = number % 2 == 1
        photo = picture(number).point(lambda level, up=is_mask: level // 2 + 127 * up)
        name = "mask" if is_mask != (number < 2) else "no_mask"
        place = tmp_path / "faces" / name / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        photo.save(place)
    done = run(tmp_path / "faces", "-o", tmp_path / "out", "--workers", "1")
    assert done.exit_code == 0, done.output
    suspects = pd.read_csv(tmp_path / "out/suspects.csv", keep_default_na=False)
    assert {"no_mask/1.png", "mask/0.png"} <= set(suspects["path"].head(4))
    assert (tmp_path / "out/suspects.png").is_file()


def test_bad_input_is_one_line_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine")
    photos = write_photos(tmp_path / "faces", 2)
    for arguments, status in (
        ([tmp_path / "empty"], 1),
        ([photos, "-o", tmp_path / "file" / "out"], 1),
        ([photos, "--fail-on", "x"], 1),
        ([photos, "--seed", "-1"], 2),
    ):
        done = run_here("audit", *arguments)
        assert done.status == status, done.errors
        if status == 1:
            assert done.refusals == done.errors.splitlines()[-1:]
    assert (tmp_path / "file").read_text() == "mine"
