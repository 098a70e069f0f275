"""`facecover study`, on photos of one's own."""

import html
import json
from pathlib import Path

import pytest
from tests.cli.running import run_here
from tests.report.html_check import page_text

from facecover import study
from facecover.dataset.manifest import load_manifest

pytestmark = pytest.mark.usefixtures("exported_once")

STUDY = """\
name: own
question: Does width matter?
variants:
  - {name: narrow, experiment: net1, set: {network.width: 0.05}}
  - {name: wide, experiment: net1, set: {network.width: 0.1}}
seeds: [0]
divisions: [each-random, merged-group]
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(STUDY, encoding="utf-8")
    return path


def test_the_list_names_every_study_with_its_question() -> None:
    done = run_here("study", "--list")
    assert done.status == 0, done.errors
    assert "first-filter: Does a first filter of 5 x 5 help Net #1" in done.out


@pytest.mark.slow
def test_a_study_of_ones_own_runs_and_is_not_run_again(
    own: Path, class_folders: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = (own, "--data", class_folders, "-o", out, "--epochs", 1)
    first = run_here("study", *arguments)
    assert first.status == 0, first.errors
    assert "run 1 of 4: each-random, faces: narrow, seed 0" in first.errors
    assert "left" in first.errors
    assert "Does width matter?" in first.out
    assert {"photos", "prepared.json", "report.html", "runs", "study.json", "study.yaml"} == {
        path.name for path in out.iterdir()
    }
    assert "Does width matter?" in page_text((out / "report.html").read_text("utf-8"))
    second = run_here("study", *arguments, "--json")
    assert second.status == 0, second.errors
    assert "prepared before" in second.errors
    assert "run 1 of" not in second.errors
    document = json.loads(second.out)
    assert document == json.loads((out / "study.json").read_text("utf-8"))
    assert len(document["results"]) == 4
    _check_python(own, class_folders, out, document, capfd)
    other = tmp_path / "other.yaml"
    other.write_text(STUDY.replace("name: own", "name: other"), encoding="utf-8")
    refused = run_here("study", other, "--data", class_folders, "-o", out)
    assert refused.status == 1
    assert "expected the study other, found own" in refused.errors


def _check_python(
    own: Path, photos: Path, out: Path, document: object, capfd: pytest.CaptureFixture[str]
) -> None:
    """The same from Python: the same facts, and not a word."""
    capfd.readouterr()
    answer = study(own, [photos], out, epochs=1)
    assert capfd.readouterr() == ("", "")
    assert answer.folder == out
    assert answer.to_json() == document
    table = answer.to_pandas()
    assert table["variant"].tolist() == ["narrow", "wide"] * 2
    assert table["difference"].notna().tolist() == [False, True] * 2
    assert "Does width matter?" in html.unescape(answer._repr_html_())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("splitz", "--data", "{photos}"), "no such study (did you mean 'splits'?)"),
        (("{own}", "--data", "{photos}", "--only", "wider"), "no such variant"),
        (("{own}", "--data", "{photos}", "--seeds", "0,x"), "expected whole numbers"),
        (("{own}", "--data", "{photos}", "--division", "grouped"), "expected 'each-random'"),
        (("{own}", "--data", "{photos}", "--judged-on", "all"), "expected 'test' or 'val'"),
        (("{own}", "--data", "{photos}", "--leave-out", "faces"), "leave_out: expected 'left-out'"),
        (("splits", "--data", "{photos}", "--leave-out", "a"), "no source is called 'a'; the"),
        (("{own}", "--data", "{photos}", "--set", "epochs=3"), "training.epochs"),
        (("{own}", "--data", "{out}", "--data", "{photos}"), "{out}"),
        (("{own}", "--data", "{photos}", "-o", "{photos}"), "other files; they are left"),
        (("{own}", "--data", "{photos}", "--relabel", "none.csv"), "none.csv: cannot be read"),
    ],
)
def test_bad_input_is_one_line_and_status_1(
    arguments: tuple[str, ...],
    message: str,
    own: Path,
    class_folders: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places = {"photos": class_folders, "own": own, "out": tmp_path / "out"}
    monkeypatch.chdir(tmp_path)
    done = run_here("study", *(argument.format(**places) for argument in arguments))
    assert done.status == 1, done.errors
    (line,) = done.refusals
    assert message.format(**places) in line
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "studies").exists()


@pytest.mark.slow
def test_corrected_labels_are_learned_and_tested_on(
    own: Path, class_folders: Path, tmp_path: Path
) -> None:
    listed = tmp_path / "corrections.csv"
    columns = "source,path,label,who,when,why"
    (face, *_) = sorted(path.name for path in (class_folders / "with_mask").iterdir())
    listed.write_text(f"{columns}\nfaces,with_mask/{face},no_mask,me,2024-05-31,a beard\n")
    out = tmp_path / "out"
    arguments = (own, "--data", class_folders, "--relabel", listed, "-o", out, "--only", "narrow",
                 "--division", "merged-random", "--epochs", 1)  # fmt: skip
    done = run_here("study", *arguments)
    assert done.status == 0, done.errors
    manifest = load_manifest(out / "photos")
    assert manifest.info.relabelled == 1
    (row,) = manifest.table[manifest.table["relabelled_by"].notna()].to_dict("records")
    assert (row["path"], row["label"]) == (f"with_mask/{face}", 0)
    # Another list is another question: nothing that was prepared with the old one serves.
    listed.write_text(f"{columns}\n")
    assert "prepared before" not in run_here("study", *arguments).errors
    assert load_manifest(out / "photos").info.relabelled == 0


@pytest.mark.slow
def test_a_prepared_dataset_serves_a_study_by_group(
    own: Path, class_folders: Path, tmp_path: Path
) -> None:
    dataset = tmp_path / "dataset"
    assert run_here("prepare", class_folders, "-o", dataset).status == 0
    refused = run_here("study", own, "--data", dataset, "-o", tmp_path / "out")
    assert refused.status == 1
    assert "division each-random: a prepared dataset holds each picture once" in refused.errors
    refused = run_here(
        "study", own, "--data", dataset, "-o", tmp_path / "out", "--relabel", "list.csv"
    )
    assert "--relabel: expected photos, found a dataset" in refused.errors
    arguments = ("--division", "merged-group", "--only", "wide", "--epochs", 1)
    done = run_here("study", own, "--data", dataset, "-o", tmp_path / "out", *arguments)
    assert done.status == 0, done.errors
    assert "run 1 of 1: merged-group, all: wide, seed 0" in done.errors
    assert not (tmp_path / "out/photos").exists()


def test_misuse_exits_with_2() -> None:
    done = run_here("study", "splits")
    assert done.status == 2
    assert "--data" in done.errors
