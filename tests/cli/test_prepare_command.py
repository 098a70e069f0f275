"""`prepare`, given what it cannot use: one line, status 1, and nothing changed."""

import hashlib
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tests.cli.running import Ended, run_here

from facecover.drawn.drawn_dataset import draw_face

pytestmark = pytest.mark.slow


def prepare(*arguments: object, limit: Callable[[], None] | None = None) -> Ended:
    """As a process of its own where that has to have a limit."""
    if limit is None:
        return run_here("prepare", *arguments)
    command = [sys.executable, "-m", "facecover", "prepare", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=900, preexec_fn=limit
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def state(folder: Path) -> dict[str, str]:
    """Every file below a folder with the hash of its content, hidden ones too."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else ""
        for path in folder.rglob("*")
    }


def faces(root: Path, counts: tuple[int, int], first: int = 0, name: str = "face {}.png") -> Path:
    """A source of drawn faces: so many bare and so many masked."""
    for label, folder in enumerate(("no_mask", "mask")):
        for number in range(first, first + counts[label]):
            (root / folder).mkdir(parents=True, exist_ok=True)
            face = draw_face(np.random.default_rng((label, number)), label, (64, 72))
            face.save(root / folder / name.format(number))
    return root


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return faces(tmp_path_factory.mktemp("good") / "photos", (14, 14))


def refused(where: Path, message: str, *arguments: object, **how: Callable[[], None]) -> None:
    """Run it into `where/dataset`: refused with one line, and every file is as it was."""
    before = state(where)
    done = prepare(*arguments, "-o", where / "dataset", **how)
    assert done.status == 1, done.errors
    (line,) = done.refusals
    assert message in line
    assert "/." not in line, "a temporary name is of no use to the reader"
    assert "Traceback" not in done.errors
    assert not done.out
    assert state(where) == before


def test_an_empty_source(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    refused(tmp_path, "photos: ", tmp_path / "photos")


def test_identical_images(tmp_path: Path) -> None:
    photo = Image.new("RGB", (40, 40), (90, 80, 70))
    for folder in ("mask", "no_mask"):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        for number in range(5):
            photo.save(tmp_path / "photos" / folder / f"{number}.png")
    refused(tmp_path, "all 10 images show the same picture", tmp_path / "photos")


def test_a_single_group(tmp_path: Path) -> None:
    faces(tmp_path / "photos", (6, 6))
    paths = sorted((tmp_path / "photos").rglob("*.png"))
    table = pd.DataFrame({"path": [str(path) for path in paths], "group": "one person"})
    table["label"] = [path.parent.name for path in paths]
    table.to_csv(tmp_path / "list.csv", index=False)
    refused(tmp_path, "all 12 images belong to one group", tmp_path / "list.csv")


def test_a_class_that_vanishes_with_its_duplicates(tmp_path: Path) -> None:
    photos = faces(tmp_path / "photos", (12, 0))
    (photos / "mask").mkdir()
    for path in sorted((photos / "no_mask").iterdir())[:3]:
        Image.open(path).resize((60, 68)).save(photos / "mask" / path.name)
    refused(tmp_path, "no 'mask' image is left of 3", photos)


def test_sources_whose_labels_contradict(tmp_path: Path, photos: Path) -> None:
    swapped = tmp_path / "swapped"
    for ours, theirs in (("mask", "0"), ("no_mask", "1")):
        (swapped / theirs).mkdir(parents=True)
        for path in (photos / ours).iterdir():
            Image.open(path).resize((60, 68)).save(swapped / theirs / path.name)
    refused(tmp_path, "pictures in common and label", photos, swapped)
    refused(tmp_path, "already mapped", photos, "--map", "a=mask", "--map", "a=no_mask")


def test_a_place_that_cannot_be_written(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "file").write_text("thesis")
    before = state(tmp_path)
    for place in (tmp_path / "file", tmp_path / "file" / "dataset"):
        done = prepare(photos, "-o", place)
        assert done.status == 1
        assert "a file" in done.errors
    assert state(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_without_permission(tmp_path: Path, photos: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        refused(tmp_path, "no permission to write there", photos)
    finally:
        tmp_path.chmod(0o700)


def at_most(size: int) -> Callable[[], None]:
    """Let the process write no file beyond a size, as on a file system with such a limit."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("size", [50, 60_000, 120_000])
def test_a_disk_that_takes_no_more(tmp_path: Path, photos: Path, size: int) -> None:
    refused(tmp_path, "cannot be written", photos, limit=at_most(size))


def test_a_dataset_survives_its_failed_successor(tmp_path: Path, photos: Path) -> None:
    assert prepare(photos, "-o", tmp_path / "dataset").status == 0
    refused(tmp_path, "cannot be written", photos, "--seed", 1, limit=at_most(60_000))
    refused(tmp_path, "no source is called 'gone'", photos, "--split-by", "source",
            "--leave-out", "gone")  # fmt: skip


def test_options_that_do_not_fit(tmp_path: Path, photos: Path) -> None:
    refused(tmp_path, "--leave-out photos: expected --split-by source", photos,
            "--leave-out", "photos")  # fmt: skip
    refused(tmp_path, "name the sources to test on", photos, "--split-by", "source")
    refused(tmp_path, "cannot be read: No such file", photos, "--relabel",
            tmp_path / "none.csv")  # fmt: skip


def test_a_source_is_left_out_and_labels_are_corrected(tmp_path: Path, photos: Path) -> None:
    new = faces(tmp_path / "new", (0, 5), first=100)
    listed = tmp_path / "suspects.csv"
    columns = "row,source,path,x0,y0,x1,y1,label,suggested,quality,who,when,why"
    listed.write_text(
        f"{columns}\n3,photos,mask/face 3.png,,,,,no_mask,no_mask,0.1,me,2024-05-31,a beard\n"
        "4,photos,mask/face 4.png,,,,,mask,no_mask,0.2,,,\n"
    )
    before = state(photos), state(new)
    done = prepare(photos, new, "--split-by", "source", "--leave-out", "new", "--val", 0.3,
                   "--relabel", listed, "-o", tmp_path / "dataset")  # fmt: skip
    assert done.status == 0, done.errors
    assert "test 5)" in done.out
    assert "labels corrected: 1" in done.out
    assert "the test data have no no_mask image" in done.errors
    assert (state(photos), state(new)) == before
    assert {path.name for path in (tmp_path / "dataset").iterdir()} == {
        "audit.json", "conflicts.csv", "dropped.csv", "images_32.npy", "images_64.npy",
        "images_96.npy", "manifest.parquet", "unreadable.csv",
    }  # fmt: skip
    explored = run_here("explore", tmp_path / "dataset")
    assert explored.status == 0, explored.errors


def test_a_random_split_says_what_it_leaks(tmp_path: Path, photos: Path) -> None:
    copies = tmp_path / "copies"
    for path in sorted(photos.rglob("*.png")):
        (copies / path.parent.name).mkdir(parents=True, exist_ok=True)
        Image.open(path).resize((60, 68)).save(copies / path.parent.name / path.name)
    done = prepare(photos, copies, "--split-by", "random", "-o", tmp_path / "dataset")
    assert done.status == 0, done.errors
    (line,) = [line for line in done.errors.splitlines() if line.startswith("leakage: ")]
    assert "test images have a twin in the training data" in line
    assert line.endswith("figures on them will be too good")
