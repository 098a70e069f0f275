import shutil
from pathlib import Path

import pytest
from tests.scenes.example_detector import scene

from facecover.errors import ConfigError
from facecover.inference import model_file
from facecover.labels import Box
from facecover.scenes.detector import FaceFinder
from facecover.scenes.detector_file import read_detector_file
from facecover.scenes.largest_faces import with_largest_faces
from facecover.sources.rows import Row, Source
from facecover.workflows.prepare_data import prepare


def test_photos_without_a_box_get_that_of_their_largest_face(
    detector_path: Path, tmp_path: Path
) -> None:
    two = scene((64, 96))
    two.paste(scene((0, 0)).crop((0, 0, 30, 32)), (128, 0))  # a narrower face
    two.save(tmp_path / "two.png")
    scene().save(tmp_path / "none.png")
    (tmp_path / "broken.png").write_bytes(b"?")
    given = Box(1, 2, 30, 40)
    rows = (
        Row(tmp_path / "two.png", "a", 1), Row(tmp_path / "none.png", "a", 0),
        Row(tmp_path / "broken.png", "a", 0), Row(tmp_path / "two.png", "a", 0, given),
    )  # fmt: skip
    done: list[int] = []
    notes: list[str] = []
    finder = FaceFinder(read_detector_file(detector_path))
    found = with_largest_faces(
        Source("a", tmp_path, "csv", rows), finder, threads=2, on_progress=done.append,
        on_note=notes.append,
    )  # fmt: skip
    assert [row.box for row in found.rows] == [Box(64, 96, 96, 128), None, None, given]
    assert [row.label for row in found.rows] == [1, 0, 0, 0]
    assert notes == ["a: no face found in 2 photos, which stay whole"]
    assert sum(done) == 4


def test_prepare_cuts_the_largest_face_where_it_is_asked_to(
    detector_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    shutil.copy(detector_path, package / "faces.onnx")
    monkeypatch.setattr(model_file, "MODELS_FOLDER", package)
    for label, name in enumerate(("without_mask", "with_mask")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(6):
            picture = scene((32 * number, 32 + 32 * label))
            picture.putpixel((200, 140), (number, label, 0))
            picture.save(tmp_path / "photos" / name / f"{number}.png")
    prepare(tmp_path / "photos", tmp_path / "whole", split_by="random", workers=1)
    cut = prepare(
        tmp_path / "photos", tmp_path / "cut", split_by="random", faces="detect", workers=1
    )
    table = cut.manifest.table
    assert set(table["width"]) == {32}
    with pytest.raises(ConfigError, match="--faces detect: faces are cut"):
        prepare(tmp_path / "photos", tmp_path / "x", faces="detect", whole_photos=640)
