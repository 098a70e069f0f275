"""The command line, also as a process: what a person types, reads and finds afterwards."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from tests.cli.running import run_here

from facecover.cli import main

Done = subprocess.CompletedProcess[str]


def facecover(*arguments: object, cwd: Path | None = None) -> Done:
    command = [sys.executable, "-m", "facecover", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=900
    )


def succeeded(*arguments: object) -> Done:
    done = facecover(*arguments)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def dataset(class_folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared") / "dataset"
    done = run_here("prepare", class_folders, "-o", folder)
    assert "120 faces (train 84, val 12, test 24)" in done.out
    assert "faces: class-folders, 120 faces (60 no_mask, 60 mask)" in done.errors
    return folder


@pytest.fixture(scope="module")
def runs(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("runs")
    made = []
    for name in ("net1", "net2"):
        run = root / name
        said = run_here(
            *("train", name, "--data", dataset, "-o", run, "--set", "training.epochs=2")
        ).out
        assert "Parameters" in said
        assert "Accuracy" in said
        made.append(run)
    return made


def test_draw_writes_the_studys_own_shape(tmp_path: Path) -> None:
    drawn = run_here("draw", "-o", tmp_path / "drawn", "--train", 6, "--test", 4)
    assert drawn.status == 0, drawn.errors
    names = sorted(path.name for path in (tmp_path / "drawn/train").iterdir())
    assert [name.partition("_")[0] for name in names] == [str(number) for number in range(6)]
    assert len(list((tmp_path / "drawn/test").iterdir())) == 4


def test_explore_prints_numbers_and_writes_a_page(class_folders: Path, tmp_path: Path) -> None:
    done = run_here("explore", class_folders, "-o", tmp_path / "explored", "--json")
    assert json.loads(done.out)["counts"]["n"] == 120
    written = {path.name for path in (tmp_path / "explored").iterdir()}
    assert written == {"exploration.json", "report.html", "unreadable.csv"}
    assert json.loads((tmp_path / "explored/exploration.json").read_text()) == json.loads(done.out)


@pytest.mark.parametrize(
    "words",
    [
        ("draw",), ("explore", "{photos}"), ("audit", "{photos}"), ("prepare", "{photos}"),
        ("evaluate", "net1", "--data", "{photos}"),
        ("compare", "net1", "net2", "--data", "{photos}"),
    ],
    ids=lambda words: words[0],
)  # fmt: skip
@pytest.mark.parametrize("output", [".", ".."])
def test_the_working_folder_is_no_place_for_an_output(
    class_folders: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    output: str,
) -> None:
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    inode = working.stat().st_ino
    ended = run_here(*(word.format(photos=class_folders) for word in words), "-o", output)
    (line,) = ended.refusals
    assert ended.status == 1
    assert ended.errors == f"{line}\n"  # nothing was begun
    assert "the working folder; it is left as it is" in line
    assert [path.name for path in tmp_path.iterdir()] == ["working"]
    assert working.stat().st_ino == inode
    assert not list(working.iterdir())


def test_explore_reads_a_dataset_too(dataset: Path) -> None:
    assert "120" in run_here("explore", dataset).out


@pytest.mark.slow
def test_a_run_holds_what_it_should(runs: list[Path]) -> None:
    expected = {"config.yaml", "metrics.csv", "last.ckpt", "best.ckpt", "model.onnx", "report.html"}
    for run in runs:
        assert expected <= {path.name for path in run.iterdir()}
        assert pd.read_csv(run / "metrics.csv")["epoch"].tolist() == [1, 2]


@pytest.mark.slow
def test_evaluate_on_a_dataset_and_on_the_photos_agree(
    runs: list[Path], dataset: Path, class_folders: Path, tmp_path: Path
) -> None:
    prepared = json.loads(
        succeeded("evaluate", runs[0], "--data", dataset, "--split", "all", "--json").stdout
    )
    photos = json.loads(run_here("evaluate", runs[0], "--data", class_folders, "--json").out)
    assert prepared["n"] == photos["n"] == 120
    for key in ("accuracy", "log_loss", "confusion"):
        assert prepared[key] == photos[key]
    report = tmp_path / "report"
    assert run_here("evaluate", runs[0], "--data", dataset, "-o", report).status == 0
    assert {path.name for path in report.iterdir()} == {"evaluation.json", "report.html"}
    assert json.loads((report / "evaluation.json").read_text())["n"] == 24


@pytest.mark.slow
def test_compare_on_the_same_images(runs: list[Path], dataset: Path, tmp_path: Path) -> None:
    done = run_here("compare", *runs, "--data", dataset, "-o", tmp_path / "c", "--json")
    comparison = json.loads(done.out)
    assert comparison == json.loads((tmp_path / "c/comparison.json").read_text())
    page = (tmp_path / "c/report.html").read_text()
    assert "net1" in page
    assert "McNemar" in page


@pytest.mark.slow
def test_resuming_a_finished_run_changes_nothing(runs: list[Path], dataset: Path) -> None:
    before = (runs[0] / "model.onnx").read_bytes()
    again = ("train", "net1", "--data", dataset, "-o", runs[0], "--set", "training.epochs=2")
    refused = run_here(*again)
    assert refused.status == 1
    assert "--resume" in refused.errors
    assert run_here(*again, "--resume").status == 0
    assert (runs[0] / "model.onnx").read_bytes() == before


@pytest.mark.slow
@pytest.mark.usefixtures("exported_once")
@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_ctrl_c_says_how_to_go_on(dataset: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ["train", "net1", "--data", str(dataset), "-o", str(run)]
    command = [sys.executable, "-m", "facecover", *arguments, "--set", "training.epochs=5000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wait_for(run / "last.ckpt", process)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=900)
    assert process.returncode == 130
    assert "interrupted after epoch" in errors.splitlines()[-1]
    assert "go on with --resume" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    epochs = len(pd.read_csv(run / "metrics.csv"))
    again = run_here(*arguments, "--set", f"training.epochs={epochs + 1}", "--resume")
    assert again.status == 0, again.errors
    assert len(pd.read_csv(run / "metrics.csv")) == epochs + 1


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    while not path.exists():
        assert process.poll() is None, f"{path} did not appear"
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.usefixtures("exported_once")
def test_the_demo_runs_on_ones_own_photos_and_reuses_what_stands(
    few_photos: Path, tmp_path: Path
) -> None:
    arguments = ("demo", "-o", tmp_path / "d", "--data", few_photos)
    settings = ("--set", "training.epochs=1")
    first = run_here(*arguments, *settings)
    assert first.status == 0, first.errors
    page = tmp_path / "d/report.html"
    assert f"report: {page}" in first.out.replace("\n", "")
    models = {path: path.stat().st_mtime_ns for path in (tmp_path / "d").rglob("*.onnx")}
    assert len(models) == 2
    second = run_here(*arguments, *settings)
    assert "prepared before" in second.errors
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "d").rglob("*.onnx")} == models
    assert second.out == first.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("explore", "nowhere"), "nowhere: "),
        (("prepare", "{photos}/with_mask", "--label", "mask", "-o", "{out}"), "two classes"),
        (("prepare", "{photos}", "--layout", "voq", "-o", "{out}"), "did you mean 'voc'"),
        (("prepare", "{photos}", "-o", "{photos}"), "other files; they are left"),
        (("train", "net3", "--data", "{dataset}", "-o", "{out}"), "no such experiment"),
        (("train", "net1", "--data", "{photos}", "-o", "{out}"), "facecover prepare"),
        (
            ("train", "net1", "--data", "{dataset}", "-o", "{out}", "--set", "training.epoch=3"),
            "did you mean 'epochs'",
        ),
        (("evaluate", "{photos}", "--data", "{dataset}"), "model"),
        (("evaluate", "nothing.onnx", "--data", "{dataset}"), "nothing.onnx"),
    ],
)
def test_bad_input_is_one_line_and_status_1(
    arguments: tuple[str, ...], message: str, class_folders: Path, dataset: Path, tmp_path: Path
) -> None:
    places = {"photos": class_folders, "dataset": dataset, "out": tmp_path / "out"}
    done = run_here(*(argument.format(**places) for argument in arguments))
    assert done.status == 1, done.errors
    (line,) = done.refusals
    assert message in line
    assert not (tmp_path / "out").exists()


def test_a_refusal_ends_the_process_with_one_line(tmp_path: Path) -> None:
    done = facecover("audit", tmp_path / "nowhere")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"facecover: {tmp_path / 'nowhere'}: ")
    assert not done.stdout


def test_misuse_exits_with_2() -> None:
    assert facecover("flatten").returncode == 2
    assert run_here("prepare").status == 2


def test_help_names_every_command() -> None:
    text = succeeded("--help").stdout
    for command in ("demo", "draw", "explore", "prepare", "train", "evaluate", "compare"):
        assert f" {command} " in text


@pytest.mark.parametrize(
    ("said", "shown"), [((), "stopped"), (("after 3 photos",), "after 3 photos")]
)
def test_ctrl_c_says_that_it_stopped(
    said: tuple[str, ...],
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt(*said)

    monkeypatch.setattr("facecover.cli.app.app", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == f"facecover: {shown}\n"
